"""The current GPU, the properties of each GPU, and the use of its memory."""

from __future__ import annotations

import contextlib
from typing import Any

from minigrad import backend, devices
from minigrad.backend import is_available


def cupy() -> Any:
    """The CuPy module. Raises RuntimeError with the reason if it cannot be used."""
    return backend.library(devices.device("cuda"))


def index_of(device: Any = None) -> int:
    """The number of `device`, the current one for None. Raises ValueError for the CPU."""
    if device is None:
        return current_device()
    place = devices.device(device)
    if place.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {place}")
    backend.library(place)
    return current_device() if place.index is None else place.index


# ---- devices --------------------------------------------------------------------------------


def current_device() -> int:
    """The number of the current GPU, which "cuda" without a number means in this thread.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.current_device()
    """
    return int(cupy().cuda.runtime.getDevice())


def set_device(device: Any) -> None:
    """Makes a GPU the current one in this thread.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.set_device(0)
    """
    cupy().cuda.Device(index_of(device)).use()


class device(contextlib.ContextDecorator):
    """A context, `with cuda.device(1):`, in which that GPU is the current one; None or -1 change nothing.

    Raises ValueError for the CPU, RuntimeError for a GPU that does not exist.

    >>> import minigrad as torch
    >>> with torch.cuda.device(None):
    ...     pass
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device in (None, -1) else index_of(device)
        self._selected: list[Any] = []

    def __enter__(self) -> None:
        # A new CuPy object for each entry, because it stores only one device to return to.
        self._selected.append(cupy().cuda.Device(self.idx) if self.idx >= 0 else None)
        if self._selected[-1] is not None:
            self._selected[-1].__enter__()

    def __exit__(self, *exception: object) -> None:
        selected = self._selected.pop()
        if selected is not None:
            selected.__exit__(*exception)


def synchronize(device: Any = None) -> None:
    """Waits until the GPU has finished its work.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.synchronize()
    """
    cupy().cuda.Device(index_of(device)).synchronize()


def get_device_name(device: Any = None) -> str:
    """The product name of the GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.get_device_name(0)
    """
    return str(cupy().cuda.runtime.getDeviceProperties(index_of(device))["name"].decode())


# ---- memory, in bytes -----------------------------------------------------------------------


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total memory of the GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.mem_get_info()
    """
    with backend.on(devices.device("cuda", index_of(device))):
        free, total = cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def _measure_pool(device: Any, measure: str) -> int:
    if not is_available():
        return 0
    with backend.on(devices.device("cuda", index_of(device))):
        return int(getattr(cupy().get_default_memory_pool(), measure)())


def memory_allocated(device: Any = None) -> int:
    """Bytes of this program's arrays on the GPU; 0 without a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.memory_allocated() >= 0
    True
    """
    return _measure_pool(device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """Bytes of the memory pool, used and unused; 0 without a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.memory_reserved() >= 0
    True
    """
    return _measure_pool(device, "total_bytes")


def empty_cache() -> None:
    """Frees the unused memory of the pool.

    >>> import minigrad as torch
    >>> torch.cuda.empty_cache()
    """
    if is_available():
        cupy().get_default_memory_pool().free_all_blocks()
