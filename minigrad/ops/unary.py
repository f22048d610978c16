"""Elementwise functions of one tensor: each line is a forward and its derivative."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.half_precision import round_once
from minigrad.ops.arguments import as_int, of_tensors, takes_out
from minigrad.ops.arithmetic import pow
from minigrad.ops.complaints import BOOL_NEGATED, not_implemented_for
from minigrad.ops.elementwise import SAME, elementwise, twin_of, unary
from minigrad.ops.piecewise import zeros_of

if TYPE_CHECKING:
    from minigrad.ops.signatures import Unary


def _make_step(name: str, function: Any, formula: str = "", example: str = "") -> Unary:
    """A function that rounds, with derivative 0; integers stay as they are."""

    def forward(x: Any) -> Any:
        return function(x) if x.dtype.kind == "f" else x.copy()

    rounded = unary(name, forward, lambda g: zeros_of(g), formula, example, result=SAME, refuses="b")
    return twin_of(function)(rounded)


def _sign(x: Any) -> Any:
    """1, 0 or -1. NaN gives 0; in NumPy it gives NaN."""
    up = np.greater(x, 0)
    return up if x.dtype.kind == "b" else np.subtract(up, np.less(x, 0), dtype=x.dtype)


# The derivative of |x|: 0 at 0 and at NaN.
direction = elementwise("sign", _sign, lambda g: zeros_of(g))


_DOUBLE = np.dtype(np.float64)


def _make_exact(name: str, function: Any, rule: Any, formula: str, example: str, *, domain: str = "") -> Unary:
    """NumPy's `function`, computed in float64 for small arrays: in float32 the last digit is sometimes off by one."""

    def forward(x: Any) -> Any:
        dtype = x.dtype
        if x.size > 1000 or dtype.char == "d":
            return function(x)
        # an expanded tensor in row-major order, others in their own
        wide = x.astype(_DOUBLE, "C" if x.flags.c_contiguous or 0 in x.strides else "K")
        return function(wide, wide).astype(dtype)

    return twin_of(function)(unary(name, forward, rule, formula, example, domain=domain))


# fmt: off
# ---- signs and steps: forward and derivative; formula and example --------------------------------
neg = negative = unary("neg", np.negative, lambda g: -g,
    "-input", "[1.0, -2.0] -> [-1.,  2.]", result=SAME, refuses="b", refusal=BOOL_NEGATED)
abs = absolute = unary("abs", np.abs, lambda g, x: g * direction(x),
    "|input|", "[1.0, -2.0] -> [1., 2.]", result=SAME, refuses="b", gradient="g * sign(x)")
sign = unary("sign", _sign, lambda g: zeros_of(g),
    "1, 0 or -1: the sign of input; 0 for NaN", "[3.0, 0.0, -2.0] -> [ 1.,  0., -1.]", result=SAME)
floor = _make_step("floor", np.floor, "the largest whole number <= input", "[1.5, -1.5] -> [ 1., -2.]")
ceil = _make_step("ceil", np.ceil, "the smallest whole number >= input", "[1.5, -1.5] -> [ 2., -1.]")
trunc = fix = _make_step("trunc", np.trunc, "input without its fraction", "[1.5, -1.5] -> [ 1., -1.]")
_round = _make_step("round", np.rint)
twin_of(np.sign)(sign)

# ---- powers and logarithms -----------------------------------------------------------------------
reciprocal = unary("reciprocal", np.reciprocal, lambda g, out: -g * out * out,
    "1 / input", "[2.0, 4.0] -> [0.5000, 0.2500]", domain="input != 0; 1 / 0 is inf")
sqrt = unary("sqrt", np.sqrt, lambda g, out: g / (2 * out),
    "the square root of input", "[4.0, 9.0] -> [2., 3.]", domain="input >= 0; NaN below")
rsqrt = unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda g, out: g * out * out * out * -0.5,
    "1 / sqrt(input)", "[4.0, 0.25] -> [0.5000, 2.0000]", in_float32=True, domain="input > 0; inf at 0, NaN below")
exp = _make_exact("exp", np.exp, lambda g, out: g * out, "e ** input", "[0.0, 1.0] -> [1.0000, 2.7183]")
exp2 = _make_exact("exp2", np.exp2, lambda g, out: g * out * math.log(2), "2 ** input", "[0.0, 3.0] -> [1., 8.]")
expm1 = _make_exact("expm1", np.expm1, lambda g, out: g * (out + 1),
    "e ** input - 1, also for tiny inputs", "[0.0, 1.0] -> [0.0000, 1.7183]")
log = unary("log", np.log, lambda g, x: g / x,
    "the natural logarithm of input", "[1.0, 10.0] -> [0.0000, 2.3026]", domain="input > 0; -inf at 0, NaN below")
log1p = _make_exact("log1p", np.log1p, lambda g, x: g / (x + 1),
    "log(1 + input), also for tiny inputs", "[0.0, 1.0] -> [0.0000, 0.6931]", domain="input > -1")
log2 = _make_exact("log2", np.log2, lambda g, x: g / (x * math.log(2)),
    "the logarithm to base 2", "[1.0, 8.0] -> [0., 3.]", domain="input > 0; -inf at 0, NaN below")
log10 = _make_exact("log10", np.log10, lambda g, x: g / (x * math.log(10)),
    "the logarithm to base 10", "[1.0, 100.0] -> [0., 2.]", domain="input > 0; -inf at 0, NaN below")

# ---- circular and hyperbolic ---------------------------------------------------------------------
sin = unary("sin", np.sin, lambda g, x: g * np.cos(x),
    "the sine of input, an angle in radians", "[0.0, 1.0] -> [0.0000, 0.8415]")
cos = unary("cos", np.cos, lambda g, x: -g * np.sin(x),
    "the cosine of input, an angle in radians", "[0.0, 1.0] -> [1.0000, 0.5403]")
tan = unary("tan", np.tan, lambda g, out: g * (1 + out * out),
    "sin(input) / cos(input), of an angle in radians", "[0.0, 1.0] -> [0.0000, 1.5574]")
asin = arcsin = unary("asin", np.arcsin, lambda g, x: g / np.sqrt(1 - x * x),
    "the angle in radians, in [-pi/2, pi/2], whose sine is input", "[0.0, 1.0] -> [0.0000, 1.5708]",
    domain="-1 <= input <= 1; NaN beyond")
acos = arccos = unary("acos", np.arccos, lambda g, x: -g / np.sqrt(1 - x * x),
    "the angle in radians, in [0, pi], whose cosine is input", "[0.0, 1.0] -> [1.5708, 0.0000]",
    domain="-1 <= input <= 1; NaN beyond")
atan = arctan = unary("atan", np.arctan, lambda g, x: g / (1 + x * x),
    "the angle in radians, in (-pi/2, pi/2), whose tangent is input", "[0.0, 1.0] -> [0.0000, 0.7854]")
sinh = unary("sinh", np.sinh, lambda g, x: g * np.cosh(x),
    "(e ** input - e ** -input) / 2", "[0.0, 1.0] -> [0.0000, 1.1752]")
cosh = unary("cosh", np.cosh, lambda g, x: g * np.sinh(x),
    "(e ** input + e ** -input) / 2", "[0.0, 1.0] -> [1.0000, 1.5431]")
tanh = unary("tanh", np.tanh, lambda g, out: g * (1 - out * out),
    "sinh(input) / cosh(input)", "[0.0, 1.0] -> [0.0000, 0.7616]")
asinh = arcsinh = unary("asinh", np.arcsinh, lambda g, x: g / np.sqrt(x * x + 1),
    "log(input + sqrt(input ** 2 + 1))", "[0.0, 1.0] -> [0.0000, 0.8814]")
acosh = arccosh = unary("acosh", np.arccosh, lambda g, x: g / np.sqrt(x * x - 1),
    "log(input + sqrt(input ** 2 - 1))", "[1.0, 2.0] -> [0.0000, 1.3170]", domain="input >= 1; NaN below")
atanh = arctanh = unary("atanh", np.arctanh, lambda g, x: g / (1 - x * x),
    "log((1 + input) / (1 - input)) / 2", "[0.0, 0.5] -> [0.0000, 0.5493]",
    domain="-1 < input < 1; inf at the ends, NaN beyond")
# fmt: on


def logistic(x: Any) -> Any:
    """``1 / (1 + exp(-x))`` of an array, with a single temporary array."""
    e = np.negative(x)[...]  # an array, also where NumPy returns a scalar
    np.exp(e, out=e)
    e += 1
    return np.true_divide(1, e, out=e)


sigmoid = unary(
    "sigmoid", round_once(logistic), lambda g, out: g * (1 - out) * out,
    "1 / (1 + e ** -input)", "[0.0, 2.0] -> [0.5000, 0.8808]",
)  # fmt: skip


# ---- composed ------------------------------------------------------------------------------------
@twin_of(np.square)
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input ** 2``, element by element. Gradient of `input`: ``g * 2 * input``.

    >>> import minigrad as torch
    >>> torch.square(torch.tensor([2.0, -3.0]))
    tensor([4., 9.])
    """
    return pow(input, 2, out=out)


@of_tensors
def positive(input: Tensor) -> Tensor:
    """The tensor itself. Raises RuntimeError for bools, as ``+`` does.

    >>> import minigrad as torch
    >>> torch.positive(torch.tensor([-1.0]))
    tensor([-1.])
    """
    if input.array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def _to_decimals(x: Any, *, decimals: int) -> Any:
    scale = x.dtype.type(np.power(10.0, max(decimals, -decimals)))
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


_rounded = elementwise("round", round_once(_to_decimals), lambda g: zeros_of(g), shown="RoundBackward1")


@takes_out
def round(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """Rounds to `decimals` decimals; a number halfway between two goes to the even one. The gradient is 0.

    >>> import minigrad as torch
    >>> torch.round(torch.tensor([0.5, 1.5, 2.567])), torch.round(torch.tensor([2.567]), decimals=2)
    (tensor([0., 2., 3.]), tensor([2.5700]))
    """
    if input.array.dtype.kind != "f" and decimals is not None:
        raise not_implemented_for("round", input.array.dtype)
    places = 0 if decimals is None else as_int(decimals, "decimals")
    return _rounded(input, decimals=places) if places else _round(input)
