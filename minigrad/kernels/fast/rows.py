"""Copies arrays of short rows, such as windows."""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array
from minigrad.parallel import is_sharing

SHORT = 128  # bytes of a row: NumPy copies rows up to this length more quickly as single items


def copy_rows(target: Array, source: Array) -> None:
    """Copies `source` to `target`, of the same shape and dtype; short rows as single items, which is quicker.

    NumPy calls a function for each row of numbers, but one function for many items. A thread that shares its work
    copies numbers: beside another one, items gain nothing.
    """
    if not is_sharing():
        size, row = source.itemsize, source.shape[-1] * source.itemsize
        adjacent = source.ndim > 1 and source.strides[-2] == target.strides[-2] == row  # NumPy copies such rows as one
        if size < row <= SHORT and source.strides[-1] == target.strides[-1] == size and not adjacent:
            item = np.dtype((np.void, row))
            target, source = target.view(item), source.view(item)
    target[...] = source
