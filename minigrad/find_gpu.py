"""Looks for a GPU that CuPy can use, says why there is none, and words the error for full GPU memory.

This is the only file that imports CuPy, and only when a GPU is first asked for.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import Any


def find_cupy() -> tuple[Any, str | None]:
    """(CuPy, None) if a test kernel runs, otherwise (None, the reason)."""
    install = "pip install cupy-cuda12x for CUDA 12, cupy-cuda13x for CUDA 13"
    try:
        cupy = importlib.import_module("cupy")
    except Exception as error:  # noqa: BLE001 (a broken CUDA installation raises what it likes)
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cupy"
        return (
            None,
            f"CuPy is {'not installed' if missing else f'installed, but does not import ({error})'}: {install}.",
        )
    try:
        runtime = cupy.cuda.runtime
        driver, built_for = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        if driver == 0:
            return None, "CuPy is installed, but this machine has no NVIDIA driver."
        if driver // 1000 < built_for // 1000:  # any driver of the same major version works
            return None, (
                f"The NVIDIA driver is too old: it serves CUDA {_version(driver)}, and the CuPy "
                f"installed needs CUDA {_version(built_for)}. Update the driver, or {install}."
            )
        if runtime.getDeviceCount() == 0:
            return None, "CuPy and the NVIDIA driver are there, but no GPU (CUDA_VISIBLE_DEVICES?)."
        if int((cupy.arange(3) + 1).sum()) != 6:
            return None, "A GPU is there, but a first sum on it came out wrong."
    except Exception as error:  # noqa: BLE001 (whatever fails here is the reason)
        return None, f"CuPy cannot use a GPU here: {type(error).__name__}: {error}"
    return cupy, None


class OutOfMemoryError(RuntimeError):
    """The error when an array needs more memory than a GPU has free; the message gives both sizes."""


def explain_exhaustion(cupy: Any) -> None:
    """Wraps CuPy's current allocator, so that it raises `OutOfMemoryError`."""
    inner = cupy.cuda.get_allocator()
    if hasattr(inner, "explains"):
        return

    class ExhaustedError(OutOfMemoryError, cupy.cuda.memory.OutOfMemoryError):  # type: ignore[misc]
        def __init__(self, message: str) -> None:
            RuntimeError.__init__(self, message)

    def allocate(size: int) -> Any:
        try:
            return inner(size)
        except cupy.cuda.memory.OutOfMemoryError as error:
            if isinstance(error, OutOfMemoryError):
                raise
            free, total = cupy.cuda.runtime.memGetInfo()
            pool = cupy.get_default_memory_pool()
            message = (
                f"CUDA out of memory. Tried to allocate {format_bytes(size)}. GPU {cupy.cuda.runtime.getDevice()} has "
                f"{format_bytes(total)}, of which {format_bytes(free)} is free; arrays of this program hold "
                f"{format_bytes(pool.used_bytes())}, and {format_bytes(pool.total_bytes() - pool.used_bytes())} is "
                "kept for reuse. "
                "Smaller batches, no_grad() for evaluation and .item() on losses kept save memory; cuda.empty_cache() "
                f"gives back what is kept. ({error})"
            )
        raise ExhaustedError(message)

    allocate.explains = True  # type: ignore[attr-defined]
    with contextlib.suppress(ValueError):  # inside CuPy's `using_allocator` it cannot be set
        cupy.cuda.set_allocator(allocate)


def format_bytes(count: int) -> str:
    """A count of bytes for people: 1.50 GiB."""
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    unit = ("bytes", "KiB", "MiB", "GiB", "TiB")[power]
    return f"{count / 1024**power:.{2 if power else 0}f} {unit}"


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
