"""Counting and searching: `unique`, `bincount`, `histc`, `isin`, `searchsorted`. They have no gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase, value_of, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import array_module, device_of, quiet, to_device
from minigrad.ops.arguments import (
    Operand,
    as_int,
    as_number,
    axis,
    of_tensors,
    require_kind,
    require_number,
    require_tensor,
    takes_out,
)
from minigrad.ops.complaints import not_a_tensor
from minigrad.ops.copies import cast
from minigrad.ops.device import move_scalars
from minigrad.ops.division import no_derivative
from minigrad.ops.evenly_spaced import space_evenly
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.keys import first_out_of_range
from minigrad.ops.return_types import make_return_type
from minigrad.placement import as_index, as_int64
from minigrad.shown_values import shorten

# ---- what occurs ---------------------------------------------------------------------------------
_step = no_derivative("unique", "which elements occur is a step; detach() the tensor", NotImplementedError)
_picked = operation("unique", lambda x, *, values: values, _step, shown="Unique2Backward0")


@takes_out
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The elements (or slices along `dim`) that occur, once each; with inverse and counts.

    >>> import minigrad as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    return _collect_answers(_find_unique, input, dim, return_inverse, return_counts)


def _find_unique(x: Any, d: int | None, with_inverse: bool, with_counts: bool) -> tuple[Any, ...]:
    # With counts NumPy sorts. Alone it finds integers by a table, which may take twenty times as long.
    how: Any = {"return_inverse": with_inverse, "return_counts": True, "equal_nan": False}
    half = x.dtype == np.float16  # whose NaN NumPy sorts to either end
    values, *others = np.unique(x.astype(np.float32) if half else x, axis=d, **how)
    values = values.astype(x.dtype, copy=False)
    found = [values]
    if with_inverse:
        found.append(as_int64(others[0].reshape(x.shape if d is None else -1)))
    if with_counts:
        found.append(as_int64(others[-1]))
    return tuple(found)


def _collect_answers(find: Any, input: Any, dim: Any, with_inverse: bool, with_counts: bool) -> Any:
    """The values, alone or in a tuple with the inverse and the counts if these are wanted."""
    d = None if dim is None else axis(dim, input.array.ndim)
    shape = tuple(input.array.shape)
    if d is not None and not shape:
        raise IndexError("unique(): a 0-d tensor has no dimensions: leave dim out")
    if d is not None and not input.array.size and shape[d]:
        raise RuntimeError(f"unique(): slices of a tensor of shape {shape} along dimension {d} have no elements")
    values, *others = compute(find, input, d, with_inverse, with_counts)
    picked = _picked(input, values=values.array)
    if find is _find_runs or d is not None:
        name_last_call(picked, "UniqueConsecutiveBackward0" if find is _find_runs else "UniqueDimBackward0")
    return (picked, *others) if others else picked


@takes_out
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of each run of equal elements (or slices along `dim`); optionally the inverse and the runs' lengths.

    >>> import minigrad as torch
    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 2, 3, 1, 1, 2]))
    tensor([1, 2, 3, 1, 2])
    """
    return _collect_answers(_find_runs, input, dim, return_inverse, return_counts)


def _find_runs(x: Any, d: int | None, with_inverse: bool, with_counts: bool) -> tuple[Any, ...]:
    lines = x.reshape(-1) if d is None else np.moveaxis(x, d, 0)  # (n,), or (..., n, ...) -> (n, ...)
    flat = lines.reshape(len(lines), -1) if lines.size else lines.reshape(len(lines), 0)  # (n, the rest)
    starts = array_module(x).ones(len(flat), bool)
    starts[1:] = (flat[1:] != flat[:-1]).any(1)
    places = np.flatnonzero(starts)
    found = [lines[places] if d is None else np.moveaxis(lines[places], 0, d)]
    if with_inverse:
        inverse = as_int64(np.cumsum(starts) - 1)
        found.append(inverse.reshape(x.shape) if d is None else inverse)
    if with_counts:
        found.append(as_int64(np.diff(np.append(places, len(flat)))))
    return tuple(found)


@takes_out
def isin(elements: Operand, test_elements: Operand, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each of `elements` is among `test_elements`; `invert` asks the opposite.

    >>> import minigrad as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 3]))
    tensor([False,  True,  True])
    """
    if not isinstance(elements, TensorBase) and not isinstance(test_elements, TensorBase):
        raise not_a_tensor("isin", "elements", 1, elements)
    for x in (elements, test_elements):
        require_number("isin", "elements", x)
    values = [value_of(elements), value_of(test_elements)]
    if "b" in [dtypes.result_type([x]).kind for x in values]:
        raise RuntimeError("Unsupported input type encountered for isin(): Bool; convert it with .long()")
    common = dtypes.result_type(values)
    given = [x if isinstance(x, TensorBase) else wrap(np.asarray(x)) for x in (elements, test_elements)]
    first, second = [cast(x, common) for x in move_scalars(*given)]
    return compute(array_module(first.array).isin, first, second.array, False, invert)


# ---- places in a sorted sequence -----------------------------------------------------------------
def _read_side(name: str, side: str | None, right: bool) -> str:
    """Reads `side` and `right`: whether a number goes to the left or to the right of equal ones."""
    if side not in (None, "left", "right"):
        raise RuntimeError(f"{name}(): side can only be 'left' or 'right' but got {shorten(side, str)}")
    if side == "left" and right:
        raise RuntimeError(f"{name}(): side and right can't be set to opposites, got side of left while right was True")
    return "right" if right or side == "right" else "left"


def _find_places(lines: Any, values: Any, sorter: Any, side: str, dtype: Any) -> Any:
    """The insertion points of values: all into a single sorted line, else each row into its own line."""
    lines = lines if sorter is None else np.take_along_axis(lines, sorter, -1)
    xp = array_module(lines)
    if not values.size:
        return xp.empty(values.shape, dtype)
    if lines.ndim == 1:
        found = xp.searchsorted(lines, values.reshape(-1), side)
    else:
        rows = values.reshape(-1, values.shape[-1])
        pairs = zip(lines.reshape(len(rows), lines.shape[-1]), rows, strict=True)
        found = xp.stack([xp.searchsorted(line, wanted, side) for line, wanted in pairs])
    return found.reshape(values.shape).astype(dtype, copy=False)


def _check_sorter(sorter: Any, shape: tuple[int, ...]) -> None:
    """Raises unless `sorter` is an order of elements of this shape along the last axis."""
    require_tensor("searchsorted", "sorter", 3, sorter)
    order = sorter.array
    if order.shape != shape:
        shapes = f"{shape} and {tuple(order.shape)}"
        raise RuntimeError(f"searchsorted(): boundary and sorter must have the same size, but got {shapes}")
    if order.dtype != np.int64:
        raise RuntimeError(f"searchsorted(): sorter must be a tensor of dtype int64, got {order.dtype}")
    bad = first_out_of_range(order, shape[-1])
    if bad is not None:
        raise RuntimeError(f"searchsorted(): sorter index {bad} is out of range for {shape[-1]} elements")


@takes_out
def searchsorted(
    sorted_sequence: Tensor, input: Operand, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Tensor:  # fmt: skip
    """Where each number of `input` would go into the sorted innermost lines: before equal ones, or after if `right`.

    >>> import minigrad as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([0, 3, 6]))
    tensor([0, 1, 3])
    """
    have = tuple(sorted_sequence.array.shape)
    if sorter is not None:
        _check_sorter(sorter, have)
    if not isinstance(input, TensorBase):
        input = move_scalars(sorted_sequence, wrap(np.asarray(as_number("searchsorted", "input", input))))[1]
    values = input.array
    require_kind("searchsorted", dtypes.promote_pair(sorted_sequence.array.dtype, values.dtype), "fiu")
    if len(have) != 1 and (not have or have[:-1] != values.shape[:-1]):
        detail = f"boundaries {have} and input {tuple(values.shape)}"
        raise RuntimeError(
            "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor "
            f"and input value tensor must match, but we got {detail}"
        )
    dtype, side = np.int32 if out_int32 else np.int64, _read_side("searchsorted", side, right)
    order = None if sorter is None else sorter.array
    return compute(_find_places, sorted_sequence, values, order, side, dtype)


@takes_out
def bucketize(input: Operand, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The number of the interval between sorted `boundaries` that each element lies in.

    >>> import minigrad as torch
    >>> torch.bucketize(torch.tensor([0, 3, 6]), torch.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    require_tensor("bucketize", "boundaries", 2, boundaries)
    if boundaries.array.ndim != 1:
        raise RuntimeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# ---- counts --------------------------------------------------------------------------------------
@of_tensors
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs; with `weights`, the sum of the weights instead.

    >>> import minigrad as torch
    >>> torch.bincount(torch.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    require_kind("bincount", input.array.dtype, "iu")
    minlength = as_int(minlength, "minlength")
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength should be >= 0, got {minlength}")
    if weights is not None:
        require_tensor("bincount", "weights", 2, weights)
    if weights is not None and tuple(weights.array.shape) != tuple(input.array.shape):
        shapes = f"got {tuple(weights.array.shape)} for {tuple(input.array.shape)}"
        raise RuntimeError(f"bincount: weights should be 1-d and have the same length as input, but {shapes}")
    return compute(_count_values, input, None if weights is None else weights.array, minlength)


def _count_values(x: Any, weights: Any, minlength: int) -> Any:
    least, most = (int(x.min()), int(x.max())) if x.size else (0, 0)
    if x.ndim != 1 or least < 0:
        detail = f"got shape {tuple(x.shape)} with the least entry {least}"
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs: {detail}")
    if most >= 2**40:
        raise RuntimeError(f"bincount: one count for each of 0 ... {most} does not fit into memory; use unique")
    counts = np.bincount(as_index(x), weights, minlength)
    if weights is None or not x.size:  # as in PyTorch
        return as_int64(counts)
    return counts.astype(np.float32 if weights.dtype == np.float32 else np.float64, copy=False)


def _check_range(name: str, low: Any, high: Any, wider: float) -> tuple[float, float]:
    """Checks the range of a histogram, and widens it by `wider` on both sides if both ends are equal."""
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min, got [{low}, {high}]")
    return (low - wider, high + wider) if low == high else (low, high)


@takes_out
def histc(input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0) -> Tensor:
    """The number of elements in each of `bins` equal parts of [`min`, `max`], or of the input's range if min = max.

    >>> import minigrad as torch
    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    require_kind("histc", input.array.dtype)
    bins = as_int(bins, "bins")
    if bins <= 0:
        raise RuntimeError(f"bins must be > 0, got {bins}")
    low, high = as_number("histc", "min", min), as_number("histc", "max", max)
    dtypes.check_fits(low, high, input.array.dtype)
    return compute(_count_parts, input, bins, low, high)


def _count_parts(x: Any, bins: int, low: Any, high: Any) -> Any:
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    low, high = _check_range("torch.histc", low, high, 1.0)
    inside = x[(x >= low) & (x <= high)]
    inside = inside.astype(np.promote_types(x.dtype, np.float32), copy=False)
    span = inside.dtype.type(high) - inside.dtype.type(low)
    if np.isfinite(span * bins):
        places = (inside - low) * bins / span  # as PyTorch rounds
    else:  # the product would overflow
        places = (inside - low) * (bins / (high - low))
    places = np.minimum(places, bins - 1).astype(np.int64)
    return np.bincount(places, minlength=bins).astype(x.dtype)


_Histogram = make_return_type("histogram", "hist", "bin_edges")


@takes_out
def histogram(input: Tensor, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """The pair (hist, bin_edges): how many elements, or how much `weight`, lie between each two edges.

    `bins` is how many equal parts of `range` there are, or the edges themselves. With `density` the areas add up to 1.

    >>> import minigrad as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.])
    """
    require_kind("histogram", input.array.dtype)
    edges = bins.array if isinstance(bins, TensorBase) else as_int(bins, "bins")
    if isinstance(edges, int) and edges < 1:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {edges}")
    _check_parts(input.array, bins, range, weight)
    weights = None if weight is None else weight.array.reshape(-1)
    return _Histogram(*compute(_count_between, input, edges, range, weights, density))


def _check_parts(x: Any, bins: Any, range: Any, weight: Any) -> None:
    """Checks that edges and weights are of the type of `x` and have a shape that fits, and that edges increase."""
    if weight is not None:
        require_tensor("histogram", "weight", 4, weight)
    for name, given in (("bins", bins), ("weight", weight)):
        if isinstance(given, TensorBase) and given.array.dtype != x.dtype:
            types = f"{x.dtype}, but got {given.array.dtype}"
            raise RuntimeError(f"torch.histogram(): {name} should have the dtype of input, {types}")
    if weight is not None and weight.array.shape != x.shape:
        shapes = f"got {tuple(weight.array.shape)} for {tuple(x.shape)}"
        raise RuntimeError(f"torch.histogram(): weight should have the shape of input, but {shapes}")
    edges = value_of(bins)
    if edges is not bins:
        is_vector = edges.ndim == 1 and edges.size >= 2
        if not is_vector or quiet(lambda e: (e[1:] < e[:-1]).any(), edges):
            got = shorten(edges.tolist())
            raise RuntimeError(f"torch.histogram(): bins should be a vector of increasing edges, got {got}")
    if range is not None and edges is not bins:
        raise TypeError("histogram() takes edges as bins, or a number of bins and their range, but not edges and range")
    if range is not None and len(range) != 2:
        raise RuntimeError(f"torch.histogram(): range should have 2 elements, but got {len(range)}")


def _count_between(x: Any, edges: Any, range: Any, weights: Any, density: bool) -> tuple[Any, Any]:
    xp = array_module(x)
    if isinstance(edges, int):  # the number of bins
        if range:
            low, high = range
        else:
            low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
        low, high = _check_range("torch.histogram", low, high, 0.5)
        edges = to_device(space_evenly(low, high, edges + 1, x.dtype), device_of(x))
    counts, _ = xp.histogram(x.reshape(-1), edges, weights=weights, density=density)
    return counts.astype(x.dtype), edges.copy()
