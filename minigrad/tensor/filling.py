"""Filling a tensor with one number: `fill`, `fill_`, `zero_`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd import core
from minigrad.autograd.core import GRAD, Tensor, TensorBase, mode, wrap
from minigrad.autograd.overriding import ask, never_overriding
from minigrad.autograd.recording import operation
from minigrad.backend import device_of, store, to_device
from minigrad.ops.arguments import Operand, as_number, of_tensors
from minigrad.ops.copies import cast
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.inplace import assign, check_writable
from minigrad.ops.piecewise import zeros_of

_fill = operation("fill", lambda x, value: np.full_like(x, value), lambda g: zeros_of(g), lambda g: g)


@of_tensors
def fill(input: Tensor, value: Operand) -> Tensor:
    """A tensor like `input` filled with one number, which may be a 0-d tensor.

    >>> import minigrad as torch
    >>> torch.fill(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    if isinstance(value, TensorBase):
        if value.array.ndim:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got {value.array.ndim} dimensions.")
        return name_last_call(_fill(input, cast(value, input.array.dtype)), "FillBackward1")
    value = wrap(_convert(value, input.array))
    if type(input.array) is not np.ndarray:
        value.array = to_device(value.array, device_of(input.array))
    return _fill(input, value)


def _convert(value: Any, array: Any) -> Any:
    """A number in the dtype of `array`. Raises for one that the dtype does not hold."""
    number = as_number("fill_", "value", value)
    return dtypes.scalar(number, array.dtype, round_to_infinity=array.size == 1)


def _fill_at_once(target: Any, value: Any) -> bool:
    """Writes one number into a tensor, if that is not recorded: no view, on a CPU. Returns False otherwise."""
    array = target.array
    if target.view_of is not None or type(array) is not np.ndarray or isinstance(value, TensorBase):
        return False
    if target.node is not None and mode.get() & GRAD:
        return False
    number = _convert(value, array)
    target.writes[0] += 1
    store(array, ..., number)
    return True


class FillingMethods(TensorBase):
    """Methods that fill the tensor with one number."""

    __slots__ = ()

    @of_tensors
    def fill_(self: Any, value: Any) -> Tensor:
        """Fills the tensor with one number.

        >>> import minigrad as torch
        >>> torch.zeros(2).fill_(7)
        tensor([7., 7.])
        """
        usual = value.__class__ in never_overriding
        if not usual and (answer := ask(core.result_class.fill_, (self, value))) is not NotImplemented:
            return answer
        if _fill_at_once(self, value):
            return self
        check_writable(self, "fill_")
        by_number = not isinstance(value, TensorBase)
        filled = name_last_call(fill(self, value), "FillBackward2" if by_number else "FillBackward3")
        return assign(self, filled, "fill_", one_number=by_number)

    @of_tensors
    def zero_(self: Any) -> Tensor:
        """Fills the tensor with zeros.

        >>> import minigrad as torch
        >>> torch.ones(2).zero_()
        tensor([0., 0.])
        """
        if _fill_at_once(self, 0):
            return self
        check_writable(self, "zero_")
        return assign(self, name_last_call(fill(self, 0), "ZeroBackward0"), "zero_", one_number=True)
