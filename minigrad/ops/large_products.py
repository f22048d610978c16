"""Matrix products that take long: the number of threads that suits each."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.parallel import share_product, spread
from minigrad.threads import products_alone

LARGE = 2**24  # multiplications from which OpenBLAS's threads pay
A_BYTE = 16  # number of multiplications that take as long as reading a byte of an array


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
        return x @ y


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
