"""Arithmetic of two operands and more: each entry is a forward and its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase, is_array
from minigrad.autograd.operation import operation
from minigrad.ops.elementwise import REAL, binary, not_implemented_for, of_tensor, promoted, twin_of
from minigrad.ops.out import takes_out
from minigrad.ops.shape import cast

# ---- two operands: forward, gradient of the first, gradient of the second ------------------------
# fmt: off
_flat = (lambda g: g * 0, lambda g: g * 0)  # steps have no slope
_add = binary("add", np.add, lambda g: g, lambda g: g, numbers="both")
_sub = binary("sub", np.subtract, lambda g: g, lambda g: -g, numbers="both")
mul = multiply = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x, numbers="both")
true_divide = binary("div", np.true_divide, lambda g, y: g / y, lambda g, out, y: -g * out / y,
                     result=REAL, numbers="both")
_floored = binary("div", lambda x, y: np.floor_divide(x, _divisor(y)), *_flat, refuses="b", numbers="both")
_truncated = binary("div", lambda x, y: _toward_zero(x, _divisor(y)), *_flat, refuses="b", numbers="both")
floor_divide = binary("floor_divide", lambda x, y: np.floor_divide(x, _divisor(y)), None, None,
                      refuses="b", numbers="both")
remainder = binary("remainder", lambda x, y: np.remainder(x, _divisor(y)),
                   lambda g: g, lambda g, x, y: -g * np.floor_divide(x, y), refuses="b")
fmod = binary("fmod", lambda x, y: np.fmod(x, _divisor(y)),
              lambda g: g, lambda g, x, y: -g * np.trunc(x / y), numbers="other", refuses="b")
maximum = binary("maximum", np.maximum, lambda g, x, y: g * _share(x, y, np.greater),
                 lambda g, x, y: g * _share(y, x, np.greater), numbers="none")
minimum = binary("minimum", np.minimum, lambda g, x, y: g * _share(x, y, np.less),
                 lambda g, x, y: g * _share(y, x, np.less), numbers="none")
clamp_min = binary("clamp_min", np.maximum, lambda g, x, y: np.where(np.greater_equal(x, y), g, 0.0),
                   lambda g, x, y: np.where(np.less(x, y), g, 0.0), numbers="other")
clamp_max = binary("clamp_max", np.minimum, lambda g, x, y: np.where(np.less_equal(x, y), g, 0.0),
                   lambda g, x, y: np.where(np.greater(x, y), g, 0.0), numbers="other")
atan2 = arctan2 = binary("atan2", np.arctan2, lambda g, x, y: g * y / (x * x + y * y),
                         lambda g, x, y: -g * x / (x * x + y * y), result=REAL, numbers="none")
logaddexp = binary("logaddexp", np.logaddexp, lambda g, x, out: g * np.exp(x - out),
                   lambda g, y, out: g * np.exp(y - out), result=REAL, numbers="none")
# fmt: on
twin_of(np.floor_divide)(_floored)


def _share(winner: Any, loser: Any, wins: Any) -> Any:
    """1 where `winner` wins, 1/2 at ties: what PyTorch passes to each side."""
    return np.where(wins(winner, loser), 1.0, np.where(np.equal(winner, loser), 0.5, 0.0))


def _divisor(y: Any) -> Any:
    """`y`, refused when integers are to be divided by zero (floats give inf and nan).

    A GPU is not asked for zeros: every step would wait for it.
    """
    if isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind != "f" and not y.all():
        raise RuntimeError("ZeroDivisionError: integers are divided by zero; convert them with .float() to get inf")
    return y


def _toward_zero(x: Any, y: Any) -> Any:
    if type(y) in (int, float) or y.dtype.kind == "f":
        return np.trunc(np.true_divide(x, y))
    floor = np.floor_divide(x, y)
    return floor + np.logical_and(np.less(floor, 0), np.not_equal(floor * y, x)).astype(floor.dtype)


def _power_of_base(g: Any, x: Any, y: Any) -> Any:
    # d x^y / dx = y x^(y-1), and 0 where y is 0, also at x = 0
    if isinstance(y, (int, float)):
        power = np.power if isinstance(x, TensorBase) else _power
        return g * 0.0 if y == 0 else g * 2 * x if y == 2 else g * (y * power(x, y - 1))
    zero = np.equal(y, 0)
    return np.where(zero, 0.0, g * (y * np.power(x, np.where(zero, 1.0, y - 1))))


def _power_of_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    # d x^y / dy = x^y log x, and 0 where x is 0 and y is not negative
    if isinstance(x, (int, float)):
        x = y * 0 + x
    zero = np.logical_and(np.equal(x, 0), np.greater_equal(y, 0))
    return g * np.where(zero, 0.0, out * np.log(np.where(zero, 1.0, x)))


# What PyTorch, too, computes without the general power, which takes hundreds of times as long.
_SHORT_POWERS: dict[float, Any] = {
    2: lambda x: x * x,
    3: lambda x: x * x * x,
    0.5: np.sqrt,
    -0.5: lambda x: 1 / np.sqrt(x),
    -1: np.reciprocal,
    -2: lambda x: 1 / (x * x),
}


def _power(x: Any, y: Any) -> Any:
    if type(y) in (int, float) and y in _SHORT_POWERS:
        return _SHORT_POWERS[y](x)
    if type(y) in (int, float) or y.dtype.kind in "fu" or not np.less(y, 0).any():
        return np.power(x, y)
    # Integers to negative powers: 1 and -1 stay of size 1, all others become 0.
    size_one = np.logical_or(np.equal(x, 1), np.equal(x, -1))
    return np.where(np.less(y, 0), np.where(size_one, np.power(x, np.abs(y)), 0), np.power(x, np.abs(y)))


_pow = binary("pow", _power, _power_of_base, _power_of_exponent, refuses="b")


@twin_of(np.power)
def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """``input ** exponent``, broadcast. Raises RuntimeError for integers to a negative power.

    >>> import minigrad as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    if type(exponent) is int and exponent < 0 and isinstance(input, TensorBase) and input.array.dtype.kind != "f":
        what = f"a tensor of {input.array.dtype} and the exponent {exponent}"
        raise RuntimeError(f"Integers to negative integer powers are not allowed: got {what}; convert with .float()")
    return _pow(input, exponent, out=out)


def _scaled(name: str, other: Any, alpha: Any, input: Any) -> Any:
    """``alpha * other``, refusing factors that would change the result's type."""
    real = any(x.array.dtype.kind == "f" if isinstance(x, TensorBase) else type(x) is float for x in (input, other))
    if isinstance(alpha, float) and not real:
        told = "For integral input tensors, argument alpha must not be a floating point number"
        raise RuntimeError(f"{told}: {name} got {alpha}")
    return mul(other, alpha) if isinstance(other, TensorBase) else other * alpha


def add(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """``input + alpha * other``, broadcast.

    >>> import minigrad as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), 10)
    tensor([11., 12.])
    """
    return _add(input, other if alpha == 1 else _scaled("add", other, alpha, input), out=out)


def sub(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """``input - alpha * other``, broadcast. Raises RuntimeError for bools: use ``^`` or ``~``.

    >>> import minigrad as torch
    >>> torch.sub(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]), alpha=2)
    tensor([-1.,  0.])
    """
    if _is_bool(input) or _is_bool(other):
        told = "To invert a mask, use the `~` or `logical_not()` operator instead; for two masks, `^`"
        raise RuntimeError(f"Subtraction, the `-` operator, with a bool tensor is not supported. {told}.")
    return _sub(input, other if alpha == 1 else _scaled("sub", other, alpha, input), out=out)


subtract = sub


def _is_bool(x: Any) -> bool:
    return x.array.dtype.kind == "b" if isinstance(x, TensorBase) else type(x) is bool


@of_tensor
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """``other - alpha * input``, broadcast.

    >>> import minigrad as torch
    >>> torch.rsub(torch.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    return sub(other, input, alpha=alpha)


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """``input / other``, or the quotient rounded ("floor", "trunc"), which keeps the type.

    >>> import minigrad as torch
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div expected rounding_mode to be None, 'trunc', or 'floor' but found {rounding_mode!r}")
    return (_floored if rounding_mode == "floor" else _truncated)(input, other, out=out)


divide = div


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """``input + weight * (end - input)``.

    >>> import minigrad as torch
    >>> torch.lerp(torch.tensor([0.0, 10.0]), torch.tensor([10.0, 0.0]), 0.25)
    tensor([2.5000, 7.5000])
    """
    return add(input, mul(sub(end, input), weight))


# ---- limits --------------------------------------------------------------------------------------
def together(name: str, *operands: Any) -> list[Any]:
    """The operands in their common dtype: tensors differentiably, numbers as NumPy's; or None."""
    given = [x for x in operands if x is not None]
    if not any(isinstance(x, TensorBase) or is_array(x) for x in given):
        return [None if x is None else dtypes.result_type(given).type(x) for x in operands]
    arrays = iter(promoted(name, tuple(given)))
    lifted: list[Any] = [None if x is None else next(arrays) for x in operands]
    return [cast(x, v.dtype) if isinstance(x, TensorBase) else v for x, v in zip(operands, lifted, strict=True)]


_clip = operation(
    "clamp",
    lambda x, *, low, high: x.clip(low, high),
    lambda g, x, low, high: g * np.logical_and(np.greater_equal(x, low), np.less_equal(x, high)),
)


@takes_out
@of_tensor
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """``minimum(maximum(input, min), max)``; the limits are numbers or tensors, one may be missing.

    >>> import minigrad as torch
    >>> torch.clamp(torch.tensor([-2.0, 0.5, 3.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if type(min) in (int, float) and type(max) in (int, float) and input.array.dtype.kind == "f":
        return _clip(input, low=min, high=max)
    x, low, high = together("clamp", input, min, max)
    if x.array.dtype.kind == "b":
        raise not_implemented_for("clamp", x.array.dtype)
    x = x if low is None else clamp_min(x, low)
    return x if high is None else clamp_max(x, high)


clip = clamp
