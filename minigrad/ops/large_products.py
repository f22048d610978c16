"""Matrix products that take long: the number of threads that suits each, and parts that OpenBLAS does not pack."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.parallel import share_product, spread
from minigrad.threads import UNPACKED, core_name, products_alone

LARGE = 2**24  # multiplications from which OpenBLAS's threads pay
A_BYTE = 16  # number of multiplications that take as long as reading a byte of an array
# OpenBLAS's kernels for AVX-512 copy both matrices before they multiply them, unless a product is small (`UNPACKED`, in
# kernel/x86_64/sgemm_small_kernel_permit_skylakex.c of its source). With few rows that takes longer than the product.
WITH_SMALL_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")
WORTH = 2 * 10**5  # multiplications that are worth the call of a part
UNPACKED_RESULTS = 1200  # most results of a small product whose right matrix is laid out by columns
FEW = 32  # rows, columns or terms
LANES = 16  # numbers that a part is a multiple of


def multiply(x: Any, y: Any) -> Any:
    """``x @ y`` of matrices, or of batches of them.

    A product of medium size uses one thread: those of OpenBLAS stay busy for 20 ms afterwards, and would delay the next
    operations. Of batches the longest axis is divided among threads, of a batch of one its matrix: so their bits are
    the same for any number of threads, while those of a large product of two matrices may differ.
    """
    if x.ndim > 2 or y.ndim > 2:
        return _multiply_batches(x, y)
    if x.size * y.shape[1] >= LARGE:
        return x @ y
    with products_alone():
        step = _find_step(x, y)
        return _multiply_parts(x, y, step) if step else x @ y


def _find_step(x: Any, y: Any) -> int:
    """Rows of x, or columns of y, if these are more, whose product OpenBLAS does not pack; 0 where that is no gain."""
    (m, k), n = x.shape, y.shape[1]
    if m * k * n <= UNPACKED or not 1 < min(m, k, n) <= FEW or core_name() not in WITH_SMALL_KERNELS:
        return 0
    short = min(m, n)
    step = UNPACKED // (short * k)
    if not y.flags.c_contiguous:
        step = min(step, UNPACKED_RESULTS // short)
    step = step // LANES * LANES
    return step if step * short * k >= WORTH else 0


def _multiply_parts(x: Any, y: Any, step: int) -> Any:
    """``x @ y``, so many rows of x or columns of y at a time, those that are more."""
    out = np.empty((len(x), y.shape[1]), np.result_type(x, y))
    if len(x) > y.shape[1]:
        for start in range(0, len(x), step):
            np.matmul(x[start : start + step], y, out=out[start : start + step])
    else:
        for start in range(0, y.shape[1], step):
            np.matmul(x, y[:, start : start + step], out=out[:, start : start + step])
    return out


def _multiply_batches(x: Any, y: Any) -> Any:
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    out = np.empty((*batch, x.shape[-2], y.shape[-1]), np.result_type(x, y))
    along = batch.index(max(batch)) - len(batch) - 2  # the axis, counted from the end

    def multiply(some: slice) -> None:
        key: Any = (..., some, *(slice(None),) * (-along - 1))
        left, right = (z[key] if _has_axis(z, along) else z for z in (x, y))
        np.matmul(left, right, out=out[key])

    with products_alone():
        if max(batch) == 1:
            share_product(x, y, out)
        else:
            spread(multiply, max(batch), out.size * x.shape[-1] // A_BYTE)
    return out


def _has_axis(x: Any, axis: int) -> bool:
    """Whether `x` has this batch axis, counted from the end, at full length."""
    return x.ndim >= -axis and x.shape[axis] > 1
