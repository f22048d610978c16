"""Operations that change the shape or the axes, such as `reshape`, `permute` and `expand`. Most return views."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, plain_classes
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.layout import invert
from minigrad.ops.arguments import as_size, axis, common_shape, of_tensors, read_tensors, sizes, takes_out
from minigrad.ops.complaints import ask_or_refuse, cannot_expand, does_not_fit, does_not_permute, is_no_view
from minigrad.ops.elementwise import twin_of
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.size import Size

to_shape = operation("view", lambda x, *, shape: x.reshape(shape), lambda g, x_shape: g.reshape(x_shape), view=True)
permute_axes = operation(
    "permute", lambda x, *, order: x.transpose(order), lambda g, order: np.transpose(g, invert(order)), view=True
)
_swap = operation(
    "transpose",
    lambda x, *, first, second: x.swapaxes(first, second),
    lambda g, first, second: np.swapaxes(g, first, second),
    view=True,
)
# The engine sums gradients over broadcast axes, so this rule returns the gradient unchanged.
_expand = operation("expand", lambda x, *, shape: broadcast(x, shape), lambda g: g, view=True)
# The same under the `grad_fn` names that PyTorch prints.
_squeezed = [shown_as(to_shape, f"SqueezeBackward{i}") for i in range(3)]  # all axes, one of them, those named
_unsqueezed = shown_as(to_shape, "UnsqueezeBackward0")
_turned_matrix = shown_as(_swap, "TBackward0")
_TURN = {"first": 0, "second": 1}  # the axes that it swaps
alias = operation("alias", lambda x: x.view(), lambda g: g, view=True)
_turned_vector = shown_as(alias, "TBackward0")


def broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    """The array `x` repeated to `shape` without copying: stride 0 along the repeated axes."""
    wide = array_module(x).broadcast_to(x, shape)
    if type(wide) is np.ndarray:  # NumPy makes it read-only; writes are checked in `inplace.py`
        wide.flags.writeable = x.flags.writeable
    return wide


def _reshape_by(made: Any, input: Any, shape: tuple[int, ...]) -> Tensor:
    """What `made`, `to_shape` or the same under another name, makes of a tensor: its elements under these axes."""
    return made.call((input,), (shape,), {"shape": shape}, input.array.reshape)


def reshape(input: Tensor, *lengths: Any, shape: Any = None) -> Tensor:
    """The same elements in row-major order under the axes `shape`; one length may be -1.

    Raises RuntimeError when the number of elements differs.

    >>> import minigrad as torch
    >>> torch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    plain = input.__class__ in plain_classes
    if not plain and (answer := ask_or_refuse(reshape, (input, *lengths), {"shape": shape})) is not NotImplemented:
        return answer
    wanted = sizes("reshape", lengths if shape is None else (shape,), "shape")
    for length in wanted:
        if length < -1:
            raise does_not_fit(input.array.shape, wanted)
    try:
        made = to_shape.call((input,), (wanted,), {"shape": wanted}, input.array.reshape)  # `_reshape_by`, written out
        return made if made.view_of is not None or made.node is None else name_last_call(made, "UnsafeViewBackward0")
    except ValueError:
        raise does_not_fit(tuple(input.array.shape), wanted) from None


def view(input: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """`reshape` without a copy, or the same bytes as another dtype.

    Raises RuntimeError if the memory order does not allow such a view.

    >>> import minigrad as torch
    >>> torch.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    given = shape or tuple([x for x in (size, dtype) if x is not None]) or sizes("view", ())
    if len(given) == 1 and isinstance(given[0], dtypes.dtype):
        from minigrad.ops.strides import view_as_dtype

        return view_as_dtype(input, given[0].numpy)
    made = reshape(input, *given)
    if made.view_of is None and made.array.size:
        raise is_no_view(tuple(input.array.shape), tuple(made.array.shape))
    return made


@of_tensors
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The axes in the order `dims`: ``permute(0, 3, 1, 2)`` turns (N, H, W, C) into (N, C, H, W).

    The result is a view. Raises RuntimeError unless `dims` names each axis once.

    >>> import minigrad as torch
    >>> torch.permute(torch.ones(2, 3, 4), (2, 0, 1)).shape
    minigrad.Size([4, 2, 3])
    """
    ndim = input.array.ndim
    order = sizes("permute", dims, "dims")
    order = tuple([axis(d, ndim) for d in order]) if len(order) == ndim else order
    if sorted(order) != list(range(ndim)):
        raise does_not_permute(ndim, order)
    return permute_axes.call((input,), order, {"order": order}, input.array.transpose)


def reverse_axes(input: Any) -> Tensor:
    """A view with all axes in reverse order."""
    order = tuple(range(input.array.ndim))[::-1]
    return permute_axes.call((input,), order, {"order": order}, input.array.transpose)


@twin_of(np.transpose)
def _numpy_transpose(input: Any, axes: Any = None) -> Any:
    return reverse_axes(input) if axes is None else permute(input, axes)


@twin_of(np.swapaxes)
@of_tensors
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """The tensor with two axes swapped.

    >>> import minigrad as torch
    >>> torch.transpose(torch.tensor([[1, 2, 3], [4, 5, 6]]), 0, 1)
    tensor([[1, 4],
            [2, 5],
            [3, 6]])
    """
    ndim = input.array.ndim
    first, second = axis(dim0, ndim), axis(dim1, ndim)
    if not ndim:
        return alias(input)
    return _swap.call((input,), (first, second), {"first": first, "second": second}, input.array.swapaxes)


swapdims = transpose


@of_tensors
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """The tensor with two axes swapped: `transpose`, with NumPy's names for the axes.

    >>> import minigrad as torch
    >>> torch.swapaxes(torch.tensor([[1, 2, 3], [4, 5, 6]]), 0, 1)
    tensor([[1, 4],
            [2, 5],
            [3, 6]])
    """
    return transpose(input, axis0, axis1)


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; tensors with one axis or none stay as they are.

    >>> import minigrad as torch
    >>> torch.t(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    if input.__class__ not in plain_classes and (answer := ask_or_refuse(t, (input,))) is not NotImplemented:
        return answer
    if input.array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D; write x.mT")
    if input.array.ndim < 2:
        return _turned_vector(input)
    return _turned_matrix.call((input,), (0, 1), _TURN, input.array.swapaxes)


@twin_of(np.broadcast_to)
@of_tensors
def broadcast_to(input: Tensor, *size: Any) -> Tensor:
    """The tensor repeated to `size`; a length of -1 keeps the axis as it is.

    >>> import minigrad as torch
    >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, *size)


@of_tensors
def expand(input: Tensor, *size: Any) -> Tensor:
    """The tensor repeated along axes of length 1, and new axes in front: a view, not a copy.

    >>> import minigrad as torch
    >>> torch.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    wanted = sizes("expand", size)
    have = input.array.shape
    extra = len(wanted) - len(have)
    full = tuple([have[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)])
    try:
        if min(full, default=0) < 0:
            raise ValueError("a negative length, which CuPy lets pass")
        return _expand(input, shape=full)
    except ValueError:
        raise cannot_expand(have, wanted) from None


@of_tensors(axis_first=True)
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from `start_dim` to `end_dim` joined into one.

    >>> import minigrad as torch
    >>> torch.zeros(2, 3, 4).flatten(1).shape
    minigrad.Size([2, 12])
    """
    shape = input.array.shape
    first, last = axis(start_dim, len(shape)), axis(end_dim, len(shape))
    if first > last:
        raise RuntimeError(f"flatten() has invalid args: start_dim {start_dim} cannot come after end_dim {end_dim}")
    joined = (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])
    return input if joined == shape else reshape(input, joined)


_EVERY = object()  # default of `squeeze`: all axes of length 1


@takes_out
def squeeze(input: Tensor, *dims: Any, dim: Any = _EVERY) -> Tensor:
    """The axes of length 1 dropped: all of them, or those that are named.

    >>> import minigrad as torch
    >>> torch.squeeze(torch.ones(1, 2, 1)).shape
    minigrad.Size([2])
    """
    ndim = input.array.ndim
    if not dims and dim is _EVERY:
        return _reshape_by(_squeezed[0], input, _shape_without_ones(input, range(ndim)))
    dims = dims or (dim,)
    named = dims[0] if len(dims) == 1 else dims
    several = isinstance(named, (tuple, list))
    dropped = [axis(as_size(d, "dim"), ndim) for d in (named if several else (named,))]
    if len(set(dropped)) != len(dropped):
        raise RuntimeError(f"squeeze: a dim appears multiple times in the list of dims {list(named)}")
    return _reshape_by(_squeezed[2 if several else 1], input, _shape_without_ones(input, dropped))


def _shape_without_ones(input: Any, dropped: Any) -> tuple[int, ...]:
    return tuple([n for i, n in enumerate(input.array.shape) if n != 1 or i not in dropped])


@takes_out
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a new axis of length 1 at `dim`: (2, 3) -> (1, 2, 3), (2, 1, 3) or (2, 3, 1).

    A negative `dim` counts from the end of the result's axes. Raises IndexError for a `dim` outside them.

    >>> import minigrad as torch
    >>> torch.unsqueeze(torch.ones(2), 0).shape
    minigrad.Size([1, 2])
    """
    shape = input.array.shape
    d = axis(dim, len(shape) + 1)
    return _reshape_by(_unsqueezed, input, (*shape[:d], 1, *shape[d:]))


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes have in common.

    >>> import minigrad as torch
    >>> torch.broadcast_shapes((3, 1), (2,))
    minigrad.Size([3, 2])
    """
    name = "broadcast_shapes"
    return Size(common_shape(name, *[sizes(name, (shape,), "shapes") for shape in shapes]))


@names_options
def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """The tensors expanded to their common shape.

    >>> import minigrad as torch
    >>> [x.shape for x in torch.broadcast_tensors(torch.ones(3, 1), torch.ones(2))]
    [minigrad.Size([3, 2]), minigrad.Size([3, 2])]
    """
    given = read_tensors("broadcast_tensors", (tensors,))
    shape = broadcast_shapes(*[tuple(x.array.shape) for x in given])
    return tuple([x if x.array.shape == shape else expand(x, shape) for x in given])
