"""Reading by index along one axis: `gather`, `take_along_dim`, `index_select`, `repeat_interleave`.

All are built on `read_at`, whose gradient rule serves them. Writing by index stands in `scatter.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.failed_calls import check_same_library
from minigrad.backend import device_of, to_device
from minigrad.devices import CPU
from minigrad.ops.arguments import Operand, as_int, axis, require_tensor, takes_out
from minigrad.ops.complaints import not_implemented_for, shapes_do_not_broadcast
from minigrad.ops.copies import ravel
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.index import getitem, read_at
from minigrad.ops.keys import Key, first_out_of_range, watch
from minigrad.ops.rearranging import reshape_along
from minigrad.ops.shape import expand, reshape
from minigrad.placement import arange_beside, as_index, constant_beside


def check_is_index(
    name: str, dtype: Any, known: tuple[Any, ...] = (np.int64,), refusal: type[Exception] = RuntimeError
) -> None:
    """Raises unless `dtype`, that of an index tensor, is one of the `known` ones."""
    if dtype not in known:
        got = dtypes.from_numpy(dtype)
        raise refusal(f"{name}(): Expected dtype int64 for index, got {got}; convert with .long()")


def count_from_start(index: Any, length: int) -> Any:
    """An index tensor, with negative numbers, which count from the end, replaced by those from the start."""
    return compute(lambda places: np.where(places < 0, places + length, places), index)


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


# Reading by a key, under the `grad_fn` names that PyTorch prints.
_gathered = shown_as(read_at, "GatherBackward0")
_index_selected = shown_as(read_at, "IndexSelectBackward0")


def at_least_1d(input: Any) -> Any:
    """A 0-d tensor as a 1-d one, so that it can be read by index."""
    return input if input.array.ndim else reshape(input, 1)


@takes_out(apart="all")
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``out[i][j] = input[index[i][j]][j]`` for dim 0, ``out[i][j] = input[i][index[i][j]]`` for dim 1, and so on.

    Shapes: `index` has as many axes as `input`, and no more elements along the others than `dim`; the result has the
    shape of `index`. The gradient is added where the numbers were read. Raises RuntimeError for an index out of range.

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


_COUNTS: Any = object()  # `repeats` that are left out: the only operand holds them


@takes_out(axis_first=True)
def repeat_interleave(
    input: Tensor, repeats: Operand = _COUNTS, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each entry of axis `dim` repeated `repeats` times, which is one number or one for each entry.

    Without `dim` the tensor is flattened first. Called with a vector of counts alone: 0 repeated by the first count, 1
    by the second, and so on. `output_size` is the sum of the repeats, if it is known. Raises RuntimeError for negative
    repeats, for another number of them than entries, and for another `output_size`.

    >>> import minigrad as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if repeats is _COUNTS:
        input, repeats, dim = _count_up(input), input, 0
    if dim is None:
        input, dim = ravel(input), 0
    d = axis(dim, input.array.ndim)
    is_number, input = not input.array.ndim, at_least_1d(input)
    often = _read_counts(repeats, input.array.shape[d])
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


def _count_up(counts: Any) -> Any:
    """The numbers 0, 1, 2, ..., one for each entry of the vector `counts`, in its dtype."""
    if counts.array.ndim != 1:
        raise RuntimeError(f"repeat_interleave only accept 1D vector as repeat, got shape {counts.array.shape}")
    return compute(lambda x: arange_beside(x, x.size).astype(x.dtype), counts)


def _read_counts(repeats: Any, length: int) -> Any:
    """The array, on the CPU, of how often each of `length` entries is repeated."""
    counts = repeats.array if isinstance(repeats, TensorBase) else np.asarray(as_int(repeats, "repeats"))
    return as_index(_check_counts(to_device(counts, CPU), length))


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
