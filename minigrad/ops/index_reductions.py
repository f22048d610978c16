"""Reductions of the values that are written to one place: `scatter_reduce` and `index_reduce`, with their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.half_precision import round_once
from minigrad.ops.arguments import require_kind, takes_out
from minigrad.ops.gather import at_least_1d
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.index import put_at, read_at
from minigrad.ops.index_writes import read_rows, require_row_for_each
from minigrad.ops.scatter import check_covers, make_scatter_key, reshape_like
from minigrad.shown_values import shorten, show_value

_STARTS = {"sum": 0, "mean": 0, "prod": 1}  # for amax and amin the lowest or highest number
_UFUNCS = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def _find_neutral_number(reduce: str, dtype: Any) -> Any:
    """The neutral element of the reduction `reduce`."""
    if reduce in _STARTS:
        return _STARTS[reduce]
    lowest, highest = (-np.inf, np.inf) if dtype.kind == "f" else dtypes.limits(dtype)
    return lowest if reduce == "amax" else highest


def _combine_at(ufunc: Any, new: Any, key: Any, values: Any) -> None:
    """``ufunc.at(new, key, values)`` of a row-major `new`. CuPy has it for some dtypes and no products: then sorted."""
    if type(new) is np.ndarray:  # one flat index is twenty times quicker than rows
        places = np.arange(new.size).reshape(new.shape)[key]
        ufunc.at(new.reshape(-1), places.reshape(-1), np.broadcast_to(values, places.shape).reshape(-1))
    elif ufunc is not np.multiply and new.dtype.char in "ilfd":
        getattr(array_module(new), ufunc.__name__).at(new, key, values)
    else:
        _combine_runs(ufunc, new, key, values)


def _combine_runs(ufunc: Any, new: Any, key: Any, values: Any) -> None:
    """Sorts values by index, so that those with the same index form a run, and combines each run by doubling."""
    places = array_module(new).arange(new.size).reshape(new.shape)[key]
    values = np.broadcast_to(values, places.shape).reshape(-1)
    order = places.reshape(-1).argsort()
    places, values = places.reshape(-1)[order], values[order]
    reach = 1
    while reach < len(places):
        together = ufunc(values[reach:], values[:-reach])
        values[reach:] = np.where(places[reach:] == places[:-reach], together, values[reach:])
        reach *= 2
    last = np.concatenate([places[1:] != places[:-1], np.ones_like(places[:1], bool)])
    flat, ends = new.reshape(-1), places[last]
    flat[ends] = ufunc(flat[ends], values[last])


def _reduce_at_places(x: Any, values: Any, *, key: Any, reduce: str, include_self: bool) -> Any:
    new = x.copy()
    if not include_self:
        new[key] = _find_neutral_number(reduce, x.dtype)
    _combine_at(_UFUNCS[reduce], new, key, values)
    if reduce == "mean":
        counts = _count_at_places(x, key, include_self)
        new = new // counts if x.dtype.kind in "iu" else new / counts
    return new.astype(x.dtype, copy=False)


def _count_at_places(x: Any, key: Any, include_self: bool) -> Any:
    """The number of values for each index, at least 1."""
    xp = array_module(x)
    counts = xp.zeros(x.shape, np.int64)
    if include_self:
        counts += 1
    _combine_at(np.add, counts, key, 1)
    return np.maximum(counts, 1).astype(x.dtype)


def _mark_kept(x: Any, key: Any, include_self: bool) -> Any:
    """1 where the old value takes part in the reduction, 0 elsewhere."""
    kept = array_module(x).ones(x.shape, x.dtype)
    if not include_self:
        kept[key] = 0
    return kept


_facts = {  # facts about the indices, as arrays: they do not depend on differentiable values
    "counts": operation("counts", lambda x, *, key, include_self: _count_at_places(x, key, include_self), None),
    "kept": operation("kept", lambda x, *, key, include_self: _mark_kept(x, key, include_self), None),
}


def _share_out(g: Any, x: Any, values: Any, out: Any, key: Any, reduce: str, include_self: bool) -> tuple[Any, Any]:
    """The gradients of the old values and of the reduced values."""
    how = {"key": key, "include_self": include_self}
    kept = _facts["kept"](x, **how)
    if reduce == "sum":
        return g * kept, read_at(g, key=key)
    if reduce == "mean":
        g = g / _facts["counts"](x, **how)
        return g * kept, read_at(g, key=key)
    if reduce == "prod":
        return _share_product(g, x, values, out, key, kept)
    # amax, amin: all values equal to the result share the gradient equally.
    mine = np.where(np.equal(x, out), kept, 0.0)
    theirs = np.where(np.equal(values, read_at(out, key=key)), 1.0, 0.0)
    claims = mine + put_at(theirs, shape=x.shape, key=key)
    share = np.where(np.isnan(out), out, g / claims)  # a NaN result gives NaN to all
    there = read_at(share, key=key)
    touched = np.logical_and(np.greater(kept, 0), np.isnan(share))
    old = np.where(np.logical_or(np.greater(mine, 0), touched), share, 0.0)
    return old, np.where(np.logical_or(np.greater(theirs, 0), np.isnan(there)), there, 0.0)


def _share_product(g: Any, x: Any, values: Any, out: Any, key: Any, kept: Any) -> tuple[Any, Any]:
    """The product of the other factors: by division, or where one factor is 0 the product of the rest."""
    old_zero, new_zero = np.equal(x, 0), np.equal(values, 0)
    zeros = np.where(old_zero, kept, 0.0) + put_at(np.where(new_zero, 1.0, 0.0), shape=x.shape, key=key)
    solid = [np.where(old_zero, 1.0, x), np.where(new_zero, 1.0, values)]
    rest = scatter_product(np.where(np.greater(kept, 0), solid[0], 1.0), solid[1], key=key)
    zero = np.where(old_zero, x * kept, 0.0) + put_at(np.where(new_zero, values, 0.0), shape=x.shape, key=key)

    def share(number: Any, is_zero: Any, solid: Any, g: Any, zeros: Any, zero: Any, rest: Any) -> Any:
        others = zeros - np.where(is_zero, 1.0, 0.0)  # how many other factors are 0: with one the derivative exists
        other = np.where(np.greater(others, 0), zero - np.where(is_zero, number, 0.0), 1.0)
        return np.where(np.greater(others, 1), 0.0, g * (rest / solid) * other)

    there = [read_at(z, key=key) for z in (g, zeros, zero, rest)]
    old = share(x, old_zero, solid[0], g, zeros, zero, rest)
    return np.where(np.greater(kept, 0), old, 0.0), share(values, new_zero, solid[1], *there)


_reduced_at: Any = operation(
    "scatter_reduce",
    round_once(_reduce_at_places),
    lambda g, x, values, out, key, reduce, include_self: _share_out(g, x, values, out, key, reduce, include_self)[0],
    lambda g, x, values, out, key, reduce, include_self: _share_out(g, x, values, out, key, reduce, include_self)[1],
)


def scatter_product(x: Any, values: Any, *, key: Any) -> Any:
    """`x` with the values multiplied into its elements."""
    return _reduced_at(x, values, key=key, reduce="prod", include_self=True)


@takes_out(apart="others")
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:  # fmt: skip
    """``out[index[i][j]][j]`` as the "sum", "prod", "mean", "amax" or "amin" of the ``src[i][j]`` for dim 0.

    Without `include_self` an old value is replaced wherever there are new ones.

    >>> import minigrad as torch
    >>> x, index = torch.tensor([5.0, 6.0, 7.0]), torch.tensor([0, 0, 2])
    >>> torch.scatter_reduce(torch.ones(3), 0, index, x, "sum")
    tensor([12.,  1.,  8.])
    """
    _require_way("scatter_reduce", reduce, "sum, prod, mean, amax or amin")
    key = make_scatter_key("scatter_reduce", input, dim, index, src)
    if reduce == "mean":
        require_kind("scatter_reduce (mean)", input.array.dtype, "fiu")
    shape, source = check_covers("scatter_reduce", index, src)
    target, values = at_least_1d(input), read_at(source, key=(*[slice(n) for n in shape], Ellipsis))
    return reshape_like(_reduced_at(target, values, key=key, reduce=reduce, include_self=include_self), input)


_index_reduced = shown_as(_reduced_at, "IndexReduceBackward0")


@takes_out(apart="others")
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The "prod", "mean", "amax" or "amin" of the entries of `source` that `index` sends to one place of `dim`.

    >>> import minigrad as torch
    >>> torch.index_reduce(torch.ones(3), 0, torch.tensor([2, 2]), torch.tensor([5.0, 6.0]), "prod")
    tensor([ 1.,  1., 30.])
    """
    _require_way("index_reduce", reduce, "prod, mean, amax or amin")
    require_kind("index_reduce", input.array.dtype, "fiu")
    key, target, rows = read_rows("index_reduce", input, dim, index, source)
    require_row_for_each("index_reduce", key, target, rows)
    return reshape_like(_index_reduced(target, rows, key=key, reduce=reduce, include_self=include_self), input)


def _require_way(name: str, reduce: Any, known: str) -> None:
    """Raises TypeError unless `reduce` is a text, and RuntimeError unless it is one of the `known` words."""
    if not isinstance(reduce, str):
        raise TypeError(f"{name}(): argument 'reduce' must be str, not {show_value(reduce)}")
    if reduce not in known.replace(" or ", ", ").split(", "):
        raise RuntimeError(f"reduce argument must be either {known}, got {shorten(reduce)}")
