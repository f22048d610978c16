"""Picking elements by mask or by index along one axis, and writing them back.

All but `where` is a reading or a writing by one key (`_getitem`, `_put`, `overwrite`), so the gradients are theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.operation import check_same_library, operation
from minigrad.backend import array_module, as_index, as_int64, on_its_gpu, quiet
from minigrad.ops.arithmetic import promote
from minigrad.ops.axes import axis, whole
from minigrad.ops.device import beside
from minigrad.ops.elementwise import (
    not_a_tensor,
    of_tensor,
    of_tensors,
    require_number,
    shapes_do_not_broadcast,
    twin_of,
)
from minigrad.ops.index import _getitem, _put, array_key, stray
from minigrad.ops.inplace import overwrite
from minigrad.ops.out import takes_out
from minigrad.ops.shape import cast, clone, expand, reshape

_where = operation(
    "where",
    lambda condition, x, y: array_module(condition).where(condition, x, y),
    None,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g),
)


@twin_of(np.where)
@takes_out
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Elements of `input` where `condition` holds, of `other` elsewhere, all broadcast.

    With the condition alone: the indices where it holds, as `nonzero(as_tuple=True)`.

    >>> import minigrad as torch
    >>> torch.where(torch.tensor([True, False]), 1.0, 0.0)
    tensor([1., 0.])
    """
    if not isinstance(condition, TensorBase):
        raise not_a_tensor("where", "condition", 1, condition)
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.array.dtype.kind != "b" and condition.array.dtype != np.uint8:
        raise _no_mask("where expected condition to be a boolean tensor, but got a tensor", condition)
    require_number("where", "input", input)
    require_number("where", "other", other)
    dtypes.check_numbers([getattr(x, "array", x) for x in (input, other)])
    condition, input, other = beside(condition, input, other)
    x, y = promote("where", input, other)
    try:
        return _where(cast(condition, np.dtype(bool)), x, y)
    except ValueError:
        raise shapes_do_not_broadcast("where", *[getattr(z, "array", z) for z in (x, y)]) from None


def _no_mask(told: str, mask: Any) -> RuntimeError:
    dtype = dtypes.from_numpy(mask.array.dtype)
    return RuntimeError(f"{told} with dtype {dtype}; compare it, for example mask != 0")


def _check_mask(name: str, mask: Any) -> None:
    if not isinstance(mask, TensorBase):
        raise not_a_tensor(name, "mask", 2, mask)
    if mask.array.dtype.kind != "b":
        raise _no_mask(f"{name} only supports boolean masks, but got mask", mask)


@of_tensor
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """The tensor with one number where `mask` holds.

    >>> import minigrad as torch
    >>> x = torch.tensor([1.0, -2.0])
    >>> torch.masked_fill(x, x < 0, 0)
    tensor([1., 0.])
    """
    _check_mask("masked_fill", mask)
    require_number("masked_fill", "value", value)
    common = input.array.dtype
    if isinstance(value, TensorBase) and value.array.ndim:
        raise RuntimeError(f"masked_fill only supports a 0-dimensional value tensor, got {value.array.ndim} dimensions")
    mask, value, input = beside(mask, value, input)
    value = cast(value, common) if isinstance(value, TensorBase) else dtypes.scalar(value, common)
    try:
        return _where(mask, value, input)
    except ValueError:
        raise shapes_do_not_broadcast("masked_fill", input.array, mask.array) from None


@takes_out
@of_tensor
def masked_select(input: Any, mask: Any) -> Any:
    """The elements where `mask` holds, broadcast, under one axis.

    >>> import minigrad as torch
    >>> x = torch.tensor([1.0, -2.0])
    >>> torch.masked_select(x, x < 0)
    tensor([-2.])
    """
    _check_mask("masked_select", mask)
    try:
        shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    except ValueError:
        raise shapes_do_not_broadcast("masked_select", input.array, mask.array) from None
    return _getitem(expand(input, shape), key=(array_module(mask.array).broadcast_to(mask.array, shape),))


@on_its_gpu
@of_tensor
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: one row each, or one tensor for each axis.

    >>> import minigrad as torch
    >>> torch.nonzero(torch.tensor([0, 5, 6]))
    tensor([[1],
            [2]])
    """
    array, xp = input.array, array_module(input.array)
    if as_tuple:
        return tuple([wrap(as_int64(i)) for i in xp.nonzero(array if array.ndim else array.reshape(1))])
    return wrap(as_int64(xp.argwhere(array)) if array.ndim else xp.zeros((int(bool(array)), 0), np.int64))


argwhere = nonzero


# ---- along one axis -------------------------------------------------------------------------------
def _places(name: str, input: Any, d: int, index: Any, refusal: type[Exception] = RuntimeError) -> Any:
    """The array of an index tensor, checked to hold places of axis `d`."""
    if not isinstance(index, TensorBase):
        raise not_a_tensor(name, "index", 3, index)
    array = index.array
    if array.__class__ is not input.array.__class__:
        check_same_library(name, (input.array, array))
    if array.dtype not in (np.int64, np.int32):
        dtype = dtypes.from_numpy(array.dtype)
        raise RuntimeError(f"{name}(): Expected dtype int64 for index, got {dtype}; convert with .long()")
    size = input.array.shape[d] if input.array.ndim else 1
    bad = stray(array, size)
    if bad is not None:
        raise refusal(f"index {bad} is out of bounds for dimension {d} with size {size} ({name})")
    return array


@on_its_gpu
def _along(name: str, input: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """The key that reads ``input[i, index[i, j, k], k]`` when `dim` is 1, and likewise for other dims."""
    d = axis(dim, input.array.ndim)
    places = _places(name, input, d, index)
    shape, have = places.shape or (1,), input.array.shape or (1,)
    if len(have) != len(shape):
        ranks = f"got {places.ndim} and {input.array.ndim} ({name})"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as input tensor: {ranks}")
    for i, (n, size) in enumerate(zip(shape, have, strict=True)):
        if i != d and n > size:
            told = f"index {list(shape)} to be no larger than self {list(have)} apart from dimension {d} ({name})"
            raise RuntimeError(f"Size does not match at dimension {i} expected {told}")
    counts = [array_module(places).arange(n) for n in shape]
    around = [counts[i].reshape([-1 if j == i else 1 for j in range(len(shape))]) for i in range(len(shape))]
    return (*around[:d], places.reshape(shape), *around[d + 1 :])


def _with_axes(input: Any) -> Any:
    """A tensor of no axes as one of a single element, so that it can be read by index."""
    return input if input.array.ndim else reshape(input, 1)


@takes_out
@of_tensor
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """``out[i][j] = input[index[i][j]][j]`` for dim 0, and likewise for other dims.

    >>> import minigrad as torch
    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    if isinstance(index, TensorBase) and not index.array.size:
        return reshape(reshape(input, -1)[:0], index.array.shape)
    read = _getitem(_with_axes(input), key=_along("gather", input, dim, index))
    return read if index.array.ndim else reshape(read, ())


@of_tensors(2)
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """`gather` whose other axes broadcast, counting from the end for negative indices.

    Without `dim`, on the flattened tensor.

    >>> import minigrad as torch
    >>> x = torch.tensor([[3, 1, 2]])
    >>> torch.take_along_dim(x, x.argsort(), dim=1)
    tensor([[1, 2, 3]])
    """
    if dim is None:
        return take_along_dim(reshape(input, -1), reshape(indices, -1), 0)
    a, b = list(input.array.shape), list(indices.array.shape)
    if len(a) != len(b):
        ranks = f"but got {len(a)} dimensions for input, and {len(b)} dimensions for indices"
        raise RuntimeError(f"take_along_dim(): input and indices should have the same number of dimensions, {ranks}")
    d = axis(dim, len(a))
    try:
        rest = np.broadcast_shapes((*a[:d], 1, *a[d + 1 :]), (*b[:d], 1, *b[d + 1 :]))
    except ValueError:
        raise shapes_do_not_broadcast("take_along_dim", input.array, indices.array) from None
    if indices.array.dtype.kind == "i":
        indices = wrap(indices.array + (indices.array < 0) * (a[d] if a else 1))
    wide, places = [expand(x, (*rest[:d], *x.array.shape[d : d + 1], *rest[d + 1 :])) for x in (input, indices)]
    return gather(wide, d, places)


@takes_out
@of_tensor
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The entries `index` of one axis, in that order: a copy.

    >>> import minigrad as torch
    >>> torch.index_select(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([1]))
    tensor([[2],
            [4]])
    """
    d = axis(dim, input.array.ndim)
    if input.array.ndim > 1 and not input.array.shape[d] and isinstance(index, TensorBase) and index.array.size:
        raise RuntimeError(f"index_select(): dimension {d} of a tensor of shape {input.array.shape} has no entries")
    places = _places("index_select", input, d, index, IndexError)
    if places.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, got shape {tuple(places.shape)}")
    read = _getitem(_with_axes(input), key=(slice(None),) * d + (places.reshape(-1),))
    return read if input.array.ndim else reshape(read, ())


@on_its_gpu
@of_tensor
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None) -> Any:
    """The tensor with ``out[index[i][j]][j] = src[i][j]`` for dim 0, and likewise for other dims.

    >>> import minigrad as torch
    >>> torch.scatter(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([5.0, 6.0]))
    tensor([6., 0., 5.])
    """
    src = value if src is None else src
    if reduce not in (None, "add"):
        raise NotImplementedError(f"scatter with reduce={reduce!r} is not supported; 'add' is")
    require_number("scatter", "src", src)
    if not isinstance(src, TensorBase) and isinstance(index, TensorBase):
        number = dtypes.scalar(src, input.array.dtype).item()
        src = wrap(array_module(input.array).full(index.array.shape, number, input.array.dtype))
    return _scattered("scatter", input, dim, index, src, add=reduce == "add")


@of_tensor
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """The tensor with ``src[i][j]`` added at ``out[index[i][j]][j]`` for dim 0, and likewise for others.

    >>> import minigrad as torch
    >>> torch.scatter_add(torch.zeros(3), 0, torch.tensor([2, 2]), torch.tensor([5.0, 6.0]))
    tensor([ 0.,  0., 11.])
    """
    return _scattered("scatter_add", input, dim, index, src, add=True)


def _scattered(name: str, input: Any, dim: int, index: Any, src: Any, *, add: bool) -> Any:
    for position, (role, x) in enumerate((("index", index), ("src", src)), 3):
        if not isinstance(x, TensorBase):
            raise not_a_tensor(name, role, position, x)
    if input.array.dtype != src.array.dtype:
        types = f"got {input.array.dtype} and {src.array.dtype}"
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype, {types}")
    if not index.array.size:
        return clone(input)
    key = _along(name, input, dim, index)
    shape, source, target = index.array.shape or (1,), _with_axes(src), _with_axes(input)
    if source.array.ndim != len(shape) or any(n > m for n, m in zip(shape, source.array.shape, strict=True)):
        have = list(src.array.shape)
        raise RuntimeError(f"Expected index {list(shape)} to be no larger than src {have} ({name})")
    written = source[tuple([slice(n) for n in shape])]
    if add:
        return reshape(target + _put(written, shape=target.array.shape, key=key), input.array.shape)
    return reshape(overwrite(target, written, reader=_getitem, statics={"key": key}), input.array.shape)


@of_tensor
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """The tensor with ``out[indices] = values``, or with the values added there.

    >>> import minigrad as torch
    >>> torch.index_put(torch.zeros(3), (torch.tensor([0, 2]),), torch.tensor([5.0, 6.0]))
    tensor([5., 0., 6.])
    """
    if not isinstance(values, TensorBase):
        raise not_a_tensor("index_put", "values", 3, values)
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put() takes a tuple of index tensors, one for each axis, got {type(indices).__name__}")
    if values.array.dtype != input.array.dtype:
        types = f"got {input.array.dtype} for the destination and {values.array.dtype} for the source"
        raise RuntimeError(f"Index put requires the source and destination dtypes match, {types}")
    key = quiet(array_key, input.array, tuple(indices))
    if accumulate:
        region = _getitem(input, key=key).array.shape
        return input + _put(expand(values, region), shape=input.array.shape, key=key)
    return overwrite(input, values, reader=_getitem, statics={"key": key})


@on_its_gpu
@of_tensor
def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Any:
    """Each entry of one axis repeated: all as often, or as often as `repeats` says.

    >>> import minigrad as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if dim is None:
        input, dim = reshape(input, -1), 0
    d = axis(dim, input.array.ndim)
    counts = repeats.array if isinstance(repeats, TensorBase) else np.asarray(whole(repeats, "repeats"))
    if counts.dtype.kind not in "iu":
        raise RuntimeError(f"repeats has to be Long or Int tensor, got {counts.dtype}; convert it with .long()")
    places = np.repeat(np.arange(input.array.shape[d]), as_index(counts))
    return _getitem(input, key=(slice(None),) * d + (array_module(input.array).asarray(places),))
