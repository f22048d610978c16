"""Convolution on a GPU by im2col: cuBLAS multiplies, two CUDA kernels of our own copy the windows.

`gather_windows` copies the windows of some images into columns, a tile of bounded size that lives
until the product is done; `scatter_windows` is its adjoint: each pixel sums the elements of the
columns that it was copied to, so no two threads write to one place and the result is deterministic. The
products write (N, O, Ho, Wo) directly. A 1x1 kernel reads the image itself, without a copy.
Memory comes from CuPy's pool; nothing waits for the GPU. Every geometry and dtype. Source: as `im2col.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.blas import matmul
from minigrad.gpu.launch import THREADS, Kernel, blocks_for, int32s
from minigrad.kernels.algorithms import Algorithm
from minigrad.kernels.fast.cuda_parts import GPU, make_cost
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.windows import Block, blocks

BLOCK_BYTES = 256 * 2**20  # of columns at a time: few and large products are best
PEAK, HALF = 0.85, 12  # the speed of a product with long sides as a share of the GPU's peak; half of it if one has 12
ALONE = 1.1  # how much quicker a product is for which no columns are copied
LAUNCHES, COPYING_LAUNCHES = 2, 10  # that take as long as starting such a product, and one with copies

# One thread per window and channel; the threads of a warp write neighbouring elements of the columns.
GATHER = Kernel(
    "gather_windows",
    """
extern "C" __global__ void gather_windows(
    const T* x, T* columns, int count, int C, int H, int W, int kh, int kw, int Ho, int Wo,
    int sh, int sw, int ph, int pw, int dh, int dw, int first,
    long long xn, long long xc, long long xh, long long xw, long long cn, long long ck)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int u = i % Wo, t = i / Wo % Ho, c = i / (Wo * Ho) % C, n = i / (Wo * Ho) / C;
    const T* image = x + n * xn + c * xc;
    T* column = columns + n * cn + (long long)c * kh * kw * ck + t * Wo + u;
    int top = (t + first) * sh - ph, left = u * sw - pw;
    for (int a = 0; a < kh; a++) {
        int row = top + a * dh;
        for (int b = 0; b < kw; b++) {
            int col = left + b * dw;
            bool inside = row >= 0 && row < H && col >= 0 && col < W;
            *column = inside ? image[row * xh + col * xw] : T(0);
            column += ck;
        }
    }
}
""",
)
# One thread per pixel and channel, which sums the elements of the columns that are copies of it.
SCATTER = Kernel(
    "scatter_windows",
    """
extern "C" __global__ void scatter_windows(
    const T* columns, T* x, int count, int C, int H, int W, int kh, int kw, int Ho, int Wo,
    int sh, int sw, int ph, int pw, int dh, int dw, int first,
    long long xn, long long xc, long long xh, long long xw, long long cn, long long ck)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int col = i % W, row = i / W % H, c = i / (W * H) % C, n = i / (W * H) / C;
    const T* column = columns + n * cn + (long long)c * kh * kw * ck;
    T sum = T(0);
    // tap (a, b) of window (t, u) reads this pixel if both remainders are 0; no tap needs a division
    int t = (row + ph) / sh, down = (row + ph) % sh;
    for (int a = 0; a < kh; a++) {
        int u = (col + pw) / sw, across = (col + pw) % sw;
        for (int b = 0; b < kw; b++) {
            if (down == 0 && across == 0 && t >= first && t < first + Ho && u >= 0 && u < Wo)
                sum += column[(a * kw + b) * ck + (t - first) * Wo + u];
            for (across -= dw; across < 0; across += sw) u--;
        }
        for (down -= dh; down < 0; down += sh) t--;
    }
    T* pixel = x + n * xn + c * xc + row * xh + col * xw;
    *pixel = first ? *pixel + sum : sum;  // the first strip overwrites, so x is not zeroed before
}
""",
)


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo)."""
    xp, N, O, groups = array_module(x), len(x), len(w), geometry.groups
    Ho, Wo = geometry.windows(x.shape[2:])
    out = xp.empty((N, O, Ho, Wo), x.dtype)
    matrix = w.reshape(_shape_by_group(groups, O, w.size // O))
    whole = [(slice(0, N), slice(0, Ho))]
    for images, rows in whole if _needs_no_copy(geometry) else _divide(x, geometry):
        columns = _gather(x[images], rows, geometry)  # (n, C*kh*kw, rows*Wo)
        columns = columns.reshape(len(columns), *_shape_by_group(groups, columns.shape[1], columns.shape[2]))
        block = out[images, :, rows].reshape(len(columns), *_shape_by_group(groups, O, columns.shape[-1]))
        product = matmul(matrix, columns, out=block if block.flags.c_contiguous else None)
        if rows.stop - rows.start < Ho:
            out[images, :, rows] = product.reshape(len(columns), O, rows.stop - rows.start, Wo)
    if b is not None:
        out += b.reshape(-1, 1, 1)
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    xp, O, C, groups = array_module(x), g.shape[1], x.shape[1], geometry.groups
    total: Any = None
    for images, rows in _divide(x, geometry):
        # (C*kh*kw, n*rows*Wo): one long sum over windows, the images side by side
        columns = _gather(x[images], rows, geometry, side_by_side=True)
        columns = columns.reshape(_shape_by_group(groups, *columns.shape))
        cotangent = g[images, :, rows].transpose(1, 0, 2, 3).reshape(_shape_by_group(groups, O, columns.shape[-1]))
        product = matmul(cotangent, columns.swapaxes(-1, -2))
        total = product if total is None else xp.add(total, product, out=total)
    shape = (O, C // groups, *geometry.kernel)
    return xp.zeros(shape, x.dtype) if total is None else total.reshape(shape)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    xp, (N, O, Ho, Wo), (_, per_group, kh, kw), groups = array_module(g), g.shape, w.shape, geometry.groups
    x = xp.empty((N, groups * per_group, *size), g.dtype)
    matrix = w.reshape(_shape_by_group(groups, O, w.size // O)).swapaxes(-1, -2)  # (C*kh*kw, O) in each group
    if _needs_no_copy(geometry):
        pixels = x.reshape(N, *_shape_by_group(groups, x.shape[1], Ho * Wo))
        matmul(matrix, g.reshape(N, *_shape_by_group(groups, O, Ho * Wo)), out=pixels)
        return x
    for images, rows in _divide(x, geometry):
        cotangent = g[images, :, rows]
        n = len(cotangent)
        cotangent = cotangent.reshape(n, *_shape_by_group(groups, O, (rows.stop - rows.start) * Wo))
        columns = matmul(matrix, cotangent).reshape(n, x.shape[1] * kh * kw, (rows.stop - rows.start) * Wo)
        _move(SCATTER, columns, x[images], rows, geometry)
    if not N or not Ho * Wo:
        x.fill(0)
    return x


def serves(problem: Problem) -> bool:
    """CuPy's arrays, every geometry."""
    return not problem.on_host


def _shape_by_group(groups: int, channels: int, rest: int) -> tuple[int, ...]:
    """(channels, rest) by group; a single group has no axis, or CuPy would copy."""
    return (channels, rest) if groups == 1 else (groups, channels // groups, rest)


def _needs_no_copy(geometry: Geometry) -> bool:
    """Whether the columns equal the image, so that no copy is needed."""
    return geometry.kernel == geometry.stride == (1, 1) and geometry.padding == (0, 0)


def _divide(x: Array, geometry: Geometry) -> list[Block]:
    """Blocks of images and rows of windows, of which neither the columns nor the image exceed `BLOCK_BYTES`."""
    (C, H, W), (kh, kw), (Ho, Wo) = x.shape[1:], geometry.kernel, geometry.windows(x.shape[2:])
    return blocks(len(x), Ho, C * x.dtype.itemsize * max(kh * kw * Wo, -(-H * W // max(1, Ho))), BLOCK_BYTES)


def _gather(x: Array, rows: slice, geometry: Geometry, *, side_by_side: bool = False) -> Array:
    """The columns of these output rows: (N, C, H, W) -> (N, C*kh*kw, rows*Wo), or with all images `side_by_side`
    (C*kh*kw, N*rows*Wo).
    """
    (N, C), (kh, kw) = x.shape[:2], geometry.kernel
    if _needs_no_copy(geometry) and not side_by_side:
        return x[:, :, rows].reshape(N, C, (rows.stop - rows.start) * x.shape[3])
    length, taps = (rows.stop - rows.start) * geometry.windows(x.shape[2:])[1], C * kh * kw
    columns = array_module(x).empty((taps, N * length) if side_by_side else (N, taps, length), x.dtype)
    _move(GATHER, columns, x, rows, geometry, side_by_side=side_by_side)
    return columns


def _move(
    kernel: Kernel, columns: Array, x: Array, rows: slice, geometry: Geometry, *, side_by_side: bool = False
) -> None:
    """Launches a kernel that copies between images x and their columns."""
    (N, C, H, W), (window, stride, padding, dilation, _) = x.shape, geometry
    Ho, Wo = rows.stop - rows.start, geometry.windows((H, W))[1]
    count = N * C * (Ho * Wo if kernel is GATHER else H * W)
    if not count:
        return
    steps = [step // x.dtype.itemsize for step in x.strides]
    steps += [Ho * Wo, N * Ho * Wo] if side_by_side else [C * window[0] * window[1] * Ho * Wo, Ho * Wo]
    numbers = int32s(count, C, H, W, *window, Ho, Wo, *stride, *padding, *dilation, rows.start)
    operands = (x, columns) if kernel is GATHER else (columns, x)
    arguments = (*operands, *numbers, *[np.int64(step) for step in steps])
    kernel((blocks_for(count),), (THREADS,), arguments, x.dtype.char)


def seconds(function: str, problem: Problem) -> float:
    """Seconds: kernels of ours write the columns, or read them for the gradient in x, and cuBLAS multiplies."""
    groups, K = problem.geometry.groups, problem.image[1] // problem.geometry.groups * problem.taps
    speed = PEAK / (1 + HALF / min(K, problem.outputs // groups, max(1, problem.grid[0] * problem.grid[1])))
    if _needs_no_copy(problem.geometry) and function != "conv2d_weight":
        return GPU.time(LAUNCHES, problem, 0.0, ALONE * speed)
    columns = problem.windows * K * groups
    copied = {
        "conv2d": columns,
        "conv2d_input": 2 * columns,
        "conv2d_weight": columns + 2 * problem.windows * problem.outputs,
    }
    return GPU.time(COPYING_LAUNCHES, problem, copied[function], speed)


ALGORITHM = Algorithm("cuda columns", serves, make_cost(seconds), conv2d, conv2d_input, conv2d_weight)
