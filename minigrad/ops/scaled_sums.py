"""``input + alpha * other`` and ``input - alpha * other``, for an `alpha` that is not 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd import core
from minigrad.autograd.core import Tensor, value_of
from minigrad.autograd.overriding import ask
from minigrad.half_precision import FLOAT32, HALF
from minigrad.ops.arguments import as_number
from minigrad.ops.arithmetic import are_alike, promote
from minigrad.ops.complaints import shapes_do_not_broadcast
from minigrad.ops.device import move_scalars
from minigrad.ops.elementwise import elementwise
from minigrad.ops.out import write_out


def check_factor(value: Any, dtype: Any) -> None:
    """Raises RuntimeError for a number beyond the type that `dtype` is computed in: float32 for float16."""
    if not dtypes.every_float_holds(value):
        dtypes.check_fits(value, value, FLOAT32 if dtype == HALF else dtype)


def _define_scaled_sum(name: str, ufunc: Any, sign: int) -> Any:
    """``input + alpha * other``, or the difference, in the operands' common type."""
    made = elementwise(
        name, lambda x, y, *, alpha: ufunc(x, y * alpha), lambda g: g, lambda g, alpha: g * (sign * alpha)
    )

    def call(input: Any, other: Any, alpha: Any, out: Tensor | None = None) -> Any:
        alike = are_alike((input, other))
        if not alike:
            method = getattr(core.result_class, name)  # which operator, method and function are told as
            if (answer := ask(method, (input, other), {"alpha": alpha, "out": out})) is not NotImplemented:
                return answer
        factor = as_number(name, "alpha", alpha)
        x, y = (input, other) if alike else promote(name, *move_scalars(input, other))
        common = value_of(x).dtype
        if isinstance(factor, bool) and common.kind != "b":
            raise RuntimeError(f"Boolean alpha only supported for Boolean results: {name} got {alpha} for {common}")
        if isinstance(factor, float) and common.kind != "f":
            detail = "For integral input tensors, argument alpha must not be a floating point number"
            raise RuntimeError(f"{detail}: {name} got {alpha}")
        try:
            result = made(x, y, alpha=dtypes.scalar(factor, common))
        except ValueError:
            raise shapes_do_not_broadcast(name, x, y) from None
        return result if out is None else write_out(name, out, result, (input, other), cast=True)

    return call


scaled_add = _define_scaled_sum("add", np.add, 1)
scaled_sub = _define_scaled_sum("sub", np.subtract, -1)
