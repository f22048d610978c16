"""The memory of a GPU, in bytes. CuPy's pool keeps what arrays free, for later arrays."""

from __future__ import annotations

from typing import Any

from minigrad import backend, devices
from minigrad.backend import device_count, is_available
from minigrad.cuda.devices import cupy, index_of


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total memory of the GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.mem_get_info()
    """
    with backend.on(devices.device("cuda", index_of(device))):
        free, total = cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def _ask_pool(device: Any, name: str) -> int:
    """What a method of CuPy's memory pool gives for the GPU; 0 without one."""
    if not is_available():
        return 0
    with backend.on(devices.device("cuda", index_of(device))):
        return int(getattr(cupy().get_default_memory_pool(), name)() or 0)


def memory_allocated(device: Any = None) -> int:
    """Bytes of this program's arrays on the GPU; 0 without a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.memory_allocated() >= 0
    True
    """
    return _ask_pool(device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """Bytes of the memory pool, used and unused; 0 without a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.memory_reserved() >= 0
    True
    """
    return _ask_pool(device, "total_bytes")


def max_memory_allocated(device: Any = None) -> int:
    """A bound for the bytes of this program's arrays at any time since `reset_peak_memory_stats`; 0 without a GPU.

    It is the size of the memory pool, which keeps what arrays free: gaps between arrays are counted too.

    >>> import minigrad as torch
    >>> torch.cuda.max_memory_allocated() >= torch.cuda.memory_allocated()
    True
    """
    return memory_reserved(device)


max_memory_reserved = max_memory_allocated


def reset_peak_memory_stats(device: Any = None) -> None:
    """Frees the unused memory of the GPU's pool, so that the peak is measured anew. Without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.reset_peak_memory_stats()
    """
    _ask_pool(device, "free_all_blocks")


def ipc_collect() -> None:
    """Does nothing: processes share no memory of a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.ipc_collect()
    """


def empty_cache() -> None:
    """Frees the unused memory of the pools of all GPUs.

    >>> import minigrad as torch
    >>> torch.cuda.empty_cache()
    """
    for index in range(device_count()):
        reset_peak_memory_stats(index)
