"""Filling a tensor with one number, and new tensors after the model of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import backend
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.operation import operation
from minigrad.ops.inplace import assign
from minigrad.ops.shape import cast

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

_fill = operation("fill", lambda x, value: np.full_like(x, value), lambda g: g * 0, lambda g: g)


def fill(input: Any, value: Any) -> Any:
    """A tensor like `input` filled with one number, which may be a tensor of no axes."""
    if isinstance(value, TensorBase):
        if value.array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.array.ndim} dimensions."
            )
        value = cast(value, input.array.dtype)
    else:
        value = wrap(np.asarray(value).astype(input.array.dtype))
        if type(input.array) is not np.ndarray:
            value.array = backend.to_device(value.array, backend.device_of(input.array))
    return _fill(input, value)


class FillingMethods(TensorBase):
    """Writing numbers into the tensor, and new tensors of its kind."""

    __slots__ = ()

    def fill_(self, value: Any) -> Any:
        """Fill with one number."""
        return assign(self, fill(self, value), "fill_")

    def zero_(self) -> Any:
        """Fill with zeros."""
        return assign(self, fill(self, 0), "zero_")

    def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Any:
        """Fill the main diagonal, with `wrap` of every square that a tall matrix holds, with one number."""
        if self.array.ndim < 2:
            raise RuntimeError(f"fill_diagonal_ needs a matrix or more axes, got shape {tuple(self.array.shape)}")
        if self.array.ndim > 2 and len(set(self.array.shape)) > 1:
            raise RuntimeError(f"all dimensions of input must be of equal length, got {tuple(self.array.shape)}")
        n, length = self.array.shape[-1], min(self.array.shape)
        rows = self.array.shape[0] if wrap and self.array.ndim == 2 else length
        place = np.array([i for i in range(rows) if i % (n + 1) < n], np.int64)
        at = (place, place % (n + 1)) if self.array.ndim == 2 else (place,) * self.array.ndim
        self[tuple(type(self)(i.tolist()).long() for i in at)] = fill_value
        return self

    # ---- new tensors of this one's dtype and device ---------------------------------------------
    def _new(self, make: str, size: Any, given: dict[str, Any]) -> Any:
        from minigrad import creation

        model: Any = self
        for name, value in (("dtype", model.dtype), ("device", model.device)):
            if given.get(name) is None:
                given[name] = value
        return getattr(creation, make)(*size, **given)

    def new_zeros(self, *size: Any, **options: Any) -> Tensor:
        """Zeros of this dtype and device."""
        return self._new("zeros", size or (options.pop("size"),), options)

    def new_ones(self, *size: Any, **options: Any) -> Tensor:
        """Ones of this dtype and device."""
        return self._new("ones", size or (options.pop("size"),), options)

    def new_empty(self, *size: Any, **options: Any) -> Tensor:
        """Memory of this dtype and device, not filled."""
        return self._new("empty", size or (options.pop("size"),), options)

    def new_full(self, size: Any, fill_value: Any, **options: Any) -> Tensor:
        """A tensor of this dtype and device, filled with one number."""
        return self._new("full", (size, fill_value), options)

    def new_tensor(self, data: Any, **options: Any) -> Tensor:
        """A copy of `data` in this dtype and on this device."""
        return self._new("tensor", (data,), options)
