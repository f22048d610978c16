"""The memory of a GPU, in bytes. CuPy's pool keeps what arrays free, for later arrays."""

from __future__ import annotations

from typing import Any

from minigrad import backend, devices
from minigrad.backend import device_count, is_available
from minigrad.cuda.devices import cupy, index_of
from minigrad.cuda.streams import release_memory
from minigrad.find_gpu import format_bytes
from minigrad.old_names import keep_old_name

TIMES = ("current", "peak")


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


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Does nothing: no totals since the start of the program are counted.

    >>> import minigrad as torch
    >>> torch.cuda.reset_accumulated_memory_stats()
    """


def memory_stats(device: Any = None) -> dict[str, int]:
    """Bytes now and at their peak, under PyTorch's keys; {} without a GPU.

    "allocated_bytes.all.current" and ".peak" are of this program's arrays, "reserved_bytes.all.current" and ".peak" of
    the memory pool. PyTorch's other keys, among them those of the small and the large pool, are not there.

    >>> import minigrad as torch
    >>> torch.cuda.memory_stats().get("allocated_bytes.all.current", 0) == torch.cuda.memory_allocated()
    True
    """
    if not is_available():
        return {}
    counts = {
        "allocated_bytes": (memory_allocated(device), max_memory_allocated(device)),
        "reserved_bytes": (memory_reserved(device), max_memory_reserved(device)),
    }
    return {f"{what}.all.{when}": n for what, both in counts.items() for when, n in zip(TIMES, both, strict=True)}


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """`memory_stats` as a table to print; `abbreviated` has no effect.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     table = torch.cuda.memory_summary()
    """
    index, stats = index_of(device), memory_stats(device)
    rows: list[tuple[str, ...]] = [("Metric", "Cur Usage", "Peak Usage")]
    for what, title in (("allocated_bytes", "Allocated memory"), ("reserved_bytes", "GPU reserved memory")):
        rows.append((title, *[format_bytes(stats[f"{what}.all.{when}"]) for when in TIMES]))
    lines = [f"| {title:<19} | {now:>11} | {peak:>11} |" for title, now, peak in rows]
    return "\n".join([f"CUDA memory summary, device ID {index}", *lines, ""])


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Limits this program's arrays to a share of the GPU's memory, between 0 and 1; more raises `OutOfMemoryError`.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     torch.cuda.set_per_process_memory_fraction(0.5)
    ...     torch.cuda.set_per_process_memory_fraction(1.0)
    """
    if not isinstance(fraction, float):
        raise TypeError(f"Invalid type for fraction argument, must be `float`, got {type(fraction).__name__}")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    _, total = mem_get_info(device)
    with backend.on(devices.device("cuda", index_of(device))):
        cupy().get_default_memory_pool().set_limit(size=max(int(fraction * total), 1))  # 0 means no limit


def get_per_process_memory_fraction(device: Any = None) -> float:
    """The share of the GPU's memory that this program's arrays may have.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     share = torch.cuda.get_per_process_memory_fraction()
    """
    _, total = mem_get_info(device)
    return (_ask_pool(device, "get_limit") or total) / total


def device_memory_used(device: Any = None) -> int:
    """Bytes of the GPU that are in use, by this and other programs.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.device_memory_used()
    """
    free, total = mem_get_info(device)
    return total - free


def _rename(old: str, new: str) -> Any:
    warning = f"torch.cuda.{old} has been renamed to torch.cuda.{new}"
    return keep_old_name(globals()[new], __name__, old, warning, f"cuda.{old}()")


memory_cached = _rename("memory_cached", "memory_reserved")
max_memory_cached = _rename("max_memory_cached", "max_memory_reserved")
reset_max_memory_allocated = _rename("reset_max_memory_allocated", "reset_peak_memory_stats")
reset_max_memory_cached = _rename("reset_max_memory_cached", "reset_peak_memory_stats")


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
    release_memory()
    for index in range(device_count()):
        reset_peak_memory_stats(index)
