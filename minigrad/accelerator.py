"""`torch.accelerator`: PyTorch's names for the GPU that do not mention CUDA.

device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from minigrad import cuda, devices
from minigrad.backend import device_count, is_available
from minigrad.cuda import (
    empty_cache,
    max_memory_allocated,
    max_memory_reserved,
    memory_allocated,
    memory_reserved,
    memory_stats,
    reset_accumulated_memory_stats,
    reset_peak_memory_stats,
)
from minigrad.cuda import mem_get_info as get_memory_info
from minigrad.missing import explain_missing
from minigrad.shown_values import shorten

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count",
    "device_index", "empty_cache", "get_memory_info", "is_available",
    "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved", "memory_stats",
    "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx", "set_device_index", "set_stream",
    "synchronize",
]  # fmt: skip


def current_accelerator(check_available: bool = False) -> devices.device | None:
    """``device(type='cuda')`` if a GPU can be used, else None.

    >>> import minigrad as torch
    >>> torch.accelerator.current_accelerator() is None or torch.accelerator.is_available()
    True
    """
    return devices.device("cuda") if is_available() else None


def current_device_index() -> int:
    """The number of the current GPU. Raises RuntimeError if there is none.

    >>> import minigrad as torch
    >>> torch.accelerator.current_device_index() if torch.accelerator.is_available() else 0
    0
    """
    return cuda.current_device()


def set_device_index(device: Any, /) -> None:
    """Makes a GPU the current one in this thread.

    >>> import minigrad as torch
    >>> if torch.accelerator.is_available():
    ...     torch.accelerator.set_device_index(0)
    """
    cuda.set_device(device)


current_device_idx, set_device_idx = current_device_index, set_device_index


def synchronize(device: Any = None, /) -> None:
    """Waits until the GPU has finished its work.

    >>> import minigrad as torch
    >>> if torch.accelerator.is_available():
    ...     torch.accelerator.synchronize()
    """
    cuda.synchronize(device)


def current_stream(device: Any = None, /) -> cuda.Stream:
    """The current stream, to which work is sent.

    >>> import minigrad as torch
    >>> if torch.accelerator.is_available():
    ...     stream = torch.accelerator.current_stream()
    """
    return cuda.current_stream(device)


def set_stream(stream: cuda.Stream) -> None:
    """Makes `stream` the current one on its GPU, in this thread.

    >>> import minigrad as torch
    >>> if torch.accelerator.is_available():
    ...     torch.accelerator.set_stream(torch.accelerator.current_stream())
    """
    cuda.set_stream(stream)


class device_index(cuda.device):
    """A context, `with accelerator.device_index(1):`, in which that GPU is the current one; None changes nothing.

    >>> import minigrad as torch
    >>> with torch.accelerator.device_index(None):
    ...     pass
    """


def get_device_module(device: Any = None) -> ModuleType:
    """`torch.cuda` or `torch.cpu`, whichever is for `device`; without one, for the GPU if there is one.

    Raises RuntimeError for what is no device.

    >>> import minigrad as torch
    >>> torch.get_device_module("cpu").synchronize()
    """
    from minigrad import cpu

    if device is None:
        return cuda if is_available() else cpu
    if not isinstance(device, (str, devices.device)):
        raise RuntimeError(f"Invalid value of device '{shorten(device, str)}', expect torch.device, str, or None")
    return cuda if devices.device(device).type == "cuda" else cpu


explain_missing("torch.accelerator", globals())
