"""`device`: the name of the place where a tensor lives, and the default device.

Which library holds the arrays of a device, and how they are moved, stands in `backend.py`.
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from typing import Any, NoReturn

_DTYPES = ("float", "int", "uint", "bool", "double", "half", "long", "short")  # without their numbers


class device:
    """The place of a tensor: `device("cpu")`, `device("cuda")`, `device("cuda:1")`.

    A name only: it can be made on a machine without a GPU. As a context manager it sets the default device. Raises
    RuntimeError for an unknown name, and, on entering, for a GPU that is not there. Follows PyTorch's `torch.device`.

    >>> import minigrad as torch
    >>> torch.device("cuda:1")
    device(type='cuda', index=1)
    """

    __module__ = "minigrad"  # the public module, shown by type(x)

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __new__(cls, type: Any = None, index: int | None = None, *, device: str | int | device | None = None) -> device:
        # `device` names a whole place; one given beside the others is refused below
        type = type if device is None else device if type is index is None else (type, device)
        if isinstance(type, cls) and index is None:
            return type
        if isinstance(type, int) and not isinstance(type, bool) and index is None:
            index, type = type, "cuda"
        if not isinstance(type, str):
            from minigrad.shown_values import shorten

            raise TypeError(f"device() takes a name ('cpu', 'cuda', 'cuda:1') or a GPU's number, got {shorten(type)}")
        kind, number = _read_name(type)
        if number is not None and index is not None:
            raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {type}")
        index = number if index is None else _read_index(index)
        self = object.__new__(cls)
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", index)
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of 'minigrad.device' objects is not writable")

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type={self.type!r}{'' if self.index is None else f', index={self.index}'})"

    def __enter__(self) -> device:
        check_there(self)
        _scoped_devices.set((*_scoped_devices.get(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        _scoped_devices.set(_scoped_devices.get()[:-1])


def _read_index(index: Any) -> int:
    """The number of a device. Raises TypeError for what is no integer, RuntimeError for one below 0."""
    if isinstance(index, bool) or not hasattr(index, "__index__"):
        raise TypeError(f"device(): argument 'index' must be an int, got {index!r}")
    if index < 0:
        raise RuntimeError(f"Device index must not be negative, got {index}")
    return int(index)


def _read_name(name: str) -> tuple[str, int | None]:
    """Type and number of a name: ("cuda", 1) for "cuda:1", no number for "cuda"."""
    kind, colon, number = name.partition(":")
    if kind not in ("cpu", "cuda"):
        hint = f"; {kind} is a dtype, write minigrad.{kind}" if kind.rstrip("0123456789") in _DTYPES else ""
        if kind.lower() in ("gpu", "cuda", "mps", "xpu", "cpu"):
            hint = f"; write {'cuda' if kind.lower() in ('gpu', 'cuda') else 'cpu'!r}"
        raise RuntimeError(f"Expected one of cpu, cuda device type at start of device string: {name!r}{hint}")
    if colon and not re.fullmatch("0|[1-9][0-9]*", number):
        raise RuntimeError(f"Invalid device string: {name!r}; write it as '{kind}:0'")
    return kind, int(number) if colon else None


_Device = device  # for functions with a parameter `device`
CPU = device("cpu")
_scoped_devices: ContextVar[tuple[device, ...]] = ContextVar("scoped_devices", default=())
# None: MINIGRAD_DEVICE is still to be read, when a device is first needed.
_default_device: device | None = None if "MINIGRAD_DEVICE" in os.environ else CPU


def default_device() -> device:
    """The device of tensors created without one: the innermost `with device(...)`, else
    `set_default_device`'s, else the environment variable MINIGRAD_DEVICE's, else the CPU.

    >>> import minigrad as torch
    >>> torch.get_default_device()
    device(type='cpu')
    """
    if scoped := _scoped_devices.get():
        return scoped[-1]
    global _default_device
    if _default_device is None:
        _default_device = _read_environment()
    return _default_device


def _read_environment() -> device:
    """The device that MINIGRAD_DEVICE names, or the CPU."""
    name = os.environ.get("MINIGRAD_DEVICE")
    if not name:
        return CPU
    try:
        check_there(found := device(name))
    except RuntimeError as error:
        raise RuntimeError(f"environment variable MINIGRAD_DEVICE={name!r}: {error}") from None
    return found


def set_default_device(device: str | int | device | None) -> None:
    """Sets the default device of new tensors; None goes back to MINIGRAD_DEVICE, or the CPU.

    Raises RuntimeError for an unknown device and for a GPU that is not there.

    >>> import minigrad as torch
    >>> torch.set_default_device("cpu")
    >>> torch.zeros(2).device
    device(type='cpu')
    """
    global _default_device
    if device is not None:
        device = _Device(device)
        check_there(device)
    _default_device = device


def check_there(device: device) -> None:
    """Raises RuntimeError, with the reason, for a GPU that does not exist."""
    if device.type != "cpu":
        from minigrad.backend import library

        library(device)
