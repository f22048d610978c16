"""Winograd's minimal filtering on a GPU, with the transforms of `winograd.py`, where the algorithm is explained.

A thread transforms one tile of one channel in registers; the threads of a warp transform neighbouring tiles. The
products of transformed tiles and kernels are one matrix product for each point of a tile: a grouped 1x1 convolution,
computed by the other CUDA algorithms. One source transforms pixels, cotangents and kernels, another transforms back;
they differ in a small matrix of constants, whose zeros cost nothing.

Tiles that would lose accuracy are marked, and computed by the definition: `cuda_winograd_marks.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import blocks_for
from minigrad.kernels.algorithms import Algorithm
from minigrad.kernels.fast import cuda_columns, cuda_product
from minigrad.kernels.fast.cuda_parts import (
    GPU,
    MOST_BLOCKS,
    NULL,
    StructKernel,
    as_struct,
    bias_argument,
    is_countable,
    make_cost,
    steps_of,
)
from minigrad.kernels.fast.cuda_winograd_marks import Frame, mark, mend_tiles, mend_weights
from minigrad.kernels.fast.winograd_tiles import make_transforms
from minigrad.kernels.geometry import Geometry, Pair, Problem

BLOCK_BYTES = 2**29  # of transformed tiles at a time: half of it took longer on an H100
TILES = {3: 6, 5: 8}  # pixels along a tile, by taps along the kernel: four windows
THREADS = 128  # in a block, as the sources declare
PEAK, HALF = 0.75, 12  # the speed of products of many channels as a share of the GPU's peak; half of it for 12 channels
LAUNCHES = 10  # that take as long as starting all kernels

# d -> M d M^T for each tile d; outside an image there are zeros. One thread per tile (x) and channel (y).
TRANSFORM = """
extern "C" __global__ void __launch_bounds__(128) transform(
    const T* __restrict__ x, const int* __restrict__ marks, T* __restrict__ points, int spares, int count,
    int H, int W, int Th, int Tw, int ph, int pw, int step,
    int xn, int xc, int xh, int xw, int along_point, int along_channel, int along_tile)
{
    int tile = blockIdx.x * blockDim.x + threadIdx.x, c = blockIdx.y;
    if (tile >= count) return;
    int left = tile % Tw * step - pw, top = tile / Tw % Th * step - ph, n = tile / Tw / Th;
    const T* image = x + (n * xn + c * xc);
    bool spared = spares && marks[tile];  // a marked tile adds nothing to the products
    T half[TO][FROM];
    #pragma unroll
    for (int j = 0; j < FROM; j++) {
        T column[FROM];
        #pragma unroll
        for (int i = 0; i < FROM; i++) {
            int row = top + i, col = left + j;
            bool inside = !spared && row >= 0 && row < H && col >= 0 && col < W;
            column[i] = inside ? image[row * xh + col * xw] : T(0);
        }
        #pragma unroll
        for (int a = 0; a < TO; a++) half[a][j] = dot(a, column);
    }
    T* point = points + (c * along_channel + tile * along_tile);
    #pragma unroll
    for (int a = 0; a < TO; a++) {
        #pragma unroll
        for (int b = 0; b < TO; b++) point[(a * TO + b) * along_point] = dot(b, half[a]);
    }
}
"""
# p -> M p M^T for the points p of each tile (x) and channel (y), written where the tile is within the image.
BACK = """
extern "C" __global__ void __launch_bounds__(128) transform_back(
    const T* __restrict__ points, const T* __restrict__ bias, T* __restrict__ out, int* marks, int* seen,
    int count, int H, int W, int Th, int Tw, int outn, int outc, int along_point, int along_channel, int along_tile)
{
    int tile = blockIdx.x * blockDim.x + threadIdx.x, c = blockIdx.y;
    if (tile >= count) return;
    const T* point = points + (c * along_channel + tile * along_tile);
    T half[TO][FROM];
    #pragma unroll
    for (int j = 0; j < FROM; j++) {
        T column[FROM];
        #pragma unroll
        for (int i = 0; i < FROM; i++) column[i] = point[(i * FROM + j) * along_point];
        #pragma unroll
        for (int a = 0; a < TO; a++) half[a][j] = dot(a, column);
    }
    int left = tile % Tw * TO, top = tile / Tw % Th * TO, n = tile / Tw / Th;
    T* corner = out + (n * outn + c * outc + top * W + left);
    T more = bias ? bias[c] : T(0);
    bool not_finite = false;
    #pragma unroll
    for (int a = 0; a < TO; a++) {
        #pragma unroll
        for (int b = 0; b < TO; b++) {
            T value = dot(b, half[a]) + more;
            not_finite |= !(value - value == T(0));
            if (top + a < H && left + b < W) corner[a * W + b] = value;
        }
    }
    if (MARKS && not_finite) marks[tile] = *seen = 1;
}
"""
# One element of M v.
DOT = """
__device__ __forceinline__ T dot(int row, const T* line) {
    constexpr T matrix[TO][FROM] = {MATRIX};
    T sum = T(0);
    #pragma unroll
    for (int i = 0; i < FROM; i++) if (matrix[row][i] != T(0)) sum += matrix[row][i] * line[i];
    return sum;
}
"""
SOURCES = {"transform": TRANSFORM, "transform_back": BACK}


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C, k, k), bias (O,) -> (N, O, Ho, Wo)."""
    return _convolve(x, w, geometry, geometry.windows(x.shape[2:]), bias_argument(b), skips=False)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: the forward of g, flipped kernel, channels swapped."""
    return _convolve(g, w[:, :, ::-1, ::-1].swapaxes(0, 1), geometry.mirrored(), size, NULL, skips=True)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, k, k)."""
    xp, (N, C), O, (k, _) = array_module(x), x.shape[:2], g.shape[1], geometry.kernel
    frame = Frame(TILES[k], k, N, g.shape[2:])
    marks, seen = mark(x, g, frame, geometry.padding)
    total: Array = None
    for images, some in _divide(frame, C + O):
        chosen = marks[images.start * frame.per_image :]
        pixels = _transform("B", x[images], some, geometry.padding, chosen)
        cotangents = _transform("A", g[images], some, (0, 0), chosen)
        product = cuda_product.conv2d_weight(pixels, cotangents, Geometry((1, 1), groups=frame.length**2))
        total = product if total is None else xp.add(total, product, out=total)
    w = xp.empty((O, C, k, k), x.dtype)
    # (tile*tile, O, C): the kernel takes each channel of x for a tile, and its k x k weights for an image
    numbers = as_struct(C, k, k, 1, 1, k * k, C * k * k, O * C, C, 1)
    back = _make_kernel("transform_back", frame.length, k, "back to G")
    back((blocks_for(C, THREADS), O), (THREADS,), (total, NULL, w, marks, seen, *numbers), "f")
    mend_weights(x, g, w, frame, geometry.padding, (marks, seen))
    return w


def serves(problem: Problem) -> bool:
    """CuPy's float32, stride and dilation 1, one group, square kernels of TILES, padding < kernel."""
    (_, C, H, W), O, (kernel, stride, padding, dilation, groups) = problem.image, problem.outputs, problem.geometry
    return (
        is_countable(problem)
        and problem.char == "f"
        and groups == 1
        and stride == dilation == (1, 1)
        and kernel[0] == kernel[1]
        and kernel[0] in TILES
        and max(padding) < kernel[0]
        and max(C, O) <= MOST_BLOCKS
        and max(_count_bytes(kernel[0], size, C + O) for size in (problem.grid, (H, W))) <= BLOCK_BYTES
    )


def seconds(function: str, problem: Problem) -> float:
    """Seconds: the points of operands and results are written and read once, and the image is inspected before."""
    (N, C, H, W), O, k = problem.image, problem.outputs, problem.geometry.kernel[0]
    frame = Frame(TILES[k], k, N, (H, W) if function == "conv2d_input" else problem.grid)
    points = frame.length**2 * frame.tiles
    transforms = (points * (C + O) + 2 * N * C * H * W + problem.windows * O) * 4 / GPU.memory
    arithmetic = points * C * O / (PEAK * GPU.peak * min(C, O) / (min(C, O) + HALF))
    return GPU.launch * LAUNCHES + transforms + max(arithmetic, points * (C + O) * 4 / GPU.memory)


def _convolve(x: Array, w: Array, geometry: Geometry, size: Pair, bias: Any, skips: bool) -> Array:
    """The forward with windows of `size` in each image; `skips` leaves the padding out of sums that are redone."""
    xp, (N, C), (O, _, k, _) = array_module(x), x.shape[:2], w.shape
    frame = Frame(TILES[k], k, N, size)
    marks, seen = mark(x, None, frame, geometry.padding)
    kernels = _transform("G", w.swapaxes(0, 1), Frame(frame.length, k, C, (1, 1)), (0, 0), None)
    out = xp.empty((N, O, *size), x.dtype)
    back = _make_kernel("transform_back", frame.length, k, "back to A")
    for images, some in _divide(frame, C + O):
        points = _transform("B", x[images], some, geometry.padding, None)
        products = cuda_columns.conv2d(points, kernels, Geometry((1, 1), groups=frame.length**2))
        strides = (O * size[0] * size[1], size[0] * size[1], O * some.tiles, some.tiles, 1)
        numbers = as_struct(some.tiles, *size, *some.along, *strides)
        arguments = (products, bias, out[images], marks[images.start * frame.per_image :], seen, *numbers)
        back((blocks_for(some.tiles, THREADS), O), (THREADS,), arguments, "f")
    mend_tiles(x, w, bias, out, frame, geometry.padding, skips, (marks, seen))
    return out


def _transform(matrix: str, x: Array, frame: Frame, padding: Pair, marks: Array | None) -> Array:
    """The transformed tiles of x: (N, C, H, W) -> (1, tile*tile*C, 1, tiles).

    Those of kernels: (C, O, k, k) -> (tile*tile*O, C, 1, 1). Tiles that are marked give zeros, if `marks` are given.
    """
    (N, C, H, W), points, count = x.shape, frame.length**2, frame.tiles
    shape, steps = (1, points * C, 1, count), (C * count, count, 1)
    if matrix == "G":  # each input is a tile of its own
        shape, steps = (points * C, N, 1, 1), (N * C, N, 1)
    out = array_module(x).empty(shape, x.dtype)
    numbers = as_struct(marks is not None, count, H, W, *frame.along, *padding, frame.step, *steps_of(x), *steps)
    arguments = (x, x if marks is None else marks, out, *numbers)
    kernel = _make_kernel("transform", frame.length, frame.taps, matrix)
    kernel((blocks_for(count, THREADS), C), (THREADS,), arguments, "f")
    return out


def _divide(frame: Frame, channels: int) -> Iterator[tuple[slice, Frame]]:
    """Images whose transformed tiles fit, and the frame over these."""
    at_once = max(1, BLOCK_BYTES // _count_bytes(frame.taps, frame.windows, channels))
    for first in range(0, frame.images, at_once):
        count = min(at_once, frame.images - first)
        yield slice(first, first + count), frame._replace(images=count)


def _count_bytes(taps: int, windows: Pair, channels: int) -> int:
    """The bytes of the transformed tiles of an image."""
    return 4 * TILES[taps] ** 2 * Frame(TILES[taps], taps, 1, windows).tiles * channels


@cache
def _make_kernel(name: str, tile: int, taps: int, matrix: str) -> StructKernel:
    """A transform's kernel for tiles of that length, with its matrix."""
    A, G, B = make_transforms(tile, taps, np.dtype(np.float64))
    numbers = {"B": B, "A": A.T, "G": G, "back to A": A, "back to G": G.T}[matrix]
    rows = ", ".join("{" + ", ".join(f"{number:.9g}" for number in row) + "}" for row in numbers)
    constants = {"TO": len(numbers), "FROM": len(numbers[0]), "MARKS": int(matrix == "back to A")}
    defined = "".join(f"#define {key} {value}\n" for key, value in constants.items())
    return StructKernel(name, SOURCES[name], defined + DOT.replace("MATRIX", rows))


ALGORITHM = Algorithm("cuda winograd", serves, make_cost(seconds), conv2d, conv2d_input, conv2d_weight)
