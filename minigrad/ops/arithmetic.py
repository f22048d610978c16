"""Arithmetic with two operands: each entry is a forward and its derivatives. `division.py` has rounded quotients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase, is_array, plain_classes, wrap
from minigrad.backend import quiet
from minigrad.ops.arguments import Operand, of_tensors
from minigrad.ops.complaints import no_difference, no_operand
from minigrad.ops.copies import cast
from minigrad.ops.elementwise import REAL, as_operator, binary, promote_arrays, twin_of
from minigrad.ops.former_order import takes_former_order
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.piecewise import zeros_of

if TYPE_CHECKING:
    from minigrad.ops.signatures import Binary


# ---- what the rules share ------------------------------------------------------------------------
# Gradients are selected: where the result does not depend on an operand its gradient is 0, even if the arriving
# gradient is inf or NaN.
def _to_winner(g: Any, x: Any, y: Any, loses: Any) -> Any:
    """The gradient of `x` in maximum or minimum: g where x is chosen or one is NaN, g / 2 at ties."""
    return np.where(loses(x, y), 0.0, np.where(np.equal(x, y), g / 2, g))


def _make_extreme(name: str, ufunc: np.ufunc, which: str, sign: str, loses: np.ufunc, example: str) -> Binary:
    """`maximum` or `minimum`; `loses` says where an operand is not chosen."""
    return binary(
        name, ufunc, lambda g, x, y: _to_winner(g, x, y, loses), lambda g, x, y: _to_winner(g, y, x, loses),
        f"the {which} of input and other, NaN if one is; ties share the gradient", example, numbers="none",
        gradients=tuple([f"g where {x} {sign} {y}, g / 2 where x == y, else 0" for x, y in ("xy", "yx")]),
    )  # fmt: skip


def _refuse_bools(input: Any, other: Any) -> None:
    if _is_bool(input) or _is_bool(other):
        raise no_difference(both=_is_bool(input) and _is_bool(other))


def _is_bool(x: Any) -> bool:
    return x.array.dtype.kind == "b" if isinstance(x, TensorBase) else type(x) is bool


# ---- two operands: forward, gradient of the first, gradient of the second; formula and example ---
_subtract_from = binary(
    "rsub", lambda x, y: np.subtract(y, x), lambda g: -g, None, numbers="other", shown="RsubBackward1"
)
# fmt: off
plus = binary("add", np.add, lambda g: g, lambda g: g,
    "input + other", "[1.0, 2.0]; [3.0, 4.0] -> [4., 6.]", numbers="both")
minus = binary("sub", np.subtract, lambda g: g, lambda g: -g,
    "input - other", "[3.0, 4.0]; [1.0, 2.0] -> [2., 2.]", numbers="both", refuses="b", check=_refuse_bools)
mul = multiply = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x,
    "input * other", "[1.0, 2.0]; [3.0, 4.0] -> [3., 8.]", numbers="both", float32_number=True)
true_divide = binary("div", np.true_divide, lambda g, y: g / y, lambda g, x, y: -g * (x / y / y),
    "input / other", "[1.0, 2.0]; [2.0, 4.0] -> [0.5000, 0.5000]", result=REAL, numbers="both", float32_number=True,
    domain="other != 0; inf, -inf or NaN at 0")
true_divide.__qualname__ = "true_divide"  # where pickle finds it
maximum = _make_extreme("maximum", np.maximum, "greater", ">", np.less, "[1.0, 5.0]; [3.0, 2.0] -> [3., 5.]")
minimum = _make_extreme("minimum", np.minimum, "lesser", "<", np.greater, "[1.0, 5.0]; [3.0, 2.0] -> [1., 2.]")
# fmt: on
def _power_of_base(g: Any, x: Any, y: Any) -> Any:
    # d x^y / dx = y x^(y-1), and 0 where y is 0, also at x = 0
    if isinstance(y, (int, float, np.float32)):
        if y == 0:
            return zeros_of(g)
        recorded = isinstance(x, TensorBase)  # as a power, so that the derivatives of every order go on to 0
        if y == 2 and not recorded:
            return g * (x + x)
        return g * (y * (np.power if recorded else _power)(x, y - 1))
    zero = np.equal(y, 0)
    return np.where(zero, 0.0, g * (y * np.power(x, np.where(zero, 1.0, y - 1))))


def _power_of_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    # d x^y / dy = x^y log x, and 0 where x is 0 and y is not negative
    if isinstance(x, (int, float, np.float32)):
        slope = out * (math.log(x) if x > 0 else -math.inf if x == 0 else math.nan)
        return g * (np.where(np.greater_equal(y, 0), 0.0, slope) if x == 0 else slope)
    zero = np.logical_and(np.equal(x, 0), np.greater_equal(y, 0))
    return g * np.where(zero, 0.0, out * np.log(np.where(zero, 1.0, x)))


# Exponents that are computed without `np.power`, as in PyTorch: it takes hundreds of times as long.
_SHORT_POWERS: dict[float, Any] = {
    0: lambda x: np.zeros_like(x) + 1,
    1: np.positive,
    2: lambda x: x * x,
    3: lambda x: x * x * x,
    0.5: np.sqrt,
    -0.5: lambda x: 1 / np.sqrt(x),
    -1: np.reciprocal,
    -2: lambda x: 1 / (x * x),
}


def _power(x: Any, y: Any) -> Any:
    if type(y) in (int, float, np.float32, np.float64) and y in _SHORT_POWERS:
        return _SHORT_POWERS[y](x)
    if type(y) in (int, float) or y.dtype.kind in "fu" or not np.less(y, 0).any():
        return np.power(x, y)
    # Integers to negative powers: the result is 0 unless the base is 1 or -1.
    negative, size_one = np.less(y, 0), np.logical_or(np.equal(x, 1), np.equal(x, -1))
    power = np.power(x, np.where(negative, np.bitwise_and(y, 1), y))
    return np.where(np.logical_and(negative, np.logical_not(size_one)), 0, power).astype(power.dtype)


_pow = as_operator(binary("pow", _power, _power_of_base, _power_of_exponent, refuses="b"), "** or pow()")


@twin_of(np.power)
def pow(input: Tensor, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """``input ** exponent``, broadcast. Raises RuntimeError for integers to a negative power.

    Gradient of `input`: ``g * exponent * input ** (exponent - 1)``; of `exponent`: ``g * out * log(input)``, and 0
    where `input` is 0. Domain: input >= 0, or a whole exponent; NaN elsewhere.

    >>> import minigrad as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    exponent = dtypes.as_python(exponent) if isinstance(exponent, np.generic) else exponent
    kind = exponent.__class__
    if kind is int and exponent < 0 and isinstance(input, TensorBase) and input.array.dtype.kind != "f":
        what = f"a tensor of {input.array.dtype} and the exponent {exponent}"
        raise RuntimeError(f"Integers to negative integer powers are not allowed: got {what}; convert with .float()")
    if kind is bool and isinstance(input, TensorBase) and input.array.dtype.kind == "b":
        return wrap(quiet(np.logical_or, input.array, not exponent))  # b ** True is b, b ** False True
    if (kind is int or kind is float) and not -128 < exponent < 128 and isinstance(input, TensorBase):
        may_be_infinite = kind is float and input.array.dtype.char != "e"  # as in PyTorch
        if not may_be_infinite:
            dtypes.check_numbers((input.array, exponent))
    power = _pow(input, exponent, out=out)
    if not isinstance(exponent, TensorBase):
        return power
    return name_last_call(power, "PowBackward1" if isinstance(input, TensorBase) else "PowBackward2")


def are_alike(operands: Sequence[Any]) -> bool:
    """Whether all are tensors of one dtype on the CPU, which need no promotion."""
    dtype = None
    for x in operands:
        if x.__class__ not in plain_classes or x.array.__class__ is not np.ndarray:
            return False
        if x.array.dtype is not dtype:
            if dtype is not None:
                return False
            dtype = x.array.dtype
    return True


def promote(name: str, *operands: Any) -> list[Any]:
    """The operands in their common dtype: tensors cast differentiably, numbers as NumPy scalars; None stays None."""
    if are_alike(operands):
        return [*operands]
    given = [x for x in operands if x is not None]
    if not any(isinstance(x, TensorBase) or is_array(x) for x in given):
        return [None if x is None else dtypes.result_type(given).type(x) for x in operands]
    arrays = iter(promote_arrays(name, tuple(given)))
    lifted: list[Any] = [None if x is None else next(arrays) for x in operands]
    return [cast(x, v.dtype) if isinstance(x, TensorBase) else v for x, v in zip(operands, lifted, strict=True)]


@takes_former_order("alpha")
def add(input: Tensor, other: Any, *, alpha: float = 1, out: Tensor | None = None) -> Tensor:
    """``input + alpha * other``, broadcast. Gradient of `input`: ``g``; of `other`: ``g * alpha``.

    >>> import minigrad as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), 10)
    tensor([11., 12.])
    """
    if type(alpha) is int and alpha == 1:
        return plus(input, other, out=out)
    from minigrad.ops.scaled_sums import scaled_add  # imported with the first sum that is scaled

    return scaled_add(input, other, alpha, out)


@takes_former_order("alpha")
def sub(input: Tensor, other: Any, *, alpha: float = 1, out: Tensor | None = None) -> Tensor:
    """``input - alpha * other``, broadcast. Raises RuntimeError for bools: use ``^`` or ``~``.

    Gradient of `input`: ``g``; of `other`: ``-g * alpha``.

    >>> import minigrad as torch
    >>> torch.sub(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]), alpha=2)
    tensor([-1.,  0.])
    """
    if type(alpha) is int and alpha == 1:
        return minus(input, other, out=out)
    _refuse_bools(input, other)
    from minigrad.ops.scaled_sums import scaled_sub

    return scaled_sub(input, other, alpha, out)


subtract = sub.__wrapped__  # type: ignore[attr-defined]  # it never took the former order
subtract.__qualname__ = "subtract"  # where pickle finds it


@of_tensors
def rsub(input: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """``other - alpha * input``, broadcast. Gradient of `input`: ``-g * alpha``; of `other`: ``g``.

    >>> import minigrad as torch
    >>> torch.rsub(torch.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    plain = isinstance(other, (int, float)) and type(alpha) is int and alpha == 1
    if plain and not _is_bool(input) and type(other) is not bool:
        return _subtract_from(input, other)
    try:
        return sub(other, input, alpha=alpha)
    except TypeError as refused:
        raise no_operand("-", other, input, refused) from None
