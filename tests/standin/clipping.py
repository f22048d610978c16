"""The NumPy twins of the kernels of `minigrad/gpu/clipping.py`."""

import numpy as np

from tests.standin.kernels import TWINS
from tests.standin.updates import count_blocks, read_memory

CHUNK = 2048


def read_rows(table, dtype):
    return [read_memory(table["arrays"][i], table["sizes"][i], dtype) for i in range(table["count"])]


def twin(function):
    TWINS[function.__name__] = function
    return function


@twin
def sum_squares(grid, block, args, constants):
    any_array, parts, table = args
    assert grid[0] == count_blocks(table)
    begin = 0
    for array in read_rows(table, any_array.dtype):
        for start in range(0, array.size, CHUNK):
            parts[begin] = (array[start : start + CHUNK].astype("d") ** 2).sum()
            begin += 1


@twin
def norm_of_parts(grid, block, args, constants):
    norm, parts, count = args
    norm[...] = np.sqrt(parts[:count].sum())


@twin
def scale_all(grid, block, args, constants):
    factor, table = args
    assert grid[0] == count_blocks(table)
    with np.errstate(all="ignore"):
        for array in read_rows(table, factor.dtype):
            array *= factor
