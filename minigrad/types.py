"""`torch.types`: names for the types of arguments, for the annotations of a program: ``def f(shape: _size)``."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import IO, TypeAlias

from minigrad.devices import device
from minigrad.dtypes import dtype
from minigrad.layout import layout
from minigrad.size import Size
from minigrad.tensor import Tensor

__all__ = ["Device", "FileLike", "Number", "Size", "Tensor"]

_int, _float, _bool, _complex, _str, _bytes = int, float, bool, complex, str, bytes
_device, _dtype, _layout = device, dtype, layout
Number: TypeAlias = int | float | bool
_Number = (int, float, bool)  # the same for `isinstance`
Device: TypeAlias = device | str | int | None
FileLike: TypeAlias = str | PathLike[str] | IO[bytes]
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_TensorOrOptionalTensors: TypeAlias = Tensor | Sequence[Tensor | None]
