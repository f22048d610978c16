"""PyTorch's older names for a dtype with a device, `FloatTensor`, `cuda.LongTensor`, and `set_default_tensor_type`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import backend, devices, dtypes
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.creation.filled import empty
from minigrad.creation.foreign import as_tensor
from minigrad.ops.arguments import sizes
from minigrad.shown_values import shorten
from minigrad.size import Size, is_index
from minigrad.tensor.storage import TypedStorage, UntypedStorage


class TensorType:
    """A dtype and a type of device under one name, such as ``FloatTensor``.

    ``FloatTensor([1])`` holds this number, ``FloatTensor(2, 3)`` is uninitialized; ``isinstance(x, FloatTensor)``
    tests dtype and device; ``x.type(FloatTensor)`` and ``set_default_tensor_type`` accept it.

    >>> import minigrad as torch
    >>> isinstance(torch.ones(2), torch.FloatTensor), isinstance(torch.ones(2), torch.LongTensor)
    (True, False)
    """

    def __init__(self, dtype: dtypes.dtype, place: str = "cpu") -> None:
        self.dtype, self.place = dtype, place
        self.__name__ = self.__qualname__ = f"{dtypes.SCALAR_TYPES[dtype.name]}Tensor"
        self.__module__ = "minigrad.cuda" if place == "cuda" else "minigrad"

    @property
    def is_cuda(self) -> bool:
        """Whether its tensors are on a GPU."""
        return self.place == "cuda"

    def __call__(self, *args: Any, device: Any = None, **named: Any) -> Tensor:
        return construct(args, self.dtype, device, self.place, **named)

    def __instancecheck__(self, instance: object) -> bool:
        if not isinstance(instance, TensorBase) or instance.array.dtype != self.dtype.numpy:
            return False
        return backend.device_of(instance.array).type == self.place

    def __repr__(self) -> str:
        return f"<class '{self.__module__}.{self.__name__}'>"


def construct(args: tuple[Any, ...], dtype: Any, device: Any, usual: Any = None, **named: Any) -> Tensor:
    """PyTorch's old constructors: ``Tensor(2, 3)`` is a size, ``Tensor([2, 3])`` are numbers.

    One argument may be `named` data or size; `device` is the one that was asked for, `usual` the one without. Raises
    TypeError for one float or bool, and for a tensor of another dtype, RuntimeError for a tensor and a device.
    """
    if device is None:
        device = usual
    elif isinstance(named.get("data", args[0] if args else None), TensorBase):
        hint = "to copy it there, write x.to(device)"
        raise RuntimeError(
            f"Legacy tensor constructor of the form torch.Tensor(tensor, device=device) is not supported; {hint}"
        )
    if named:
        if args or len(named) > 1 or not named.keys() <= {"data", "size"}:
            cure = "; minigrad.tensor(data, requires_grad=True) takes that" if "requires_grad" in named else ""
            got = f"got {len(args)} arguments and {list(named)}"
            raise TypeError(f"new() takes lengths, or data=, or size=, {got}{cure}")
        return construct((named["data"],) if "data" in named else (Size(named["size"]),), dtype, device)
    if len(args) == 1 and (isinstance(args[0], TensorBase) or not is_index(args[0])):
        return _take_over(args[0], dtype, device)
    return empty(sizes("new", args or (0,)), dtype=dtype, device=device)


def _take_over(value: Any, dtype: Any, device: Any) -> Tensor:
    """The tensor of one `value` that is no size: numbers, a tensor, a storage, or a `Size`."""
    if isinstance(value, TensorBase):
        have = dtypes.from_numpy(value.array.dtype)
        if dtype is not None and have is not dtype:
            raise TypeError(f"expected a tensor of {dtype}, got one of {have}; convert it with .to({dtype})")
        return as_tensor(value, dtype, device)[...]  # in the same memory and graph
    wanted = dtypes.get_default_dtype() if dtype is None else dtype
    if isinstance(value, Size):
        return empty(value, dtype=wanted, device=device)
    if isinstance(value, UntypedStorage):
        return value.tensor_of(wanted)
    if isinstance(value, TypedStorage):
        if value.dtype is not wanted:
            held, due = (dtypes.SCALAR_TYPES[dtype.name] for dtype in (value.dtype, wanted))
            hint = f"Expected a Storage of type {due} or an UntypedStorage, but got type {held}"
            raise RuntimeError(f"{hint} for argument 1 'storage'")
        return value.tensor()
    if value is None or isinstance(value, (float, bool, np.bool_, np.floating)):
        hint = "give a list of numbers, or lengths as ints"
        raise TypeError(f"new(): data must be a sequence (got {type(value).__name__}); {hint}")
    return as_tensor(value, wanted, device)


FloatTensor, DoubleTensor = TensorType(dtypes.float32), TensorType(dtypes.float64)
LongTensor, IntTensor = TensorType(dtypes.int64), TensorType(dtypes.int32)
BoolTensor, ByteTensor = TensorType(dtypes.bool_), TensorType(dtypes.uint8)
HalfTensor, ShortTensor = TensorType(dtypes.float16), TensorType(dtypes.int16)
CharTensor = TensorType(dtypes.int8)
_TYPES = [
    FloatTensor, DoubleTensor, LongTensor, IntTensor, BoolTensor, ByteTensor, HalfTensor, ShortTensor, CharTensor,
]  # fmt: skip


def type_of_name(name: Any) -> TensorType:
    """The type named "minigrad.FloatTensor", "torch.cuda.LongTensor" and so on; a type is returned unchanged.

    Raises ValueError for another name.
    """
    if isinstance(name, TensorType):
        return name
    *front, last = str(name).split(".")
    for kind, title in dtypes.SCALAR_TYPES.items():
        if last == f"{title}Tensor" and front in ([], ["torch"], ["minigrad"], ["torch", "cuda"], ["minigrad", "cuda"]):
            dtype = dtypes.bool_ if kind == "bool" else getattr(dtypes, kind)
            return TensorType(dtype, "cuda" if front[1:] else "cpu")
    known = ", ".join(f"{title}Tensor" for title in dtypes.SCALAR_TYPES.values())
    raise ValueError(f"invalid type: {shorten(name)}; give a dtype, or one of {known}")


def set_default_tensor_type(t: Any, /) -> None:
    """Sets the dtype and the device of new tensors made from Python's floats: ``FloatTensor``, "torch.DoubleTensor" ...

    `set_default_dtype` and `set_default_device` are the newer functions. Raises TypeError for types
    of integers and for another name.

    >>> import minigrad as torch
    >>> torch.set_default_tensor_type(torch.FloatTensor)
    """
    try:
        chosen = type_of_name(t)
    except ValueError as error:
        raise TypeError(str(error)) from None
    if not chosen.dtype.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {chosen.__name__}")
    dtypes.set_default_dtype(chosen.dtype)
    devices.set_default_device("cuda" if chosen.is_cuda else None)


def types_on(place: str) -> Sequence[TensorType]:
    """All types for one type of device, in the order of `_TYPES`."""
    return [TensorType(kind.dtype, place) for kind in _TYPES]
