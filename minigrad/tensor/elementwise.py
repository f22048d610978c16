"""Elementwise methods: each line names the operation in `ops/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops import arithmetic
from minigrad.ops.inplace import in_place

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


class ElementwiseMethods(TensorBase):
    """Arithmetic, functions, comparisons; a trailing underscore writes into the tensor itself."""

    __slots__ = ()

    add = arithmetic.add
    sub = arithmetic.sub
    mul = arithmetic.mul
    div = arithmetic.true_divide
    pow = arithmetic.pow
    neg = arithmetic.neg
    abs = arithmetic.abs
    sign = arithmetic.sign
    exp = arithmetic.exp
    log = arithmetic.log
    sqrt = arithmetic.sqrt
    tanh = arithmetic.tanh
    sigmoid = arithmetic.sigmoid
    __add__ = __radd__ = arithmetic.add
    __sub__ = arithmetic.sub
    __mul__ = __rmul__ = arithmetic.mul
    __truediv__ = arithmetic.true_divide
    __pow__ = arithmetic.pow
    __neg__ = arithmetic.neg
    __abs__ = arithmetic.abs
    add_ = __iadd__ = in_place(arithmetic.add, np.add)
    sub_ = __isub__ = in_place(arithmetic.sub, np.subtract)
    mul_ = __imul__ = in_place(arithmetic.mul, np.multiply)
    div_ = __itruediv__ = in_place(arithmetic.true_divide, np.true_divide)

    def __rsub__(self, other: Any) -> Tensor:
        return arithmetic.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return arithmetic.true_divide(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return arithmetic.pow(other, self)
