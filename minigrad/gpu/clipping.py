"""Gradient clipping: the total norm of many arrays in two launches, and their scaling in one.

As for the optimizers, a table in the kernel's argument says where the arrays lie. Each block sums the squares of
`CHUNK` elements of one array, in double precision and in a fixed order; a last block adds the blocks' sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module, on_gpu_of
from minigrad.gpu.floats import REDUCTIONS
from minigrad.gpu.launch import THREADS, Kernel, int32s
from minigrad.gpu.optimizers import CHUNK, FIND_ROW, start_table
from minigrad.layout import is_dense

ROWS = 190  # rows of a table: every GPU accepts 4,096 bytes of arguments
TABLE = np.dtype(
    [("arrays", np.uint64, ROWS), ("sizes", np.int64, ROWS), ("first", np.int32, ROWS), ("count", np.int32)], align=True
)
HELPERS = f"""
#define P {THREADS}
{REDUCTIONS}{FIND_ROW}
struct Table {{ T* arrays[{ROWS}]; long long sizes[{ROWS}]; int first[{ROWS}]; int count; }};
const int CHUNK = {CHUNK};
"""
SOURCE = """
// parts[block] = the sum of x^2 over the block's elements
extern "C" __global__ void sum_squares(const T* any, double* parts, const Table table) {
    int row = find_row(table);
    long long start = (long long)(blockIdx.x - table.first[row]) * CHUNK;
    double sum = 0;
    for (long long i = start + threadIdx.x; i < start + CHUNK && i < table.sizes[row]; i += P)
        sum += (double)table.arrays[row][i] * table.arrays[row][i];
    sum = all_sum(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}
// norm = sqrt(the sum of all parts)
extern "C" __global__ void norm_of_parts(T* norm, const double* parts, int count) {
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += P) sum += parts[i];
    sum = all_sum(sum);
    if (threadIdx.x == 0) *norm = sqrt(sum);
}
// x = factor x
extern "C" __global__ void scale_all(const T* factor, const Table table) {
    int row = find_row(table);
    long long start = (long long)(blockIdx.x - table.first[row]) * CHUNK;
    for (long long i = start + threadIdx.x; i < start + CHUNK && i < table.sizes[row]; i += P)
        table.arrays[row][i] *= *factor;
}
"""
SQUARES, NORM, SCALE = [Kernel(name, SOURCE, HELPERS) for name in ("sum_squares", "norm_of_parts", "scale_all")]


def norm_of_all(arrays: Sequence[Array]) -> Array | None:
    """The square root of the sum of all squares, a 0-d array; None if the kernels do not support the arrays."""
    return on_gpu_of(arrays[0], _measure_norm, arrays) if _serves(arrays) else None


def scale_all(arrays: Sequence[Array], factor: Array) -> bool:
    """Multiplies all arrays by a 0-d array, in place; returns False if the kernel does not support them."""
    if not _serves([*arrays, factor]):
        return False
    on_gpu_of(factor, _scale_each, arrays, factor)
    return True


def _serves(arrays: Sequence[Array]) -> bool:
    """Whether all arrays are on one GPU, contiguous, and all float32 or all float64."""
    first = arrays[0]
    place = array_module(first), first.dtype.char
    if place[0] is np or place[1] not in "fd":
        return False
    alike = all(type(x) is type(first) and x.dtype.char == place[1] and (x.flags.forc or is_dense(x)) for x in arrays)
    return alike and len({x.data.device_id for x in arrays}) == 1


def _measure_norm(arrays: Sequence[Array]) -> Array:
    xp, char, tables = array_module(arrays[0]), arrays[0].dtype.char, list(_fill_tables(arrays))
    parts = xp.empty(max(1, sum(blocks for _, blocks in tables)), np.float64)
    begin = 0
    for table, blocks in tables:
        SQUARES((blocks,), (THREADS,), (arrays[0], parts[begin:], table), char)
        begin += blocks
    norm = xp.empty((), arrays[0].dtype)
    NORM((1,), (THREADS,), (norm, parts, *int32s(begin)), char)
    return norm


def _scale_each(arrays: Sequence[Array], factor: Array) -> None:
    for table, blocks in _fill_tables(arrays):
        SCALE((blocks,), (THREADS,), (factor, table), factor.dtype.char)


def _fill_tables(arrays: Sequence[Array]) -> Iterator[tuple[Any, int]]:
    """Tables of the non-empty arrays, with the number of blocks of each."""
    arrays = [x for x in arrays if x.size]
    for begin in range(0, len(arrays), ROWS):
        some = arrays[begin : begin + ROWS]
        table, blocks = start_table(TABLE, some)
        table["arrays"][: len(some)] = [x.data.ptr for x in some]
        yield table, blocks
