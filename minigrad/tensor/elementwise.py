"""Elementwise methods: each line names the operation in `ops/`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops import activation, arithmetic, comparison, functions
from minigrad.ops.elementwise import not_a_tensor
from minigrad.ops.inplace import in_place


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method for an operator whose left operand is no tensor: ``2 - x``."""

    def method(self: Any, other: Any) -> Any:
        if not isinstance(self, TensorBase):
            raise not_a_tensor(function.__name__, "self", 1, self)
        return function(other, self)

    return method


def _comparing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method for ``==`` and its kin: ``x == None`` and the like are left to Python."""

    def method(self: Any, other: Any) -> Any:
        try:
            return function(self, other)
        except TypeError:
            return NotImplemented

    return method


class ElementwiseMethods(TensorBase):
    """Arithmetic, functions, comparisons; a trailing underscore writes into the tensor itself."""

    __slots__ = ()

    # ---- two operands and more ------------------------------------------------------------------
    add = arithmetic.add
    sub = subtract = arithmetic.sub
    mul = multiply = arithmetic.mul
    div = divide = arithmetic.div
    true_divide = arithmetic.true_divide
    floor_divide = arithmetic.floor_divide
    remainder = arithmetic.remainder
    fmod = arithmetic.fmod
    pow = arithmetic.pow
    float_power = arithmetic.float_power
    clamp = clip = arithmetic.clamp
    clamp_min = arithmetic.clamp_min
    clamp_max = arithmetic.clamp_max
    lerp = arithmetic.lerp
    addcmul = arithmetic.addcmul
    addcdiv = arithmetic.addcdiv
    atan2 = arctan2 = arithmetic.atan2
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    fmax = arithmetic.fmax
    fmin = arithmetic.fmin
    logaddexp = arithmetic.logaddexp

    # ---- functions ------------------------------------------------------------------------------
    neg = negative = functions.neg
    abs = absolute = functions.abs
    sign = functions.sign
    floor = functions.floor
    ceil = functions.ceil
    trunc = fix = functions.trunc
    round = functions.round
    frac = functions.frac
    reciprocal = functions.reciprocal
    square = functions.square
    sqrt = functions.sqrt
    rsqrt = functions.rsqrt
    exp = functions.exp
    exp2 = functions.exp2
    expm1 = functions.expm1
    log = functions.log
    log1p = functions.log1p
    log2 = functions.log2
    log10 = functions.log10
    sin = functions.sin
    cos = functions.cos
    tan = functions.tan
    asin = arcsin = functions.asin
    acos = arccos = functions.acos
    atan = arctan = functions.atan
    sinh = functions.sinh
    cosh = functions.cosh
    tanh = functions.tanh
    asinh = arcsinh = functions.asinh
    acosh = arccosh = functions.acosh
    atanh = arctanh = functions.atanh
    sigmoid = functions.sigmoid
    erf = functions.erf
    erfc = functions.erfc
    nan_to_num = functions.nan_to_num
    positive = functions.positive

    # ---- comparisons and logic ------------------------------------------------------------------
    eq = comparison.eq
    ne = not_equal = comparison.ne
    lt = less = comparison.lt
    le = less_equal = comparison.le
    gt = greater = comparison.gt
    ge = greater_equal = comparison.ge
    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    logical_not = comparison.logical_not
    bitwise_and = comparison.bitwise_and
    bitwise_or = comparison.bitwise_or
    bitwise_xor = comparison.bitwise_xor
    bitwise_not = comparison.bitwise_not
    bitwise_left_shift = comparison.bitwise_left_shift
    bitwise_right_shift = comparison.bitwise_right_shift
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    signbit = comparison.signbit
    isclose = comparison.isclose
    allclose = comparison.allclose
    equal = comparison.equal

    # ---- written into the tensor itself ---------------------------------------------------------
    add_ = in_place(arithmetic.add, np.add)
    sub_ = subtract_ = in_place(arithmetic.sub, np.subtract)
    mul_ = multiply_ = in_place(arithmetic.mul, np.multiply)
    div_ = divide_ = in_place(arithmetic.div)
    true_divide_ = in_place(arithmetic.true_divide, np.true_divide)
    floor_divide_ = in_place(arithmetic.floor_divide)
    remainder_ = in_place(arithmetic.remainder)
    fmod_ = in_place(arithmetic.fmod)
    pow_ = in_place(arithmetic.pow)
    clamp_ = clip_ = in_place(arithmetic.clamp)
    clamp_min_ = in_place(arithmetic.clamp_min)
    clamp_max_ = in_place(arithmetic.clamp_max)
    lerp_ = in_place(arithmetic.lerp)
    addcmul_ = in_place(arithmetic.addcmul)
    addcdiv_ = in_place(arithmetic.addcdiv)
    atan2_ = arctan2_ = in_place(arithmetic.atan2)
    neg_ = negative_ = in_place(functions.neg)
    abs_ = absolute_ = in_place(functions.abs)
    sign_ = in_place(functions.sign)
    floor_ = in_place(functions.floor)
    ceil_ = in_place(functions.ceil)
    trunc_ = fix_ = in_place(functions.trunc)
    round_ = in_place(functions.round)
    frac_ = in_place(functions.frac)
    reciprocal_ = in_place(functions.reciprocal)
    square_ = in_place(functions.square)
    sqrt_ = in_place(functions.sqrt)
    rsqrt_ = in_place(functions.rsqrt)
    exp_ = in_place(functions.exp)
    exp2_ = in_place(functions.exp2)
    expm1_ = in_place(functions.expm1)
    log_ = in_place(functions.log)
    log1p_ = in_place(functions.log1p)
    log2_ = in_place(functions.log2)
    log10_ = in_place(functions.log10)
    sin_ = in_place(functions.sin)
    cos_ = in_place(functions.cos)
    tan_ = in_place(functions.tan)
    asin_ = arcsin_ = in_place(functions.asin)
    acos_ = arccos_ = in_place(functions.acos)
    atan_ = arctan_ = in_place(functions.atan)
    sinh_ = in_place(functions.sinh)
    cosh_ = in_place(functions.cosh)
    tanh_ = in_place(functions.tanh)
    asinh_ = arcsinh_ = in_place(functions.asinh)
    acosh_ = arccosh_ = in_place(functions.acosh)
    atanh_ = arctanh_ = in_place(functions.atanh)
    sigmoid_ = in_place(functions.sigmoid)
    erf_ = in_place(functions.erf)
    erfc_ = in_place(functions.erfc)
    nan_to_num_ = in_place(functions.nan_to_num)
    eq_ = in_place(comparison.eq)
    ne_ = not_equal_ = in_place(comparison.ne)
    lt_ = less_ = in_place(comparison.lt)
    le_ = less_equal_ = in_place(comparison.le)
    gt_ = greater_ = in_place(comparison.gt)
    ge_ = greater_equal_ = in_place(comparison.ge)
    logical_and_ = in_place(comparison.logical_and)
    logical_or_ = in_place(comparison.logical_or)
    logical_xor_ = in_place(comparison.logical_xor)
    logical_not_ = in_place(comparison.logical_not)
    bitwise_and_ = in_place(comparison.bitwise_and)
    bitwise_or_ = in_place(comparison.bitwise_or)
    bitwise_xor_ = in_place(comparison.bitwise_xor)
    bitwise_not_ = in_place(comparison.bitwise_not)
    bitwise_left_shift_ = in_place(comparison.bitwise_left_shift)
    bitwise_right_shift_ = in_place(comparison.bitwise_right_shift)

    # ---- Python's operators ---------------------------------------------------------------------
    __add__ = arithmetic.add
    __radd__ = _reflected(arithmetic.add)
    __iadd__ = add_
    __sub__ = arithmetic.sub
    __rsub__ = _reflected(arithmetic.sub)
    __isub__ = sub_
    __mul__ = arithmetic.mul
    __rmul__ = _reflected(arithmetic.mul)
    __imul__ = mul_
    __truediv__ = arithmetic.true_divide
    __rtruediv__ = __rdiv__ = _reflected(arithmetic.true_divide)
    __itruediv__ = true_divide_
    __floordiv__ = arithmetic.floor_divide
    __rfloordiv__ = _reflected(arithmetic.floor_divide)
    __ifloordiv__ = floor_divide_
    __mod__ = arithmetic.remainder
    __rmod__ = _reflected(arithmetic.remainder)
    __imod__ = remainder_
    __pow__ = arithmetic.pow
    __rpow__ = _reflected(arithmetic.pow)
    __ipow__ = pow_
    __neg__ = functions.neg
    __pos__ = functions.positive
    __abs__ = functions.abs
    __and__ = comparison.bitwise_and
    __rand__ = _reflected(comparison.bitwise_and)
    __iand__ = bitwise_and_
    __or__ = comparison.bitwise_or
    __ror__ = _reflected(comparison.bitwise_or)
    __ior__ = bitwise_or_
    __xor__ = comparison.bitwise_xor
    __rxor__ = _reflected(comparison.bitwise_xor)
    __ixor__ = bitwise_xor_
    __lshift__ = comparison.bitwise_left_shift
    __rlshift__ = _reflected(comparison.bitwise_left_shift)
    __ilshift__ = bitwise_left_shift_
    __rshift__ = comparison.bitwise_right_shift
    __rrshift__ = _reflected(comparison.bitwise_right_shift)
    __irshift__ = bitwise_right_shift_
    __invert__ = comparison.bitwise_not
    __eq__ = _comparing(comparison.eq)
    __ne__ = _comparing(comparison.ne)
    __lt__ = _comparing(comparison.lt)
    __le__ = _comparing(comparison.le)
    __gt__ = _comparing(comparison.gt)
    __ge__ = _comparing(comparison.ge)
    __hash__ = object.__hash__

    # ---- nonlinearities -------------------------------------------------------------------------
    relu = activation.relu
    relu_ = in_place(activation.relu)
    softmax = activation.softmax
    log_softmax = activation.log_softmax
