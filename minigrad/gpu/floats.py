"""CUDA C shared by the floating point kernels: float16, loads of four elements, and sums over the threads of a row.

A kernel is written for elements of type `T` and computes in type `A`: float16 is computed in float32.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from minigrad.gpu.copies import copy
from minigrad.gpu.cuda_c import HELPERS, MOVES
from minigrad.gpu.launch import THREADS, Kernel, blocks_for, int32s

BUSY = 16384  # columns that keep a GPU busy, one thread each

# `up` and `down` go between what memory holds and what is computed with.
OF_FLOATS = """
typedef T A;
__device__ A up(T x) { return x; }
__device__ T down(A x) { return x; }
"""
OF_HALVES = """
#define T Half
typedef float A;
__device__ A up(Half x) { return from_half(x); }
__device__ Half down(A x) { return to_half(x); }
"""
# Four elements of a row.
FOURS = """
__device__ A infinity() { return (A)__longlong_as_double(0x7ff0000000000000ll); }
// v = elements i to i + 3 of a row of n; those past its end are `beyond`.
__device__ void load(const T* row, int i, int n, A beyond, A* v) {
    if (i + 4 <= n && is_aligned(row + i)) {
        Four<T> x = *(const Four<T>*)(row + i);
        for (int j = 0; j < 4; j++) v[j] = up(x.at[j]);
    } else
        for (int j = 0; j < 4; j++) v[j] = i + j < n ? up(row[i + j]) : beyond;
}
__device__ void store(T* row, int i, int n, const A* v) {
    if (i >= n) return;
    Four<T> x;
    for (int j = 0; j < 4; j++) x.at[j] = down(v[j]);
    write(row + i, x, n - i < 4 ? n - i : 4);
}
"""
# Reductions over the P threads of a row: a warp or a whole block.
REDUCTIONS = """
template <class V, class F> __device__ V all_of(V v, F both) {
    for (int lanes = 16; lanes; lanes /= 2) v = both(v, (V)__shfl_xor_sync(0xffffffffu, v, lanes));
#if P > 32
    __shared__ V part[P / 32];
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    v = part[0];
    for (int warp = 1; warp < P / 32; warp++) v = both(v, part[warp]);
    __syncthreads();
#endif
    return v;
}
struct Sum { template <class V> __device__ V operator()(V a, V b) const { return a + b; } };
struct Max { template <class V> __device__ V operator()(V a, V b) const { return b > a ? b : a; } };
template <class V> __device__ V all_sum(V v) { return all_of(v, Sum()); }
template <class V> __device__ V all_max(V v) { return all_of(v, Max()); }
"""


@cache
def float_kernel(name: str, body: str, char: str, **constants: int) -> Kernel:
    """The kernel for the dtype of that letter (e, f or d); `constants` are its `#define`s."""
    defined = "".join([f"#define {key} {value}\n" for key, value in constants.items()])
    kinds = OF_HALVES if char == "e" else OF_FLOATS
    return Kernel(name, body, defined + HELPERS + MOVES + kinds + FOURS + (REDUCTIONS if "P" in constants else ""))


def launch_floats(
    name: str, body: str, char: str, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...],
    **constants: int,
) -> None:  # fmt: skip
    """Launches the kernel for the dtype of that letter."""
    float_kernel(name, body, char, **constants)(grid, block, arguments, "H" if char == "e" else char)


def launch_rows(
    name: str, body: str, char: str, arguments: tuple[Any, ...], rows: int, threads: int, **constants: int
) -> None:
    """Launches a kernel that computes a row with `threads` threads: a warp, of which a block has four, or a block."""
    together = 4 if threads == 32 else 1
    grid, block = (blocks_for(rows, together),), (threads, together)
    launch_floats(name, body, char, grid, block, arguments, P=threads, **constants)


def launch_columns(name: str, body: str, char: str, arrays: tuple[Any, ...], columns: int, n: int, step: int) -> None:
    """Launches a kernel in which each thread computes a column of n elements, `step` apart."""
    numbers = (np.int64(columns), *int32s(n, step))
    launch_floats(name, body, char, (blocks_for(columns),), (THREADS,), (*arrays, *numbers))


def find_rows(shape: tuple[int, ...], d: int | None, longest: int) -> tuple[int, int, int] | None:
    """The number of rows along axis `d` (None: one row of all elements), their length, and the step between elements.

    None if no kernel serves them: rows longer than `longest`, or a few long columns, each of which is one thread's.
    """
    n, step = (prod(shape), 1) if d is None else (shape[d], prod(shape[d:][1:]))
    count = prod(shape) // n if n else 0
    fits = n <= longest if step == 1 else count >= BUSY or n <= 32
    return (count, n, step) if count and fits and max(n, step, count) < 2**31 else None


def in_one_piece(x: Any) -> Any:
    """x, or a contiguous copy of it."""
    return x if x.flags.c_contiguous else copy(x)
