"""Passes over arrays: sums and elementwise formulas; large ones are divided among several threads.

    in_parts(lambda g, y: g * (1 - y * y), g, y)

The code for threads stands in `large_arrays.py`, which is imported with the first large array. The result equals the
formula on whole arrays, bit by bit, for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.backend import KERNELS, select_gpu

LARGE = 2**18  # least elements of an array for which a second thread pays


def is_large(x: Any) -> bool:
    """Whether a NumPy array is large enough for several threads."""
    return x.__class__ is np.ndarray and x.size >= LARGE


def in_parts(function: Callable[..., Any], *operands: Any) -> Any:
    """``function(*operands)`` for an elementwise function.

    Operands are NumPy arrays that broadcast to the shape of the largest, and numbers.
    """
    from minigrad.large_arrays import compute_in_parts

    return compute_in_parts(function, *operands)


_BITS = {2: np.int16, 4: np.int32, 8: np.int64}  # integers as wide as a float


def keep_where(mask: Any, x: Any, out: Any = None) -> Any:
    """``where(mask, x, 0)`` of arrays of floats: the bits of `x` times 0 or 1, ten times quicker than `where`."""
    if type(x) is not np.ndarray:
        return np.where(mask, x, x.dtype.type(0))
    bits = _BITS[x.itemsize]
    return np.multiply(x.view(bits), mask, None if out is None else out.view(bits)).view(x.dtype)


def add_arrays(total: Any, more: Any, out: Any = None) -> Any:
    """``total + more`` of arrays of one shape, written into `out`, which is None or one of the two.

    On a GPU by its kernel. Of Tensors, or of NumPy's scalars, a new one.
    """
    if not total.__class__ is more.__class__ is np.ndarray:
        return KERNELS.get(np.add, np.add)(total, more, out=out) if select_gpu(more) else total + more
    if total.size < LARGE or (out is not None and not (total.flags.c_contiguous and more.flags.c_contiguous)):
        return np.add(total, more, out)
    if out is None:
        return in_parts(np.add, total, more)
    from minigrad.large_arrays import add_in_parts

    return add_in_parts(total, more, out)


RUN = 64  # rows added in sequence; the rounding error grows with their number
_reduce: Any = np.add.reduce  # untyped, as its stubs reject positional options


def add_up(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum of an array over the axes `axis`: float16 in float32, rounded once; float32 in runs; large arrays by
    several threads.
    """
    if dtype is None and x.dtype.char == "e":
        return add_up(x, axis, np.float32, keepdims).astype(x.dtype)
    if x.size <= 2 * RUN:
        return _reduce(x, axis, dtype, None, keepdims)
    if x.size < LARGE:
        return _add_in_runs(x, axis, dtype, None, keepdims)
    from minigrad.large_arrays import reduce_in_parts

    return reduce_in_parts(_add_in_runs, x, axis, dtype, None, keepdims)


def _add_in_runs(x: Any, axis: Any, dtype: Any, out: Any, keepdims: bool) -> Any:
    """``np.add.reduce``, but float32 rows are added in runs of RUN rows, then the sums of the runs are added.

    N. J. Higham, "The accuracy of floating point summation", 1993.
    """
    if axis is None or x.__class__ is not np.ndarray or x.dtype.char not in "ef" or dtype is np.float64:
        return _reduce(x, axis, dtype, out, keepdims)
    along = axis[0] if len(axis) == 1 else max(axis, key=x.shape.__getitem__)
    n = x.shape[along]
    if n <= 2 * RUN or min(range(x.ndim), key=lambda i: (x.strides[i], -i)) in axis:
        return _reduce(x, axis, dtype, out, keepdims)  # NumPy's pairwise sum along the innermost axis
    before, whole = (slice(None),) * along, n - n % RUN  # (..., n, ...) -> (..., n // 64, 64, ...), and the rest
    runs = x[(*before, slice(whole))].reshape(*x.shape[:along], -1, RUN, *x.shape[along + 1 :])
    sums = _reduce(runs, along + 1, dtype)
    return _add_in_runs(np.concatenate([sums, x[(*before, slice(whole, None))]], along), axis, dtype, out, keepdims)


def map_slices(function: Callable[..., Any], over: Sequence[int], x: Any, *others: Any) -> Any:
    """``function(x, *others)`` of x's dtype, which combines elements only along the axes `over`.

    Large arrays are cut along their longest other axis: softmax by rows, a normalization by channels. `others` have
    the axes of x, with the same lengths or length 1, or are None; the result has x's lengths, or 1 along `over`.
    """
    if not is_large(x):
        return function(x, *others)
    from minigrad.large_arrays import map_parts

    return map_parts(function, over, x, *others)
