"""Elementwise methods: each line names the operation in `ops/`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops import activation, arithmetic, comparison, functions, gamma, limits, special
from minigrad.ops.arguments import require_tensor
from minigrad.ops.inplace import in_place

if TYPE_CHECKING:
    from minigrad.ops.signatures import Binary
    from minigrad.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def _reflect(function: Any, commutes: bool = False) -> Callable[[Any, Tensor | float], Tensor]:
    """The method for an operator whose left operand is no tensor: ``2 - x``."""

    def method(self: Any, other: Any) -> Tensor:
        require_tensor(function.__name__, "self", 1, self)
        return function(self, other) if commutes else function(other, self)

    return method


def _compare(function: Binary, x: Any, y: Any) -> Any:
    """``x == y`` and its kin; ``x == None`` and the like are left to Python."""
    try:
        return function(x, y)
    except TypeError:
        return NotImplemented


def _twins(function: F, ufunc: Any = None) -> tuple[F, F]:
    """`function`, and its twin that writes into its first argument."""
    return function, in_place(function, ufunc)


class ElementwiseMethods(TensorBase):
    """Arithmetic, functions, comparisons, each beside the twin that writes into the tensor itself."""

    __slots__ = ()

    # ---- two operands and more ------------------------------------------------------------------
    add, add_ = _twins(arithmetic.add, np.add)
    __add__, __iadd__ = arithmetic.plus, add_
    sub, sub_ = subtract, subtract_ = _twins(arithmetic.sub, np.subtract)
    __sub__, __isub__ = arithmetic.minus, sub_
    mul, mul_ = multiply, multiply_ = __mul__, __imul__ = _twins(arithmetic.mul, np.multiply)
    div, div_ = divide, divide_ = _twins(arithmetic.div)
    true_divide, true_divide_ = __truediv__, __itruediv__ = _twins(arithmetic.true_divide, np.true_divide)
    floor_divide, floor_divide_ = __floordiv__, __ifloordiv__ = _twins(arithmetic.floor_divide)
    remainder, remainder_ = __mod__, __imod__ = _twins(arithmetic.remainder)
    fmod, fmod_ = _twins(arithmetic.fmod)
    lerp, lerp_ = _twins(arithmetic.lerp)
    pow, pow_ = __pow__, __ipow__ = _twins(arithmetic.pow)
    clamp, clamp_ = clip, clip_ = _twins(limits.clamp)
    clamp_min, clamp_min_ = _twins(limits.clamp_min)
    clamp_max, clamp_max_ = _twins(limits.clamp_max)
    atan2, atan2_ = arctan2, arctan2_ = _twins(arithmetic.atan2)
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    logaddexp = arithmetic.logaddexp

    # ---- functions ------------------------------------------------------------------------------
    neg, neg_ = negative, negative_ = _twins(functions.neg)
    abs, abs_ = absolute, absolute_ = _twins(functions.abs)
    sign, sign_ = _twins(functions.sign)
    floor, floor_ = _twins(functions.floor)
    ceil, ceil_ = _twins(functions.ceil)
    trunc, trunc_ = fix, fix_ = _twins(functions.trunc)
    round, round_ = _twins(functions.round)
    reciprocal, reciprocal_ = _twins(functions.reciprocal)
    square, square_ = _twins(functions.square)
    sqrt, sqrt_ = _twins(functions.sqrt)
    rsqrt, rsqrt_ = _twins(functions.rsqrt)
    exp, exp_ = _twins(functions.exp)
    exp2, exp2_ = _twins(functions.exp2)
    expm1, expm1_ = _twins(functions.expm1)
    log, log_ = _twins(functions.log)
    log1p, log1p_ = _twins(functions.log1p)
    log2, log2_ = _twins(functions.log2)
    log10, log10_ = _twins(functions.log10)
    sin, sin_ = _twins(functions.sin)
    cos, cos_ = _twins(functions.cos)
    tan, tan_ = _twins(functions.tan)
    asin, asin_ = arcsin, arcsin_ = _twins(functions.asin)
    acos, acos_ = arccos, arccos_ = _twins(functions.acos)
    atan, atan_ = arctan, arctan_ = _twins(functions.atan)
    sinh, sinh_ = _twins(functions.sinh)
    cosh, cosh_ = _twins(functions.cosh)
    tanh, tanh_ = _twins(functions.tanh)
    asinh, asinh_ = arcsinh, arcsinh_ = _twins(functions.asinh)
    acosh, acosh_ = arccosh, arccosh_ = _twins(functions.acosh)
    atanh, atanh_ = arctanh, arctanh_ = _twins(functions.atanh)
    sigmoid, sigmoid_ = _twins(functions.sigmoid)
    erf, erf_ = _twins(functions.erf)
    erfc, erfc_ = _twins(functions.erfc)
    erfinv, erfinv_ = _twins(functions.erfinv)
    positive = functions.positive

    # ---- what fewer programs need ---------------------------------------------------------------
    addcmul, addcmul_ = _twins(special.addcmul)
    addcdiv, addcdiv_ = _twins(special.addcdiv)
    hypot, hypot_ = _twins(special.hypot)
    copysign, copysign_ = _twins(special.copysign)
    xlogy, xlogy_ = _twins(special.xlogy)
    heaviside, heaviside_ = _twins(special.heaviside)
    gcd, gcd_ = _twins(special.gcd)
    lcm, lcm_ = _twins(special.lcm)
    float_power, float_power_ = _twins(special.float_power)
    logit, logit_ = _twins(special.logit)
    nan_to_num, nan_to_num_ = _twins(special.nan_to_num)
    sinc, sinc_ = _twins(special.sinc)
    deg2rad, deg2rad_ = _twins(special.deg2rad)
    rad2deg, rad2deg_ = _twins(special.rad2deg)
    frac, frac_ = _twins(special.frac)
    sgn, sgn_ = _twins(special.sgn)
    ldexp, ldexp_ = _twins(special.ldexp)
    nextafter, nextafter_ = _twins(special.nextafter)
    lgamma, lgamma_ = _twins(gamma.lgamma)
    digamma, digamma_ = _twins(gamma.digamma)
    mvlgamma, mvlgamma_ = _twins(gamma.mvlgamma)
    i0, i0_ = _twins(gamma.i0)
    frexp = special.frexp
    fmax = special.fmax
    fmin = special.fmin
    logaddexp2 = special.logaddexp2
    signbit = special.signbit
    isposinf = special.isposinf
    isneginf = special.isneginf

    # ---- comparisons and logic ------------------------------------------------------------------
    eq, eq_ = _twins(comparison.eq)
    ne, ne_ = not_equal, not_equal_ = _twins(comparison.ne)
    lt, lt_ = less, less_ = _twins(comparison.lt)
    le, le_ = less_equal, less_equal_ = _twins(comparison.le)
    gt, gt_ = greater, greater_ = _twins(comparison.gt)
    ge, ge_ = greater_equal, greater_equal_ = _twins(comparison.ge)
    logical_and, logical_and_ = _twins(comparison.logical_and)
    logical_or, logical_or_ = _twins(comparison.logical_or)
    logical_xor, logical_xor_ = _twins(comparison.logical_xor)
    logical_not, logical_not_ = _twins(comparison.logical_not)
    bitwise_and, bitwise_and_ = __and__, __iand__ = _twins(comparison.bitwise_and)
    bitwise_or, bitwise_or_ = __or__, __ior__ = _twins(comparison.bitwise_or)
    bitwise_xor, bitwise_xor_ = __xor__, __ixor__ = _twins(comparison.bitwise_xor)
    bitwise_not, bitwise_not_ = _twins(comparison.bitwise_not)
    bitwise_left_shift, bitwise_left_shift_ = __lshift__, __ilshift__ = _twins(comparison.bitwise_left_shift)
    bitwise_right_shift, bitwise_right_shift_ = __rshift__, __irshift__ = _twins(comparison.bitwise_right_shift)
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    isclose = comparison.isclose
    allclose = comparison.allclose
    equal = comparison.equal

    # ---- Python's operators, where the tensor stands on the right or is alone ------------------------
    __radd__ = _reflect(arithmetic.add, commutes=True)
    __rsub__ = arithmetic.rsub
    __rmul__ = _reflect(arithmetic.mul, commutes=True)

    def __rtruediv__(self: Any, other: Any) -> Tensor:
        return functions.reciprocal(self) * other  # as PyTorch computes ``2 / x``, to the last digit

    __rdiv__ = __rtruediv__
    __rfloordiv__ = _reflect(arithmetic.floor_divide)
    __rmod__ = _reflect(arithmetic.remainder)
    __rpow__ = _reflect(arithmetic.pow)
    __neg__ = functions.neg
    __pos__ = functions.positive
    __abs__ = functions.abs
    __rand__ = _reflect(comparison.bitwise_and)
    __ror__ = _reflect(comparison.bitwise_or)
    __rxor__ = _reflect(comparison.bitwise_xor)
    __rlshift__ = _reflect(comparison.bitwise_left_shift)
    __rrshift__ = _reflect(comparison.bitwise_right_shift)

    def __invert__(self: Any) -> Tensor:
        if self.array.dtype.kind == "f":
            raise TypeError(f"~ turns the bits of integers and booleans, got {self.dtype}; compare first: ~(x > 0)")
        return comparison.bitwise_not(self)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override] # Python's own gives a bool
        return _compare(comparison.eq, self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override] # Python's own gives a bool
        return _compare(comparison.ne, self, other)

    def __lt__(self, other: Any) -> Tensor:
        return _compare(comparison.lt, self, other)

    def __le__(self, other: Any) -> Tensor:
        return _compare(comparison.le, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return _compare(comparison.gt, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _compare(comparison.ge, self, other)

    __hash__ = object.__hash__

    # ---- nonlinearities -------------------------------------------------------------------------
    relu = activation.relu
    relu_ = in_place(activation.relu)
    softmax = activation.softmax
    log_softmax = activation.log_softmax
