"""Filling a tensor with one number: `fill`, `fill_`, `zero_`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import device_of, to_device
from minigrad.ops.arguments import as_number, of_tensors
from minigrad.ops.copies import cast
from minigrad.ops.inplace import assign, check_writable
from minigrad.ops.piecewise import zeros_of

_fill = operation("fill", lambda x, value: np.full_like(x, value), lambda g: zeros_of(g), lambda g: g)


@of_tensors
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like `input` filled with one number, which may be a 0-d tensor.

    >>> import minigrad as torch
    >>> torch.fill(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    if isinstance(value, TensorBase):
        if value.array.ndim:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got {value.array.ndim} dimensions.")
        value = cast(value, input.array.dtype)
    else:
        number = as_number("fill_", "value", value)
        value = wrap(dtypes.scalar(number, input.array.dtype, round_to_infinity=input.array.size == 1))
        if type(input.array) is not np.ndarray:
            value.array = to_device(value.array, device_of(input.array))
    return _fill(input, value)


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
        check_writable(self, "fill_")
        return assign(self, fill(self, value), "fill_", one_number=not isinstance(value, TensorBase))

    @of_tensors
    def zero_(self: Any) -> Tensor:
        """Fills the tensor with zeros.

        >>> import minigrad as torch
        >>> torch.ones(2).zero_()
        tensor([0., 0.])
        """
        check_writable(self, "zero_")
        return assign(self, fill(self, 0), "zero_", one_number=True)
