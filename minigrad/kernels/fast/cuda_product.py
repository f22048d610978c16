"""Convolution on a GPU as a product of matrices whose columns are never written to memory.

The product is im2col's, (O, C*kh*kw) @ (C*kh*kw, N*Ho*Wo), computed in tiles by blocks of threads. A block brings a
strip of both tiles at a time into shared memory, the kernel's as it lies, the windows' straight from the image. Of
these every thread multiplies 8 rows by 8 columns, 64 sums in registers for 16 numbers read. The next strip is on
its way while this one is multiplied. A strip holds 8 channels of one tap: a thread that fetches it moves one
pointer, and asks once whether its pixel lies inside the image. The kernel is laid out for that beforehand.

At stride 1 the adjoint in x is the same product, with the flipped kernel. There a zero of the padding may meet an
infinite weight and give a NaN that the definition does not form; such sums are formed anew without zeros, which costs
nothing where there are none. The adjoint in w multiplies cotangents by windows, summed over the windows: these are
dealt out to several blocks, whose sums are added up in a fixed order.

Source of the ideas: S. Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014, section 3 (the columns
exist in tiles only); S. Boehm, "How to Optimize a CUDA Matmul Kernel", 2022 (tiles of blocks, warps, threads).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import THREADS, blocks_for
from minigrad.kernels.fast import cuda_columns
from minigrad.kernels.fast.cuda_parts import (
    GPU,
    LIMIT,
    MOST_BLOCKS,
    NOTHING,
    Counted,
    Launch,
    add_parts,
    as_one,
    bias_argument,
    cost_by,
    elements,
)
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.way import Problem, Way

DEEP = 8  # channels of a strip
LONG = 16  # windows of a strip, in the adjoint in w
PROCESSORS = 132
WARPS = 16 * PROCESSORS  # that fill a GPU, of threads with 64 sums each
TILES = {(128, 128): 1.0, (64, 128): 0.91, (64, 64): 0.87}  # rows and columns of a block, its part of the best speed

# One thread per number: the kernel as (groups, strips, DEEP, outputs), outputs and channels filled up with zeros.
PACK = Counted(
    "pack_kernel",
    """
extern "C" __global__ void pack_kernel(
    const T* w, T* packed, int* seen, int count, int O, int C, int KH, int KW, int padded_O, int steps,
    int wg, int wo, int wc, int wa, int wb)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i == 0) *seen = 0;
    if (i >= count) return;
    int o = i % padded_O, deep = i / padded_O % 8, step = i / (padded_O * 8) % steps, g = i / (padded_O * 8) / steps;
    int c = step / (KH * KW) * 8 + deep, a = step / KW % KH, b = step % KW;
    packed[i] = o < O && c < C ? w[g * wg + o * wo + c * wc + a * wa + b * wb] : T(0);
}
""",
)
# What both products share: 8 x 8 sums of a thread, in four squares; a warp's threads are 4 x 8.
SQUARES = """
#define THREADS (BM * BN / 64)
struct __align__(16) Four { T v[4]; };
__device__ void multiply(const T* left, const T* right, T sum[8][8]) {
    T row[8], col[8];
    *(Four*)row = *(const Four*)left, *(Four*)(row + 4) = *(const Four*)(left + 16);
    *(Four*)col = *(const Four*)right, *(Four*)(col + 4) = *(const Four*)(right + 32);
    #pragma unroll
    for (int i = 0; i < 8; i++) {
        #pragma unroll
        for (int j = 0; j < 8; j++) sum[i][j] += row[i] * col[j];
    }
}
"""
PRODUCT = """
extern "C" __global__ void __launch_bounds__(THREADS, 512 / THREADS) product(
    const T* __restrict__ x, const T* __restrict__ packed, const T* __restrict__ bias,
    T* __restrict__ out, int* seen,
    int count, int C, int H, int W, int O, int Ho, int Wo, int padded_O, int steps, int KH, int KW,
    int sh, int sw, int ph, int pw, int dh, int dw, int xn, int xc, int xh, int xw)
{
    __align__(16) __shared__ T left[2][8][BM], right[2][8][BN];
    int tiles = padded_O / BM, group = blockIdx.y, first = blockIdx.x % tiles * BM, start = blockIdx.x / tiles * BN;
    // fetching: PER channels of one window, and the kernel's numbers by four
    const int PER = 8 * BN / THREADS;
    int mine = threadIdx.x % BN, deep = threadIdx.x / BN * PER, window = start + mine;
    int n = window / Wo / Ho, top = window / Wo % Ho * sh - ph, from = window % Wo * sw - pw;
    const T* image = x + (n * xn + (group * C + deep) * xc);
    const T* weights = packed + group * steps * 8 * padded_O + first;
    // multiplying: where the thread's squares begin
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int down = warp % (BM / 32) * 32 + lane / 8 * 4, across = warp / (BM / 32) * 64 + lane % 8 * 4;

    T sum[8][8] = {}, pixel[PER];
    Four weight[128 / BN];
    int c = 0, a = 0, b = 0;
    for (int step = 0; step <= steps; step++) {
        if (step < steps) {
            int row = top + a * dh, col = from + b * dw;
            bool inside = window < count && row >= 0 && row < H && col >= 0 && col < W;
            const T* source = image + (c * xc + row * xh + col * xw);
            #pragma unroll
            for (int k = 0; k < PER; k++) pixel[k] = inside && c + deep + k < C ? source[k * xc] : T(0);
            #pragma unroll
            for (int k = 0; k < 128 / BN; k++) {
                int four = threadIdx.x + k * THREADS;
                weight[k] = *(const Four*)(weights + (step * 8 + four / (BM / 4)) * padded_O + four % (BM / 4) * 4);
            }
            if (++b == KW) { b = 0; if (++a == KH) { a = 0; c += 8; } }
        }
        if (step) {
            #pragma unroll
            for (int k = 0; k < 8; k++)
                multiply(&left[(step - 1) % 2][k][down], &right[(step - 1) % 2][k][across], sum);
        }
        if (step < steps) {
            #pragma unroll
            for (int k = 0; k < PER; k++) right[step % 2][deep + k][mine] = pixel[k];
            #pragma unroll
            for (int k = 0; k < 128 / BN; k++) {
                int four = threadIdx.x + k * THREADS;
                *(Four*)&left[step % 2][four / (BM / 4)][four % (BM / 4) * 4] = weight[k];
            }
            __syncthreads();
        }
    }
    bool strange = false;
    int size = Ho * Wo;
    #pragma unroll
    for (int half = 0; half < 2; half++) {
        int j = start + across + half * 32;  // four windows side by side
        if (j >= count) continue;
        bool together = size % 4 == 0;
        #pragma unroll
        for (int i = 0; i < 8; i++) {
            int o = first + down + i % 4 + i / 4 * 16;
            if (o >= O) continue;
            T* four = &sum[i][half * 4], more = bias ? bias[group * O + o] : T(0);
            #pragma unroll
            for (int k = 0; k < 4; k++) four[k] += more, strange |= four[k] != four[k];
            T* target = out + ((j / size * gridDim.y + group) * O + o) * size + j % size;
            if (together) *(Four*)target = *(const Four*)four;
            else {
                #pragma unroll
                for (int k = 0; k < 4; k++) {
                    int n = (j + k) / size;
                    if (j + k < count) out[((n * gridDim.y + group) * O + o) * size + (j + k) % size] = four[k];
                }
            }
        }
    }
    if (strange) *seen = 1;
}
"""
# A thread goes through some outputs, if any is not a number: those sums once more, without what lies outside the image.
MEND = Counted(
    "mend",
    """
extern "C" __global__ void mend(
    const T* x, const T* w, T* out, const int* seen, int count, int C, int H, int W, int O, int Ho, int Wo,
    int KH, int KW, int groups, int ph, int pw, int dh, int dw,
    int xn, int xc, int xh, int xw, int wg, int wo, int wc, int wa, int wb)
{
    if (!*seen) return;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        if (out[i] == out[i]) continue;
        int u = i % Wo, t = i / Wo % Ho, o = i / (Ho * Wo) % O, image = i / (Ho * Wo) / O, g = image % groups;
        T sum = T(0);
        for (int c = 0; c < C; c++)
            for (int a = 0; a < KH; a++)
                for (int b = 0; b < KW; b++) {
                    int row = t - ph + a * dh, col = u - pw + b * dw;
                    if (row < 0 || row >= H || col < 0 || col >= W) continue;
                    T weight = w[g * wg + o * wo + c * wc + a * wa + b * wb];
                    sum += weight * x[image / groups * xn + (g * C + c) * xc + row * xh + col * xw];
                }
        out[i] = sum;
    }
}
""",
)
WEIGHTS = """
extern "C" __global__ void __launch_bounds__(THREADS, 512 / THREADS) product_of_windows(
    const T* __restrict__ x, const T* __restrict__ g, T* __restrict__ parts,
    int count, int share, int C, int H, int W, int O, int Ho, int Wo, int KH, int KW,
    int sh, int sw, int ph, int pw, int dh, int dw, int xn, int xc, int xh, int xw, int gn, int go, int gh, int gw)
{
    __align__(16) __shared__ T left[2][16][BM + 4], right[2][16][BN + 4];
    __shared__ int place[BN], rows[BN], cols[BN];  // of each column of the tile: its first pixel, its tap
    int K = C * KH * KW, tiles = (K + BN - 1) / BN, group = blockIdx.z;
    int first = blockIdx.x / tiles * BM, start = blockIdx.x % tiles * BN;
    for (int k = threadIdx.x; k < BN; k += THREADS) {
        int c = (start + k) / (KH * KW), a = (start + k) / KW % KH * dh, b = (start + k) % KW * dw;
        rows[k] = start + k < K ? a : 1 << 30;  // beyond the last, no pixel is inside
        cols[k] = b, place[k] = (group * C + c) * xc + a * xh + b * xw;
    }
    __syncthreads();
    // fetching: one window in 16, and of each tile every THREADS / 16-th line
    int mine = threadIdx.x % 16, line = threadIdx.x / 16, window = blockIdx.y * share + mine;
    int end = min(count, (int)(blockIdx.y + 1) * share);
    int n = window / Wo / Ho, t = window / Wo % Ho, u = window % Wo;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int down = warp % (BM / 32) * 32 + lane / 8 * 4, across = warp / (BM / 32) * 64 + lane % 8 * 4;

    T sum[8][8] = {}, cotangent[1024 / BN], pixel[1024 / BM];
    int steps = (end - (int)blockIdx.y * share + 15) / 16;
    for (int step = 0; step <= steps; step++) {
        if (step < steps) {
            const T* from = g + (n * gn + (group * O + first + line) * go + t * gh + u * gw);
            #pragma unroll
            for (int k = 0; k < 1024 / BN; k++) {
                int down = k * (THREADS / 16);
                cotangent[k] = window < end && first + line + down < O ? from[down * go] : T(0);
            }
            int top = t * sh - ph, side = u * sw - pw;
            const T* image = x + (n * xn + top * xh + side * xw);
            #pragma unroll
            for (int k = 0; k < 1024 / BM; k++) {
                int column = line + k * (THREADS / 16), row = top + rows[column], col = side + cols[column];
                bool inside = window < end && row >= 0 && row < H && col >= 0 && col < W;
                pixel[k] = inside ? image[place[column]] : T(0);
            }
            window += 16, u += 16;
            while (u >= Wo) { u -= Wo; if (++t == Ho) { t = 0; n++; } }
        }
        if (step) {
            #pragma unroll
            for (int k = 0; k < 16; k++)
                multiply(&left[(step - 1) % 2][k][down], &right[(step - 1) % 2][k][across], sum);
        }
        if (step < steps) {
            #pragma unroll
            for (int k = 0; k < 1024 / BN; k++) left[step % 2][mine][line + k * (THREADS / 16)] = cotangent[k];
            #pragma unroll
            for (int k = 0; k < 1024 / BM; k++) right[step % 2][mine][line + k * (THREADS / 16)] = pixel[k];
            __syncthreads();
        }
    }
    T* part = parts + (size_t)(blockIdx.y * gridDim.z + group) * O * K;
    #pragma unroll
    for (int i = 0; i < 8; i++) {
        int o = first + down + i % 4 + i / 4 * 16;
        #pragma unroll
        for (int j = 0; j < 8; j++) {
            int k = start + across + j % 4 + j / 4 * 32;
            if (o < O && k < K) part[o * K + k] = sum[i][j];
        }
    }
}
"""


class Plan(NamedTuple):
    """The launches of one product: the kernel laid out, the product, and what is not a number formed anew."""

    pack: Launch
    product: Launch
    mend: Launch | None


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo)."""
    outer, inner, *taps = elements(w)
    O, C = len(w) // geometry.groups, w.shape[1]
    steps = (O * outer, outer, inner, *taps)
    plan = _plan(x.shape, elements(x), O, C, steps, geometry, geometry.windows(x.shape[2:]), False, x.dtype.char)
    return _run(plan, x, w, bias_argument(b))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    if geometry.stride != (1, 1):  # products would be with zeros, most of them
        return cuda_columns.conv2d_input(g, w, geometry, size)
    flipped = w[:, :, ::-1, ::-1]
    outer, inner, *taps = elements(flipped)
    O, C = len(w) // geometry.groups, w.shape[1]
    steps = (O * outer, inner, outer, *taps)
    return _run(
        _plan(g.shape, elements(g), C, O, steps, geometry.mirrored(), size, True, g.dtype.char), g, flipped, NOTHING
    )


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    launch = _weights(x.shape, elements(x), g.shape, elements(g), geometry, x.dtype.char)
    parts = array_module(x).empty(launch.shape, x.dtype)
    launch(x.dtype.char, x, g, parts)
    return add_parts(parts)


def serves(problem: Problem) -> bool:
    """CuPy's floats, sizes that 32 bits count."""
    (N, C, H, W), O, groups = problem.image, problem.outputs, problem.geometry.groups
    return (
        problem.library is not np.ndarray
        and problem.char in "fd"
        and groups <= MOST_BLOCKS
        and 0 < N * C * H * W <= LIMIT
        and 0 < problem.windows * O <= LIMIT
        and 2 * max(C, 8) * (O + 128) * problem.taps <= LIMIT
    )


def seconds(face: str, problem: Problem) -> float:
    """The tiles' arithmetic, at four fifths of the peak where the GPU's processors have equally much to do."""
    geometry, (_, C, H, W), O = problem.geometry, problem.image, problem.outputs
    C, O, windows = C // geometry.groups, O // geometry.groups, problem.windows
    if face == "conv2d_weight":
        BM, BN = _tile(O, C * problem.taps, geometry.groups * windows // 256, problem.char)
        waste = _up(O, BM) * _up(C * problem.taps, BN) / (O * C * problem.taps)
        return GPU.time(2, problem, 0.0, 0.66, waste)
    if face == "conv2d_input":
        if geometry.stride != (1, 1):
            return float("inf")
        C, O, windows = O, C, problem.image[0] * H * W
    BM, BN = _tile(O, windows, geometry.groups, problem.char)
    blocks = geometry.groups * blocks_for(O, BM) * blocks_for(windows, BN)
    waste = _up(blocks, PROCESSORS) * BM * BN / (geometry.groups * O * windows) * _up(C, DEEP) / C
    K = C * problem.taps  # short sums are begun and ended as often as long ones
    return GPU.time(2 if face == "conv2d" else 3, problem, 0.0, 0.8 * K / (K + 24), waste)


def _run(plan: Plan, source: Array, w: Array, bias: Any) -> Array:
    xp, char = array_module(source), source.dtype.char
    packed, seen = xp.empty(plan.pack.shape, source.dtype), xp.empty(1, np.int32)
    out = xp.empty(plan.product.shape, source.dtype)
    plan.pack(char, w, packed, seen)
    plan.product(char, source, packed, bias, out, seen)
    if plan.mend:
        plan.mend(char, source, w, out, seen)
    return out


@lru_cache(maxsize=4096)
def _plan(
    source: tuple[int, ...], source_steps: tuple[int, ...], O: int, C: int, w_steps: tuple[int, ...],
    geometry: Geometry, size: Pair, mends: bool, char: str,
) -> Plan:  # fmt: skip
    """The launches that give O channels of each group for its C, `size` windows in every image."""
    (N, _, H, W), G, (kernel, stride, padding, dilation, _) = source, geometry.groups, geometry
    shape, windows, steps = (N, G * O, *size), N * size[0] * size[1], blocks_for(C, DEEP) * kernel[0] * kernel[1]
    BM, BN = _tile(O, windows, G, char)
    filled = _up(O, BM)
    packed = G * steps * DEEP * filled
    numbers = as_one(packed, O, C, *kernel, filled, steps, *w_steps)
    pack = Launch(PACK, (blocks_for(packed),), (THREADS,), numbers, (packed,))
    numbers = as_one(
        windows, C, H, W, O, *size, filled, steps, *kernel, *stride, *padding, *dilation, *source_steps
    )  # fmt: skip
    grid = blocks_for(O, BM) * blocks_for(windows, BN), G
    product = Launch(_kernel("product", BM, BN), grid, (BM * BN // 64,), numbers, shape)
    if not mends or geometry.reach == (1, 1):  # no window hangs over
        return Plan(pack, product, None)
    count = windows * G * O
    numbers = as_one(count, C, H, W, O, *size, *kernel, G, *padding, *dilation, *source_steps, *w_steps)
    return Plan(pack, product, Launch(MEND, (min(blocks_for(count), 2048),), (THREADS,), numbers, shape))


@lru_cache(maxsize=4096)
def _weights(
    x: tuple[int, ...], x_steps: tuple[int, ...], g: tuple[int, ...], g_steps: tuple[int, ...],
    geometry: Geometry, char: str,
) -> Launch:  # fmt: skip
    (kernel, stride, padding, dilation, G), (_, _, H, W), (N, _, Ho, Wo) = geometry, x, g
    O, C, windows = g[1] // G, x[1] // G, N * Ho * Wo
    columns = C * kernel[0] * kernel[1]
    BM, BN = _tile(O, columns, G * windows // 256, char)
    tiles = blocks_for(O, BM) * blocks_for(columns, BN)
    wanted = WARPS * 32 // (BM * BN // 64) // (tiles * G)  # parts that fill the GPU
    share = _up(blocks_for(windows, max(1, min(wanted, windows // (8 * LONG), MOST_BLOCKS))), LONG)
    parts = blocks_for(windows, share)
    numbers = as_one(
        windows, share, C, H, W, O, Ho, Wo, *kernel, *stride, *padding, *dilation, *x_steps, *g_steps
    )  # fmt: skip
    return Launch(
        _kernel("product_of_windows", BM, BN), (tiles, parts, G), (BM * BN // 64,), numbers, (parts, O * G, C, *kernel)
    )


@cache
def _kernel(name: str, BM: int, BN: int) -> Counted:
    body = PRODUCT if name == "product" else WEIGHTS
    return Counted(name, body, f"#define BM {BM}\n#define BN {BN}\n{SQUARES}")


@cache
def _tile(rows: int, columns: int, count: int, char: str) -> Pair:
    """The tile of a product (or `count` of them) with which the fullest processor has the least to do."""

    def work(tile: Pair) -> float:
        blocks = count * blocks_for(rows, tile[0]) * blocks_for(columns, tile[1])
        return blocks_for(blocks, PROCESSORS) * tile[0] * tile[1] / TILES[tile]

    return min([tile for tile in TILES if char == "f" or tile == (64, 64)], key=work)


def _up(number: int, step: int) -> int:
    return blocks_for(number, step) * step


WAY = Way("cuda product", serves, cost_by(seconds), conv2d, conv2d_input, conv2d_weight)
