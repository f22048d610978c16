"""Casts around functions that are composed of several operations: half precision, and integers as floats."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.half_precision import FLOAT32, HALF
from minigrad.ops.copies import cast


def in_float32(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function` of tensors: if the first is of float16, all of float16 are cast to float32, and the result back.

    A single operation declares this instead, ``operation(..., in_float32=True)``.
    """

    @wraps(function)
    def compute(input: Tensor, *others: Any, **options: Any) -> Tensor:
        if input.array.dtype != HALF:
            return function(input, *others, **options)
        halves = [isinstance(x, TensorBase) and x.array.dtype == HALF for x in (input, *others)]
        wide = [cast_to_keep(x, FLOAT32) if half else x for half, x in zip(halves, (input, *others), strict=True)]
        return cast(function(*wide, **options), HALF)

    return compute


def cast_to_keep(x: Any, dtype: Any) -> Any:
    """`x` cast for a rule that keeps it: the copy counts the writes to `x`, as PyTorch keeps `x` itself."""
    return share_writes(x, cast(x, dtype))


def share_writes(x: Any, converted: Any) -> Any:
    """`converted`, made from `x` for a rule that keeps it, with the count of writes to `x`."""
    converted.writes = x.writes
    return converted


def as_float(input: Any) -> Any:
    """Integers and bools cast to the default float type; floats unchanged."""
    return input if input.array.dtype.kind == "f" else cast(input, dtypes.get_default_dtype().numpy)
