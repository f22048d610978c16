"""Elementwise arithmetic: each line is a forward and the derivative for each operand."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.elementwise import REAL, SAME, binary, unary

# ---- two operands: forward, gradient of the first, gradient of the second ------------------------
_add = binary("add", np.add, lambda g: g, lambda g: g)
_sub = binary("sub", np.subtract, lambda g: g, lambda g: -g)
mul = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x)
true_divide = binary(
    "div", np.true_divide, lambda g, y: g / y, lambda g, out, y: -g * out / y, result=REAL
)
maximum = binary(
    "maximum", np.maximum,
    lambda g, x, y: g * _share(x, y, np.greater), lambda g, x, y: g * _share(y, x, np.greater),
)
minimum = binary(
    "minimum", np.minimum,
    lambda g, x, y: g * _share(x, y, np.less), lambda g, x, y: g * _share(y, x, np.less),
)
atan2 = binary(
    "atan2", np.arctan2,
    lambda g, x, y: g * y / (x * x + y * y), lambda g, x, y: -g * x / (x * x + y * y), result=REAL,
)


def _share(winner: Any, loser: Any, wins: Any) -> Any:
    """1 where `winner` wins, 1/2 at ties: what PyTorch passes to each side."""
    return np.where(wins(winner, loser), 1.0, np.where(np.equal(winner, loser), 0.5, 0.0))


def _power_of_base(g: Any, x: Any, y: Any) -> Any:
    # d x^y / dx = y x^(y-1), and 0 where y is 0, also at x = 0
    if isinstance(y, (int, float)):
        return g * 0.0 if y == 0 else g * 2 * x if y == 2 else g * (y * np.power(x, y - 1))
    return g * np.where(np.equal(y, 0), 0.0, y * np.power(x, y - 1))


def _power_of_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    # d x^y / dy = x^y log x, and 0 where x is 0 and y is not negative
    if isinstance(x, (int, float)):
        x = y * 0 + x
    zero = np.logical_and(np.equal(x, 0), np.greater_equal(y, 0))
    return g * np.where(zero, 0.0, out * np.log(np.where(zero, 1.0, x)))


def _power(x: Any, y: Any) -> Any:
    # x * x is many times faster than NumPy's general power
    return x * x if type(y) in (int, float) and y == 2 else np.power(x, y)


pow = binary("pow", _power, _power_of_base, _power_of_exponent)


def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """``input + alpha * other``, broadcast.

    >>> import minigrad as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), 10)
    tensor([11., 12.])
    """
    return _add(input, other) if alpha == 1 else _add(input, mul(other, alpha))


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """``input - alpha * other``, broadcast."""
    return _sub(input, other) if alpha == 1 else _sub(input, mul(other, alpha))


# ---- one operand ---------------------------------------------------------------------------------
neg = unary("neg", np.negative, lambda g: -g, result=SAME)
abs = unary("abs", np.abs, lambda g, x: g * np.sign(x), result=SAME)
sign = unary("sign", np.sign, lambda g: g * 0, result=SAME)
exp = unary("exp", np.exp, lambda g, out: g * out)
log = unary("log", np.log, lambda g, x: g / x)
sqrt = unary("sqrt", np.sqrt, lambda g, out: g / (2 * out))
sin = unary("sin", np.sin, lambda g, x: g * np.cos(x))
cos = unary("cos", np.cos, lambda g, x: -g * np.sin(x))
tanh = unary("tanh", np.tanh, lambda g, out: g * (1 - out * out))
sigmoid = unary("sigmoid", lambda x: 1 / (1 + np.exp(-x)), lambda g, out: g * (out * (1 - out)))
