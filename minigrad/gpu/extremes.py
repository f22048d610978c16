"""`argmax` and `argmin` of each row: one kernel, which reads every row once.

The threads of a row, a warp or a block, read it four elements at a time. Each remembers the best number and its first
index; then the threads combine these, taking the lowest index among equals. NaN beats any number, as in NumPy and
PyTorch. A reduction along columns uses one thread per column, so that neighbouring threads read neighbouring memory.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from minigrad.gpu.floats import find_rows, in_one_piece, launch_columns, launch_rows
from minigrad.gpu.launch import THREADS, int32s

BETTER = {"argmax": "a > b", "argmin": "a < b"}
LONGEST = 2**20  # the longest row that one block reads
KINDS = "bBhilqefd"

# NaN is better than any number, and no better than another NaN.
ORDER = """
struct Better { template <class V> __device__ bool operator()(V a, V b) const { return SIGN || (a != a && b == b); } };
"""
# (rows, n) -> (rows,)
PLACES = """
struct Best { template <class V> __device__ V operator()(V a, V b) const { return Better()(b, a) ? b : a; } };
struct First { __device__ int operator()(int a, int b) const { return a < b ? a : b; } };
extern "C" __global__ void NAME(const T* x, long long* places, int rows, int n) {
    long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;  // the same for all threads of a row
    const T* start = x + row * n;
    A best = up(start[0]);
    int place = 0;
    for (int i = 4 * threadIdx.x; i < n; i += 4 * P) {
        A v[4];
        load(start, i, n, best, v);
        for (int j = 0; j < 4; j++)
            if (Better()(v[j], best)) { best = v[j]; place = i + j; }
    }
    A best_of_row = all_of(best, Best());
    place = all_of(Better()(best_of_row, best) ? n : place, First());
    if (threadIdx.x == 0) places[row] = place;
}
"""
# One thread reads a column of n elements, `step` apart.
COLUMN_PLACES = """
extern "C" __global__ void NAME(const T* x, long long* places, long long columns, int n, int step) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= columns) return;
    const T* start = x + (i / step * n * step + i % step);
    A best = up(start[0]);
    int place = 0;
    for (int k = 1; k < n; k++) {
        A v = up(start[(long long)k * step]);
        if (Better()(v, best)) { best = v; place = k; }
    }
    places[i] = place;
}
"""


def find_places(x: Any, d: int | None, find: Any, keepdim: bool = True) -> Any:
    """The indices that `find`, argmax or argmin, gives along axis `d`, or among all elements if it is None."""
    found, char, name = find_rows(x.shape, d, LONGEST), x.dtype.char, find.__name__
    if found is None or char not in KINDS:
        return None
    count, n, step = found
    if d is None:
        kept = [1] * x.ndim if keepdim else []
    else:
        kept = [1 if i == d else m for i, m in enumerate(x.shape) if keepdim or i != d]
    x, places = in_one_piece(x), type(x)(tuple(kept), np.int64)
    if step == 1:
        threads = 32 if n <= 1024 else THREADS
        launch_rows(name, _write_source(PLACES, name), char, (x, places, *int32s(count, n)), count, threads)
    else:
        source = _write_source(COLUMN_PLACES, name)
        launch_columns(f"{name}_of_columns", source, char, (x, places), count, n, step)
    return places


@cache
def _write_source(body: str, name: str) -> str:
    named = name if body is PLACES else f"{name}_of_columns"
    return (ORDER + body).replace("SIGN", BETTER[name]).replace("NAME", named)
