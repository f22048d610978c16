"""Elementwise methods: each line names the operation in `ops/`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase
from minigrad.ops import activation, arithmetic, comparison, division, unary
from minigrad.ops.arguments import require_tensor
from minigrad.ops.complaints import may_answer, no_operand
from minigrad.ops.elementwise import as_operator
from minigrad.ops.inplace import in_place, with_in_place

if TYPE_CHECKING:
    from minigrad.ops.signatures import Binary

Comparison: TypeAlias = Callable[[Any, Any], Tensor]


def _operators(function: Any, symbol: str, reflected: str, ufunc: Any = None) -> tuple[Binary, Binary]:
    """The methods for ``x + y`` and ``x += y``; what they do not know may answer by its method `reflected`."""
    written: Any = functools.wraps(function)(as_operator(function, f"{symbol}=", reflected))
    written = in_place(written, ufunc)
    written.__qualname__ = f"Tensor.__i{reflected[3:]}"  # where pickle finds it
    return as_operator(function, symbol, reflected), written


def _reflect(function: Any, symbol: str) -> Callable[[Any, Tensor | float], Tensor]:
    """Makes the method for an operator whose left operand is no tensor: ``2 - x``."""

    def method(self: Any, other: Any) -> Tensor:
        if not isinstance(self, TensorBase):
            require_tensor(f"reflected {symbol}", "self", 1, self)
        try:
            return function(other, self)
        except TypeError as refused:
            raise no_operand(symbol, other, self, refused) from None

    return method


def _or_leave(function: Any, reflected: str = "") -> Comparison:
    """Makes the method for ``x ** y``, ``x == y`` and other comparisons; what it does not know may answer itself.

    That asks its method `reflected`; ``x == None`` is left to Python.
    """

    def method(self: Any, other: Any) -> Tensor:
        try:
            return function(self, other)
        except TypeError:
            if not reflected or may_answer(other, reflected):
                return NotImplemented
            raise

    return method


class ElementwiseMethods(TensorBase):
    """Arithmetic, functions and comparisons, with their in-place versions."""

    __slots__ = ()

    # ---- two or more operands ------------------------------------------------------------------
    add, add_ = with_in_place(arithmetic.add, np.add)
    __add__, __iadd__ = _operators(arithmetic.plus, "+", "__radd__", np.add)
    sub, sub_ = with_in_place(arithmetic.sub, np.subtract)
    subtract, subtract_ = with_in_place(arithmetic.subtract, np.subtract)
    __sub__, __isub__ = _operators(arithmetic.minus, "-", "__rsub__", np.subtract)
    mul, mul_ = multiply, multiply_ = with_in_place(arithmetic.mul, np.multiply)
    __mul__, __imul__ = _operators(arithmetic.mul, "*", "__rmul__", np.multiply)
    div, div_ = divide, divide_ = with_in_place(division.div)
    true_divide, true_divide_ = with_in_place(arithmetic.true_divide, np.true_divide)
    __truediv__, __itruediv__ = _operators(arithmetic.true_divide, "/", "__rtruediv__", np.true_divide)
    floor_divide, floor_divide_ = with_in_place(division.floor_divide)
    __floordiv__, __ifloordiv__ = _operators(division.floor_divide, "//", "__rfloordiv__")
    remainder, remainder_ = with_in_place(division.remainder)
    __mod__, __imod__ = _operators(division.remainder, "%", "__rmod__")
    fmod, fmod_ = with_in_place(division.fmod)
    pow, pow_ = with_in_place(arithmetic.pow)
    __pow__ = _or_leave(arithmetic.pow, "__rpow__")
    __ipow__ = in_place(functools.wraps(arithmetic.pow)(_or_leave(arithmetic.pow, "__rpow__")))
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum

    # ---- functions ------------------------------------------------------------------------------
    neg, neg_ = negative, negative_ = with_in_place(unary.neg)
    abs, abs_ = absolute, absolute_ = with_in_place(unary.abs)
    sign, sign_ = with_in_place(unary.sign)
    floor, floor_ = with_in_place(unary.floor)
    ceil, ceil_ = with_in_place(unary.ceil)
    trunc, trunc_ = fix, fix_ = with_in_place(unary.trunc)
    round, round_ = with_in_place(unary.round)
    reciprocal, reciprocal_ = with_in_place(unary.reciprocal)
    square, square_ = with_in_place(unary.square)
    sqrt, sqrt_ = with_in_place(unary.sqrt)
    rsqrt, rsqrt_ = with_in_place(unary.rsqrt)
    exp, exp_ = with_in_place(unary.exp)
    exp2, exp2_ = with_in_place(unary.exp2)
    expm1, expm1_ = with_in_place(unary.expm1)
    log, log_ = with_in_place(unary.log)
    log1p, log1p_ = with_in_place(unary.log1p)
    log2, log2_ = with_in_place(unary.log2)
    log10, log10_ = with_in_place(unary.log10)
    sin, sin_ = with_in_place(unary.sin)
    cos, cos_ = with_in_place(unary.cos)
    tan, tan_ = with_in_place(unary.tan)
    asin, asin_ = arcsin, arcsin_ = with_in_place(unary.asin)
    acos, acos_ = arccos, arccos_ = with_in_place(unary.acos)
    atan, atan_ = arctan, arctan_ = with_in_place(unary.atan)
    sinh, sinh_ = with_in_place(unary.sinh)
    cosh, cosh_ = with_in_place(unary.cosh)
    tanh, tanh_ = with_in_place(unary.tanh)
    asinh, asinh_ = arcsinh, arcsinh_ = with_in_place(unary.asinh)
    acosh, acosh_ = arccosh, arccosh_ = with_in_place(unary.acosh)
    atanh, atanh_ = arctanh, arctanh_ = with_in_place(unary.atanh)
    sigmoid, sigmoid_ = with_in_place(unary.sigmoid)
    positive = unary.positive

    # ---- comparisons and logic ------------------------------------------------------------------
    eq, eq_ = with_in_place(comparison.eq)
    ne, ne_ = not_equal, not_equal_ = with_in_place(comparison.ne)
    lt, lt_ = less, less_ = with_in_place(comparison.lt)
    le, le_ = less_equal, less_equal_ = with_in_place(comparison.le)
    gt, gt_ = greater, greater_ = with_in_place(comparison.gt)
    ge, ge_ = greater_equal, greater_equal_ = with_in_place(comparison.ge)
    logical_and, logical_and_ = with_in_place(comparison.logical_and)
    logical_or, logical_or_ = with_in_place(comparison.logical_or)
    logical_xor, logical_xor_ = with_in_place(comparison.logical_xor)
    logical_not, logical_not_ = with_in_place(comparison.logical_not)
    bitwise_and, bitwise_and_ = with_in_place(comparison.bitwise_and)
    __and__, __iand__ = _operators(comparison.bitwise_and, "&", "__rand__")
    bitwise_or, bitwise_or_ = with_in_place(comparison.bitwise_or)
    __or__, __ior__ = _operators(comparison.bitwise_or, "|", "__ror__")
    bitwise_xor, bitwise_xor_ = with_in_place(comparison.bitwise_xor)
    __xor__, __ixor__ = _operators(comparison.bitwise_xor, "^", "__rxor__")
    bitwise_not, bitwise_not_ = with_in_place(comparison.bitwise_not)
    bitwise_left_shift, bitwise_left_shift_ = with_in_place(comparison.bitwise_left_shift)
    __lshift__, __ilshift__ = _operators(comparison.bitwise_left_shift, "<<", "__rlshift__")
    bitwise_right_shift, bitwise_right_shift_ = with_in_place(comparison.bitwise_right_shift)
    __rshift__, __irshift__ = _operators(comparison.bitwise_right_shift, ">>", "__rrshift__")
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    isclose = comparison.isclose
    allclose = comparison.allclose
    equal = comparison.equal

    # ---- reflected and unary operators ------------------------
    __radd__ = as_operator(arithmetic.plus, "+", "__iadd__", numbers="other")
    __rsub__ = arithmetic.rsub
    __rmul__ = as_operator(arithmetic.mul, "*", numbers="other")
    __rtruediv__ = __rdiv__ = _reflect(lambda x, y: unary.reciprocal(y) * x, "/")  # as PyTorch rounds ``2 / x``
    __rfloordiv__ = _reflect(division.floor_divide, "//")
    __rmod__ = _reflect(division.remainder, "%")
    __rpow__ = _reflect(arithmetic.pow, "** or pow()")
    __neg__ = unary.neg
    __pos__ = unary.positive
    __abs__ = unary.abs
    __rand__ = _reflect(comparison.bitwise_and, "&")
    __ror__ = _reflect(comparison.bitwise_or, "|")
    __rxor__ = _reflect(comparison.bitwise_xor, "^")
    __rlshift__ = _reflect(comparison.bitwise_left_shift, "<<")
    __rrshift__ = _reflect(comparison.bitwise_right_shift, ">>")

    def __invert__(self: Any) -> Tensor:
        if self.array.dtype.kind == "f":
            words = "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
            raise TypeError(f"{words}, got {self.dtype}; compare first: ~(x > 0)")
        return comparison.bitwise_not(self)

    __eq__: ClassVar[Comparison] = _or_leave(comparison.eq)  # type: ignore[assignment] # Python's own gives a bool
    __ne__: ClassVar[Comparison] = _or_leave(comparison.ne)  # type: ignore[assignment] # Python's own gives a bool
    __lt__ = _or_leave(comparison.lt)
    __le__ = _or_leave(comparison.le)
    __gt__ = _or_leave(comparison.gt)
    __ge__ = _or_leave(comparison.ge)
    __hash__ = object.__hash__

    # ---- nonlinearities -------------------------------------------------------------------------
    relu, relu_ = with_in_place(activation.relu)
    softmax = activation.softmax
    log_softmax = activation.log_softmax
