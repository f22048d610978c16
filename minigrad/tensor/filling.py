"""Filling a tensor with one number, and new tensors after the model of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import backend, dtypes
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.operation import operation
from minigrad.ops.elementwise import as_number, of_tensor, titled
from minigrad.ops.inplace import assign
from minigrad.ops.shape import cast

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

_fill = operation("fill", lambda x, value: np.full_like(x, value), lambda g: g * 0, lambda g: g)


@of_tensor
def fill(input: Any, value: Any) -> Any:
    """A tensor like `input` filled with one number, which may be a tensor of no axes.

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
            value.array = backend.to_device(value.array, backend.device_of(input.array))
    return _fill(input, value)


def _new(make: str) -> Callable[..., Tensor]:
    """The method that makes a tensor as ``creation.<make>``, of this one's dtype and device where not given."""

    def method(self: Any, *args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
        from minigrad import creation

        options["dtype"] = self.dtype if dtype is None else dtype
        options["device"] = self.device if device is None else device
        return getattr(creation, make)(*args, **options)

    return titled(method, f"new_{make}", f"`{make}` of this tensor's dtype and on its device, where not given.")


class FillingMethods(TensorBase):
    """Writing numbers into the tensor, and new tensors of its kind."""

    __slots__ = ()

    def fill_(self, value: Any) -> Any:
        """Fill with one number.

        >>> import minigrad as torch
        >>> torch.zeros(2).fill_(7)
        tensor([7., 7.])
        """
        return assign(self, fill(self, value), "fill_", one_number=True)

    def zero_(self) -> Any:
        """Fill with zeros.

        >>> import minigrad as torch
        >>> torch.ones(2).zero_()
        tensor([0., 0.])
        """
        return assign(self, fill(self, 0), "zero_", one_number=True)

    # ---- new tensors of this one's dtype and device ---------------------------------------------
    new_zeros, new_ones, new_empty = _new("zeros"), _new("ones"), _new("empty")

    def new(self: Any, *data: Any) -> Tensor:
        """``new(2, 3)`` is not filled, ``new([1, 2])`` holds these numbers; of this tensor's dtype and device.

        >>> import minigrad as torch
        >>> torch.ones(2).new([1, 2])
        tensor([1., 2.])
        """
        from minigrad.creation import legacy

        return legacy(data, self.dtype, self.device)

    new_full, new_tensor = _new("full"), _new("tensor")
    new_empty_strided = _new("empty_strided")
