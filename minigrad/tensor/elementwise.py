"""Elementwise methods: each line names the operation in `ops/`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops import activation, arithmetic, comparison, functions
from minigrad.ops.arguments import require_tensor
from minigrad.ops.inplace import twins

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

    Comparison: TypeAlias = Callable[[Any, Any], Tensor]


def _reflect(function: Any, commutes: bool = False) -> Callable[[Any, Tensor | float], Tensor]:
    """Makes the method for an operator whose left operand is no tensor: ``2 - x``."""

    def method(self: Any, other: Any) -> Tensor:
        require_tensor(function.__name__, "self", 1, self)
        return function(self, other) if commutes else function(other, self)

    return method


def _compare(function: Any) -> Comparison:
    """Makes the method for ``x == y`` and other comparisons; ``x == None`` is left to Python."""

    def method(self: Any, other: Any) -> Tensor:
        try:
            return function(self, other)
        except TypeError:
            return NotImplemented

    return method


class ElementwiseMethods(TensorBase):
    """Arithmetic, functions and comparisons, with their in-place versions."""

    __slots__ = ()

    # ---- two or more operands ------------------------------------------------------------------
    add, add_ = twins(arithmetic.add, np.add)
    __add__, __iadd__ = arithmetic.plus, add_
    sub, sub_ = subtract, subtract_ = twins(arithmetic.sub, np.subtract)
    __sub__, __isub__ = arithmetic.minus, sub_
    mul, mul_ = multiply, multiply_ = __mul__, __imul__ = twins(arithmetic.mul, np.multiply)
    div, div_ = divide, divide_ = twins(arithmetic.div)
    true_divide, true_divide_ = __truediv__, __itruediv__ = twins(arithmetic.true_divide, np.true_divide)
    floor_divide, floor_divide_ = __floordiv__, __ifloordiv__ = twins(arithmetic.floor_divide)
    remainder, remainder_ = __mod__, __imod__ = twins(arithmetic.remainder)
    fmod, fmod_ = twins(arithmetic.fmod)
    lerp, lerp_ = twins(arithmetic.lerp)
    pow, pow_ = __pow__, __ipow__ = twins(arithmetic.pow)
    atan2, atan2_ = arctan2, arctan2_ = twins(arithmetic.atan2)
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    logaddexp = arithmetic.logaddexp

    # ---- functions ------------------------------------------------------------------------------
    neg, neg_ = negative, negative_ = twins(functions.neg)
    abs, abs_ = absolute, absolute_ = twins(functions.abs)
    sign, sign_ = twins(functions.sign)
    floor, floor_ = twins(functions.floor)
    ceil, ceil_ = twins(functions.ceil)
    trunc, trunc_ = fix, fix_ = twins(functions.trunc)
    round, round_ = twins(functions.round)
    reciprocal, reciprocal_ = twins(functions.reciprocal)
    square, square_ = twins(functions.square)
    sqrt, sqrt_ = twins(functions.sqrt)
    rsqrt, rsqrt_ = twins(functions.rsqrt)
    exp, exp_ = twins(functions.exp)
    exp2, exp2_ = twins(functions.exp2)
    expm1, expm1_ = twins(functions.expm1)
    log, log_ = twins(functions.log)
    log1p, log1p_ = twins(functions.log1p)
    log2, log2_ = twins(functions.log2)
    log10, log10_ = twins(functions.log10)
    sin, sin_ = twins(functions.sin)
    cos, cos_ = twins(functions.cos)
    tan, tan_ = twins(functions.tan)
    asin, asin_ = arcsin, arcsin_ = twins(functions.asin)
    acos, acos_ = arccos, arccos_ = twins(functions.acos)
    atan, atan_ = arctan, arctan_ = twins(functions.atan)
    sinh, sinh_ = twins(functions.sinh)
    cosh, cosh_ = twins(functions.cosh)
    tanh, tanh_ = twins(functions.tanh)
    asinh, asinh_ = arcsinh, arcsinh_ = twins(functions.asinh)
    acosh, acosh_ = arccosh, arccosh_ = twins(functions.acosh)
    atanh, atanh_ = arctanh, arctanh_ = twins(functions.atanh)
    sigmoid, sigmoid_ = twins(functions.sigmoid)
    positive = functions.positive

    # ---- comparisons and logic ------------------------------------------------------------------
    eq, eq_ = twins(comparison.eq)
    ne, ne_ = not_equal, not_equal_ = twins(comparison.ne)
    lt, lt_ = less, less_ = twins(comparison.lt)
    le, le_ = less_equal, less_equal_ = twins(comparison.le)
    gt, gt_ = greater, greater_ = twins(comparison.gt)
    ge, ge_ = greater_equal, greater_equal_ = twins(comparison.ge)
    logical_and, logical_and_ = twins(comparison.logical_and)
    logical_or, logical_or_ = twins(comparison.logical_or)
    logical_xor, logical_xor_ = twins(comparison.logical_xor)
    logical_not, logical_not_ = twins(comparison.logical_not)
    bitwise_and, bitwise_and_ = __and__, __iand__ = twins(comparison.bitwise_and)
    bitwise_or, bitwise_or_ = __or__, __ior__ = twins(comparison.bitwise_or)
    bitwise_xor, bitwise_xor_ = __xor__, __ixor__ = twins(comparison.bitwise_xor)
    bitwise_not, bitwise_not_ = twins(comparison.bitwise_not)
    bitwise_left_shift, bitwise_left_shift_ = __lshift__, __ilshift__ = twins(comparison.bitwise_left_shift)
    bitwise_right_shift, bitwise_right_shift_ = __rshift__, __irshift__ = twins(comparison.bitwise_right_shift)
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    isclose = comparison.isclose
    allclose = comparison.allclose
    equal = comparison.equal

    # ---- reflected and unary operators ------------------------
    __radd__ = _reflect(arithmetic.add, commutes=True)
    __rsub__ = arithmetic.rsub
    __rmul__ = _reflect(arithmetic.mul, commutes=True)

    def __rtruediv__(self: Any, other: Any) -> Tensor:
        return functions.reciprocal(self) * other  # as PyTorch rounds ``2 / x``

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

    __eq__: ClassVar[Comparison] = _compare(comparison.eq)  # type: ignore[assignment] # Python's own gives a bool
    __ne__: ClassVar[Comparison] = _compare(comparison.ne)  # type: ignore[assignment] # Python's own gives a bool
    __lt__ = _compare(comparison.lt)
    __le__ = _compare(comparison.le)
    __gt__ = _compare(comparison.gt)
    __ge__ = _compare(comparison.ge)
    __hash__ = object.__hash__

    # ---- nonlinearities -------------------------------------------------------------------------
    relu, relu_ = twins(activation.relu)
    softmax = activation.softmax
    log_softmax = activation.log_softmax
