"""Other element types, other devices, Python numbers and NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import backend, dtypes
from minigrad.autograd.core import TensorBase
from minigrad.ops import shape as shapes

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

_TYPE_NAMES = {
    "float16": "Half", "float32": "Float", "float64": "Double", "uint8": "Byte", "int8": "Char",
    "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool",
}  # fmt: skip


class ConversionMethods(TensorBase):
    """Changing the type and the place of a tensor."""

    __slots__ = ()

    def to(self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False, memory_format: Any = None) -> Tensor:
        """The tensor in another dtype or on another device; itself when both are as they should be.

        Takes a dtype, a device, both, or another tensor to follow.
        """
        for argument in args:
            if isinstance(argument, TensorBase):
                dtype, device = argument.dtype, argument.device  # type: ignore[attr-defined]
            elif isinstance(argument, dtypes.dtype) or argument in (float, int, bool):
                dtype = argument
            elif isinstance(argument, (str, backend.device)) or type(argument) is int:
                device = argument
            elif not isinstance(argument, bool):
                raise TypeError(
                    f"to() takes a dtype, a device or a tensor, got {type(argument).__name__} {argument!r}"
                )
        moved: Any = self
        if device is not None:
            moved = shapes.move(moved, backend.device(device))
        if dtype is not None:
            moved = shapes.cast(moved, dtypes.as_numpy(dtype))
        return moved.clone() if copy and moved is self else moved  # type: ignore[no-any-return]

    def type(self, dtype: Any = None) -> Any:
        """The name of its type, such as ``minigrad.FloatTensor``; with an argument, as `to`."""
        if dtype is None:
            place = "cuda." if self.device.type == "cuda" else ""
            return f"minigrad.{place}{_TYPE_NAMES[self.dtype.name]}Tensor"
        if isinstance(dtype, str):
            names = {f"{n}Tensor": d for d, n in _TYPE_NAMES.items()}
            dtype = getattr(dtypes, names[dtype.rpartition(".")[2]].replace("bool", "bool_"))
        return self.to(dtype)

    def type_as(self, other: Tensor) -> Tensor:
        """The tensor in the dtype of `other`."""
        return self.to(other.dtype)

    def float(self) -> Tensor:
        """As float32."""
        return self.to(dtypes.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.to(dtypes.float64)

    def half(self) -> Tensor:
        """As float16."""
        return self.to(dtypes.float16)

    def long(self) -> Tensor:
        """As int64."""
        return self.to(dtypes.int64)

    def int(self) -> Tensor:
        """As int32."""
        return self.to(dtypes.int32)

    def short(self) -> Tensor:
        """As int16."""
        return self.to(dtypes.int16)

    def char(self) -> Tensor:
        """As int8."""
        return self.to(dtypes.int8)

    def byte(self) -> Tensor:
        """As uint8."""
        return self.to(dtypes.uint8)

    def bool(self) -> Tensor:
        """As bool: True where not 0."""
        return self.to(dtypes.bool_)

    def cpu(self) -> Tensor:
        """On the CPU; itself when it is there."""
        return self.to(backend.CPU)

    def cuda(self, device: Any = None) -> Tensor:
        """On a GPU; raises RuntimeError with the reason where there is none."""
        return self.to(backend.device("cuda" if device is None else device))
