"""Writing by index: `scatter` and `scatter_add` along one axis, `index_put` at a whole key.

Built on `add_at` and `overwrite`, whose gradient rules serve all of them.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.node import Node
from minigrad.autograd.recording import operation
from minigrad.backend import quiet
from minigrad.ops.arguments import Operand, axis, of_tensors, require_number, require_tensor, takes_out
from minigrad.ops.copies import contiguous, ravel
from minigrad.ops.gather import at_least_1d, make_key_along
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.index import getitem, put_at, read_at
from minigrad.ops.inplace import index_put_over
from minigrad.ops.keys import array_key, check_fits_region, types_differ, watch
from minigrad.ops.overwrite import overwrite
from minigrad.ops.shape import reshape
from minigrad.shown_values import shorten

# Adds values at indices, which may repeat.
add_at = operation(
    "index_put", lambda x, values, *, key: x + put_at.forward(values, shape=x.shape, key=key),
    lambda g: g, lambda g, key: read_at(g, key=key), in_float32=True
)  # fmt: skip
_scatter_added = shown_as(add_at, "ScatterAddBackward0")
_index_put_added = operation("index_put", add_at.forward, lambda g, key: g, add_at.rules[1])
_index_put_added.once = True  # as in PyTorch, which saves the indices for every backward, even one that reads none
_scattered_over = shown_as(overwrite, "ScatterBackward0")


def reshape_like(x: Any, other: Any) -> Any:
    """`x` in the shape of `other`, which has as many elements; its node keeps the name."""
    if x.array.ndim == other.array.ndim:
        return x
    name = x.node.name() if isinstance(x.node, Node) else ""
    return name_last_call(reshape(x, other.array.shape), name)


@takes_out(apart="others")
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Operand = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """The tensor with ``out[index[i][j]][j] = src[i][j]`` for dim 0, and likewise for other dims.

    Shapes: `index` has as many axes as `input`, and no more elements along the others than `dim`; `src` is at least as
    large as `index`, or one number. With `reduce` "add" or "multiply" the old number is added to or multiplied. Raises
    RuntimeError for an index out of range.

    >>> import minigrad as torch
    >>> torch.scatter(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([5.0, 6.0]))
    tensor([6., 0., 5.])
    """
    src = value if src is None else src
    if reduce not in (None, "add", "multiply"):
        wrong = RuntimeError if isinstance(reduce, str) else TypeError
        raise wrong(f"scatter(): reduce argument must be either add or multiply, got {shorten(reduce)}")
    require_number("scatter", "src", src)
    by_number = not isinstance(src, TensorBase)
    if by_number and isinstance(index, TensorBase):
        number = dtypes.scalar(src if index.array.size else 0, input.array.dtype)  # nothing is written, whatever it is
        src = compute(_fill, index, number)
    if reduce == "multiply":
        from minigrad.ops.index_reductions import scatter_reduce  # it imports this file

        return scatter_reduce(input, dim, index, src, "prod")
    result = _scatter("scatter", input, dim, index, src, add=reduce == "add")
    return name_last_call(result, "ScatterBackward1") if by_number and reduce is None else result


@takes_out(apart="others")
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """The tensor with ``src[i][j]`` added at ``out[index[i][j]][j]`` for dim 0, and likewise for others.

    >>> import minigrad as torch
    >>> torch.scatter_add(torch.zeros(3), 0, torch.tensor([2, 2]), torch.tensor([5.0, 6.0]))
    tensor([ 0.,  0., 11.])
    """
    return _scatter("scatter_add", input, dim, index, src, add=True)


def _fill(x: Any, number: Any) -> Any:
    return np.full_like(x, number, number.dtype)


def check_types(name: str, input: Any, src: Any) -> None:
    """Raises if `input` and `src` have different dtypes."""
    if input.array.dtype != src.array.dtype:
        types = f"got {input.array.dtype} and {src.array.dtype}"
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype, {types}")


def _refuse_larger(g: Any, x_shape: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    shapes = f"src has shape {list(x_shape)}, index {list(shape)}"
    detail = "scatter returned an invalid gradient for a src larger than index"
    raise RuntimeError(f"{detail}: {shapes}; cut src to the shape of index")


_cut = operation("cut", lambda x, *, shape: x[tuple([slice(n) for n in shape])], _refuse_larger)


def check_covers(name: str, index: Any, src: Any) -> tuple[tuple[int, ...], Any]:
    """The shape of `index`, and `src` with at least one axis, which must have an element for each index."""
    shape, source = index.array.shape or (1,), at_least_1d(src)
    if not index.array.size:
        return shape, reshape(getitem(ravel(src), slice(0, 0)), shape)
    have = source.array.shape
    if len(have) != len(shape) or any(n > m for n, m in zip(shape, have, strict=True)):
        raise RuntimeError(f"Expected index {list(shape)} to be no larger than src {list(src.array.shape)} ({name})")
    return shape, source


def _read_by_index(name: str, src: Any, index: Any) -> Any:
    """The part of `src` that a scatter reads: as many entries along each axis as `index` has.

    If that is not all of `src`, it has no gradient, as in PyTorch: "the backward pass is implemented only for
    src.shape == index.shape".
    """
    shape, source = check_covers(name, index, src)
    have = source.array.shape
    if shape == have:
        return source
    if all(n == m or m == 1 for n, m in zip(shape, have, strict=True)):  # no element is read
        return getitem(source, tuple([slice(n) for n in shape]))
    return _cut(source, shape=shape)


def make_scatter_key(name: str, input: Any, dim: int, index: Any, src: Any) -> tuple[Any, ...]:
    """The key by which a scatter writes `src` into `input`, after a check of their dtypes."""
    for position, (role, x) in enumerate((("index", index), ("src", src)), 3):
        require_tensor(name, role, position, x)
    axis(dim, input.array.ndim)  # PyTorch reports a wrong dim before a wrong dtype
    check_types(name, input, src)
    if index.array.size:
        return make_key_along(name, input, dim, index)
    nowhere, ndim = index.array.astype(np.int64), input.array.ndim or 1
    return watch((nowhere,) * ndim, index, own=tuple(range(1, ndim)))  # nothing is written, whatever shape and type


def _scatter(name: str, input: Any, dim: int, index: Any, src: Any, *, add: bool) -> Any:
    key = make_scatter_key(name, input, dim, index, src)
    target, values = at_least_1d(input), _read_by_index(name, src, index)
    if add:
        return reshape_like(_scatter_added(target, values, key=key), input)
    target = contiguous(target)  # as PyTorch's result lies; that of scatter_add lies as input does
    return reshape_like(_scattered_over(target, values, reader=read_at, statics={"key": key}), input)


@of_tensors(apart="others", in_part=True)
def index_put(input: Tensor, indices: Operand, values: Operand, accumulate: bool = False) -> Tensor:
    """The tensor with ``out[indices] = values``, or with the values added there.

    >>> import minigrad as torch
    >>> torch.index_put(torch.zeros(3), (torch.tensor([0, 2]),), torch.tensor([5.0, 6.0]))
    tensor([5., 0., 6.])
    """
    require_tensor("index_put", "values", 3, values)
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put() takes a tuple of index tensors, one for each axis, got {type(indices).__name__}")
    for position, places in enumerate(indices, 1):
        require_tensor("index_put", "indices", position, places)
    if values.array.dtype != input.array.dtype:
        raise types_differ(input.array, values.array)
    key = array_key(input.array, tuple(indices))
    check_fits_region(values.array, quiet(operator.getitem, input.array, key), input.array)
    if accumulate:
        return _index_put_added(input, values, key=key)
    return index_put_over(input, values, reader=read_at, statics={"key": key})
