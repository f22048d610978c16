"""`make_tensor`: a tensor of random numbers of any dtype, also non-contiguous."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.creation import empty, randint
from minigrad.creation.filled import read_size
from minigrad.tensor import Tensor


def make_tensor(
    *shape: Any, dtype: Any, device: Any, low: float | None = None, high: float | None = None,
    requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Random numbers from ``[low, high)``: if not given, [-9, 9) for floats, [-9, 10) for integers, 0 or 1 for bools.

    Limits are clamped to the range of the dtype. With `noncontiguous` there are gaps in memory; with `exclude_zero`
    the smallest positive number replaces 0. Raises ValueError for an empty
    range, for a gradient of integers, and for `noncontiguous` with a `memory_format`.
    Source: https://docs.pytorch.org/docs/stable/testing.html

    >>> import minigrad as torch
    >>> x = torch.testing.make_tensor((2, 3), dtype=torch.float32, device="cpu", low=0, high=1)
    >>> x.shape, bool((0 <= x).all() and (x < 1).all())
    (minigrad.Size([2, 3]), True)
    """
    numpy_dtype = dtypes.as_numpy(dtype)
    if noncontiguous and memory_format is not None:
        got = f"got noncontiguous={noncontiguous} and memory_format={memory_format}"
        raise ValueError(f"`noncontiguous` and `memory_format` are mutually exclusive, but {got}")
    if requires_grad and numpy_dtype.kind != "f":
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype}")
    lengths = read_size("make_tensor", shape or ((),), numpy_dtype)
    gaps = noncontiguous and math.prod(lengths) > 1
    if gaps:
        lengths = (*lengths[:-1], 2 * lengths[-1])
    made = _draw(lengths, dtype, numpy_dtype, device, low, high)
    if gaps:
        made = made[..., 1::2]
    elif memory_format is not None:
        made = made.clone(memory_format=memory_format)
    if exclude_zero:
        made[made == 0] = np.finfo(numpy_dtype).tiny.item() if numpy_dtype.kind == "f" else 1
    return made.requires_grad_(requires_grad)


def _draw(shape: tuple[int, ...], dtype: Any, numpy_dtype: Any, device: Any, low: Any, high: Any) -> Any:
    """A tensor of random numbers of the dtype, from its part of the range."""
    is_float = numpy_dtype.kind == "f"
    low, high = -9 if low is None else low, (9 if is_float else 10) if high is None else high
    start, end = _read_range(numpy_dtype, low, high)
    if not is_float:
        return randint(math.ceil(start), math.ceil(end), shape, dtype=dtype, device=device)
    made: Any = empty(shape, dtype=dtype, device=device)
    if end - start >= dtypes.limits(numpy_dtype)[1]:  # a range wider than one draw can span
        return made.uniform_(start / 2, end / 2).mul_(2)
    return made.uniform_(start, end)


def _read_range(numpy_dtype: Any, low: float, high: float) -> tuple[float, float]:
    """The range, clamped to the dtype. Raises ValueError if it is empty, NaN, or outside the range of the dtype."""
    least, most = dtypes.limits(numpy_dtype)
    beyond = most if numpy_dtype.kind == "f" else min(most + 1, 2**63 - 1)
    if low != low or high != high:
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={low} and high={high}")
    if low == high and numpy_dtype.kind == "f":
        hint = "low==high is deprecated for floats; minigrad.full() fills a tensor with one number"
        warn(f"make_tensor: {hint}", FutureWarning)
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= beyond:
        got = f"The value interval specified by `low` and `high` is [{low}, {high})"
        raise ValueError(f"{got}, but {numpy_dtype} only supports [{least}, {beyond})")
    return min(max(low, least), beyond), min(max(high, least), beyond)
