"""`softmax`, `log_softmax` and their gradients: one kernel each, which reads every row once.

The threads of a row, a warp for up to 1,024 elements and a block beyond, hold it in registers, find its largest element
and its sum by exchanging registers, and write the result. Along an axis other than the last, one thread computes one
column, so that neighbouring threads read neighbouring memory. Source of rows in registers: OneFlow, "How to implement
an efficient softmax CUDA kernel", 2021.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from minigrad.gpu.floats import find_rows, in_one_piece, launch_columns, launch_rows
from minigrad.gpu.launch import int32s

# What differs: the result from x and the row's total; of a rule, the term of the total and the result from g, y and it.
FORWARDS = {"softmax": "exp(x - top) / total", "log_softmax": "x - top - log(total)"}
RULES = {"softmax_rule": ("g * y", "(g - total) * y"), "log_softmax_rule": ("g", "g - exp(y) * total")}
LONGEST = 16384  # elements of a row that a block holds

# (rows, n) -> (rows, n); `top` is the largest x of the row, `total` the sum of exp(x - top).
FORWARD = """
extern "C" __global__ void __launch_bounds__(P == 32 ? 128 : P) NAME(const T* input, T* out, int rows, int n) {
    long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;  // the same for all threads of a row
    A v[K][4], top = -infinity(), total = 0;
    for (int k = 0; k < K; k++) {
        load(input + row * n, 4 * (k * P + threadIdx.x), n, -infinity(), v[k]);
        for (int j = 0; j < 4; j++) top = v[k][j] > top ? v[k][j] : top;
    }
    top = all_max(top);
    for (int k = 0; k < K; k++)
        for (int j = 0; j < 4; j++) total += exp(v[k][j] - top);
    total = all_sum(total);
    for (int k = 0; k < K; k++) {
        for (int j = 0; j < 4; j++) { A x = v[k][j]; v[k][j] = RESULT; }
        store(out + row * n, 4 * (k * P + threadIdx.x), n, v[k]);
    }
}
"""
# Gradient and result (rows, n) -> (rows, n).
RULE = """
extern "C" __global__ void __launch_bounds__(P == 32 ? 128 : P) NAME(
    const T* gradient, const T* result, T* out, int rows, int n)
{
    long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    A v[K][4], u[K][4], total = 0;
    for (int k = 0; k < K; k++) {
        load(gradient + row * n, 4 * (k * P + threadIdx.x), n, 0, v[k]);
        load(result + row * n, 4 * (k * P + threadIdx.x), n, 0, u[k]);
        for (int j = 0; j < 4; j++) { A g = v[k][j], y = u[k][j]; total += TERM; }
    }
    total = all_sum(total);
    for (int k = 0; k < K; k++) {
        for (int j = 0; j < 4; j++) { A g = v[k][j], y = u[k][j]; v[k][j] = RESULT; }
        store(out + row * n, 4 * (k * P + threadIdx.x), n, v[k]);
    }
}
"""
# A thread processes a column of n elements, `step` apart; neighbouring threads have neighbouring columns.
COLUMN_FORWARD = """
extern "C" __global__ void NAME(const T* input, T* out, long long columns, int n, int step) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= columns) return;
    long long first = i / step * n * step + i % step;
    A top = -infinity(), total = 0;
    for (int k = 0; k < n; k++) { A x = up(input[first + (long long)k * step]); top = x > top ? x : top; }
    for (int k = 0; k < n; k++) total += exp(up(input[first + (long long)k * step]) - top);
    for (int k = 0; k < n; k++) {
        A x = up(input[first + (long long)k * step]);
        out[first + (long long)k * step] = down(RESULT);
    }
}
"""
COLUMN_RULE = """
extern "C" __global__ void NAME(
    const T* gradient, const T* result, T* out, long long columns, int n, int step)
{
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= columns) return;
    long long first = i / step * n * step + i % step;
    A total = 0;
    for (int k = 0; k < n; k++) {
        A g = up(gradient[first + (long long)k * step]), y = up(result[first + (long long)k * step]);
        total += TERM;
    }
    for (int k = 0; k < n; k++) {
        A g = up(gradient[first + (long long)k * step]), y = up(result[first + (long long)k * step]);
        out[first + (long long)k * step] = down(RESULT);
    }
}
"""


def threads_of_a_row(n: int) -> tuple[int, int]:
    """The number of threads for a row of n elements, and of groups of four elements for each."""
    if n <= 1024:
        threads = 32
    else:
        threads = 256 if n <= 4096 else 1024
    fours = 1
    while 4 * threads * fours < n:
        fours *= 2
    return threads, fours


def forward_along(name: str, x: Any, *, dim: int) -> Any:
    """The forward `name` of FORWARDS."""
    return _compute(name, (x,), dim)


def rule_along(name: str, g: Any, out: Any, dim: int) -> Any:
    """The rule `name` of RULES."""
    return _compute(name, (g, out), dim)


def _compute(name: str, arrays: tuple[Any, ...], dim: int) -> Any:
    """The kernel's result for arrays of one shape, along the axis `dim`; None if there is no kernel for them."""
    x, char = arrays[-1], arrays[-1].dtype.char
    found = find_rows(x.shape, dim, LONGEST)
    if found is None or char not in "efd":
        return None
    (count, n, step), out = found, type(x)(x.shape, x.dtype)
    arrays = (*[in_one_piece(a) for a in arrays], out)
    if step == 1:
        threads, fours = threads_of_a_row(n)
        source = _write_source(name, FORWARD, RULE)
        launch_rows(name, source, char, (*arrays, *int32s(count, n)), count, threads, K=fours)
    else:
        name = f"{name}_of_columns"
        launch_columns(name, _write_source(name, COLUMN_FORWARD, COLUMN_RULE), char, arrays, count, n, step)
    return out


@cache
def _write_source(name: str, forward: str, rule: str) -> str:
    """The source of the kernel, with its specific parts."""
    own = name.removesuffix("_of_columns")
    if own in FORWARDS:
        return forward.replace("NAME", name).replace("RESULT", FORWARDS[own])
    term, result = RULES[own]
    return rule.replace("NAME", name).replace("TERM", term).replace("RESULT", result)
