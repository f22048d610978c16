"""Picking elements by mask, by place or by index, and writing them back.

Everything here is a reading or a writing by index (`getitem`, `_put`, `overwrite`), so the gradients are theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.operation import check_same_library, operation
from minigrad.backend import array_module, on_its_gpu, quiet
from minigrad.ops.axes import axis
from minigrad.ops.device import beside
from minigrad.ops.elementwise import not_a_tensor, of_tensor, promoted, shapes_do_not_broadcast, twin_of
from minigrad.ops.index import _getitem, _put, array_key, stray
from minigrad.ops.inplace import overwrite
from minigrad.ops.out import takes_out
from minigrad.ops.shape import cast, expand, reshape

_where = operation(
    "where",
    lambda condition, x, y: array_module(condition).where(condition, x, y),
    None,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g),
)


@twin_of(np.where)
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
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{dtypes.from_numpy(condition.array.dtype)}; "
            "compare it, for example condition != 0"
        )
    condition, input, other = beside(condition, input, other)
    mask = cast(condition, np.dtype(bool))
    common = dtypes.result_type([_number(x) for x in (input, other)])
    # Numbers stay scalars: nothing crosses to a GPU for them.
    operands = [
        cast(x, common) if isinstance(x, TensorBase) else v
        for x, v in zip((input, other), _both(input, other, common), strict=True)
    ]
    try:
        return _where(mask, *operands)
    except ValueError:
        raise shapes_do_not_broadcast("where", *[_number(x) for x in operands]) from None


def _number(x: Any) -> Any:
    return x.array if isinstance(x, TensorBase) else x


def _both(input: Any, other: Any, common: Any) -> list[Any]:
    if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
        return [common.type(v) for v in (input, other)]
    return promoted("where", (input, other))


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """The tensor with one number where `mask` holds."""
    _check_mask("masked_fill", mask)
    number = value.array if isinstance(value, TensorBase) else value
    if np.ndim(number):
        raise RuntimeError(
            f"masked_fill only supports a 0-dimensional value tensor, but got tensor with {np.ndim(number)} "
            f"dimension(s)."
        )
    common = input.array.dtype
    if common.kind != "b" and dtypes.is_category_downgrade(dtypes.result_type([number]), common):
        raise RuntimeError(
            f"value cannot be converted to type {dtypes.from_numpy(common).name} without overflow: {value!r} is "
            f"no such number"
        )
    mask, value, input = beside(mask, value, input)
    filling = cast(value, common) if isinstance(value, TensorBase) else common.type(value)
    return _where(mask, filling, input)


@takes_out
def masked_select(input: Any, mask: Any) -> Any:
    """The elements where `mask` holds, broadcast, under one axis."""
    _check_mask("masked_select", mask)
    try:
        shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    except ValueError:
        raise shapes_do_not_broadcast("masked_select", input.array, mask.array) from None
    return _getitem(expand(input, shape), key=(array_module(mask.array).broadcast_to(mask.array, shape),))


def _check_mask(name: str, mask: Any) -> None:
    if not isinstance(mask, TensorBase):
        raise not_a_tensor(name, "mask", 2, mask)
    if mask.array.dtype.kind != "b":
        raise RuntimeError(
            f"{name} only supports boolean masks, but got mask with dtype {dtypes.from_numpy(mask.array.dtype)}"
        )


@on_its_gpu
@of_tensor
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: one row each, or one tensor for each axis."""
    if as_tuple:
        array = input.array if input.array.ndim else input.array.reshape(1)
        return tuple([wrap(i) for i in array_module(array).nonzero(array)])
    if not input.array.ndim:
        return wrap(array_module(input.array).zeros((int(bool(input.array)), 0), np.int64))
    xp = array_module(input.array)
    return wrap(xp.stack(xp.nonzero(input.array), axis=1))


argwhere = nonzero


# ---- along one axis -------------------------------------------------------------------------------
def _check_index(name: str, input: Any, d: int, index: Any, *, within: bool = True) -> Any:
    """The array of an index tensor, non-negative and in range."""
    if not isinstance(index, TensorBase):
        raise not_a_tensor(name, "index", 3, index)
    array = index.array
    if array.__class__ is not input.array.__class__:
        check_same_library(name, (input.array, array))
    if array.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            f"{name}(): Expected dtype int64 for index, got {dtypes.from_numpy(array.dtype)}; convert with .long()"
        )
    size = input.array.shape[d] if input.array.ndim else 1
    bad = stray(array, size) if within else None
    if bad is not None:
        raise RuntimeError(f"index {bad} is out of bounds for dimension {d} with size {size} ({name})")
    return array


@on_its_gpu
def _along(name: str, input: Any, dim: int, index: Any) -> tuple[int, Any, tuple[Any, ...]]:
    """The key that reads ``input[i, index[i, j, k], k]`` when `dim` is 1, and likewise for other dims."""
    d = axis(dim, input.array.ndim)
    places = _check_index(name, input, d, index)
    shape = places.shape
    if max(input.array.ndim, 1) != max(places.ndim, 1):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as input tensor: got {places.ndim} and "
            f"{input.array.ndim} ({name})"
        )
    for i, n in enumerate(shape):
        if i != d and n > input.array.shape[i] and places.size:
            raise RuntimeError(
                f"Size does not match at dimension {i} expected index {list(shape)} to be no larger than self "
                f"{list(input.array.shape)} apart from dimension {d} ({name})"
            )
    xp = array_module(places)
    key = tuple(
        [
            places if i == d else xp.arange(n).reshape([-1 if j == i else 1 for j in range(len(shape))])
            for i, n in enumerate(shape)
        ]
    )
    return d, places, key


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
        return reshape(input, -1)[:0].reshape(index.array.shape)
    _, places, key = _along("gather", input, dim, index)
    if not input.array.ndim:
        return clone_of(expand(input, places.shape))
    return _getitem(input, key=key or (places,))


def clone_of(input: Any) -> Any:
    """A copy for the cases in which a tensor of no axes is read as it is."""
    return reshape(input, input.array.shape).clone()


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """`gather` whose other axes broadcast, counting from the end for negative indices.

    Without `dim`, on the flattened tensor.
    """
    if not isinstance(indices, TensorBase):
        raise not_a_tensor("take_along_dim", "indices", 2, indices)
    if dim is None:
        return take_along_dim(reshape(input, -1), reshape(indices, -1), 0)
    if input.array.ndim != indices.array.ndim:
        raise RuntimeError(
            f"take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.array.ndim} "
            f"dimensions for input, and {indices.array.ndim} dimensions for indices"
        )
    d = axis(dim, input.array.ndim)
    a, b = list(input.array.shape), list(indices.array.shape)
    try:
        rest = np.broadcast_shapes((*a[:d], 1, *a[d + 1 :]), (*b[:d], 1, *b[d + 1 :]))
    except ValueError:
        raise shapes_do_not_broadcast("take_along_dim", input.array, indices.array) from None
    places = indices.array
    if places.dtype.kind == "i":
        indices = wrap(places + (places < 0) * (a[d] if a else 1))
    return gather(
        expand(input, (*rest[:d], a[d], *rest[d + 1 :])), d, expand(indices, (*rest[:d], b[d], *rest[d + 1 :]))
    )


@takes_out
@of_tensor
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The entries `index` of one axis, in that order: a copy."""
    d = axis(dim, input.array.ndim)
    places = _check_index("index_select", input, d, index, within=False)
    size = input.array.shape[d] if input.array.ndim else 1
    if places.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, got shape {tuple(places.shape)}")
    if stray(places, size) is not None:
        raise IndexError(f"index out of range in self: index_select got {places.tolist()} for an axis of length {size}")
    if not input.array.ndim:
        return clone_of(input)
    return _getitem(input, key=(slice(None),) * d + (places.reshape(-1),))


@on_its_gpu
@of_tensor
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None) -> Any:
    """The tensor with ``out[index[i][j]][j] = src[i][j]`` for dim 0, and likewise for other dims."""
    src = value if src is None else src
    if reduce is not None and reduce != "add":
        raise NotImplementedError(f"scatter with reduce={reduce!r} is not supported; 'add' is")
    if not isinstance(src, TensorBase):
        src = wrap(array_module(input.array).full(index.array.shape, src, input.array.dtype))
    return _scattered("scatter", input, dim, index, src, add=reduce == "add")


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """The tensor with ``src[i][j]`` added at ``out[index[i][j]][j]`` for dim 0, and likewise for others."""
    if not isinstance(src, TensorBase):
        raise not_a_tensor("scatter_add", "src", 4, src)
    return _scattered("scatter_add", input, dim, index, src, add=True)


def _scattered(name: str, input: Any, dim: int, index: Any, src: Any, *, add: bool) -> Any:
    if not isinstance(index, TensorBase):
        raise not_a_tensor(name, "index", 3, index)
    if input.array.dtype != src.array.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.array.dtype} and {src.array.dtype}"
        )
    if not index.array.size:
        return clone_of(input)
    _, places, key = _along(name, input, dim, index)
    if src.array.ndim != places.ndim or any(n > m for n, m in zip(places.shape, src.array.shape, strict=True)):
        raise RuntimeError(
            f"Expected index {list(places.shape)} to be no larger than src {list(src.array.shape)} ({name})"
        )
    if not key:
        return input + src if add else overwrite(input, src, reader=_getitem, statics={"key": (...,)})
    used = src[tuple([slice(n) for n in places.shape])]
    if add:
        return input + _put(used, shape=input.array.shape, key=key)
    return overwrite(input, used, reader=_getitem, statics={"key": key})


@on_its_gpu
def _on_axis(name: str, input: Any, dim: int, index: Any) -> tuple[Any, ...]:
    d = axis(dim, input.array.ndim)
    return (slice(None),) * d + (_check_index(name, input, d, index).reshape(-1),)


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """The tensor with the entries of `source`, times `alpha`, added at the places `index` of one axis."""
    key = _on_axis("index_add", input, dim, index)
    return input + _put(source if alpha == 1 else source * alpha, shape=input.array.shape, key=key)


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """The tensor with the entries of `source` at the places `index` of one axis."""
    key = _on_axis("index_copy", input, dim, index)
    return overwrite(input, source, reader=_getitem, statics={"key": key})


@on_its_gpu
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """The tensor with one number at the places `index` of one axis."""
    key = _on_axis("index_fill", input, dim, index)
    number = (
        value
        if isinstance(value, TensorBase)
        else wrap(array_module(input.array).asarray(value, dtype=input.array.dtype))
    )
    return overwrite(input, cast(number, input.array.dtype), reader=_getitem, statics={"key": key})


@of_tensor
def flip(input: Any, *dim: Any, dims: Any = None) -> Any:
    """The tensor with the order of its entries turned round along `dims`: a copy."""
    given = dims if dims is not None else dim[0] if len(dim) == 1 and isinstance(dim[0], (tuple, list)) else dim
    given = (given,) if isinstance(given, int) else given
    turned = [axis(d, input.array.ndim) for d in given]
    if len(set(turned)) != len(turned):
        raise RuntimeError(f"dim appears multiple times in the list of dims: {list(given)}")
    key = tuple([slice(None, None, -1 if i in turned else 1) for i in range(input.array.ndim)])
    return _turned(input, key=key)


_turned: Any = operation("flip", lambda x, *, key: x[key].copy(), lambda g, key: _turned(g, key=key))


@of_tensor
def fliplr(input: Any) -> Any:
    """Left and right changed over: the second axis turned round."""
    if input.array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@of_tensor
def flipud(input: Any) -> Any:
    """Up and down changed over: the first axis turned round."""
    if input.array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@on_its_gpu
@of_tensor
def take(input: Any, index: Any) -> Any:
    """The elements at places `index` of the flattened tensor, in the shape of `index`."""
    flat = reshape(input, -1 if input.array.size else 0)
    places = _check_index("take", flat, 0, index, within=False)
    size = input.array.size
    if places.size and type(places) is np.ndarray and (int(places.min()) < -size or int(places.max()) >= size):
        raise IndexError(f"out of range: tried to access index {int(places.max())} on a tensor of {size} elements.")
    return _getitem(flat, key=(places,))


@of_tensor
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """The tensor with ``out[indices] = values``, or with the values added there."""
    key = quiet(array_key, input.array, tuple(indices))
    if accumulate:
        region = _getitem(input, key=key).array.shape
        return input + _put(expand(values, region), shape=input.array.shape, key=key)
    return overwrite(input, values, reader=_getitem, statics={"key": key})


@of_tensor
def slice_scatter(input: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """The tensor with a slice of one axis replaced."""
    d = axis(dim, input.array.ndim)
    key = (slice(None),) * d + (slice(start, end, step),)
    return overwrite(input, src, reader=_getitem, statics={"key": key})


@of_tensor
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The tensor with a diagonal replaced."""
    new = clone_of(input)
    new.diagonal(offset, dim1, dim2).copy_(src)
    return new


def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """`scatter_add`, with the elements that meet reduced by 'sum' or 'mean'."""
    if reduce not in ("sum", "mean"):
        raise NotImplementedError(f"scatter_reduce with reduce={reduce!r} is not supported; 'sum' and 'mean' are")
    base = input
    if not include_self:
        base = scatter(input, dim, index, 0 if input.array.dtype.kind != "f" else 0.0)
    total = scatter_add(base, dim, index, src)
    if reduce == "sum":
        return total
    ones = wrap(quiet(np.ones_like, src.array))
    start = wrap(quiet(np.ones_like, input.array))
    start = start if include_self else scatter(start, dim, index, 0)
    count = scatter_add(start, dim, index, ones).array
    count[count == 0] = 1
    return total / wrap(count) if total.array.dtype.kind == "f" else wrap(total.array // count)


@on_its_gpu
@of_tensor
def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Any:
    """Each entry of one axis repeated: all as often, or as often as `repeats` says."""
    if dim is None:
        input, dim = reshape(input, -1), 0
    d = axis(dim, input.array.ndim)
    counts = repeats.array if isinstance(repeats, TensorBase) else repeats
    places = np.repeat(np.arange(input.array.shape[d]), np.asarray(counts))
    return _getitem(input, key=(slice(None),) * d + (array_module(input.array).asarray(places),))


# ---- diagonals and triangles ----------------------------------------------------------------------
def _triangle(name: str) -> Any:
    made: Any = operation(
        name,
        lambda x, *, diagonal: getattr(array_module(x), name)(x, diagonal),
        lambda g, diagonal: made(g, diagonal=diagonal),
    )

    def part(input: Any, diagonal: int = 0) -> Any:
        if input.array.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got {input.array.ndim}")
        return made(input, diagonal=diagonal)

    part.__name__ = part.__qualname__ = name
    part.__doc__ = f"The {'lower' if name == 'tril' else 'upper'} triangle of matrices; the rest is 0."
    return part


tril, triu = _triangle("tril"), _triangle("triu")

# einsum gives the diagonal of square matrices as a view that can be written to.
_diagonal = operation("diagonal", lambda x: np.einsum("...ii->...i", x), lambda g: _diag_embed(g), view=True)


def _diag_embed_forward(g: Any) -> Any:
    square = array_module(g).zeros((*g.shape, g.shape[-1]), g.dtype)
    np.einsum("...ii->...i", square)[...] = g
    return square


_diag_embed: Any = operation("diag_embed", _diag_embed_forward, lambda g: _diagonal(g))


@of_tensor
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The entries on a diagonal of two axes, as a new last axis: a view."""
    first, second = axis(dim1, input.array.ndim), axis(dim2, input.array.ndim)
    if first == second or input.array.ndim < 2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    x = input.movedim((first, second), (-2, -1))
    rows, columns = x.array.shape[-2:]
    top, left = max(-offset, 0), max(offset, 0)
    n = max(min(rows - top, columns - left), 0)
    return _diagonal(x[..., top : top + n, left : left + n])


@of_tensor
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices that hold the last axis on a diagonal, and 0 elsewhere."""
    from minigrad.ops.padding import pad_constant

    ndim = input.array.ndim + 1
    first, second = axis(dim1, ndim), axis(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    square = _diag_embed(input)
    n = abs(offset)
    if n:
        pairs = ((0, n), (n, 0)) if offset > 0 else ((n, 0), (0, n))
        square = pad_constant(square, ((0, 0),) * (square.array.ndim - 2) + pairs)
    return square.movedim((-2, -1), (first, second))


@of_tensor
def diag(input: Any, diagonal: int = 0) -> Any:
    """A vector as the diagonal of a matrix, or the diagonal of a matrix as a vector (a copy)."""
    if input.array.ndim == 1:
        return diag_embed(input, diagonal)
    if input.array.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.array.ndim}D")
    return _diagonal_of(input, diagonal).clone()


_diagonal_of = diagonal


@of_tensor
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """The plane of two axes turned by k quarters, from the first axis towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    a, b = axis(dims[0], input.array.ndim), axis(dims[1], input.array.ndim)
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}")
    if k % 4 == 2:
        return flip(input, a, b)
    if k % 4 == 0:
        return input.clone()
    return flip(input, b).transpose(a, b).clone() if k % 4 == 1 else flip(input.transpose(a, b), b)


def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """The tensor with entry `index` of one axis replaced."""
    d = axis(dim, input.array.ndim)
    return overwrite(input, src, reader=_getitem, statics={"key": (slice(None),) * d + (index,)})


@on_its_gpu
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """The tensor with consecutive elements of `source` where `mask` holds."""
    _check_mask("masked_scatter", mask)
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    full = array_module(mask.array).broadcast_to(mask.array, shape)
    count = int(full.sum())
    if source.array.size < count:
        raise RuntimeError(f"masked_scatter: mask has {count} true elements, source only {source.array.size}")
    return overwrite(expand(input, shape), reshape(source, -1)[:count], reader=_getitem, statics={"key": (full,)})
