"""Matrix products by cuBLAS, called directly: in half the time that CuPy takes to ask for one, and inside a capture.

CuPy refuses cuBLAS while a CUDA graph records, cuBLAS itself does not: it needs a handle whose workspace was set
beforehand, so that it allocates nothing. There is a handle for each thread and GPU, and a workspace for each stream.
The library is the one that CuPy has loaded, reached through its C interface.

cuBLAS counts along columns: what it takes for the matrix B^T, columns first, is our B, rows first. So C = A B is asked
for as C^T = B^T A^T, and nothing is moved.

Source: https://docs.nvidia.com/cuda/cublas/ (cublasGemmStridedBatchedEx, cublasSetWorkspace, "CUDA Graphs Support").
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module

WORKSPACE_BYTES = 32 * 2**20  # what NVIDIA advises from Hopper on; enough everywhere
AS_IT_LIES, TRANSPOSED = 0, 1  # CUBLAS_OP_N, CUBLAS_OP_T
DEFAULT_ALGORITHM = -1
FAST_TF32 = 77  # CUBLAS_COMPUTE_32F_FAST_TF32


class Type(NamedTuple):
    """How cuBLAS names an element type, the type in which it adds up, and that type's 1 and 0."""

    name: int
    computes_in: int
    one: Any
    zero: Any


TYPES = {  # cudaDataType, cublasComputeType: halves are added up in floats
    "e": Type(2, 68, ctypes.c_float(1), ctypes.c_float(0)),
    "f": Type(0, 68, ctypes.c_float(1), ctypes.c_float(0)),
    "d": Type(1, 70, ctypes.c_double(1), ctypes.c_double(0)),
}
LIBRARIES: dict[Any, Any] = {}  # cuBLAS beside each array library, None where it is not found


def _find_library(xp: Any) -> Any:
    """CuBLAS's C interface: of the same major version as the CUDA for which CuPy was built."""
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
    """A thread's handle on one GPU. It works in the stream that it was told last."""

    def __init__(self, xp: Any, library: Any) -> None:
        self.xp, self.library, self.stream = xp, library, -1
        self.products = {"f": library.cublasSgemm_v2, "d": library.cublasDgemm_v2}
        self.value = ctypes.c_void_p()
        _check(library.cublasCreate_v2(ctypes.byref(self.value)), "cublasCreate")

    def follow(self, stream: int) -> None:
        """Work in `stream` from now on, with its workspace."""
        memory = _workspace(self.xp, self.xp.cuda.runtime.getDevice(), stream)
        _check(self.library.cublasSetStream_v2(self.value, stream), "cublasSetStream")
        _check(self.library.cublasSetWorkspace_v2(self.value, memory.ptr, WORKSPACE_BYTES), "cublasSetWorkspace")
        self.stream = stream


@cache
def _workspace(xp: Any, device: int, stream: int) -> Any:
    """Memory that a stream's products share; it is never freed, since graphs go on using it."""
    return xp.get_default_memory_pool().malloc(WORKSPACE_BYTES)


_own = threading.local()


def handle(xp: Any) -> Handle | None:
    """This thread's handle on the GPU that is selected, in the current stream; None where there is no cuBLAS."""
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


def _check(status: int, name: str) -> None:
    if status:
        raise RuntimeError(f"{name} failed with cuBLAS's status {status}; see cublasStatus_t in its documentation")


def allows_tf32() -> bool:
    """Whether products in single precision may round their operands to TF32: `backends.cuda.matmul.allow_tf32`."""
    return os.environ.get("CUPY_TF32", "0") == "1"


# ---- products ------------------------------------------------------------------------------------
def matmul(x: Array, y: Array, out: Array | None = None) -> Array:
    """``x @ y`` on a GPU, as `np.matmul`, which serves elsewhere: (..., m, k), (..., k, n) -> (..., m, n)."""
    if out is None and x.ndim == 2 == y.ndim and (product := _multiply_two(x, y)) is not None:
        return product
    xp, char = array_module(x), x.dtype.char
    if xp is np or char not in TYPES or y.dtype.char != char or x.ndim < 2 or y.ndim < 2:
        return _multiply_otherwise(xp, x, y, out)
    own = handle(xp)
    if own is None:
        return xp.matmul(x, y, out=out)
    (m, k), n = x.shape[-2:], y.shape[-1]
    if y.shape[-2] != k:
        raise ValueError(f"matmul: {x.shape} and {y.shape} do not fit")
    if x.size and x.ndim > 2 == y.ndim and x.flags.c_contiguous:  # rows of all matrices under one another
        tall = matmul(x.reshape(-1, k), y, None if out is None or not out.flags.c_contiguous else out.reshape(-1, n))
        return _write(tall.reshape(*x.shape[:-1], n), out)
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    direct = out if out is not None and out.dtype.char == char and _rows_lie_apart(out) else None
    result = xp.empty((*batch, m, n), x.dtype) if direct is None else direct
    if not k:
        result.fill(0)
    elif result.size:
        _launch(own, TYPES[char], _as_matrices(x, batch), _as_matrices(y, batch), _as_matrices(result, batch), batch)
    return _write(result, out)


def _multiply_two(x: Array, y: Array) -> Array | None:
    """The product of two matrices that lie by rows or by columns, with few questions asked: most are such."""
    if type(x) is np.ndarray:
        return None
    dtype, (m, k), (rows, n) = x.dtype, x.shape, y.shape
    size, (x_down, x_across), (y_down, y_across) = dtype.itemsize, x.strides, y.strides
    x_step, y_step = max(x_down, x_across) // size, max(y_down, y_across) // size
    if not (
        dtype == y.dtype
        and k == rows
        and min(m, n, k) > 1
        and (x_step >= k if x_across == size else x_down == size and x_step >= m)
        and (y_step >= n if y_across == size else y_down == size and y_step >= k)
    ):
        return None
    own = handle(array_module(x))
    multiply = None if own is None else own.products.get(dtype.char)
    if own is None or multiply is None or (dtype.char == "f" and allows_tf32()):
        return None
    kind, product = TYPES[dtype.char], type(x)((m, n), dtype)
    status = multiply(
        own.value, y_across != size, x_across != size, n, m, k, ctypes.addressof(kind.one),
        y.data.ptr, y_step, x.data.ptr, x_step, ctypes.addressof(kind.zero), product.data.ptr, n,
    )  # fmt: skip
    if status:
        _check(status, f"cublas{dtype.char.upper()}gemm")
    return product


def _multiply_otherwise(xp: Any, x: Array, y: Array, out: Array | None) -> Array:
    """Products on the CPU, of types that cuBLAS does not know, and of vectors."""
    if (
        xp is np
        or x.dtype.char not in TYPES
        or y.dtype != x.dtype
        or 1 not in (x.ndim, y.ndim)
        or 0 in (x.ndim, y.ndim)
    ):
        return xp.matmul(x, y, out=out)
    if x.ndim == y.ndim:
        return _write((x * y).sum(dtype=x.dtype), out)
    return _write(matmul(x[None], y)[..., 0, :] if x.ndim == 1 else matmul(x, y[:, None])[..., 0], out)


def _write(result: Array, out: Array | None) -> Array:
    if out is None or result is out or result.base is out:
        return result if out is None else out
    out[...] = result
    return out


class Matrices(NamedTuple):
    """A matrix, or many: where they lie, how cuBLAS reads them, and the step along each axis of the batch."""

    array: Array  # kept alive until the launch
    shape: tuple[int, int]
    operation: int
    step: int  # from one row, or column, to the next
    batch_steps: tuple[int, ...]


def _as_matrices(x: Array, batch: tuple[int, ...]) -> Matrices:
    size = x.dtype.itemsize
    *outer, down, across = [step // size for step in x.strides]
    rows, columns = x.shape[-2:]
    if (columns == 1 or across == 1) and (rows == 1 or down >= columns):
        operation, step = AS_IT_LIES, down if rows > 1 else columns
    elif (rows == 1 or down == 1) and (columns == 1 or across >= rows):
        operation, step = TRANSPOSED, across if columns > 1 else rows
    else:
        return _as_matrices(array_module(x).ascontiguousarray(x), batch)
    outer = [0 if n == 1 else s for n, s in zip(x.shape[:-2], outer, strict=True)]
    steps = (0,) * (len(batch) - len(outer)) + tuple(outer)
    return Matrices(x, (rows, columns), operation, step, steps)


def _rows_lie_apart(x: Array) -> bool:
    """Whether cuBLAS can write into `x` as it lies, rows first."""
    rows, columns = x.shape[-2:]
    down, across = x.strides[-2:]
    return (columns == 1 or across == x.dtype.itemsize) and (rows == 1 or down >= columns * x.dtype.itemsize)


def _launch(own: Handle, kind: Type, a: Matrices, b: Matrices, c: Matrices, batch: tuple[int, ...]) -> None:
    """One launch for each place along the axes of the batch that are no single step apart; mostly there is one."""
    count, steps, others = _join_axes(batch, (a.batch_steps, b.batch_steps, c.batch_steps))
    computes_in = FAST_TF32 if kind.name == 0 and allows_tf32() else kind.computes_in
    size, (m, n), k = c.array.dtype.itemsize, c.shape, a.shape[1]
    starts = [x.array.data.ptr for x in (a, b, c)]
    one, zero = ctypes.addressof(kind.one), ctypes.addressof(kind.zero)
    for place in np.ndindex(*[extent for extent, _ in others]):
        at = [s + size * sum(i * e[1][j] for i, e in zip(place, others, strict=True)) for j, s in enumerate(starts)]
        status = own.library.cublasGemmStridedBatchedEx(
            own.value, b.operation, a.operation, n, m, k, one, at[1], kind.name, b.step, steps[1],
            at[0], kind.name, a.step, steps[0], zero, at[2], kind.name, c.step, steps[2],
            count, computes_in, DEFAULT_ALGORITHM,
        )  # fmt: skip
        _check(status, "cublasGemmStridedBatchedEx")


Steps = tuple[int, ...]


@cache
def _join_axes(batch: Steps, steps: tuple[Steps, ...]) -> tuple[int, Steps, list[tuple[int, Steps]]]:
    """The batch as one axis (its length, and each operand's step), and the axes that do not join it."""
    axes: list[tuple[int, Steps]] = []
    for extent, *own in zip(batch, *steps, strict=True):
        if extent == 1:
            continue
        if axes and all(outer == inner * extent for outer, inner in zip(axes[-1][1], own, strict=True)):
            axes[-1] = axes[-1][0] * extent, tuple(own)
        else:
            axes.append((extent, tuple(own)))
    if not axes:
        return 1, (0,) * len(steps), []
    longest = max(range(len(axes)), key=lambda i: axes[i][0])
    count, together = axes.pop(longest)
    return count, together, axes
