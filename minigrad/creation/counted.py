"""`arange`, and `eye`."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.creation.filled import check_countable, creates
from minigrad.ops.arguments import as_number, as_size
from minigrad.ops.complaints import not_implemented_for


@partial(creates, in_row=True, usual=lambda: None)  # that of the numbers
def arange(start: Any = None, end: Any = None, step: Any = 1, *, xp: Any, dtype: Any) -> Any:
    """``start, start + step, ...`` up to but without `end`; one argument counts from 0.

    The dtype is int64 if all numbers are ints, else the default dtype. Raises RuntimeError for a step of 0 or in the
    wrong direction.

    >>> import minigrad as torch
    >>> torch.arange(1, 2, 0.5)
    tensor([1.0000, 1.5000])
    """
    start, end = (0, start) if end is None else (0 if start is None else start, end)
    start, end = as_number("arange", "start", start), as_number("arange", "end", end)
    step, long = as_number("arange", "step", step), dtypes.int64.numpy
    if dtype is not None and dtype.kind == "b":
        raise not_implemented_for("arange", dtype)
    check_steps(start, end, step)
    if dtype is None:
        real = isinstance(start, float) or isinstance(end, float) or isinstance(step, float)
        dtype = dtypes.get_default_dtype().numpy if real else long
    if dtype.kind in "iu":
        dtypes.check_fits(min(start, end, step), max(start, end, step), long)
    if dtype == long:
        if not int(step):
            raise ValueError(f"step must be nonzero: {step} is 0 as an integer")
        start, end, step = int(start), int(end), int(step)
    steps = -((start - end) // step) if dtype == long else (end - start) / step
    if math.isinf(steps):
        raise RuntimeError(f"invalid size, possible overflow? {start} to {end} in steps of {step}")
    length = max(math.ceil(steps), 0)
    check_countable((length,), long)
    if dtype.kind == "f" and (start % 1 or step % 1 or dtype.itemsize == 2):
        return _count_by_lanes(length, start, step, dtype)
    start, step = (int(start), int(step)) if dtype.kind in "iu" else (start, float(step))
    counted = xp.arange(length, dtype=long)
    if step != 1:
        counted = counted * step
    return dtypes.convert(counted if start == 0 else start + counted, dtype)


def check_steps(start: Any, end: Any, step: Any) -> None:
    """Raises RuntimeError for steps that do not lead from `start` to `end`."""
    if step == 0 or step != step:
        raise RuntimeError(f"step must be nonzero, got {step}")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        detail = f"{step} leads from {start} away from {end}"
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: {detail}")


def _count_by_lanes(length: int, start: float, step: float, dtype: np.dtype[Any]) -> Any:
    """Rounds as PyTorch's vectorized loop: of each block, a register of 32 bytes, only the first is rounded alone."""
    lanes, wide = 32 // dtype.itemsize, np.longdouble if dtype == np.float64 else np.float64
    exact = (start + np.arange(length, dtype=np.longdouble) * step).astype(np.float64)
    whole = length - length % (2 * lanes)
    blocks = exact[:whole:lanes].astype(dtype)[:, None] + np.arange(lanes) * wide(step)  # (blocks, lanes)
    return np.concatenate([blocks.ravel(), exact[whole:]]).astype(dtype)


@creates
def eye(n: int, m: int | None = None, *, xp: Any, dtype: Any) -> Any:
    """The identity matrix with n rows and m columns.

    >>> import minigrad as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    n, m = as_size(n, "n"), None if m is None else as_size(m, "m")
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n must be greater or equal to 0, got n={n}, m={m}")
    check_countable((n, n if m is None else m), dtype)
    return xp.eye(n, m, dtype=dtype)
