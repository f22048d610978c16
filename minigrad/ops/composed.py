"""Half precision of functions that are composed of several operations: computed in float32 and rounded once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

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
        wide = [cast(x, FLOAT32) if isinstance(x, TensorBase) and x.array.dtype == HALF else x for x in others]
        return cast(function(cast(input, FLOAT32), *wide, **options), HALF)

    return compute
