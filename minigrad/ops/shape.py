"""Reshuffles: the same numbers under other axes. Most are views of their operand's memory."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import operation
from minigrad.backend import array_module, device_of, library, to_device
from minigrad.ops.axes import axis, sizes
from minigrad.ops.elementwise import not_a_tensor, twin_of

_reshape = operation(
    "view", lambda x, *, shape: x.reshape(shape), lambda g, x_shape: g.reshape(x_shape), view=True
)
_permute = operation(
    "permute",
    lambda x, *, order: x.transpose(order),
    lambda g, order: np.transpose(g, tuple([order.index(i) for i in range(len(order))])),
    view=True,
)
_swap = operation(
    "transpose",
    lambda x, *, first, second: x.swapaxes(first, second),
    lambda g, first, second: np.swapaxes(g, first, second),
    view=True,
)
# The engine sums over repeated axes, so the gradient of a repetition is the gradient itself.
_expand = operation("expand", lambda x, *, shape: spread(x, shape), lambda g: g, view=True)
_alias = operation("alias", lambda x: x.view(), lambda g: g, view=True)
_copy = operation("clone", lambda x: x.copy(), lambda g: g)
_cast = operation("to_copy", lambda x, *, dtype: x.astype(dtype), lambda g: g)


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """The array `x` repeated to `shape` without copying: stride 0 along the repeated axes."""
    return array_module(x).broadcast_to(x, shape)


def reshape(input: Any, *shape: Any) -> Any:
    """The same elements in row-major order under the axes `shape`; one length may be -1.

    >>> import minigrad as torch
    >>> torch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    if not isinstance(input, TensorBase):
        raise not_a_tensor("reshape", "input", 1, input)
    wanted = sizes("reshape", shape)
    try:
        return _reshape(input, shape=wanted)
    except ValueError:
        have = tuple(input.array.shape)
        raise RuntimeError(
            f"shape '{list(wanted)}' is invalid for input of size {prod(have)}: a tensor of shape {have} "
            f"cannot be laid out so"
        ) from None


def permute(input: Any, *dims: Any) -> Any:
    """The axes in the order `dims`: ``permute(0, 3, 1, 2)`` turns (N, H, W, C) into (N, C, H, W)."""
    order = sizes("permute", dims)
    ndim = input.array.ndim
    order = tuple([axis(d, ndim) for d in order])
    if sorted(order) != list(range(ndim)):
        raise RuntimeError(
            f"permute(dims): dims must name each of the {ndim} dimensions once, got {list(order)}"
        )
    return _permute(input, order=order)


@twin_of(np.transpose)
def _numpy_transpose(input: Any, axes: Any = None) -> Any:
    return permute(input, tuple(range(input.array.ndim))[::-1] if axes is None else axes)


@twin_of(np.swapaxes)
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """The tensor with two axes swapped."""
    ndim = input.array.ndim
    first, second = axis(dim0, ndim), axis(dim1, ndim)
    return _swap(input, first=first, second=second) if ndim else _alias(input)


def t(input: Any) -> Any:
    """The transpose of a matrix; tensors with one axis or none stay as they are."""
    if input.array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D")
    return transpose(input, 0, 1) if input.array.ndim == 2 else _alias(input)


@twin_of(np.broadcast_to)
def broadcast_to(input: Any, shape: Any) -> Any:
    """The tensor repeated to `shape`; a length of -1 keeps the axis as it is."""
    return expand(input, shape)


def expand(input: Any, *shape: Any) -> Any:
    """The tensor repeated along axes of length 1, and new axes in front: a view, not a copy."""
    wanted = sizes("expand", shape)
    have = input.array.shape
    extra = len(wanted) - len(have)
    full = tuple([have[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)])
    try:
        return _expand(input, shape=full)
    except ValueError:
        raise RuntimeError(
            f"The expanded size must match the existing size at each axis that is not 1: cannot expand "
            f"shape {tuple(have)} to {wanted}"
        ) from None


def clone(input: Any, *, memory_format: Any = None) -> Any:
    """A copy in memory of its own, through which gradients flow back."""
    return _copy(input)


def cast(input: Any, dtype: Any) -> Any:
    """The tensor with elements of another NumPy dtype; itself when it has that dtype already."""
    return input if input.array.dtype == dtype else _cast(input, dtype=dtype)


_move = operation(
    "to_device",
    lambda x, *, source, target: to_device(x, target),
    lambda g, source, target: _move(g, source=target, target=source),
)


def move(input: Any, target: Any) -> Any:
    """The tensor on another device; itself when it is there already. Gradients travel back."""
    source = device_of(input.array)
    if source.type == target.type and target.index in (None, source.index):
        return input
    library(target)  # raises with the reason when there is no such device
    return _move(input, source=source, target=target)
