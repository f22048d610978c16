"""Order: greatest and least with their places, sorting, and what occurs once."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import array_module, as_index, as_int64, on_its_gpu
from minigrad.ops.arithmetic import maximum, minimum
from minigrad.ops.axes import as_int, axes, axis, numpy_names
from minigrad.ops.elementwise import as_number, not_a_tensor, not_implemented_for, of_tensor, rename
from minigrad.ops.index import _getitem
from minigrad.ops.names import shown_as
from minigrad.ops.reduce import amax, amin, check_not_empty
from minigrad.ops.select import gather, pick_along
from minigrad.ops.shape import clone, squeeze

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


def returns(kind: str, *fields: str) -> Any:
    """A named tuple that prints as PyTorch's `return_types` do."""

    def shown(self: Any) -> str:
        lines = ",\n".join(f"{name}={value!r}" for name, value in zip(fields, self, strict=True))
        return f"minigrad.return_types.{kind}(\n{lines})"

    return type(kind, (namedtuple(kind, fields),), {"__slots__": (), "__repr__": shown})


# ---- extremes and their places -------------------------------------------------------------------
def _place(name: str, find: Any, example: str) -> Callable[..., Any]:
    @on_its_gpu
    def call(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        check_not_empty(name, input, None if dim is None else axes(dim, input.array.ndim), IndexError)
        if input.array.dtype.kind == "b":
            raise not_implemented_for(name, input.array.dtype)
        d = None if dim is None else axis(dim, input.array.ndim)
        return wrap(as_int64(find(input.array, axis=d if input.array.ndim else None, keepdims=keepdim)))

    text = f"The index of the {name[3:]}imum along `dim`, or in the flattened tensor."
    return numpy_names(rename(call, name, text, example))


argmax = _place("argmax", np.argmax, "torch.argmax(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([1, 0])")
argmin = _place("argmin", np.argmin, "torch.argmin(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([0, 1])")


def _to_those(g: Any, x: Any, out: Any) -> Any:
    """The gradient of the whole's extreme or median: equal shares for all elements that are it, NaN among NaN."""
    hit = np.where(np.isnan(out), np.isnan(x), np.equal(x, out))
    return np.where(hit, g / np.sum(hit), 0.0)


def _with_places(result: Any, read: Any, input: Any, d: int, places: Any, keepdim: bool) -> Any:
    """The pair (values, indices) of the elements at `places`, one for each line along axis `d`."""
    return result(pick_along(read, input, d, places, keepdim), places if keepdim else squeeze(places, d))


def _of_all(name: str, find: Any, shown: str) -> Any:
    """`find` over all elements, a number."""
    return operation(name, find, _to_those, shown=shown)


def _extreme(name: str, method: str, pairwise: Any, find: Any, example: str) -> Callable[..., Any]:
    result = returns(name, "values", "indices")
    of_all = _of_all(name, lambda x: getattr(x, method)(), f"{name.capitalize()}Backward1")
    along_one = shown_as(_getitem, f"{name.capitalize()}Backward0")

    @on_its_gpu
    def call(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Tensor:
        if other is not None or isinstance(dim, TensorBase):
            return pairwise(input, dim if other is None else other)
        check_not_empty(name, input, None if dim is None else axes(dim, input.array.ndim))
        if dim is None:
            return of_all(input)
        d = axis(dim, input.array.ndim)
        if not input.array.ndim:
            return result(clone(input), wrap(np.zeros((), np.int64)))
        indices = wrap(as_int64(find(input.array, axis=d, keepdims=True)))
        return _with_places(result, along_one, input, d, indices, keepdim)

    text = f"The {name}imum of all; along `dim` a pair (values, indices); with a tensor the elementwise `{name}imum`."
    return numpy_names(rename(call, name, text, example))


max = _extreme(
    "max", "max", maximum, np.argmax, "torch.max(torch.tensor([[1, 5], [7, 2]]), 1).values -> tensor([5, 7])"
)
min = _extreme(
    "min", "min", minimum, np.argmin, "torch.min(torch.tensor([[1, 5], [7, 2]]), 1).values -> tensor([1, 2])"
)


@numpy_names
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The pair (min, max) over the dimension `dim`, or over all; ties share the gradient.

    >>> import minigrad as torch
    >>> torch.aminmax(torch.tensor([1, -3, 5])).min
    tensor(-3)
    """
    if not input.array.size and dim is None:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity")
    over = () if dim is None else axis(dim, input.array.ndim)
    return _AMinMax(amin(input, over, keepdim), amax(input, over, keepdim))


_AMinMax = returns("aminmax", "min", "max")


# ---- sorting -------------------------------------------------------------------------------------
@on_its_gpu
def ordering(array: Any, d: int, descending: bool) -> Any:
    """The indices that sort along `d`; equal elements keep their order, NaN counts as greatest."""
    if not array.ndim:
        return np.zeros_like(array, dtype=np.int64)
    if not descending:
        return as_int64(np.argsort(array, axis=d, kind="stable"))
    back = as_int64(np.argsort(np.flip(array, d), axis=d, kind="stable"))
    return array.shape[d] - 1 - np.flip(back, d)


def _in_order(read: Any, input: Any, dim: int, places: Any) -> Any:
    """The elements at `places` along `dim`; those of a number, or of nothing, as `gather` reads them."""
    if not input.array.ndim or not places.array.size:
        return gather(input, dim, places)
    return pick_along(read, input, axis(dim, input.array.ndim), places, True)


_sorted, _topmost = shown_as(_getitem, "SortBackward0"), shown_as(_getitem, "TopkBackward0")
_Sorted = returns("sort", "values", "indices")
_Top = returns("topk", "values", "indices")


@numpy_names
def sort(input: Any, *order: Any, dim: int = -1, descending: bool = False, stable: bool | None = None) -> Any:
    """The elements in order along `dim`, and where they stood: a pair (values, indices).

    >>> import minigrad as torch
    >>> torch.sort(torch.tensor([3, 1, 2])).indices
    tensor([1, 2, 0])
    """
    if order and (stable is not None or len(order) > 2):
        hint = "give dim and descending by name beside `stable`" if len(order) <= 2 else "at most dim and descending"
        raise TypeError(f"sort() received an invalid combination of arguments: {hint}; got {order}")
    dim = order[0] if order else dim
    descending = order[1] if len(order) > 1 else descending
    indices = argsort(input, dim, descending)
    return _Sorted(_in_order(_sorted, input, dim, indices), indices)


@numpy_names
@on_its_gpu
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort the tensor along `dim`.

    >>> import minigrad as torch
    >>> torch.argsort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return wrap(ordering(input.array, axis(dim, input.array.ndim), descending))


@numpy_names
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The `k` greatest (or least) elements along `dim`, in order, and where they stood.

    >>> import minigrad as torch
    >>> torch.topk(torch.tensor([3, 1, 2]), 2).values
    tensor([3, 2])
    """
    d = axis(dim, input.array.ndim)
    if input.array.dtype.kind == "b":
        raise not_implemented_for("topk", input.array.dtype)
    if not 0 <= as_int(k, "k") <= (input.array.shape[d] if input.array.ndim else 1):
        raise RuntimeError(f"selected index k out of range: k={k}, dimension {d} of shape {tuple(input.array.shape)}")
    order = ordering(input.array, d, largest)
    indices = wrap(order[(slice(None),) * d + (slice(0, k),)] if input.array.ndim else order)
    return _Top(_in_order(_topmost, input, d, indices), indices)


def _no_derivative(g: Any) -> Any:
    raise NotImplementedError(
        "derivative for unique is not implemented: which elements occur is a step; detach() the tensor"
    )


# What was picked, as a result of the tensor: there is no way back, but it requires a gradient as in PyTorch.
_picked = operation("unique", lambda x, *, values: values, _no_derivative, shown="Unique2Backward0")


@numpy_names
@on_its_gpu
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along `dim`) that occur, once each; with inverse and counts.

    >>> import minigrad as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    if not isinstance(sorted, bool):
        raise TypeError(f"unique(): argument 'sorted' must be a bool, got {sorted!r}; an axis is named: dim={sorted!r}")
    d = None if dim is None else axis(dim, input.array.ndim)
    values, inverse, counts = np.unique(input.array, return_inverse=True, return_counts=True, axis=d, equal_nan=False)
    inverse = inverse.reshape(input.array.shape if d is None else -1)
    return _answers(_picked(input, values=values), (inverse, return_inverse), (counts, return_counts))


def _answers(values: Any, *others: tuple[Any, bool]) -> Any:
    """The values alone, or a tuple with what else was asked for."""
    asked = [wrap(x.astype(np.int64, copy=False)) for x, wanted in others if wanted]
    return (values, *asked) if asked else values


@numpy_names
@on_its_gpu
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of every run of equal elements (or slices along `dim`); with inverse and the runs' lengths.

    >>> import minigrad as torch
    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 2, 3, 1, 1, 2]))
    tensor([1, 2, 3, 1, 2])
    """
    x = input.array
    d = 0 if dim is None else axis(dim, x.ndim)
    lines = x.reshape(-1) if dim is None else np.moveaxis(x, d, 0)
    flat = lines.reshape(len(lines), -1) if lines.size else lines.reshape(len(lines), 0)
    starts = np.ones(len(flat), bool)
    starts[1:] = (flat[1:] != flat[:-1]).any(1)
    places = np.flatnonzero(starts)
    values = lines[places] if dim is None else np.moveaxis(lines[places], 0, d)
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(places, len(flat)))
    inverse = inverse.reshape(x.shape) if dim is None else inverse
    return _answers(_picked(input, values=values), (inverse, return_inverse), (counts, return_counts))


# ---- one of those in order -----------------------------------------------------------------------
def _middle(x: Any) -> Any:
    """The lower one of the two middle elements; NaN if one is among them, and of nothing."""
    if not x.size:
        return np.asarray(np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
    flat = x.reshape(-1)
    if x.dtype.kind == "f" and np.isnan(flat).any():
        return np.asarray(np.nan, x.dtype)
    k = (flat.size - 1) // 2
    return np.partition(flat, k)[k]


def _middle_number(x: Any) -> Any:
    """The same of what is no NaN."""
    numbers = x[~np.isnan(x)] if x.dtype.kind == "f" else x
    return _middle(numbers)


_median_of_all = _of_all("median", _middle, "MedianBackward0")
_nanmedian_of_all = _of_all("nanmedian", _middle_number, "NanmedianBackward0")


@on_its_gpu
def _middle_places(x: Any, d: int, skip_nan: bool) -> Any:
    """Where the middle element stands along axis `d`: a NaN, if there is one and they are not skipped."""
    order = ordering(x, d, False)
    missing = np.isnan(x).sum(d, keepdims=True) if x.dtype.kind == "f" else 0
    count = x.shape[d] - missing
    rank = np.maximum(count - 1, 0) // 2
    if not skip_nan:
        rank = np.where(missing > 0, count, rank)  # NaN stand last: the first of them
    shape = [1 if i == d else n for i, n in enumerate(x.shape)]
    return np.take_along_axis(order, np.broadcast_to(rank, shape), d)


def _median(name: str, of_all: Any, skip_nan: bool, example: str) -> Callable[..., Any]:
    result = returns(name, "values", "indices")
    along_one = shown_as(_getitem, f"{name.capitalize()}Backward1")

    def call(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        if input.array.dtype.kind == "b":
            raise not_implemented_for(name, input.array.dtype)
        if dim is None:
            return of_all(input)
        d = axis(dim, input.array.ndim)
        if not input.array.ndim:
            return result(clone(input), wrap(np.zeros((), np.int64)))
        check_not_empty(name, input, (d,))
        places = wrap(as_int64(_middle_places(input.array, d, skip_nan)))
        return _with_places(result, along_one, input, d, places, keepdim)

    left_out = " of what is not NaN" if skip_nan else ""
    text = f"The middle element{left_out}, the lower one of two; along `dim` a pair (values, indices)."
    return numpy_names(rename(call, name, text, example))


median = _median("median", _median_of_all, False, "torch.median(torch.tensor([3, 1, 7, 5])) -> tensor(3)")
nanmedian = _median(
    "nanmedian", _nanmedian_of_all, True, "torch.nanmedian(torch.tensor([3.0, float('nan'), 7.0])) -> tensor(3.)"
)
_kth, _modal = shown_as(_getitem, "KthvalueBackward0"), shown_as(_getitem, "ModeBackward0")
_Kth = returns("kthvalue", "values", "indices")
_Mode = returns("mode", "values", "indices")


@numpy_names
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The `k`-th smallest element along `dim`, counted from 1, and where it stood: a pair (values, indices).

    >>> import minigrad as torch
    >>> torch.kthvalue(torch.tensor([5.0, 3.0, 4.0]), 2).values
    tensor(4.)
    """
    d = axis(dim, input.array.ndim)
    if input.array.dtype.kind == "b":
        raise not_implemented_for("kthvalue", input.array.dtype)
    size = input.array.shape[d] if input.array.ndim else 1
    if not 1 <= as_int(k, "k") <= size:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}: k={k}, size {size}")
    if not input.array.ndim:
        return _Kth(clone(input), wrap(np.zeros((), np.int64)))
    order = ordering(input.array, d, False)
    places = wrap(as_int64(order[(slice(None),) * d + (slice(k - 1, k),)]))
    return _with_places(_Kth, _kth, input, d, places, keepdim)


@numpy_names
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """The commonest element along `dim`, the smallest of several, and where it stands: a pair (values, indices).

    >>> import minigrad as torch
    >>> torch.mode(torch.tensor([6, 5, 1, 0, 2, 5])).values
    tensor(5)
    """
    d = axis(dim, input.array.ndim)
    if not input.array.ndim:
        return _Mode(clone(input), wrap(np.zeros((), np.int64)))
    check_not_empty("mode", input, (d,))
    return _with_places(_Mode, _modal, input, d, wrap(as_int64(_commonest(input.array, d))), keepdim)


@on_its_gpu
def _commonest(x: Any, d: int) -> Any:
    """The place of the commonest element of each line along axis `d`: the last of equal ones."""
    order = ordering(x, d, False)
    lines = np.moveaxis(np.take_along_axis(x, order, d), d, -1)  # in order, (..., n)
    numbers = array_module(x).arange(lines.shape[-1])
    first = np.concatenate([np.ones_like(lines[..., :1], dtype=bool), lines[..., 1:] != lines[..., :-1]], -1)
    runs = np.cumsum(first, -1)  # the number of the run that each belongs to
    counts = (runs[..., :, None] == runs[..., None, :]).sum(-1)
    top = counts.argmax(-1)  # the first of the longest runs
    last = (np.where(runs == np.take_along_axis(runs, top[..., None], -1), numbers, -1)).max(-1)
    return np.take_along_axis(order, np.expand_dims(last, d), d)


# ---- places in a sorted sequence -----------------------------------------------------------------
def _bounds(name: str, sequence: Any, values: Any, right: bool, side: str | None, as_int32: bool) -> Any:
    if side not in (None, "left", "right"):
        raise RuntimeError(f"{name}(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(f"{name}(): side and right can't be set to opposites, got side of left while right was True")
    after = "right" if right or side == "right" else "left"
    xp = array_module(sequence)
    if sequence.ndim == 1:
        found = xp.searchsorted(sequence, values.reshape(-1), after).reshape(values.shape)
    else:
        pairs = zip(sequence.reshape(-1, sequence.shape[-1]), values.reshape(-1, values.shape[-1]), strict=True)
        found = xp.stack([xp.searchsorted(line, wanted, after) for line, wanted in pairs]).reshape(values.shape)
    return wrap(found.astype(np.int32 if as_int32 else np.int64, copy=False))


@of_tensor
@on_its_gpu
def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Tensor:  # fmt: skip
    """Where each number of `input` would go into the sorted innermost lines: before equal ones, or after if `right`.

    >>> import minigrad as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([0, 3, 6]))
    tensor([0, 1, 3])
    """
    sequence = sorted_sequence.array
    if sorter is not None:
        if sorter.array.shape != sequence.shape:
            shapes = f"{tuple(sequence.shape)} and {tuple(sorter.array.shape)}"
            raise RuntimeError(f"searchsorted(): boundary and sorter must have the same size, but got {shapes}")
        sequence = np.take_along_axis(sequence, sorter.array, -1)
    values = input.array if isinstance(input, TensorBase) else np.asarray(as_number("searchsorted", "input", input))
    if sequence.ndim != 1 and (not sequence.ndim or sequence.shape[:-1] != values.shape[:-1]):
        detail = f"boundaries {tuple(sequence.shape)} and input {tuple(values.shape)}"
        raise RuntimeError(
            "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor "
            f"and input value tensor must match, but we got {detail}"
        )
    return _bounds("searchsorted", sequence, values, right, side, out_int32)


@on_its_gpu
def bucketize(input: Tensor, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The number of the interval between sorted `boundaries` that each element lies in.

    >>> import minigrad as torch
    >>> torch.bucketize(torch.tensor([0, 3, 6]), torch.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    if not isinstance(boundaries, TensorBase):
        raise not_a_tensor("bucketize", "boundaries", 2, boundaries)
    if boundaries.array.ndim != 1:
        raise RuntimeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# ---- counts --------------------------------------------------------------------------------------
@of_tensor
def bincount(input: Tensor, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs; with `weights`, the sum of theirs.

    >>> import minigrad as torch
    >>> torch.bincount(torch.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    if input.array.dtype.kind not in "iu":
        raise not_implemented_for("bincount", input.array.dtype)
    if input.array.ndim != 1 or (input.array < 0).any():
        detail = f"got shape {tuple(input.array.shape)} with the least entry {input.array.min(initial=0)}"
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs: {detail}")
    most = int(input.array.max(initial=0)) if type(input.array) is np.ndarray else 0
    if most >= 2**40:
        raise RuntimeError(f"bincount: one count for each of 0 ... {most} does not fit into memory; use unique")
    if weights is not None and tuple(weights.array.shape) != tuple(input.array.shape):
        shapes = f"got {tuple(weights.array.shape)} for {tuple(input.array.shape)}"
        raise RuntimeError(f"bincount: weights should be 1-d and have the same length as input, but {shapes}")
    counts = np.bincount(as_index(input.array), None if weights is None else weights.array, minlength)
    if weights is None:
        return wrap(as_int64(counts))
    return wrap(counts.astype(np.float32 if weights.array.dtype == np.float32 else np.float64, copy=False))
