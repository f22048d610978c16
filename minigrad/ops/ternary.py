"""Elementwise functions of three tensors: `lerp`, `addcmul` and `addcdiv`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.half_precision import round_once
from minigrad.ops.arguments import Operand, as_number, require_kind, takes_out
from minigrad.ops.arithmetic import promote
from minigrad.ops.complaints import shapes_do_not_broadcast
from minigrad.ops.copies import cast
from minigrad.ops.describe import rename
from minigrad.ops.device import move_scalars
from minigrad.ops.elementwise import elementwise
from minigrad.ops.former_order import takes_former_order
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.precision import share_writes
from minigrad.ops.scaled_sums import check_factor


def _interpolate(x: Any, end: Any, weight: Any) -> Any:
    """``x + weight (end - x)``, computed from the nearer end, so that weights 0 and 1 give x and end exactly."""
    step = end - x
    return np.where(np.abs(weight) < 0.5, x + weight * step, end - step * (1 - weight))


_lerp = elementwise(
    "lerp",
    round_once(_interpolate),
    lambda g, weight: g * (1 - weight),
    lambda g, weight: g * weight,
    lambda g, x, end: g * (end - x),
)


def _interpolate_by(x: Any, end: Any, *, weight: float) -> Any:
    if abs(weight) < 0.5:
        return x + weight * (end - x)
    return end - (end - x) * (1 - weight)


_lerp_by = elementwise(  # a number saves nothing for backward
    "lerp", round_once(_interpolate_by), lambda g, weight: g * (1 - weight), lambda g, weight: g * weight
)


@takes_out(cast=True)
def lerp(input: Tensor, end: Tensor, weight: Operand) -> Tensor:
    """``input + weight * (end - input)``; `weight` is a number or a tensor. Both ends are met exactly.

    Raises RuntimeError for different types, NotImplementedError for integers.
    Gradient of `input`: ``g * (1 - weight)``; of `end`: ``g * weight``; of `weight`: ``g * (end - input)``.

    >>> import minigrad as torch
    >>> torch.lerp(torch.tensor([0.0, 10.0]), torch.tensor([10.0, 0.0]), 0.25)
    tensor([2.5000, 7.5000])
    """
    factor = weight.array if isinstance(weight, TensorBase) else None
    number = as_number("lerp", "weight", weight) if factor is None else None
    if factor is not None and not factor.ndim and input.array.dtype == end.array.dtype:  # it promotes, as elsewhere
        common = dtypes.result_type([input.array, end.array, factor])
        input, end = cast(input, common), cast(end, common)
    dtype = input.array.dtype
    for role, other in (("end", end.array), ("weight", factor)):
        if other is not None and other.dtype != dtype and not (role == "weight" and not other.ndim):
            raise RuntimeError(f"lerp(): expected dtype {dtype} for `{role}` but got dtype {other.dtype}")
    require_kind("lerp", dtype)
    try:
        if factor is None:
            check_factor(number, dtype)
            return _lerp_by(*move_scalars(input, end), weight=number)
        return name_last_call(_lerp(*move_scalars(input, end, cast(weight, dtype))), "LerpBackward1")
    except ValueError:
        raise shapes_do_not_broadcast("lerp", input.array, end.array, factor) from None


def _make_with_product(name: str, sign: str, combine: Any, result: str, *rules: Any) -> Any:
    """``input + value * combine(tensor1, tensor2)``, with the operator's `sign`, and the `result` of an example."""
    made = elementwise(
        name, lambda x, a, b, *, value: (x + value * combine(a, b)).astype(x.dtype), *rules, in_float32=True
    )

    def call(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
        factor = as_number(name, "value", value)
        given = move_scalars(input, tensor1, tensor2)
        x, a, b = map(share_writes, given, promote(name, *given))
        if combine is np.true_divide and all(t.array.dtype.kind != "f" for t in (tensor1, tensor2)):
            detail = "got two tensors of integers; convert one with .float()"
            raise RuntimeError(f"Integer division with addcdiv is no longer supported: {detail}")
        require_kind(name, x.array.dtype, "fiu")
        if x.array.dtype.kind == "f":
            check_factor(factor, x.array.dtype)
        else:
            dtypes.check_fits(factor, factor, np.dtype(np.float64))
            factor = dtypes.scalar(factor, x.array.dtype)  # as in PyTorch, the fraction is cut off
        try:
            return made(x, a, b, value=factor)
        except ValueError:
            raise shapes_do_not_broadcast(name, input, tensor1, tensor2) from None

    text = f"``input + value * tensor1 {sign} tensor2``, broadcast."
    operands = "torch.tensor([1.0]), torch.tensor([6.0]), torch.tensor([2.0])"
    example = f"torch.{name}({operands}, value=0.5) -> tensor([{result}])"
    return takes_former_order("value")(takes_out(rename(call, name, text, example), cast=True))


# fmt: off
addcmul = _make_with_product("addcmul", "*", np.multiply, "7.",
    lambda g: g, lambda g, b, value: g * (b * value), lambda g, a, value: g * (a * value))
addcdiv = _make_with_product("addcdiv", "/", np.true_divide, "2.5000",
    lambda g: g, lambda g, b, value: g * (value / b), lambda g, a, b, value: -g * (value * a / (b * b)))
# fmt: on
