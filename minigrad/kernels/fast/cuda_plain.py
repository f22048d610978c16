"""Convolution on a GPU by its definition, in one launch, for small problems. Read this CUDA file first.

A thread computes one output (`sum_window`), or one pixel of the adjoint in x from the windows that see it
(`sum_pixel`). A block computes one weight of the adjoint in w: its threads share the sum over all windows, and add
their parts in a fixed order (`sum_weight`). No two threads write to one place. One kernel serves every geometry.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import C_TYPES, THREADS, blocks_for
from minigrad.kernels.algorithms import Algorithm
from minigrad.kernels.fast.cuda_parts import (
    GPU,
    MOST_ELEMENTS,
    Launch,
    StructKernel,
    as_struct,
    bias_argument,
    is_countable,
    make_cost,
    steps_of,
)
from minigrad.kernels.geometry import Geometry, Pair, Problem

SHARE = {"conv2d": 0.03, "conv2d_input": 0.015, "conv2d_weight": 0.012}  # of the peak rate: it waits for memory
TURN = 0.1e-6  # seconds for one pass of a thread's loop, which counts where few threads have long sums

WINDOW = StructKernel(
    "sum_window",
    """
extern "C" __global__ void sum_window(
    const T* x, const T* w, const T* bias, T* out,
    int count, int C, int H, int W, int O, int Ho, int Wo, int kh, int kw, int groups,
    int sh, int sw, int ph, int pw, int dh, int dw, int xn, int xc, int xh, int xw, int wo, int wc, int wa, int wb)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int u = i % Wo, t = i / Wo % Ho, o = i / (Wo * Ho) % O, n = i / (Wo * Ho) / O;
    x += n * xn + o / (O / groups) * C * xc, w += o * wo;
    T sum = bias ? bias[o] : T(0);
    for (int c = 0; c < C; c++)
        for (int a = 0; a < kh; a++)
            for (int b = 0; b < kw; b++) {
                int row = t * sh + a * dh - ph, col = u * sw + b * dw - pw;
                bool inside = row >= 0 && row < H && col >= 0 && col < W;
                sum += w[c * wc + a * wa + b * wb] * (inside ? x[c * xc + row * xh + col * xw] : T(0));
            }
    out[i] = sum;
}
""",
)
PIXEL = StructKernel(
    "sum_pixel",
    """
extern "C" __global__ void sum_pixel(
    const T* g, const T* w, T* out, int count, int C, int H, int W, int O, int Ho, int Wo, int kh, int kw, int groups,
    int sh, int sw, int ph, int pw, int dh, int dw, int gn, int go, int gh, int gw, int wo, int wc, int wa, int wb)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int col = i % W, row = i / W % H, c = i / (W * H) % (C * groups), n = i / (W * H) / (C * groups);
    int per_group = O / groups, first = c / C * per_group;
    g += n * gn, w += c % C * wc;
    T sum = T(0);
    // tap (a, b) of window (t, u) reads this pixel if both remainders are 0; no tap needs a division
    int t = (row + ph) / sh, down = (row + ph) % sh;
    for (int a = 0; a < kh; a++) {
        int u = (col + pw) / sw, across = (col + pw) % sw;
        for (int b = 0; b < kw; b++) {
            if (down == 0 && across == 0 && t >= 0 && t < Ho && u >= 0 && u < Wo)
                for (int o = first; o < first + per_group; o++)
                    sum += w[o * wo + a * wa + b * wb] * g[o * go + t * gh + u * gw];
            for (across -= dw; across < 0; across += sw) u--;
        }
        for (down -= dh; down < 0; down += sh) t--;
    }
    out[i] = sum;
}
""",
)
WEIGHT = StructKernel(
    "sum_weight",
    """
extern "C" __global__ void sum_weight(
    const T* x, const T* g, T* out, int windows, int C, int H, int W, int O, int Ho, int Wo, int kh, int kw, int groups,
    int sh, int sw, int ph, int pw, int dh, int dw, int xn, int xc, int xh, int xw, int gn, int go, int gh, int gw)
{
    __shared__ T sums[256];
    int i = blockIdx.x, b = i % kw, a = i / kw % kh, c = i / (kw * kh) % C, o = i / (kw * kh) / C;
    x += (o / (O / groups) * C + c) * xc, g += o * go;
    T sum = T(0);
    for (int k = threadIdx.x; k < windows; k += 256) {
        int u = k % Wo, t = k / Wo % Ho, n = k / (Wo * Ho);
        int row = t * sh + a * dh - ph, col = u * sw + b * dw - pw;
        bool inside = row >= 0 && row < H && col >= 0 && col < W;
        sum += g[n * gn + t * gh + u * gw] * (inside ? x[n * xn + row * xh + col * xw] : T(0));
    }
    sums[threadIdx.x] = sum;
    for (int half = 128; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    if (threadIdx.x == 0) out[i] = sums[0];
}
""",
)


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo)."""
    shape = (len(x), len(w), *geometry.windows(x.shape[2:]))
    return _run(WINDOW, x, w, shape, x.shape, shape, geometry, bias_argument(b))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    shape = (len(g), w.shape[1] * geometry.groups, *size)
    return _run(PIXEL, g, w, shape, shape, g.shape, geometry)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    shape = (g.shape[1], x.shape[1] // geometry.groups, *geometry.kernel)
    return _run(WEIGHT, x, g, shape, x.shape, g.shape, geometry)


def _run(
    kernel: StructKernel, left: Array, right: Array, shape: tuple[int, ...], image: tuple[int, ...],
    windows: tuple[int, ...], geometry: Geometry, *bias: Any,
) -> Array:  # fmt: skip
    """The result, of `shape`, of a kernel on these operands; `bias` is that of the forward."""
    out = array_module(left).empty(shape, left.dtype)
    launch = _prepare(kernel, shape, image, windows, geometry, steps_of(left), steps_of(right))
    launch(left.dtype.char, left, right, *bias, out)
    return out


@lru_cache(maxsize=4096)
def _prepare(
    kernel: StructKernel, shape: tuple[int, ...], image: tuple[int, ...], windows: tuple[int, ...], geometry: Geometry,
    left: tuple[int, ...], right: tuple[int, ...],
) -> Launch:  # fmt: skip
    """The launch for an image and windows of these shapes, and operands of these strides.

    Each element of the result has a thread; each weight has a block.
    """
    count = int(np.prod(shape))
    terms = windows[0] * windows[2] * windows[3] if kernel is WEIGHT else count
    numbers = as_struct(
        terms, image[1] // geometry.groups, *image[2:], *windows[1:], *geometry.kernel, geometry.groups,
        *geometry.stride, *geometry.padding, *geometry.dilation, *left, *right,
    )  # fmt: skip
    return Launch(kernel, (count if kernel is WEIGHT else blocks_for(count),), (THREADS,), numbers, shape)


def serves(problem: Problem) -> bool:
    """CuPy's arrays, every geometry, sizes within 32-bit offsets."""
    weights = problem.image[1] * problem.outputs * problem.taps
    return is_countable(problem) and problem.char in C_TYPES and problem.char != "?" and weights <= MOST_ELEMENTS


def seconds(function: str, problem: Problem) -> float:
    """Seconds of one launch at a low rate of multiplications, plus the length of a thread's loop."""
    channels = problem.outputs if function == "conv2d_input" else problem.image[1]
    length = channels // problem.geometry.groups * problem.taps
    if function == "conv2d_weight":
        length = problem.windows // THREADS
    return GPU.time(1, problem, 0.0, SHARE[function]) + length * TURN


ALGORITHM = Algorithm("cuda plain", serves, make_cost(seconds), conv2d, conv2d_input, conv2d_weight)
