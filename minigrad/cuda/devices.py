"""The current GPU, and the properties of each GPU."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

from minigrad import backend, devices


def cupy() -> Any:
    """The CuPy module. Raises RuntimeError with the reason if it cannot be used."""
    return backend.library(devices.device("cuda"))


def index_of(device: Any = None) -> int:
    """The number of `device`, the current one for None. Raises ValueError for the CPU."""
    if device is None:
        return current_device()
    index = _read_index(device)
    backend.library(devices.device("cuda", index))
    return index


def _read_index(device: Any) -> int:
    """As `index_of`, but a number that is given may be that of a GPU that does not exist."""
    place = devices.device(device)
    if place.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {place}")
    return current_device() if place.index is None else place.index


def _make_cupys_device(device: Any) -> Any:
    index = index_of(device)  # first: it says why there is no GPU
    return cupy().cuda.Device(index)


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
    _make_cupys_device(device).use()


class device(contextlib.ContextDecorator):
    """A context, `with cuda.device(1):`, in which that GPU is the current one; None or -1 change nothing.

    Raises ValueError for the CPU; entering it raises RuntimeError for a GPU that does not exist.

    >>> import minigrad as torch
    >>> with torch.cuda.device(None):
    ...     pass
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device in (None, -1) else _read_index(device)
        self._selected: list[Any] = []

    def __enter__(self) -> None:
        # A new CuPy object for each entry, because it stores only one device to return to.
        self._selected.append(None if self.idx < 0 else _make_cupys_device(self.idx))
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
    _make_cupys_device(device).synchronize()


class device_of(device):
    """A context in which the GPU of a tensor is the current one; a tensor on the CPU changes nothing.

    >>> import minigrad as torch
    >>> with torch.cuda.device_of(torch.ones(1)):
    ...     pass
    """

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device())  # -1 for the CPU


def init() -> None:
    """Looks for a GPU, which is otherwise done when one is first asked for. Raises RuntimeError if there is none.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     torch.cuda.init()
    """
    cupy()


def is_initialized() -> bool:
    """Whether a GPU was asked for, and found.

    >>> import minigrad as torch
    >>> torch.cuda.is_initialized() <= torch.cuda.is_available()
    True
    """
    return backend._cuda is not None


class DeviceProperties(NamedTuple):
    """What is known of a GPU; `major` and `minor` are its compute capability, `total_memory` is in bytes."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    max_threads_per_multi_processor: int

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory >> 20}MB, multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device: Any = None) -> DeviceProperties:
    """Name, compute capability, memory and processors of the GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     gigabytes = torch.cuda.get_device_properties(0).total_memory / 2**30
    """
    facts = cupy().cuda.runtime.getDeviceProperties(index_of(device))
    numbers = ("major", "minor", "totalGlobalMem", "multiProcessorCount", "maxThreadsPerMultiProcessor")
    return DeviceProperties(facts["name"].decode(), *[int(facts[number]) for number in numbers])


def get_device_name(device: Any = None) -> str:
    """The product name of the GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.get_device_name(0)
    """
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of the GPU: (9, 0) for an H100.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     major, minor = torch.cuda.get_device_capability()
    """
    return get_device_properties(device)[1:3]


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no bfloat16 here.

    >>> import minigrad as torch
    >>> torch.cuda.is_bf16_supported()
    False
    """
    return False


def is_tf32_supported() -> bool:
    """Whether products of float32 may be computed in TF32, as `backends.cuda.matmul.allow_tf32` asks for.

    >>> import minigrad as torch
    >>> torch.cuda.is_tf32_supported() <= torch.cuda.is_available()
    True
    """
    return backend.is_available() and get_device_capability() >= (8, 0)


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether `device` reads the memory of `peer_device` without a copy through the host.

    >>> import minigrad as torch
    >>> if torch.cuda.device_count() > 1:
    ...     value = torch.cuda.can_device_access_peer(0, 1)
    """
    return bool(cupy().cuda.runtime.deviceCanAccessPeer(index_of(device), index_of(peer_device)))
