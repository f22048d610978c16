"""`linspace`, `logspace`, `range`, `meshgrid`, and the indices of triangles."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.failed_calls import names_options
from minigrad.creation.counted import check_steps
from minigrad.creation.filled import as_list, check_countable, creates, read_size
from minigrad.ops.arguments import as_int, as_number, read_tensors
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.evenly_spaced import count_from_both_ends, space_evenly
from minigrad.ops.rearranging import reshape_along
from minigrad.shown_values import show_value


def _read_steps(steps: Any) -> int:
    """The number of steps. Raises RuntimeError if it is negative."""
    if (count := as_int(steps, "steps")) < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {count}")
    return count


def _refuse_several_bools(name: str, dtype: np.dtype[Any], count: int) -> None:
    """Raises NotImplementedError for more than one bool."""
    if dtype == np.bool_ and count > 1:
        raise not_implemented_for(name, dtype)


def _detach(end: Any) -> Any:
    """An end of a range outside of the graph: as in PyTorch, no gradient reaches it."""
    return end.detach() if isinstance(end, TensorBase) else end  # type: ignore[attr-defined]


@partial(creates, in_row=True)
def linspace(start: Any, end: Any, steps: int, *, xp: Any, dtype: Any) -> Any:
    """`steps` numbers from `start` to `end`, both included, evenly spaced.

    >>> import minigrad as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    _require_single_ends("linspace", start, end)
    steps = _read_steps(steps)
    start, end = [as_number("linspace", *x) for x in {"start": _detach(start), "end": _detach(end)}.items()]
    check_countable((steps,), dtype)
    _refuse_several_bools("linspace", dtype, steps)
    if steps < 2:
        end = start
    start, end = [dtypes.scalar(x if steps else 0, dtype, round_to_infinity=steps < 2).item() for x in (start, end)]
    if steps == 1:
        return np.array([start], dtype)
    return space_evenly(start, end, steps, dtype)


def _require_single_ends(name: str, start: Any, end: Any) -> None:
    """Raises RuntimeError for a tensor with axes."""
    ranks = [x.array.ndim if isinstance(x, TensorBase) else 0 for x in (start, end)]
    if any(ranks):
        detail = f"start with {ranks[0]} dimension(s) and end with {ranks[1]} dimension(s)"
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {detail}")


@partial(creates, in_row=True)
def range(start: Any, end: Any, step: Any = 1, *, xp: Any, dtype: Any) -> Any:
    """``start, start + step, ...`` up to and with `end`, as floats. Deprecated in PyTorch; `arange` excludes `end`.

    >>> import warnings, minigrad as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.range(1, 3)
    tensor([1., 2., 3.])
    """
    hint = "range is deprecated, its end is part of it as nowhere else in Python; use arange, which leaves the end out"
    warn(hint)
    start, end, step = [as_number("range", *x) for x in {"start": start, "end": end, "step": step}.items()]
    check_steps(start, end, step)
    length = math.floor((end - start) / step) + 1
    if dtype == np.bool_:
        raise not_implemented_for("range", dtype)
    check_countable((length,), dtype)
    return dtypes.convert(start + np.arange(length, dtype=np.int64) * step, dtype)


@partial(creates, in_row=True)
def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, xp: Any, dtype: Any) -> Any:
    """``base ** x`` for `steps` numbers x from `start` to `end`, both included, evenly spaced.

    >>> import minigrad as torch
    >>> torch.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    _require_single_ends("logspace", start, end)
    start, end, base = [
        as_number("logspace", *x) for x in {"start": _detach(start), "end": _detach(end), "base": base}.items()
    ]
    steps = _read_steps(steps)
    _refuse_several_bools("logspace", dtype, steps)
    with np.errstate(all="ignore"):
        if steps == 1:
            return np.array([dtypes.scalar(float(np.power(float(base), start)), dtype, round_to_infinity=True)])
        if steps and dtype.kind in "iu":
            start, end = [dtypes.scalar(x, dtype).item() for x in (start, end)]
        number = dtype.type if dtype.kind == "f" else np.float64
        step = np.float64(number(end) - number(start)) / max(steps - 1, 1)  # as in PyTorch, not rounded to the dtype
        wide = np.longdouble if number is np.float64 else np.float64
        exponents = count_from_both_ends(number(start), number(end), step, steps, wide)
        return dtypes.convert(np.power(float(base), exponents.astype(np.float64)), dtype)


@creates
def empty_strided(size: Any, stride: Any, *, xp: Any, dtype: Any) -> Any:
    """An uninitialized tensor with the given strides, counted in elements.

    >>> import minigrad as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    shape = read_size("empty_strided", (as_list("empty_strided", size),), dtype)
    if not isinstance(stride, (tuple, list)):
        raise TypeError(f"empty_strided(): argument 'stride' must be tuple of ints, not {show_value(stride)}")
    steps = [as_int(s, "stride") for s in stride]
    if len(steps) != len(shape) or min(steps, default=0) < 0:
        raise RuntimeError(f"empty_strided(): one stride >= 0 for each length is due, got {size} and {stride}")
    room = sum((n - 1) * s for n, s in zip(shape, steps, strict=True)) + 1 if min(shape, default=1) else 0
    if room * dtype.itemsize >= 2**63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={steps}")
    memory = xp.empty(room, dtype)
    return xp.lib.stride_tricks.as_strided(memory, shape, [s * dtype.itemsize for s in steps])


@partial(creates, usual=lambda: dtypes.int64)
def tril_indices(row: int, col: int, offset: int = 0, *, xp: Any, dtype: Any) -> Any:
    """Rows and columns of the elements on and below the diagonal `offset` of a matrix: shape (2, elements).

    >>> import minigrad as torch
    >>> torch.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    n, m = _read_lengths("tril_indices", row, col, dtype)
    places = np.nonzero(np.tri(n, m, as_int(offset, "offset"), dtype=np.bool_))
    return np.stack(places).astype(dtype)


@partial(creates, usual=lambda: dtypes.int64)
def triu_indices(row: int, col: int, offset: int = 0, *, xp: Any, dtype: Any) -> Any:
    """Rows and columns of the elements on and above the diagonal `offset` of a matrix: shape (2, elements).

    >>> import minigrad as torch
    >>> torch.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    n, m = _read_lengths("triu_indices", row, col, dtype)
    places = np.nonzero(~np.tri(n, m, as_int(offset, "offset") - 1, dtype=np.bool_))
    return np.stack(places).astype(dtype)


def _read_lengths(name: str, row: Any, col: Any, dtype: Any) -> tuple[int, int]:
    if dtype not in (np.int64, np.int32):
        raise not_implemented_for(name, dtype)
    n, m = as_int(row, "row"), as_int(col, "col")
    if n < 0 or m < 0:
        raise RuntimeError(f"{name}(): row and col must be >= 0, got {n} and {m}")
    return n, m


@names_options
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinate grids of 1-d tensors, as views.

    >>> import minigrad as torch
    >>> torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0]
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    given = read_tensors("meshgrid", tensors)
    if not given:
        raise RuntimeError("meshgrid expects a non-empty list of tensors; write meshgrid(x, y)")
    if indexing is None:
        warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument, 'ij' or 'xy'")
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if len({x.array.dtype for x in given}) > 1:
        raise RuntimeError(f"meshgrid expects tensors of one dtype, got {[str(x.dtype) for x in given]}")
    for x in given:
        if x.array.ndim > 1:
            raise RuntimeError(f"meshgrid expects scalars or tensors of one axis, got shape {tuple(x.array.shape)}")
    shape = [x.array.size for x in given]
    grids = [reshape_along(x, i, len(given)).expand(shape) for i, x in enumerate(given)]
    return tuple([g.transpose(0, 1) for g in grids] if indexing == "xy" and len(given) > 1 else grids)
