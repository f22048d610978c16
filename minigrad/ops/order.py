"""Maxima and minima with their indices, sorting, `topk`, `kthvalue`, `median` and `mode`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.recording import operation
from minigrad.ops.arguments import Omissible, as_size, axis, require_bools, require_kind, takes_out
from minigrad.ops.arithmetic import maximum, minimum
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import clone, in_rows
from minigrad.ops.describe import rename
from minigrad.ops.gather import gather, read_found
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.index import read_at
from minigrad.ops.reduce_variants import amax, amin, check_not_empty
from minigrad.ops.return_types import make_return_type
from minigrad.placement import as_int64


def make_picker(name: str, number: int = 0) -> Callable[..., Any]:
    """Makes a function that returns the named tuple (values, indices) of operation `name`."""
    result = make_return_type(name, "values", "indices")
    read = shown_as(read_at, f"{name.capitalize()}Backward{number}")

    def pick(input: Any, d: int, find: Any, *how: Any, keepdim: bool = True) -> Any:
        """The elements of `input` at the indices ``find(x, d, *how)``, one or more in each line along axis `d`."""
        if not input.array.ndim:
            return result(name_last_call(clone(input), read.backward_name), compute(np.zeros_like, input, np.int64))
        places = compute(find, input, d, *how)
        found = places.array
        if not keepdim:
            places.array = found.reshape(found.shape[:d] + found.shape[d + 1 :])
        elif not found.size:
            return result(gather(input, d, places), places)
        return result(read_found(read, input, d, found, places), places)

    return pick


# ---- extremes and their indices -------------------------------------------------------------------
def find_extreme(x: Any, d: int | None, find: Any, keepdim: bool = True) -> Any:
    """The index that `find`, argmax or argmin, gives along axis `d`, or over all elements."""
    return as_int64(find(x, axis=d, keepdims=keepdim))


def _make_arg_extreme(name: str, find: Any, example: str) -> Callable[..., Any]:
    def call(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        require_kind(name, input.array.dtype, "fiu")
        d = None if dim is None else axis(dim, input.array.ndim)
        check_not_empty(name, input, None if d is None else (d,), IndexError)
        return compute(find_extreme, input, d if input.array.ndim else None, find, keepdim)

    text = f"The index of the {name[3:]}imum along `dim`, or in the flattened tensor."
    return takes_out(rename(call, name, text, example), axis_first=True)


argmax = _make_arg_extreme("argmax", np.argmax, "torch.argmax(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([1, 0])")
argmin = _make_arg_extreme("argmin", np.argmin, "torch.argmin(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([0, 1])")


def _share_among_equal(g: Any, x: Any, out: Any) -> Any:
    """The gradient of the maximum, minimum or median over all elements: equal shares for the elements equal to it."""
    hit = np.where(np.isnan(out), np.isnan(x), np.equal(x, out))
    return np.where(hit, g / np.sum(hit), 0.0)


def _make_for_all(name: str, find: Any, shown: str) -> Any:
    """Makes the operation of `find` over all elements, whose result is 0-d."""
    return operation(name, find, _share_among_equal, shown=shown)


def _read_line(name: str, input: Any, dim: Any, keepdim: bool) -> int | None:
    """The axis `dim`, or None for all elements. Raises for an empty axis, and for `keepdim` without an axis."""
    if dim is None and keepdim:
        raise TypeError(f"{name}(): keepdim needs a dim; over all elements {name}() gives a 0-d tensor")
    d = None if dim is None else axis(dim, input.array.ndim)
    if d is not None:
        check_not_empty(name, input, (d,))
    return d


def _make_extreme(name: str, method: str, pairwise: Any, find: Any, example: str) -> Callable[..., Any]:
    pick = make_picker(name)
    of_all = _make_for_all(name, lambda x: getattr(x, method)(), f"{name.capitalize()}Backward1")

    def call(input: Tensor, dim: Omissible = None, keepdim: bool = False, *, other: Any = None) -> Tensor:
        if other is not None or isinstance(dim, TensorBase):
            if keepdim:
                raise TypeError(f"{name}(): keepdim needs an int as dim; of two tensors {name}() compares the elements")
            return pairwise(input, dim if other is None else other)
        d = _read_line(name, input, dim, keepdim)
        if d is None:
            check_not_empty(name, input, None)
            return of_all(input)
        return pick(input, d, find_extreme, find, keepdim=keepdim)

    text = (
        f"The {name}imum of all; along `dim` a pair (values, indices); with a tensor the elementwise `{name}imum`.\n\n"
        "NaN wins. Equal extremes of all share the gradient; along `dim` that of the index gets it. Raises "
        "RuntimeError\nfor an empty tensor, IndexError for an empty axis `dim`."
    )
    return takes_out(rename(call, name, text, example), cast="alone")


max = _make_extreme(
    "max", "max", maximum, np.argmax, "torch.max(torch.tensor([[1, 5], [7, 2]]), 1).values -> tensor([5, 7])"
)
min = _make_extreme(
    "min", "min", minimum, np.argmin, "torch.min(torch.tensor([[1, 5], [7, 2]]), 1).values -> tensor([1, 2])"
)


@takes_out
@recorded_as("AminmaxBackward0")
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The pair (min, max) over the dimension `dim`, or over all; ties share the gradient.

    >>> import minigrad as torch
    >>> torch.aminmax(torch.tensor([1, -3, 5])).min
    tensor(-3)
    """
    if not input.array.size and dim is None:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity")
    over = () if dim is None else axis(dim, input.array.ndim)
    return _AMinMax(amin(input, over, keepdim), amax(input, over, keepdim))


_AMinMax = make_return_type("aminmax", "min", "max")


# ---- sorting -------------------------------------------------------------------------------------
def find_order(x: Any, d: int, descending: bool = False, ranks: slice | None = None) -> Any:
    """The indices along axis `d` of the elements with these `ranks`; equal ones keep their order, NaN is greatest."""
    if not x.ndim:
        return np.zeros_like(x, dtype=np.int64)
    if descending:
        backwards = (slice(None),) * d + (slice(None, None, -1),)  # an index is quicker than np.flip
        order = x.shape[d] - 1 - np.argsort(x[backwards], axis=d, kind="stable")[backwards]
    else:
        order = np.argsort(x, axis=d, kind="stable")
    return as_int64(order if ranks is None else order[(slice(None),) * d + (ranks,)].copy())


_pick_sorted, _pick_top = make_picker("sort"), make_picker("topk")


@takes_out
def sort(input: Tensor, *order: Any, dim: int = -1, descending: bool = False, stable: bool | None = None) -> Any:
    """The elements sorted along `dim`, and their indices: a pair (values, indices).

    Both have the shape of `input`, and ``values[i] = input[indices[i]]``, so the gradient goes back to these places.
    NaN counts as the largest. With `stable`, equal elements keep their order.

    >>> import minigrad as torch
    >>> torch.sort(torch.tensor([3, 1, 2])).indices
    tensor([1, 2, 0])
    """
    if order and (stable is not None or len(order) > 2):
        hint = "give dim and descending by name beside `stable`" if len(order) <= 2 else "at most dim and descending"
        raise TypeError(f"sort() received an invalid combination of arguments: {hint}; got {order}")
    dim = order[0] if order else dim
    if len(order) > 1:
        descending = order[1]
        require_bools("sort", descending=descending)
    found = _pick_sorted(input, axis(dim, input.array.ndim), find_order, descending)
    return found if stable is None else name_last_call(found, "SortBackward1")


@takes_out
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort the tensor along `dim`.

    >>> import minigrad as torch
    >>> torch.argsort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return compute(find_order, input, axis(dim, input.array.ndim), descending)


@takes_out
def msort(input: Tensor) -> Tensor:
    """The elements sorted along the first axis.

    >>> import minigrad as torch
    >>> torch.msort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 3])
    """
    return sort(input, 0).values


@takes_out
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The `k` largest elements along `dim` and their indices; the smallest with ``largest=False``.

    Shapes: (..., n, ...) -> (..., k, ...) for both. They are always sorted, the first in the order first. Raises
    RuntimeError unless 0 <= k <= n.

    >>> import minigrad as torch
    >>> torch.topk(torch.tensor([3, 1, 2]), 2).values
    tensor([3, 2])
    """
    d = axis(dim, input.array.ndim)
    require_kind("topk", input.array.dtype, "fiu")
    k = as_size(k, "k")
    if not 0 <= k <= (input.array.shape[d] if input.array.ndim else 1):
        raise RuntimeError(f"selected index k out of range: k={k}, dimension {d} of shape {tuple(input.array.shape)}")
    return _pick_top(input, d, _find_top, largest, k)


MANY = 4096  # elements from which a search is quicker than sorting


def _find_top(x: Any, d: int, largest: bool, k: int) -> Any:
    """The indices along axis `d` of the first `k` elements in the order of `find_order`."""
    n = x.shape[d]
    worthwhile = x.size >= MANY and 0 < k <= n // 4 and type(x) is np.ndarray
    if not worthwhile or (x.dtype.kind == "f" and np.isnan(x).any()):
        return find_order(x, d, largest, slice(k))
    lines = np.moveaxis(x, d, -1)  # (..., n)
    place = n - k if largest else k - 1
    last = np.partition(lines, place, -1)[..., place, None]  # the k-th element, (..., 1)
    chosen = lines > last if largest else lines < last
    equal = lines == last
    missing = k - np.count_nonzero(chosen, -1, keepdims=True)  # of several equal elements the first ones
    chosen |= equal & (np.cumsum(equal, -1) <= missing)
    places = np.nonzero(chosen)[-1].reshape(*lines.shape[:-1], k)
    order = find_order(np.take_along_axis(lines, places, -1), lines.ndim - 1, largest)
    return in_rows(np.moveaxis(np.take_along_axis(places, order, -1), -1, d))


# ---- elements by rank -----------------------------------------------------------------------
def _find_middle_of_all(x: Any) -> Any:
    """The lower of the two middle elements; NaN if there is a NaN, or no element."""
    if not x.size:
        return np.full_like(x, np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, shape=())
    flat, k = x.reshape(-1), (x.size - 1) // 2
    middle = np.partition(flat, k)[k]
    return np.where(np.isnan(flat).any(), np.nan, middle) if x.dtype.kind == "f" else middle


def _find_middle_number(x: Any) -> Any:
    """The same over the elements that are not NaN."""
    numbers = x[~np.isnan(x)] if x.dtype.kind == "f" else x
    return _find_middle_of_all(numbers)


_median_of_all = _make_for_all("median", _find_middle_of_all, "MedianBackward0")
_nanmedian_of_all = _make_for_all("nanmedian", _find_middle_number, "NanmedianBackward0")


def _find_middle(x: Any, d: int, skip_nan: bool) -> Any:
    """The index of the median along axis `d`: that of a NaN, if there is one and NaN are not skipped."""
    order = find_order(x, d)
    missing = np.isnan(x).sum(d, keepdims=True) if x.dtype.kind == "f" else 0
    count = x.shape[d] - missing
    rank = np.maximum(count - 1, 0) // 2
    if not skip_nan:
        rank = np.where(missing > 0, count, rank)  # NaN are sorted last: take the first of them
    shape = [1 if i == d else n for i, n in enumerate(x.shape)]
    return in_rows(np.take_along_axis(order, np.broadcast_to(rank, shape), d))


def _make_median(name: str, of_all: Any, skip_nan: bool, example: str) -> Callable[..., Any]:
    pick = make_picker(name, 1)

    def call(input: Tensor, dim: Omissible = None, keepdim: bool = False) -> Tensor:
        d = _read_line(name, input, dim, keepdim)
        require_kind(name, input.array.dtype, "fiu")
        if d is None:
            return of_all(input)
        return pick(input, d, _find_middle, skip_nan, keepdim=keepdim)

    left_out = " of what is not NaN" if skip_nan else ""
    text = f"The middle element{left_out}, the lower one of two; along `dim` a pair (values, indices)."
    return takes_out(rename(call, name, text, example))


median = _make_median("median", _median_of_all, False, "torch.median(torch.tensor([3, 1, 7, 5])) -> tensor(3)")
nanmedian = _make_median(
    "nanmedian", _nanmedian_of_all, True, "torch.nanmedian(torch.tensor([3.0, float('nan'), 7.0])) -> tensor(3.)"
)
_pick_kth, _pick_commonest = make_picker("kthvalue"), make_picker("mode")


@takes_out(apart="all")
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The `k`-th smallest element along `dim`, counted from 1, and its index: a pair (values, indices).

    >>> import minigrad as torch
    >>> torch.kthvalue(torch.tensor([5.0, 3.0, 4.0]), 2).values
    tensor(4.)
    """
    d = axis(dim, input.array.ndim)
    require_kind("kthvalue", input.array.dtype, "fiu" if input.array.ndim else "fiub")
    check_not_empty("kthvalue", input, (d,))
    size = input.array.shape[d] if input.array.ndim else 1
    k = as_size(k, "k")
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}: k={k}, size {size}")
    return _pick_kth(input, d, find_order, False, slice(k - 1, k), keepdim=keepdim)


@takes_out
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent element along `dim`, the smallest of several, and its index: a pair (values, indices).

    >>> import minigrad as torch
    >>> torch.mode(torch.tensor([6, 5, 1, 0, 2, 5])).values
    tensor(5)
    """
    d = axis(dim, input.array.ndim)
    check_not_empty("mode", input, (d,))
    return _pick_commonest(input, d, _find_commonest, keepdim=keepdim)


def _find_commonest(x: Any, d: int) -> Any:
    """The index of the most frequent element of each line along axis `d`: the last of equal ones."""
    order = find_order(x, d)
    lines = np.moveaxis(np.take_along_axis(x, order, d), d, -1)  # sorted, (..., n)
    begins = np.concatenate([np.ones_like(lines[..., :1], dtype=bool), lines[..., 1:] != lines[..., :-1]], -1)
    runs = np.cumsum(begins.reshape(-1)) - 1  # the number of the run that each element belongs to
    lengths = np.bincount(runs)[runs].reshape(lines.shape)
    first = lengths.argmax(-1)[..., None]  # where the longest run begins, the first of several
    last = first + np.take_along_axis(lengths, first, -1) - 1
    return np.take_along_axis(order, np.moveaxis(last, -1, d), d)
