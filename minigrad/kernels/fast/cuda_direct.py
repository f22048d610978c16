"""Convolution on a GPU without a matrix product, for depthwise and grouped layers and layers of few channels.

Where an output sees few channels, writing columns would cost more than the sums themselves. Here a thread computes P
outputs below one another in each of Q channels, and keeps the P Q sums in registers. For each column of the kernel it
reads the pixels that its P windows share once; a pixel read is used up to P Q kh times. The threads of a warp compute
neighbouring windows of a row, so they read neighbouring memory. The kernels of a block's Q channels are in shared
memory, where one read serves all threads of a warp.

The adjoint in x exchanges the roles of windows and pixels: a pixel gathers from the windows that see it, so no two
threads add to one place. In the adjoint in w a thread keeps the sums of Q kernels over its share of the windows; warps,
then blocks add their sums in a fixed order, so the result is deterministic.

The kernel's size and other constants of a layer are written into the source, so the compiler unrolls the loops and
keeps indexed arrays in registers. Sources: A. Lavin, "maxDNN", 2015; P. Zhang, E. Lo, B. Lu, "High Performance
Depthwise and Pointwise Convolutions on Mobile Devices", 2020.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import blocks_for
from minigrad.kernels.algorithms import Algorithm
from minigrad.kernels.fast.cuda_parts import (
    GPU,
    MOST_BLOCKS,
    NULL,
    Launch,
    StructKernel,
    add_parts,
    as_struct,
    bias_argument,
    group_strides,
    is_countable,
    make_cost,
    steps_of,
)
from minigrad.kernels.geometry import Geometry, Pair, Problem

THREADS = 128
ROOM = 32  # sums in a thread's registers, at most
TAPS = 49  # at most: for larger kernels matrix products are as quick
SHARED_BYTES = 48 * 2**10
ENOUGH = 2**16  # threads that fill a GPU: with fewer, each computes one output
COMPILING = 2e-5  # least seconds that a call must save to be worth compiling kernels for this geometry
FULL = 16 * GPU.processors  # blocks that fill a GPU twice
PRODUCT, WEIGHT_PRODUCT = 1.6, 2.5  # how much longer than at the GPU's peak a product takes; in the adjoint in w
READ, STRIP = 8, 4  # products that take as long as a read; windows below one another that share the pixels of a column
ADJOINT_WASTE = 1.7  # how much longer an adjoint in x with a stride takes, for each column of the stride
BEGIN, READ_ROW, MULTIPLY = 2.0, 1.5, 0.25  # times of a thread's strip: to begin it, of a row read, and of a product

# P windows below one another read ROWS rows, counted from the first; tap `a` of window `p` reads row ROW(p, a).
FORWARD = """
#define ADJOINT 0
#define SKIPS 0
#define ROWS ((P - 1) * SH + (KH - 1) * DH + 1)
#define MEETS(p, a) true
#define ROW(p, a) ((p) * SH + (a) * DH)
"""
# In the adjoint, tap `a` of window (p - a DH) / SH reads pixel p if the division leaves no remainder (MEETS); the first
# of the P pixels is a multiple of SH below the upper edge of the padding.
ADJOINT = """
#define ADJOINT 1
#define SKIPS 0
#define LOW (((KH - 1) * DH + SH - 1) / SH)
#define ROWS ((P - 1) / SH + LOW + 1)
#define MEETS(p, a) (((p) - (a) * DH + LOW * SH) % SH == 0)
#define ROW(p, a) (((p) - (a) * DH + LOW * SH) / SH)
"""
# At stride 1 the adjoint is the forward of the flipped kernel, except for the padding: see the end of the source.
MIRRORED = FORWARD.replace("SKIPS 0", "SKIPS 1")
CONVOLVE = """
extern "C" __global__ void __launch_bounds__(128, BLOCKS) convolve(
    const T* __restrict__ x, const T* __restrict__ w, const T* __restrict__ bias, T* __restrict__ out,
    int count, int C, int H, int W, int O, int Ho, int Wo, int strips, int chunks, int ph, int pw,
    int xn, int xc, int xh, int xw, int wg, int wo, int wc, int wa, int wb)
{
    extern __shared__ __align__(16) T weight[];  // (C, KH, KW, Q)
    int group = blockIdx.y / chunks, first = blockIdx.y % chunks * Q;
    for (int k = threadIdx.x; k < C * KH * KW * Q; k += blockDim.x) {
        int q = k % Q, b = k / Q % KW, a = k / (Q * KW) % KH, c = k / (Q * KW * KH);
        weight[k] = first + q < O ? w[group * wg + (first + q) * wo + c * wc + a * wa + b * wb] : T(0);
    }
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int u = i % Wo, strip = i / Wo % strips, n = i / Wo / strips;
#if ADJOINT
    int top = strip * (P / SH) + ph / SH - LOW;
#else
    int top = strip * P * SH - ph;
#endif
    T sum[P][Q] = {};
    #pragma unroll 1
    for (int c = 0; c < C; c++) {
        const T* plane = x + (n * xn + (group * C + c) * xc);
        const T* taps = weight + c * KH * KW * Q;
        #pragma unroll
        for (int b = 0; b < KW; b++) {
#if ADJOINT
            int across = u + pw - b * DW, col = across / SW;
            bool inside = across >= 0 && across % SW == 0 && col < W;
#else
            int col = u * SW - pw + b * DW;
            bool inside = col >= 0 && col < W;
#endif
            T pixel[ROWS];
            #pragma unroll
            for (int r = 0; r < ROWS; r++)
                pixel[r] = inside && top + r >= 0 && top + r < H ? plane[(top + r) * xh + col * xw] : T(0);
            #pragma unroll
            for (int a = 0; a < KH; a++) {
                #pragma unroll
                for (int p = 0; p < P; p++) {
                    if (!MEETS(p, a)) continue;
                    int r = ROW(p, a);
#if ADJOINT  // outside there is no window; its zero times an infinite weight would be NaN
                    if (!inside || top + r < 0 || top + r >= H) continue;
#endif
                    #pragma unroll
                    for (int q = 0; q < Q; q++) sum[p][q] += taps[(a * KW + b) * Q + q] * pixel[r];
                }
            }
        }
    }
    bool has_nan = false;
    T* first_plane = out + ((n * (gridDim.y / chunks) + group) * O + first) * Ho * Wo;
    #pragma unroll
    for (int p = 0; p < P; p++) {
#if ADJOINT
        int t = strip * P + p - ph % SH;
#else
        int t = strip * P + p;
#endif
        if (t < 0 || t >= Ho) continue;
        #pragma unroll
        for (int q = 0; q < Q; q++)
            if (first + q < O) {
                first_plane[(q * Ho + t) * Wo + u] = sum[p][q] + (bias ? bias[group * O + first + q] : T(0));
                has_nan |= sum[p][q] != sum[p][q];
            }
    }
#if SKIPS  // a NaN may be a zero of the padding times an infinite weight: sum again without the padding
    #pragma unroll 1
    for (int k = 0; has_nan && k < P * Q; k++) {
        int t = strip * P + k / Q, q = k % Q;
        T* place = first_plane + (q * Ho + t) * Wo + u;
        if (t >= Ho || first + q >= O || *place == *place) continue;
        T again = T(0);
        for (int tap = 0; tap < C * KH * KW; tap++) {
            int c = tap / (KH * KW), row = t * SH - ph + tap / KW % KH * DH, col = u * SW - pw + tap % KW * DW;
            if (row < 0 || row >= H || col < 0 || col >= W) continue;
            again += weight[tap * Q + q] * x[n * xn + (group * C + c) * xc + row * xh + col * xw];
        }
        *place = again;
    }
#endif
}
"""
WEIGH = """
extern "C" __global__ void __launch_bounds__(128, BLOCKS) weigh(
    const T* __restrict__ x, const T* __restrict__ g, T* __restrict__ parts,
    int count, int C, int H, int W, int O, int Ho, int Wo, int strips, int chunks, int ph, int pw,
    int xn, int xc, int xh, int xw, int gn, int go, int gh, int gw)
{
    int c = blockIdx.y % C, first = blockIdx.y / C % chunks * Q, group = blockIdx.y / C / chunks;
    T sum[Q][KH * KW] = {};
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        int u = i % Wo, strip = i / Wo % strips, n = i / Wo / strips;
        int top = strip * P * SH - ph, left = u * SW - pw;
        const T* plane = x + (n * xn + (group * C + c) * xc);
        T cotangent[P][Q];
        #pragma unroll
        for (int p = 0; p < P; p++) {
            #pragma unroll
            for (int q = 0; q < Q; q++)
                cotangent[p][q] = strip * P + p < Ho && first + q < O
                    ? g[n * gn + (group * O + first + q) * go + (strip * P + p) * gh + u * gw] : T(0);
        }
        #pragma unroll
        for (int b = 0; b < KW; b++) {
            int col = left + b * DW;
            T pixel[ROWS];
            #pragma unroll
            for (int r = 0; r < ROWS; r++)
                pixel[r] = col >= 0 && col < W && top + r >= 0 && top + r < H ? plane[(top + r) * xh + col * xw] : T(0);
            #pragma unroll
            for (int p = 0; p < P; p++) {
                if (strip * P + p >= Ho) continue;  // there is no window; its zero times a NaN would be NaN
                #pragma unroll
                for (int a = 0; a < KH; a++) {
                    #pragma unroll
                    for (int q = 0; q < Q; q++) sum[q][a * KW + b] += cotangent[p][q] * pixel[ROW(p, a)];
                }
            }
        }
    }
    __shared__ T warps[128 / 32][Q * KH * KW];
    #pragma unroll
    for (int k = 0; k < Q * KH * KW; k++) {
        T total = sum[k / (KH * KW)][k % (KH * KW)];
        #pragma unroll
        for (int lanes = 16; lanes; lanes /= 2) total += __shfl_xor_sync(0xffffffffu, total, lanes);
        if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32][k] = total;
    }
    __syncthreads();
    int groups = gridDim.y / C / chunks;
    for (int k = threadIdx.x; k < Q * KH * KW; k += blockDim.x) {
        int q = k / (KH * KW), o = group * O + first + q;
        if (first + q >= O) break;
        T total = warps[0][k];
        for (int warp = 1; warp < 128 / 32; warp++) total += warps[warp][k];
        parts[((blockIdx.x * groups * O + o) * C + c) * KH * KW + k % (KH * KW)] = total;
    }
}
"""


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo)."""
    launch = _prepare_forward(x.shape, steps_of(x), w.shape, steps_of(w), geometry, x.dtype.char)
    return _run(launch, x, w, bias_argument(b))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    if geometry.stride == (1, 1):
        w = w[:, :, ::-1, ::-1]
    return _run(_prepare_adjoint(g.shape, steps_of(g), w.shape, steps_of(w), geometry, size, g.dtype.char), g, w, NULL)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    parts = _run(_prepare_weights(x.shape, steps_of(x), g.shape, steps_of(g), geometry, x.dtype.char), x, g)
    return add_parts(parts)


def serves(problem: Problem) -> bool:
    """CuPy's floats, kernels of few taps whose weights fit shared memory, sizes that 32 bits count."""
    C, O, groups = problem.image[1], problem.outputs, problem.geometry.groups
    channels, size = max(C, O) // groups, 8 if problem.char == "d" else 4
    return (
        is_countable(problem)
        and problem.char in "fd"
        and problem.taps <= TAPS
        and channels * problem.taps * size <= SHARED_BYTES
        and C * O // groups <= MOST_BLOCKS
    )


def seconds(function: str, problem: Problem) -> float:
    """Seconds of the products, and of reading what the windows of a strip share."""
    geometry, taps, ((kh, kw), (sh, sw)) = problem.geometry, problem.taps, problem.geometry[:2]
    C, O = problem.image[1] // geometry.groups, problem.outputs // geometry.groups
    read = ((STRIP - 1) * sh + kh) * sw if function != "conv2d_input" else STRIP - 1 + kh
    if function == "conv2d_weight":
        Q = _divide_evenly(O, _count_kernels_at_once(taps))
        reads = READ * (read * kw + STRIP * Q)  # of pixels and of cotangents
        return COMPILING + GPU.time(2, problem, 0.0, 1 / (WEIGHT_PRODUCT + reads / (STRIP * taps * Q)))
    Q = _divide_evenly(C if function == "conv2d_input" else O, 8)
    waste = ADJOINT_WASTE * sw if function == "conv2d_input" and (sh, sw) != (1, 1) else 1.0
    return COMPILING + GPU.time(1, problem, 0.0, 1 / (PRODUCT + READ * read / (STRIP * kh * Q)), waste)


def _run(launch: Launch, left: Array, right: Array, *bias: Any) -> Array:
    """The result of a launch on these operands."""
    out = array_module(left).empty(launch.shape, left.dtype)
    launch(left.dtype.char, left, right, *bias, out)
    return out


@lru_cache(maxsize=4096)
def _prepare_forward(
    x: tuple[int, ...], x_steps: tuple[int, ...], w: tuple[int, ...], w_steps: tuple[int, ...],
    geometry: Geometry, char: str,
) -> Launch:  # fmt: skip
    """The launch of `conv2d` for operands of these shapes and strides."""
    O, G = w[0] // geometry.groups, geometry.groups
    shape = (x[0], w[0], *geometry.windows(x[2:]))
    strides = (*x_steps, *group_strides(w_steps, O))
    return _prepare(FORWARD, x, shape, geometry, strides, char, O, x[1] // G)


@lru_cache(maxsize=4096)
def _prepare_adjoint(
    g: tuple[int, ...], g_steps: tuple[int, ...], w: tuple[int, ...], w_steps: tuple[int, ...],
    geometry: Geometry, size: Pair, char: str,
) -> Launch:  # fmt: skip
    """The launch of `conv2d_input`; with a stride of 1 it is a forward of the flipped kernel."""
    O, C, G = w[0] // geometry.groups, w[1], geometry.groups
    strides = (*g_steps, *group_strides(w_steps, O, adjoint=True))
    if geometry.stride == (1, 1):
        return _prepare(MIRRORED, g, (g[0], C * G, *size), geometry.mirrored(), strides, char, C, O)
    return _prepare(ADJOINT, g, (g[0], C * G, *size), geometry, strides, char, C, O)


@lru_cache(maxsize=4096)
def _prepare_weights(
    x: tuple[int, ...], x_steps: tuple[int, ...], g: tuple[int, ...], g_steps: tuple[int, ...],
    geometry: Geometry, char: str,
) -> Launch:  # fmt: skip
    """The launch of `conv2d_weight`, which gives a part of the sums for each share of the windows."""
    (N, C, H, W), (_, O, Ho, Wo), taps, G = x, g, geometry.kernel[0] * geometry.kernel[1], geometry.groups
    C, O = C // G, O // G
    Q = _divide_evenly(O, _count_kernels_at_once(taps))
    chunks, P = blocks_for(O, Q), _choose_strip(Ho, max(4, 8 // Q), FORWARD, geometry, Q)
    count = N * blocks_for(Ho, P) * Wo
    # as many blocks as the GPU holds, but at least four passes of each block's loop
    splits = max(1, min(FULL // (G * chunks * C), blocks_for(count, 4 * THREADS)))
    kernel = _make_kernel(WEIGH, FORWARD, geometry, P, Q, char)
    numbers = as_struct(
        count, C, H, W, O, Ho, Wo, blocks_for(Ho, P), chunks, *geometry.padding,
        *x_steps, *g_steps,
    )  # fmt: skip
    return Launch(kernel, (splits, G * chunks * C), (THREADS,), numbers, (splits, O * G, C, *geometry.kernel))


def _prepare(
    reading: str, source: tuple[int, ...], target: tuple[int, ...], geometry: Geometry, strides: tuple[int, ...],
    char: str, O: int, C: int,
) -> Launch:  # fmt: skip
    """A launch of `convolve`, from C channels of each group to O."""
    (_, _, H, W), (N, _, Ho, Wo), (ph, pw) = source, target, geometry.padding
    taps, size = geometry.kernel[0] * geometry.kernel[1], np.dtype(char).itemsize
    Q = _divide_evenly(O, max(1, min(8, SHARED_BYTES // (C * taps * size))))
    chunks, rows = blocks_for(O, Q), Ho + (ph % geometry.stride[0] if reading is ADJOINT else 0)
    wanted = N * rows * Wo * geometry.groups * chunks // ENOUGH  # windows per thread if the GPU is full
    P = _choose_strip(rows, min(wanted, ROOM * 4 // size // Q, 8), reading, geometry, Q)
    count = N * blocks_for(rows, P) * Wo
    numbers = as_struct(count, C, H, W, O, Ho, Wo, blocks_for(rows, P), chunks, ph, pw, *strides)
    grid = blocks_for(count, THREADS), geometry.groups * chunks
    return Launch(
        _make_kernel(CONVOLVE, reading, geometry, P, Q, char), grid, (THREADS,), numbers, target, C * taps * Q * size
    )


@cache
def _make_kernel(body: str, reading: str, geometry: Geometry, P: int, Q: int, char: str) -> StructKernel:
    """The kernel for these constants, for which it is compiled."""
    (kh, kw), (sh, sw), _, (dh, dw), _ = geometry
    blocks = _count_blocks(body, Q * kh * kw if body is WEIGH else P * Q) // (2 if char == "d" else 1)
    constants = {"KH": kh, "KW": kw, "SH": sh, "SW": sw, "DH": dh, "DW": dw, "P": P, "Q": Q, "BLOCKS": blocks}
    defined = "\n".join(f"#define {name} {value}" for name, value in constants.items())
    return StructKernel("convolve" if body is CONVOLVE else "weigh", body, defined + reading)


def _count_blocks(body: str, sums: int) -> int:
    """The blocks on a multiprocessor at once, for threads with so many sums.

    More of them hide the latency of memory, fewer have more registers each.
    """
    if sums <= 12:
        return 8
    if body is CONVOLVE:
        return 6
    return 4 if sums <= 32 else 2


def _divide_evenly(channels: int, most: int) -> int:
    """The number of channels in each of equal shares, at most `most`."""
    return blocks_for(channels, blocks_for(channels, most))


def _count_kernels_at_once(taps: int) -> int:
    """The number of whole kernels that a thread keeps in registers."""
    return max(1, min(8, 80 // taps))


def _choose_strip(rows: int, most: int, reading: str, geometry: Geometry, Q: int) -> int:
    """The number of rows that a thread computes, so that few pixels are read and few windows are beyond the end."""
    (kh, _), (sh, _), _, (dh, _), _ = geometry
    step = sh if reading is ADJOINT else 1

    def work(P: int) -> float:
        read = (P - 1) // sh + (kh - 1) * dh // sh + 1 if reading is ADJOINT else (P - 1) * sh + (kh - 1) * dh + 1
        return blocks_for(rows, P) * (BEGIN + READ_ROW * read + MULTIPLY * P * kh * Q)

    return min(range(step, max(step, most) + 1, step), key=work)


ALGORITHM = Algorithm("cuda direct", serves, make_cost(seconds), conv2d, conv2d_input, conv2d_weight)
