"""Matrix products by cuBLAS, called directly: half of CuPy's overhead per call, also while a CUDA graph is captured.

cuBLAS is column-major: our row-major B is its B^T. So C = A B is computed as C^T = B^T A^T, without a copy.

Source: https://docs.nvidia.com/cuda/cublas/ (cublasGemmStridedBatchedEx).
"""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.cublas import TYPES, Handle, Type, check, handle

AS_IT_LIES, TRANSPOSED = 0, 1  # CUBLAS_OP_N, CUBLAS_OP_T
DEFAULT_ALGORITHM = -1
FAST_TF32 = 77  # CUBLAS_COMPUTE_32F_FAST_TF32


def allows_tf32() -> bool:
    """Whether float32 products may round their operands to TF32: `backends.cuda.matmul.allow_tf32`."""
    return os.environ.get("CUPY_TF32", "0") == "1"


def matmul(x: Array, y: Array, out: Array | None = None) -> Array:
    """``x @ y`` on a GPU, as `np.matmul`, which serves elsewhere: (..., m, k), (..., k, n) -> (..., m, n)."""
    product = _multiply_two(x, y) if out is None and x.ndim == 2 == y.ndim else None
    if product is not None:
        return product
    xp, char = array_module(x), x.dtype.char
    if xp is np or char not in TYPES or y.dtype.char != char or 0 in (x.ndim, y.ndim):
        return xp.matmul(x, y, out=out)
    if 1 in (x.ndim, y.ndim):
        return _write(_multiply_by_vector(x, y), out)
    own = handle(xp)
    if own is None:
        return xp.matmul(x, y, out=out)
    if x.shape[-1] != y.shape[-2]:
        raise ValueError(f"matmul: {x.shape} and {y.shape} do not fit")
    if x.size and x.ndim > 2 == y.ndim and x.flags.c_contiguous:
        return _write(_multiply_rows(x, y, out), out)
    return _write(_multiply_each(own, x, y, out), out)


def _multiply_two(x: Array, y: Array) -> Array | None:
    """The product of two row-major or column-major matrices, with few checks: the usual case."""
    if type(x) is np.ndarray or x.dtype != y.dtype:
        return None
    (m, k), (rows, n), char = x.shape, y.shape, x.dtype.char
    own = handle(array_module(x))
    if own is None or char not in own.products or k != rows or min(m, n, k) < 2 or (char == "f" and allows_tf32()):
        return None
    left, right = _find_layout(x), _find_layout(y)
    if left is None or right is None:
        return None
    kind, product = TYPES[char], type(x)((m, n), x.dtype)
    (x_operation, x_step), (y_operation, y_step) = left, right
    status = own.products[char](
        own.value, y_operation, x_operation, n, m, k, kind.one,
        y.data.ptr, y_step, x.data.ptr, x_step, kind.zero, product.data.ptr, n,
    )  # fmt: skip
    check(status, f"cublas{char.upper()}gemm")
    return product


def _find_layout(x: Array) -> tuple[int, int] | None:
    """The transpose flag of a matrix for cuBLAS, and its leading dimension; None if it must be copied."""
    (rows, columns), (down, across), size = x.shape[-2:], x.strides[-2:], x.itemsize
    if (columns == 1 or across == size) and (rows == 1 or down >= columns * size):
        return AS_IT_LIES, down // size if rows > 1 else columns
    if (rows == 1 or down == size) and (columns == 1 or across >= rows * size):
        return TRANSPOSED, across // size if columns > 1 else rows
    return None


def _multiply_by_vector(x: Array, y: Array) -> Array:
    """The product if one operand, or both, are vectors."""
    if x.ndim == y.ndim:
        return (x * y).sum(dtype=x.dtype)
    return matmul(x[None], y)[..., 0, :] if x.ndim == 1 else matmul(x, y[:, None])[..., 0]


def _multiply_rows(x: Array, y: Array, out: Array | None) -> Array:
    """The rows of all matrices of x, as one matrix, times the matrix y; directly into `out` if its layout allows."""
    (*outer, k), n = x.shape, y.shape[-1]
    rows = None if out is None or not out.flags.c_contiguous else out.reshape(-1, n)
    return matmul(x.reshape(-1, k), y, rows).reshape(*outer, n)


def _multiply_each(own: Handle, x: Array, y: Array, out: Array | None) -> Array:
    """Batched products of x and y; directly into `out` if cuBLAS can write there."""
    char, m, n = x.dtype.char, x.shape[-2], y.shape[-1]
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    layout = _find_layout(out) if out is not None and out.dtype.char == char else None
    by_rows = layout is not None and layout[0] == AS_IT_LIES
    result = out if out is not None and by_rows else array_module(x).empty((*batch, m, n), x.dtype)
    if not x.shape[-1]:
        result.fill(0)
    elif result.size:
        _launch(own, TYPES[char], _as_matrices(x, batch), _as_matrices(y, batch), _as_matrices(result, batch), batch)
    return result


def _write(result: Array, out: Array | None) -> Array:
    """Returns `out` with the result, or the result if there is no `out`."""
    if out is None:
        return result
    if result is not out and result.base is not out:
        out[...] = result
    return out


class Matrices(NamedTuple):
    """A batch of matrices for cuBLAS: array, transpose flag, leading dimension, and the stride of each batch axis."""

    array: Array  # kept alive until the launch
    shape: tuple[int, int]
    operation: int
    step: int  # from one row, or column, to the next
    batch_steps: tuple[int, ...]


def _as_matrices(x: Array, batch: tuple[int, ...]) -> Matrices:
    """The matrices of x for the `batch` shape, to which x is broadcast."""
    layout = _find_layout(x)
    if layout is None:
        return _as_matrices(array_module(x).ascontiguousarray(x), batch)
    outer = [0 if n == 1 else step // x.itemsize for n, step in zip(x.shape[:-2], x.strides, strict=False)]
    return Matrices(x, x.shape[-2:], *layout, (0,) * (len(batch) - len(outer)) + tuple(outer))


def add_product(x: Array, y: Array, out: Array) -> bool:
    """Adds ``x @ y`` to `out`, which is row-major, with one rounding: (..., k), (k, n) -> (..., n).

    Returns False, and does nothing, if cuBLAS does not serve the operands.
    """
    own, char = handle(array_module(x)), x.dtype.char
    if own is None or not x.size or not out.size or not char == y.dtype.char == out.dtype.char:
        return False
    left, right, total = [_as_matrices(z, ()) for z in (x.reshape(-1, x.shape[-1]), y, out.reshape(-1, out.shape[-1]))]
    _launch(own, TYPES[char], left, right, total, (), adds=True)
    return True


def _launch(
    own: Handle, kind: Type, a: Matrices, b: Matrices, c: Matrices, batch: tuple[int, ...], adds: bool = False
) -> None:
    """Launches the products, one launch for each index of the batch axes that cannot be merged; usually one."""
    count, steps, others = _join_axes(batch, (a.batch_steps, b.batch_steps, c.batch_steps))
    computes_in = FAST_TF32 if kind.name == 0 and allows_tf32() else kind.computes_in
    size, (m, n), k = c.array.dtype.itemsize, c.shape, a.shape[1]
    starts = [x.array.data.ptr for x in (a, b, c)]
    for place in np.ndindex(*[extent for extent, _ in others]):
        at = [s + size * sum(i * e[1][j] for i, e in zip(place, others, strict=True)) for j, s in enumerate(starts)]
        status = own.library.cublasGemmStridedBatchedEx(
            own.value, b.operation, a.operation, n, m, k, kind.one, at[1], kind.name, b.step, steps[1],
            at[0], kind.name, a.step, steps[0], kind.one if adds else kind.zero, at[2], kind.name, c.step, steps[2],
            count, computes_in, DEFAULT_ALGORITHM,
        )  # fmt: skip
        check(status, "cublasGemmStridedBatchedEx")


Steps = tuple[int, ...]


@cache
def _join_axes(batch: Steps, steps: tuple[Steps, ...]) -> tuple[int, Steps, list[tuple[int, Steps]]]:
    """The batch merged to one axis (its length, and each operand's stride), and the axes that cannot be merged."""
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
