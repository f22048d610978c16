"""Reading and writing by index along one axis: `gather`, `scatter`, `index_select`, `repeat_interleave`.

All are built on `read_at`, `add_at` and `overwrite`, whose gradient rules serve them.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.failed_calls import check_same_library
from minigrad.autograd.node import Node
from minigrad.autograd.recording import operation
from minigrad.backend import device_of, quiet, to_device
from minigrad.devices import CPU
from minigrad.ops.arguments import as_int, axis, of_tensors, require_number, require_tensor, takes_out
from minigrad.ops.complaints import not_implemented_for, shapes_do_not_broadcast
from minigrad.ops.copies import contiguous, ravel
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.index import getitem, put_at, read_at
from minigrad.ops.keys import Key, array_key, check_fits_region, first_out_of_range, types_differ, watch
from minigrad.ops.overwrite import overwrite
from minigrad.ops.rearranging import reshape_along
from minigrad.ops.shape import expand, reshape
from minigrad.placement import arange_beside, as_index, constant_beside
from minigrad.shown_values import shorten


def check_is_index(
    name: str, dtype: Any, known: tuple[Any, ...] = (np.int64,), refusal: type[Exception] = RuntimeError
) -> None:
    """Raises unless `dtype`, that of an index tensor, is one of the `known` ones."""
    if dtype not in known:
        got = dtypes.from_numpy(dtype)
        raise refusal(f"{name}(): Expected dtype int64 for index, got {got}; convert with .long()")


def count_from_start(index: Any, length: int) -> Any:
    """An index tensor, with negative numbers, which count from the end, replaced by those from the start."""
    return compute(lambda places: places + (places < 0) * length, index)


def check_places(name: str, input: Any, d: int, index: Any, refusal: type[Exception] = RuntimeError) -> Any:
    """The array of an index tensor, after a check that its values are valid for axis `d`."""
    require_tensor(name, "index", 3, index)
    array = index.array
    if not array.__class__ is input.array.__class__ is np.ndarray:
        check_same_library(name, (input.array, array))
    check_is_index(name, array.dtype, (np.int64, np.int32))
    size = input.array.shape[d] if input.array.ndim else 1
    bad = first_out_of_range(array, size)
    if bad is not None:
        raise refusal(f"index {bad} is out of bounds for dimension {d} with size {size} ({name})")
    return array


def make_key_along(name: str, input: Any, dim: int, index: Any) -> Key:
    """The key that reads ``input[i, index[i, j, k], k]`` when `dim` is 1, and likewise for other dims."""
    d = axis(dim, input.array.ndim)
    places = check_places(name, input, d, index)
    shape, have = places.shape or (1,), input.array.shape or (1,)
    if len(have) != len(shape):
        ranks = f"got {places.ndim} and {input.array.ndim} ({name})"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as input tensor: {ranks}")
    for i, (n, size) in enumerate(zip(shape, have, strict=True)):
        if i != d and n > size:
            detail = f"index {list(shape)} to be no larger than self {list(have)} apart from dimension {d} ({name})"
            raise RuntimeError(f"Size does not match at dimension {i} expected {detail}")
    return _watch_along(_make_key_at(places.reshape(shape), d), d, index)


def _make_key_at(places: Any, d: int) -> list[Any]:
    """The parts of a key that reads at the indices `places` along axis `d`, and along the other axes one by one."""
    counts = [places if i == d else arange_beside(places, n) for i, n in enumerate(places.shape)]
    return [part if i == d else reshape_along(part, i, places.ndim) for i, part in enumerate(counts)]


def _watch_along(parts: Sequence[Any], d: int, index: Any) -> Key:
    return watch(tuple(parts), index, own=tuple([i for i in range(len(parts)) if i != d]))


# Reading and writing by a key, under the `grad_fn` names that PyTorch prints.
_gathered = shown_as(read_at, "GatherBackward0")
_index_selected = shown_as(read_at, "IndexSelectBackward0")
# Adds values at indices, which may repeat.
add_at = operation(
    "index_put", lambda x, values, *, key: x + put_at.forward(values, shape=x.shape, key=key),
    lambda g: g, lambda g, key: read_at(g, key=key), in_float32=True
)  # fmt: skip
_scatter_added = shown_as(add_at, "ScatterAddBackward0")
_index_put_added = operation("index_put", add_at.forward, lambda g, key: g, add_at.rules[1])
_index_put_added.once = True  # as in PyTorch, which saves the indices for every backward, even one that reads none
_scattered_over = shown_as(overwrite, "ScatterBackward0")
_index_put = shown_as(overwrite, "IndexPutBackward0")


def reshape_like(x: Any, other: Any) -> Any:
    """`x` in the shape of `other`, which has as many elements; its node keeps the name."""
    if x.array.ndim == other.array.ndim:
        return x
    name = x.node.name() if isinstance(x.node, Node) else ""
    return name_last_call(reshape(x, other.array.shape), name)


def at_least_1d(input: Any) -> Any:
    """A 0-d tensor as a 1-d one, so that it can be read by index."""
    return input if input.array.ndim else reshape(input, 1)


@takes_out(apart="all")
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``out[i][j] = input[index[i][j]][j]`` for dim 0, and likewise for other dims.

    >>> import minigrad as torch
    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    if isinstance(index, TensorBase) and not index.array.size:
        axis(dim, input.array.ndim)
        nothing = getitem(ravel(input), slice(0, 0))
        return name_last_call(reshape(nothing, index.array.shape), "GatherBackward0")
    read = _gathered(at_least_1d(input), key=make_key_along("gather", input, dim, index))
    return read if index.array.ndim else name_last_call(reshape(read, ()), "GatherBackward0")


def read_found(read: Any, input: Any, d: int, found: Any, places: Any) -> Any:
    """The elements at the indices that a search `found` in each line along axis `d`, read by the operation `read`.

    The tensor `places` holds these indices, in the shape of the result: without axis `d`, or with it.
    """
    parts = _make_key_at(found, d)
    if places.array.ndim < found.ndim:
        parts = [part.reshape(part.shape[:d] + part.shape[d + 1 :]) for part in parts]
    return read(input, key=_watch_along(parts, d, places))


@takes_out(apart="all", axis_first=True)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` with broadcasting on the other axes, and negative indices counted from the end.

    Without `dim` it is `gather` on the flattened tensor, which takes no negative ones.

    >>> import minigrad as torch
    >>> x = torch.tensor([[3, 1, 2]])
    >>> torch.take_along_dim(x, x.argsort(), dim=1)
    tensor([[1, 2, 3]])
    """
    check_is_index("take_along_dim", indices.array.dtype)
    if dim is None:
        return gather(ravel(input), 0, ravel(indices))
    a, b = list(input.array.shape), list(indices.array.shape)
    if len(a) != len(b):
        ranks = f"but got {len(a)} dimensions for input, and {len(b)} dimensions for indices"
        raise RuntimeError(f"take_along_dim(): input and indices should have the same number of dimensions, {ranks}")
    if not a:
        raise IndexError(f"take_along_dim(): Dimension specified as {dim} but tensor has no dimensions: leave dim out")
    d = axis(dim, len(a))
    try:
        rest = np.broadcast_shapes((*a[:d], 1, *a[d + 1 :]), (*b[:d], 1, *b[d + 1 :]))
    except ValueError:
        raise shapes_do_not_broadcast("take_along_dim", input, indices) from None
    indices = count_from_start(indices, a[d])
    wide, places = [expand(x, (*rest[:d], *x.array.shape[d : d + 1], *rest[d + 1 :])) for x in (input, indices)]
    return gather(wide, d, places)


@takes_out(apart="all")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The entries `index` of one axis, in that order: a copy.

    >>> import minigrad as torch
    >>> torch.index_select(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([1]))
    tensor([[2],
            [4]])
    """
    d = axis(dim, input.array.ndim)
    if input.array.ndim > 1 and not input.array.shape[d] and isinstance(index, TensorBase) and index.array.size:
        raise RuntimeError(f"index_select(): dimension {d} of a tensor of shape {input.array.shape} has no entries")
    places = check_places("index_select", input, d, index, IndexError)
    if places.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, got shape {tuple(places.shape)}")
    read = _index_selected(at_least_1d(input), key=watch((slice(None),) * d + (places.reshape(-1),), index))
    return read if input.array.ndim else name_last_call(reshape(read, ()), "IndexSelectBackward0")


@takes_out(apart="others")
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """The tensor with ``out[index[i][j]][j] = src[i][j]`` for dim 0, and likewise for other dims.

    With `reduce` "add" or "multiply" the old number is added to or multiplied.

    >>> import minigrad as torch
    >>> torch.scatter(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([5.0, 6.0]))
    tensor([6., 0., 5.])
    """
    src = value if src is None else src
    if reduce not in (None, "add", "multiply"):
        wrong = RuntimeError if isinstance(reduce, str) else TypeError
        raise wrong(f"scatter(): reduce argument must be either add or multiply, got {shorten(reduce)}")
    require_number("scatter", "src", src)
    if not isinstance(src, TensorBase) and isinstance(index, TensorBase):
        number = dtypes.scalar(src if index.array.size else 0, input.array.dtype)  # nothing is written, whatever it is
        src = compute(_fill, index, number)
    if reduce == "multiply":
        from minigrad.ops.index_reductions import scatter_reduce  # it imports this file

        return scatter_reduce(input, dim, index, src, "prod")
    return _scatter("scatter", input, dim, index, src, add=reduce == "add")


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
def index_put(input: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
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
    return _index_put(input, values, reader=read_at, statics={"key": key})


@takes_out(axis_first=True)
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each entry of axis `dim` repeated `repeats` times, which is one number or one for each entry.

    Without `dim` the tensor is flattened first. Called with a vector of counts alone: 0 repeated by the first count, 1
    by the second, and so on. `output_size` is the sum of the repeats, if it is known. Raises RuntimeError for negative
    repeats, for another number of them than entries, and for another `output_size`.

    >>> import minigrad as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if repeats is None:
        if input.array.ndim != 1:
            raise RuntimeError(f"repeat_interleave only accept 1D vector as repeat, got shape {input.array.shape}")
        numbers = compute(lambda counts: arange_beside(counts, counts.size).astype(counts.dtype), input)
        return repeat_interleave(numbers, input, 0, output_size=output_size)
    if dim is None:
        input, dim = ravel(input), 0
    d = axis(dim, input.array.ndim)
    is_number, input = not input.array.ndim, at_least_1d(input)
    counts = repeats.array if isinstance(repeats, TensorBase) else np.asarray(as_int(repeats, "repeats"))
    often = as_index(_check_counts(to_device(counts, CPU), input.array.shape[d]))
    if is_number:
        raise IndexError(f"Dimension out of range: repeat_interleave got dim {dim} for a 0-d tensor; leave dim out")
    places = np.repeat(np.arange(input.array.shape[d]), often)
    if output_size not in (None, places.size):
        raise RuntimeError(f"repeat_interleave: output_size is {output_size}, the repeats add up to {places.size}")
    if isinstance(repeats, TensorBase):
        places = to_device(places, device_of(input.array))
    else:  # the same in every step of a training, and sent to a GPU once
        places = constant_beside(input.array, places)
    return read_at(input, key=(slice(None),) * d + (places,))


def _check_counts(counts: Any, length: int) -> Any:
    """The array of counts. Raises RuntimeError unless they are integers >= 0, one for all or one for each entry."""
    if counts.dtype not in (np.int64, np.int32):
        raise not_implemented_for("repeat_interleave", counts.dtype)
    if counts.ndim > 1:
        raise RuntimeError(f"repeats must be 0-dim or 1-dim tensor, got {counts.ndim} dimensions")
    if counts.size not in (1, length):
        detail = f"but got repeats.size(0) = {counts.size} and input.size(0) = {length}"
        raise RuntimeError(f"repeats must have the same size as input along dim, {detail}")
    if (counts < 0).any():
        raise RuntimeError(f"Repeats must be non-negative: repeats can not be negative, got {counts.tolist()}")
    return counts
