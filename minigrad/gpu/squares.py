"""The mean squared error and its gradient: one launch each for batches of a usual size."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.gpu.elementwise import Elementwise
from minigrad.gpu.sums import Sums

MOST = 2**18  # the most numbers of one sum
ADD_UP = Sums("squares", "T* out, double divisor", "double d = X - G; a += d * d;", "*out = down(a / divisor);")
SLOPE = Elementwise(lambda g, share, x, y: (x - y) * (2 * g * share))


def add_squares(x: Any, y: Any, *, reduction: str) -> Any:
    """The sum or the mean of ``(x - y)**2``."""
    alike = x.shape == y.shape and x.dtype == y.dtype and x.flags.c_contiguous and y.flags.c_contiguous
    if reduction == "none" or not alike or x.dtype.char not in "efd" or not 0 < x.size <= MOST:
        return None
    out = type(x)((), x.dtype)
    ADD_UP(x, y, (1, 1, x.size), (out, np.float64(x.size if reduction == "mean" else 1)))
    return out


def squares_rule(g: Any, x: Any, y: Any, reduction: str, swapped: bool = False) -> Any:
    """The gradient by x, or by y if `swapped`."""
    if x.shape != y.shape or not x.dtype == y.dtype == g.dtype or not x.size:
        return None
    pair = (y, x) if swapped else (x, y)
    return SLOPE(g, 1 / x.size if reduction == "mean" else 1.0, *pair)
