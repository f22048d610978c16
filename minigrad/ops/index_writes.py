"""Reading and writing at indices: `take`, `put`, `index_add`, `index_copy`, `index_fill`, `masked_scatter`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.failed_calls import check_same_library
from minigrad.backend import array_module, device_of, quiet, to_device
from minigrad.ops.arguments import (
    Operand,
    as_number,
    axis,
    common_shape,
    of_tensors,
    require_number,
    require_tensor,
    sizes,
    takes_out,
)
from minigrad.ops.arithmetic import mul
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast, contiguous, ravel
from minigrad.ops.gather import at_least_1d, check_is_index, check_places, count_from_start
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.index import read_at
from minigrad.ops.keys import find_range, watch
from minigrad.ops.masks import check_gradient_can_flow, check_mask, number_inside
from minigrad.ops.overwrite import overwrite
from minigrad.ops.scatter import add_at, check_types, reshape_like
from minigrad.ops.shape import expand
from minigrad.placement import as_int64

# Reading and writing by a key, under the `grad_fn` names that PyTorch prints.
_added, _put_added = shown_as(add_at, "IndexAddBackward0"), shown_as(add_at, "PutBackward0")
_copied, _filled = shown_as(overwrite, "IndexCopyBackward0"), shown_as(overwrite, "IndexFillBackward0")
_put_over, _mask_scattered = shown_as(overwrite, "PutBackward0"), shown_as(overwrite, "MaskedScatterBackward0")
_taken = shown_as(read_at, "TakeBackward0")


# ---- along one axis ------------------------------------------------------------------------------
def _make_row_key(
    name: str, input: Any, dim: int, index: Any, error: type[Exception] = IndexError
) -> tuple[int, tuple[Any, ...]]:
    """The axis `dim`, and the key that reads the entries `index` (a vector or a number) of it."""
    d = axis(dim, input.array.ndim)
    places = check_places(name, input, d, index, error)
    if places.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {places.ndim}")
    return d, watch((slice(None),) * d + (places.reshape(-1),), index)


def read_rows(
    name: str, input: Any, dim: int, index: Any, source: Any, out_of_range: type[Exception] = IndexError
) -> tuple[tuple[Any, ...], Any, Any]:
    """The key, and `input` and `source` with at least one axis. `out_of_range` is the error for a wrong index."""
    require_tensor(name, "source", 4, source)
    axis(dim, input.array.ndim)  # PyTorch reports a wrong dim before a wrong dtype
    check_types(name, input, source)
    _, key = _make_row_key(name, input, dim, index, out_of_range)
    return key, at_least_1d(input), at_least_1d(source)


def require_row_for_each(
    name: str, key: tuple[Any, ...], target: Any, rows: Any, other_ndim: type[Exception] = RuntimeError
) -> None:
    """Raises RuntimeError unless `rows` has the shape of the part of `target` that `key`, of `read_rows`, reads.

    `other_ndim` is the error for another number of axes.
    """
    have, wanted = list(rows.array.shape), list(target.array.shape)
    wanted[len(key) - 1] = key[-1].size
    if have != wanted:
        error = RuntimeError if len(have) == len(wanted) else other_ndim
        shapes = f"source has {have}, the places of input {wanted}"
        raise error(f"{name}(): source and the indexed part of input must have the same shape: {shapes}")


@takes_out(apart="others")
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """The tensor with ``alpha * source[i]`` added at ``out[index[i]]`` along `dim`; indices may repeat.

    >>> import minigrad as torch
    >>> torch.index_add(torch.zeros(3), 0, torch.tensor([2, 2]), torch.tensor([5.0, 6.0]))
    tensor([ 0.,  0., 11.])
    """
    out_of_range = RuntimeError if input.array.ndim > 1 else IndexError  # as in PyTorch
    key, target, rows = read_rows("index_add", input, dim, index, source, out_of_range)
    require_row_for_each("index_add", key, target, rows)
    factor = dtypes.scalar(as_number("index_add", "alpha", alpha), rows.array.dtype).item()
    scaled = rows if factor == 1 else cast(mul(rows, factor), rows.array.dtype)
    return reshape_like(_added(target, scaled, key=key), input)


@takes_out(apart="others")
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The tensor with ``out[index[i]] = source[i]`` along `dim`; for equal indices the last one counts.

    >>> import minigrad as torch
    >>> torch.index_copy(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([5.0, 6.0]))
    tensor([6., 0., 5.])
    """
    if isinstance(index, TensorBase):
        check_is_index("index_copy", index.array.dtype)
    key, target, rows = read_rows("index_copy", input, dim, index, source)
    d, count = len(key) - 1, key[-1].size
    if rows.array.ndim == target.array.ndim and rows.array.shape[d] != count:
        counts = f"{count} indices, {rows.array.shape[d]} entries of source"
        raise IndexError(f"index_copy_(): Number of indices should be equal to source.size(dim): {counts}")
    require_row_for_each("index_copy", key, target, rows, other_ndim=IndexError)
    return reshape_like(_copied(contiguous(target), rows, reader=read_at, statics={"key": key}), input)


@takes_out(apart="others", in_part=True, read_before="numbers")
def index_fill(input: Tensor, dim: int, index: Tensor, value: Operand) -> Tensor:
    """The tensor with one number at the entries `index` of the dimension `dim`.

    >>> import minigrad as torch
    >>> torch.index_fill(torch.zeros(3), 0, torch.tensor([0, 2]), -1)
    tensor([-1.,  0., -1.])
    """
    require_number("index_fill", "value", value)
    if isinstance(value, TensorBase) and value.array.ndim:
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, got {value.array.ndim} dimensions")
    d = axis(dim, input.array.ndim)
    require_tensor("index_fill", "index", 3, index)
    check_is_index("index_fill", index.array.dtype, refusal=IndexError)
    if compute(lambda places: (places < 0).any(), index).array:  # only here they are valid
        index = count_from_start(index, input.array.shape[d] if input.array.ndim else 1)
    _, key = _make_row_key("index_fill", input, d, index)
    key = watch((*key[:-1], quiet(np.unique, key[-1])), index)  # each index only once
    dtype, value = input.array.dtype, number_inside(value)
    check_gradient_can_flow(value, dtype)
    if isinstance(value, TensorBase):
        fill = cast(value, dtype)
    else:
        fill = wrap(to_device(np.asarray(dtypes.scalar(value, dtype)), device_of(input.array)))
    result = reshape_like(_filled(at_least_1d(input), fill, reader=read_at, statics={"key": key}), input)
    return name_last_call(result, "IndexFillBackward1") if isinstance(value, TensorBase) else result


# ---- of the flattened tensor, and by mask --------------------------------------------------------
@takes_out(apart="all")
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements `index` of the flattened tensor, in the shape of `index`.

    >>> import minigrad as torch
    >>> torch.take(torch.tensor([[4, 3, 5], [6, 7, 8]]), torch.tensor([0, 2, 5]))
    tensor([4, 5, 8])
    """
    flat = ravel(input)
    return _taken(flat, key=watch((_read_flat_places("take", flat, index),), index))


@of_tensors
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The index along each axis of `shape` for flat `indices`: rows and columns for two axes.

    Indices beyond the shape wrap around, as in PyTorch. Raises TypeError unless they are integers, RuntimeError for
    indices into a shape without elements.

    >>> import minigrad as torch
    >>> torch.unravel_index(torch.tensor([0, 5]), (2, 3))
    (tensor([0, 1]), tensor([0, 2]))
    """
    if indices.array.dtype.kind not in "iu":
        raise TypeError(f"torch.unravel_index: expected 'indices' to be integer dtype, but got {indices.dtype}")
    lengths = sizes("unravel_index", (shape,), "shape")
    if min(lengths, default=1) < 0:
        raise ValueError(f"torch.unravel_index: 'shape' cannot have negative values, but got {lengths}")
    if not prod(lengths) and indices.array.size:
        raise RuntimeError(f"torch.unravel_index: there is no element in the shape {lengths}, so no index of one")
    return tuple([compute(lambda x, n: as_int64(x) // n[0] % n[1], indices, n) for n in _find_steps(lengths)])


def _find_steps(lengths: tuple[int, ...]) -> list[tuple[int, int]]:
    """The stride, in elements, and the length of each axis."""
    return [(prod(lengths[i + 1 :]), n) for i, n in enumerate(lengths)]


def _read_flat_places(name: str, flat: Any, index: Any) -> Any:
    """The array of `index`, with negative indices counted from the end."""
    places, size = index.array, flat.array.size
    check_same_library(name, (flat.array, places))
    if places.dtype != np.int64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {places.dtype}; convert with .long()")
    if places.size and not size:
        raise IndexError(f"{name}(): tried to take from an empty tensor")
    low, high = find_range(places) if type(places) is np.ndarray and places.size else (0, 0)
    if places.size and not -size <= low <= high < size:
        got = low if low < -size else high
        raise IndexError(f"{name}(): out of range: the index must be in [{-size}, {size - 1}], got {got}")
    return quiet(lambda given: np.where(given < 0, given + size, given), places)


@takes_out(apart="others")
@recorded_as("PutBackward0")
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """The tensor with the elements of `source` at `index` of the flattened tensor, or added there.

    >>> import minigrad as torch
    >>> torch.put(torch.zeros(2, 2), torch.tensor([0, 3]), torch.tensor([5.0, 6.0]))
    tensor([[5., 0.],
            [0., 6.]])
    """
    check_types("put", input, source)
    if index.array.size != source.array.size:
        counts = f"source has {source.array.size} elements, index {index.array.size}"
        raise IndexError(f"put_(): Expected source and index to have the same number of elements: {counts}")
    flat = ravel(input)
    key = watch((_read_flat_places("put", flat, index).reshape(-1),), index)
    values = ravel(source)
    if accumulate:
        return reshape_like(_put_added(flat, values, key=key), input)
    return reshape_like(_put_over(flat, values, reader=read_at, statics={"key": key}), input)


@of_tensors(read_before="all")
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The tensor with the elements of `source`, one after the other, where `mask` is True, in row-major order.

    >>> import minigrad as torch
    >>> torch.masked_scatter(torch.zeros(3), torch.tensor([True, False, True]), torch.tensor([5.0, 6.0]))
    tensor([5., 0., 6.])
    """
    check_mask("masked_scatter", mask, input)
    check_types("masked_scatter", input, source)
    shape = common_shape("masked_scatter", input.array.shape, mask.array.shape)
    whole, where = expand(input, shape), array_module(mask.array).broadcast_to(mask.array, shape)
    count = int(quiet(np.count_nonzero, where))
    if source.array.size < count:
        detail = f"{source.array.size} elements for a mask with {count} places"
        raise RuntimeError(f"masked_scatter: expected self and source to have enough elements: {detail}")
    values = read_at(ravel(source), key=(slice(0, count), Ellipsis))
    return _mask_scattered(contiguous(whole), values, reader=read_at, statics={"key": watch((where,), mask)})
