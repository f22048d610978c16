"""The cuBLAS library that CuPy has loaded, called directly, with a handle for each thread and GPU.

CuPy refuses cuBLAS calls while a CUDA graph is captured. cuBLAS itself allows them, if the workspace of its handle was
set before, so that it allocates nothing. Each stream has its own workspace.

Source: https://docs.nvidia.com/cuda/cublas/ (cublasSetWorkspace, "CUDA Graphs Support").
"""

from __future__ import annotations

import ctypes
import sys
import threading
from functools import cache
from typing import Any, NamedTuple

WORKSPACE_BYTES = 32 * 2**20  # NVIDIA's recommendation from Hopper on; enough for all GPUs


class Type(NamedTuple):
    """cuBLAS's names of a dtype and its compute type, and the addresses of the constants 1 and 0."""

    name: int
    computes_in: int
    one: int
    zero: int


_SINGLES, _DOUBLES = (ctypes.c_float * 2)(1, 0), (ctypes.c_double * 2)(1, 0)
_FLOAT, _DOUBLE = ctypes.addressof(_SINGLES), ctypes.addressof(_DOUBLES)
TYPES = {  # cudaDataType, cublasComputeType: float16 is summed in float32
    "e": Type(2, 68, _FLOAT, _FLOAT + 4),
    "f": Type(0, 68, _FLOAT, _FLOAT + 4),
    "d": Type(1, 70, _DOUBLE, _DOUBLE + 8),
}
LIBRARIES: dict[Any, Any] = {}  # array library -> cuBLAS, or None if it is not found


def _find_library(xp: Any) -> Any:
    """Loads cuBLAS of the same major version as the CUDA for which CuPy was built."""
    if xp not in LIBRARIES:
        major = xp.cuda.runtime.runtimeGetVersion() // 1000
        name = f"cublas64_{major}.dll" if sys.platform == "win32" else f"libcublas.so.{major}"
        try:
            xp.cuda.cublas  # noqa: B018 (asked for it, CuPy loads the library, wherever pip or the system put it)
            LIBRARIES[xp] = _declare(ctypes.CDLL(name))
        except (OSError, AttributeError, ImportError):
            LIBRARIES[xp] = None
    return LIBRARIES[xp]


def _declare(library: Any) -> Any:
    i, p, n, s = ctypes.c_int, ctypes.c_void_p, ctypes.c_longlong, ctypes.c_size_t
    library.cublasCreate_v2.argtypes = [ctypes.POINTER(p)]
    library.cublasSetStream_v2.argtypes = [p, p]
    library.cublasSetWorkspace_v2.argtypes = [p, p, s]
    for multiply in (library.cublasSgemm_v2, library.cublasDgemm_v2):
        multiply.argtypes = [p, i, i, i, i, i, p, p, i, p, i, p, p, i]
    matrix = [p, i, i, n]  # address, type, step between rows, step between matrices
    library.cublasGemmStridedBatchedEx.argtypes = [p, i, i, i, i, i, p, *matrix, *matrix, p, *matrix, i, i, i]
    return library


class Handle:
    """The cuBLAS handle of a thread for one GPU, with its current stream."""

    def __init__(self, xp: Any, library: Any) -> None:
        self.xp, self.library, self.stream = xp, library, -1
        self.products = {"f": library.cublasSgemm_v2, "d": library.cublasDgemm_v2}
        self.value = ctypes.c_void_p()
        check(library.cublasCreate_v2(ctypes.byref(self.value)), "cublasCreate")

    def follow(self, stream: int) -> None:
        """Sets the stream and its workspace."""
        memory = _make_workspace(self.xp, self.xp.cuda.runtime.getDevice(), stream)
        check(self.library.cublasSetStream_v2(self.value, stream), "cublasSetStream")
        check(self.library.cublasSetWorkspace_v2(self.value, memory.ptr, WORKSPACE_BYTES), "cublasSetWorkspace")
        self.stream = stream


@cache
def _make_workspace(xp: Any, device: int, stream: int) -> Any:
    """The workspace of a stream; it is never freed, because graphs keep using it."""
    return xp.get_default_memory_pool().malloc(WORKSPACE_BYTES)


_own = threading.local()


def handle(xp: Any) -> Handle | None:
    """This thread's handle for the current GPU and stream; None if there is no cuBLAS."""
    device = xp.cuda.runtime.getDevice()
    try:
        found: Handle | None = _own.handles[xp, device]
    except (AttributeError, KeyError):
        library = _find_library(xp)
        found = None if library is None else Handle(xp, library)
        _own.__dict__.setdefault("handles", {})[xp, device] = found
    if found is None:
        return None
    stream = xp.cuda.get_current_stream().ptr
    if found.stream != stream:
        found.follow(stream)
    return found


def check(status: int, name: str) -> None:
    """Raises RuntimeError with the status of a call that failed."""
    if status:
        raise RuntimeError(f"{name} failed with cuBLAS's status {status}; see cublasStatus_t in its documentation")
