"""Elementwise functions of one or two tensors that few programs need: each is a forward and its derivatives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase, value_of
from minigrad.autograd.failed_calls import names_options
from minigrad.half_precision import sum_type
from minigrad.ops.arguments import as_number, require_kind, require_tensors, takes_out
from minigrad.ops.arithmetic import mul, pow, promote
from minigrad.ops.complaints import not_a_tensor, shapes_do_not_broadcast
from minigrad.ops.composed import read_from
from minigrad.ops.copies import cast, clone
from minigrad.ops.device import move_scalars
from minigrad.ops.division import divide_or_zero, no_derivative
from minigrad.ops.elementwise import REAL, TRUTH, binary, elementwise, unary
from minigrad.ops.out import write_out
from minigrad.ops.piecewise import zeros_of
from minigrad.ops.precision import as_float
from minigrad.ops.return_types import make_return_type
from minigrad.ops.unary import sign

if TYPE_CHECKING:
    from minigrad.ops.signatures import Binary

# ---- one operand ---------------------------------------------------------------------------------
_DEGREE = math.pi / 180


def _slope_of_sinc(g: Any, x: Any) -> Any:
    # derivative: (cos(pi x) - sinc(x)) / x, near 0 its series -pi**2 x / 3, so that it can be differentiated again
    still = np.equal(x, 0)
    moved = np.where(still, 1.0, x)
    turns = math.pi * moved
    return np.where(still, g * (0.0 - x * (math.pi**2 / 3)), g * ((np.cos(turns) - np.sin(turns) / turns) / moved))


# fmt: off
deg2rad = unary("deg2rad", lambda x: x * x.dtype.type(_DEGREE), lambda g: g * _DEGREE, in_float32=True,
    gradient="g * pi / 180", formula="input * pi / 180", example="[180.0, 90.0] -> [3.1416, 1.5708]")
rad2deg = unary("rad2deg", lambda x: x * x.dtype.type(1 / _DEGREE), lambda g: g / _DEGREE, in_float32=True,
    gradient="g * 180 / pi", formula="input * 180 / pi", example="[0.0, 1.0] -> [ 0.0000, 57.2958]")
sinc = unary("sinc", lambda x: np.sinc(x).astype(x.dtype, copy=False), _slope_of_sinc, in_float32=True,
    gradient="g * (cos(pi * x) - out) / x, and 0 at 0",
    formula="sin(pi * input) / (pi * input), and 1 at 0", example="[0.0, 0.5] -> [1.0000, 0.6366]")
signbit = unary("signbit", lambda x: np.signbit(x) if x.dtype.kind == "f" else np.less(x, 0), None, result=TRUTH,
    formula="whether the sign is minus, also that of -0.0", example="[-2.0, 3.0] -> [ True, False]")
isposinf = unary("isposinf", lambda x: np.equal(x, math.inf), None, result=TRUTH,
    formula="whether input is inf", example="[-2.0, 3.0] -> [False, False]")
isneginf = unary("isneginf", lambda x: np.equal(x, -math.inf), None, result=TRUTH,
    formula="whether input is -inf", example="[-2.0, 3.0] -> [False, False]")
angle = unary("angle", lambda x: np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0))),
    lambda g: zeros_of(g), gradient="0",
    formula="pi for negative numbers, else 0: the angle in the complex plane",
    example="[2.0, -2.0] -> [0.0000, 3.1416]")
# fmt: on
sgn = sign


_frac = elementwise("frac", lambda x: x - np.trunc(x), lambda g: g)


@takes_out
def frac(input: Tensor) -> Tensor:
    """The fractional part ``x - trunc(x)``, with the sign of x.

    >>> import minigrad as torch
    >>> torch.frac(torch.tensor([1.5, -2.25]))
    tensor([ 0.5000, -0.2500])
    """
    require_kind("frac", input.array.dtype)
    return _frac(input)


def _logit_forward(x: Any, *, eps: float | None) -> Any:
    if eps is not None:
        x = np.where(x < eps, eps, np.minimum(x, 1 - eps)).astype(x.dtype)
    return np.log(x / (1 - x))


def _slope_of_logit(g: Any, x: Any, eps: float | None) -> Any:
    low, high, beyond = (0.0, 1.0, math.nan) if eps is None else (eps, 1 - eps, 0.0)
    outside = np.logical_or(np.less(x, low), np.greater(x, high))
    return np.where(outside, beyond, g / (x * (1 - x)))


_logit = elementwise("logit", _logit_forward, _slope_of_logit)


@takes_out(cast=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """``log(x / (1 - x))``, the inverse of `sigmoid`; x is first clamped to [eps, 1 - eps].

    >>> import minigrad as torch
    >>> torch.logit(torch.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    bound, x = -1 if eps is None else as_number("logit", "eps", eps), as_float(input)
    dtypes.check_fits(bound, bound, x.array.dtype)
    return _logit(x, eps=None if bound < 0 else bound)


def _replace_non_finite(x: Any, *, nan: float, posinf: Any, neginf: Any) -> Any:
    if x.__class__ is np.ndarray and np.isfinite(x).all():
        return +x
    limits = np.finfo(x.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    new = np.where(np.isnan(x), x.dtype.type(nan), x)
    new = np.where(np.equal(x, math.inf), x.dtype.type(high), new)
    return np.where(np.equal(x, -math.inf), x.dtype.type(low), new)


_finite = elementwise("nan_to_num", _replace_non_finite, lambda g, x: g * np.isfinite(x))


@takes_out
def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """The tensor with NaN replaced by `nan`, and the infinities by `posinf` and `neginf` or the limits of the dtype.

    >>> import minigrad as torch
    >>> torch.nan_to_num(torch.tensor([float("nan"), 1.0]))
    tensor([0., 1.])
    """
    given = {"nan": 0.0 if nan is None else nan, "posinf": posinf, "neginf": neginf}
    numbers = {k: None if v is None else as_number("nan_to_num", k, v) for k, v in given.items()}
    return _finite(input, **numbers) if input.array.dtype.kind == "f" else clone(input)


# ---- two operands --------------------------------------------------------------------------------
def _make_x_times(log: Any) -> Any:
    """Makes ``x * log(y)``, which is 0 where x is 0, unless y is NaN."""

    def forward(x: Any, y: Any) -> Any:
        dtype = np.result_type(x, y)
        x, y = [dtype.type(v) if type(v) in (int, float) else v for v in (x, y)]  # rounded first, as in PyTorch
        nothing = np.logical_and(np.equal(x, 0), np.logical_not(np.isnan(y)))
        return np.where(nothing, 0.0, x * log(y)).astype(dtype, copy=False)

    return forward


_x_log_y, _x_log1p_y = _make_x_times(np.log), _make_x_times(np.log1p)


def _weigh_log(g: Any, x: Any, y: Any, lowest: int, made: Any, forward: Any) -> Any:
    """``g * log(y)``, and 0 where g is 0 and y is not NaN, or x is 0 and y at most `lowest`.

    The product is the operation itself, whose derivative in g is log(y), also where g is 0. Integers y are converted
    to float64, because NumPy's logarithm of bytes is float16.
    """
    weigh = made if isinstance(g, TensorBase) else forward
    return np.where(np.equal(x, 0) * np.less_equal(y, lowest), 0.0, weigh(g, y * 1.0))


def _angle_share(g: Any, x: Any, y: Any) -> Any:
    """``g / (x^2 + y^2)``, and 0 at the origin."""
    return g * divide_or_zero(1, x * x + y * y)


# fmt: off
hypot = binary("hypot", np.hypot, lambda g, x, out: g * (x / out), lambda g, y, out: g * (y / out), numbers="none",
    refuses="iub",
    formula="sqrt(input ** 2 + other ** 2)", example="[3.0]; [4.0] -> [5.]")
copysign = binary("copysign", np.copysign,
    lambda g, x, out: np.where(np.equal(x, 0), 0.0, g * (out / np.where(np.equal(x, 0), 1.0, x))),
    lambda g: zeros_of(g), result=REAL, numbers="other",
    formula="the size of input with the sign of other", example="[1.0, -2.0]; [-1.0, 1.0] -> [-1., 2.]")
xlogy: Binary = binary("xlogy", _x_log_y, lambda g, x, y: _weigh_log(g, x, y, 0, xlogy, _x_log_y),
    lambda g, x, y: g * x / y, result=REAL, gradients=("g * log(y), and 0 where x is 0 and y <= 0",),
    formula="input * log(other), and 0 where input is 0", domain="other > 0; NaN below, if input is not 0",
    example="[0.0, 2.0]; [0.0, 3.0] -> [0.0000, 2.1972]")
xlog1py: Binary = binary("special_xlog1py", _x_log1p_y, lambda g, x, y: _weigh_log(g, x, y, -1, xlog1py, _x_log1p_y),
    lambda g, x, y: g * x / (y + 1), result=REAL, gradients=("g * log(1 + y), and 0 where x is 0 and y <= -1",),
    formula="input * log(1 + other), and 0 where input is 0", domain="other > -1; NaN below, if input is not 0",
    example="[0.0, 2.0]; [0.0, 2.0] -> [0.0000, 2.1972]")
atan2 = arctan2 = binary("atan2", np.arctan2, lambda g, x, y: _angle_share(g, x, y) * y,
    lambda g, x, y: _angle_share(g, x, y) * -x, result=REAL, numbers="none",
    gradients=("g * y / (x * x + y * y), and 0 at the origin", "-g * x / (x * x + y * y), and 0 at the origin"),
    formula="the angle of the point (other, input), between -pi and pi",
    example="[1.0, -1.0]; [1.0, 0.0] -> [ 0.7854, -1.5708]")
logaddexp = binary("logaddexp", np.logaddexp, lambda g, x, y: g / (1 + np.exp(y - x)),
    lambda g, x, y: g / (1 + np.exp(x - y)), numbers="none", refuses="iub",
    formula="log(exp(input) + exp(other)), without overflow",
    example="[1.0, 100.0]; [1.0, 0.0] -> [ 1.6931, 100.0000]")
logaddexp2 = binary("logaddexp2", np.logaddexp2, lambda g, x, y: g / (1 + np.exp2(y - x)),
    lambda g, x, y: g / (1 + np.exp2(x - y)), numbers="none", refuses="iub",
    formula="log2(2 ** input + 2 ** other), without overflow", example="[1.0, 2.0]; [1.0, 2.0] -> [2., 3.]")
fmax = binary("fmax", np.fmax, lambda g, x, y: np.where(_is_taken(x, y, np.greater_equal), g, 0.0),
    lambda g, x, y: np.where(_is_taken(x, y, np.greater_equal), 0.0, g), numbers="none",
    gradients=("g where x >= y or y is NaN, else 0", "0 where x >= y or y is NaN, else g"),
    formula="the greater of input and other; NaN only if both are", example="[1.0, 5.0]; [3.0, 2.0] -> [3., 5.]")
fmin = binary("fmin", np.fmin, lambda g, x, y: np.where(_is_taken(x, y, np.less_equal), g, 0.0),
    lambda g, x, y: np.where(_is_taken(x, y, np.less_equal), 0.0, g), numbers="none",
    gradients=("g where x <= y or y is NaN, else 0", "0 where x <= y or y is NaN, else g"),
    formula="the lesser of input and other; NaN only if both are", example="[1.0, 5.0]; [3.0, 2.0] -> [1., 2.]")
nextafter = binary("nextafter", np.nextafter, lambda g, x, y: np.where(x == y, 0.0, g), lambda g: zeros_of(g),
    numbers="none", refuses="iub",
    formula="the next number of its type after input, towards other", example="[1.0]; [2.0] -> [1.0000]")
_heaviside = binary("heaviside", lambda x, y: np.where(x == 0, y, x > 0).astype(x.dtype),
    no_derivative("heaviside"), no_derivative("heaviside"), numbers="none", shown="NotImplemented")
gcd = binary("gcd", np.gcd, None, None, numbers="none", refuses="fb",
    formula="the greatest whole number that divides both", example="[12, 18]; [8, 27] -> [4, 9]")
lcm = binary("lcm", np.lcm, None, None, numbers="none", refuses="fb",
    formula="the least whole number that both divide", example="[4, 6]; [6, 8] -> [12, 24]")
# fmt: on


def _is_taken(x: Any, y: Any, wins: Any) -> Any:
    """Where fmax or fmin returns `x`: it wins, or the other is NaN."""
    return np.logical_or(wins(x, y), np.isnan(y))


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 where `input` is negative, 1 where it is positive, `values` where it is 0. Raises RuntimeError for two dtypes.

    >>> import minigrad as torch
    >>> torch.heaviside(torch.tensor([-1.0, 0.0]), torch.tensor([0.5, 0.5]))
    tensor([0.0000, 0.5000])
    """
    kinds = list(dict.fromkeys(x.array.dtype.name for x in (input, values, out) if isinstance(x, TensorBase)))
    if len(kinds) > 1:
        got = f"got {' and '.join(kinds)}; convert one with .to(other.dtype)"
        raise RuntimeError(f"heaviside is not yet implemented for tensors with different dtypes: {got}")
    return _heaviside(input, values, out=out)


@names_options
def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """``input ** exponent`` in float64. Raises RuntimeError for an `out` of another type.

    >>> import minigrad as torch
    >>> torch.float_power(torch.tensor([2.0], dtype=torch.float64), 0.5)
    tensor([1.4142], dtype=minigrad.float64)
    >>> torch.float_power(torch.tensor([2]), 3)
    tensor([8.], dtype=minigrad.float64)
    """
    if not isinstance(input, TensorBase) and not isinstance(exponent, TensorBase):
        raise not_a_tensor("float_power", "input", 1, input)
    double = np.dtype(np.float64)
    base, power = [
        cast(x, double) if isinstance(x, TensorBase) else float(as_number("float_power", name, x))
        for name, x in (("input", input), ("exponent", exponent))
    ]
    if out is not None and out.array.dtype != double:
        detail = "the operation's result requires dtype Double; convert it with .double()"
        raise RuntimeError(f"the output given to float_power has dtype {out.array.dtype} but {detail}")
    return pow(base, power, out=out)  # type: ignore[arg-type]


_scale_by_exponent: Any = elementwise("ldexp", np.ldexp, lambda g, y: _scale_by_exponent(g, y), None)


@names_options
def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * 2 ** other``. Gradient of `input`: ``g * 2 ** other``.

    >>> import minigrad as torch
    >>> torch.ldexp(torch.tensor([3.0]), torch.tensor([2]))
    tensor([12.])
    """
    require_tensors("ldexp", "input other", input, other)
    if input.array.dtype.kind != "f" or other.array.dtype.kind == "f":
        if input.array.dtype == np.float64 and not other.array.ndim:  # there the power is not rounded to other's dtype
            input, other = promote("ldexp", *move_scalars(input, other))
        product = read_from(mul(input, pow(2.0, other)), "LdexpBackward0", input, other)  # type: ignore[arg-type]
    else:
        require_kind("ldexp", other.array.dtype, "iu")
        try:
            product = _scale_by_exponent(*move_scalars(input, other))
        except ValueError:
            raise shapes_do_not_broadcast("ldexp", input, other) from None
    return product if out is None else write_out("ldexp", out, product, (input, other), cast=True)


_mantissa = elementwise("frexp", lambda x: np.frexp(x)[0], lambda g, x: g / _power_of_two(x))


def _power_of_two(x: Any) -> Any:
    """2 to the exponent of `x`, which is piecewise constant in `x`; float32 for float16, which has no 2 ** 16."""
    values = value_of(x)
    return np.ldexp(np.ones_like(values, dtype=sum_type(values)), np.frexp(values)[1])


@takes_out
def frexp(input: Tensor) -> Any:
    """(mantissa, exponent) with ``input = mantissa * 2 ** exponent`` and 1/2 <= |mantissa| < 1; 0 has the exponent 0.

    >>> import minigrad as torch
    >>> torch.frexp(torch.tensor([12.0])).exponent
    tensor([4], dtype=minigrad.int32)
    """
    if input.array.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes; convert with .float()")
    exponent = compute(lambda x: np.frexp(x)[1].astype(np.int32), input)
    return make_return_type("frexp", "mantissa", "exponent")(_mantissa(input), exponent)
