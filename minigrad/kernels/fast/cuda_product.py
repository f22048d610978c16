"""Convolution on a GPU by implicit im2col: a matrix product whose columns are never written to memory.

The product is im2col's, (O, C*kh*kw) @ (C*kh*kw, N*Ho*Wo), computed in tiles by blocks of threads. A block loads one
strip of both tiles at a time into shared memory, the windows directly from the image. Every thread multiplies 8 rows
by 8 columns of it: 64 sums in registers for 16 numbers read. The next strip is loaded while this one is multiplied. A
strip holds 8 channels of one tap, so a thread that loads it advances one pointer, and tests once whether its pixel
lies inside the image. The kernel is reordered for that beforehand.

At stride 1 the adjoint in x is the same product, with the flipped kernel. There a zero of the padding times an infinite
weight gives a NaN that the definition does not have; such sums are computed again without the padding, which costs
nothing where there are none. The adjoint in w multiplies cotangents by windows and sums over the windows, which are
divided among several blocks; their sums are added in a fixed order.

Source of the ideas: S. Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014, section 3 (the columns
exist in tiles only); S. Boehm, "How to Optimize a CUDA Matmul Kernel", 2022 (tiles of blocks, warps, threads).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import THREADS, blocks_for
from minigrad.kernels.algorithms import Algorithm
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
    by_group,
    cost_by,
    elements,
    is_countable,
)
from minigrad.kernels.fast.cuda_product_kernels import MEND, PACK, PRODUCT, SQUARES, WEIGHTS
from minigrad.kernels.geometry import Geometry, Pair, Problem

DEEP = 8  # channels of a strip
LONG = 16  # windows of a strip, in the adjoint in w
PROCESSORS = 132
WARPS = 16 * PROCESSORS  # fill a GPU, if each thread has 64 sums
TILES = {(128, 128): 1.0, (64, 128): 0.91, (64, 64): 0.87}  # (rows, columns) of a block: its relative speed


class Plan(NamedTuple):
    """The launches of one product: reordering the kernel, the product, and recomputing the sums that are NaN."""

    pack: Launch
    product: Launch
    mend: Launch | None


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo)."""
    O, C = len(w) // geometry.groups, w.shape[1]
    steps = by_group(elements(w), O)
    plan = _plan(x.shape, elements(x), O, C, steps, geometry, geometry.windows(x.shape[2:]), False, x.dtype.char)
    return _run(plan, x, w, bias_argument(b))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    if geometry.stride != (1, 1):  # most products would be with zeros
        return cuda_columns.conv2d_input(g, w, geometry, size)
    flipped = w[:, :, ::-1, ::-1]
    O, C = len(w) // geometry.groups, w.shape[1]
    steps = by_group(elements(flipped), O, adjoint=True)
    plan = _plan(g.shape, elements(g), C, O, steps, geometry.mirrored(), size, True, g.dtype.char)
    return _run(plan, g, flipped, NOTHING)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    launch = _weights(x.shape, elements(x), g.shape, elements(g), geometry, x.dtype.char)
    parts = array_module(x).empty(launch.shape, x.dtype)
    launch(x.dtype.char, x, g, parts)
    return add_parts(parts)


def serves(problem: Problem) -> bool:
    """CuPy's float32 and float64, sizes within 32-bit offsets."""
    C, O = problem.image[1], problem.outputs
    return (
        is_countable(problem)
        and problem.char in "fd"
        and problem.geometry.groups <= MOST_BLOCKS
        and 2 * max(C, 8) * (O + 128) * problem.taps <= LIMIT
    )


def seconds(function: str, problem: Problem) -> float:
    """Seconds of the tiles' arithmetic, at four fifths of the peak if all processors of the GPU have equal work."""
    geometry, (_, C, H, W), O = problem.geometry, problem.image, problem.outputs
    C, O, windows = C // geometry.groups, O // geometry.groups, problem.windows
    if function == "conv2d_weight":
        BM, BN = _tile(O, C * problem.taps, geometry.groups * windows // 256, problem.char)
        waste = _up(O, BM) * _up(C * problem.taps, BN) / (O * C * problem.taps)
        return GPU.time(2, problem, 0.0, 0.66, waste)
    if function == "conv2d_input":
        if geometry.stride != (1, 1):
            return float("inf")
        C, O, windows = O, C, problem.image[0] * H * W
    BM, BN = _tile(O, windows, geometry.groups, problem.char)
    blocks = geometry.groups * blocks_for(O, BM) * blocks_for(windows, BN)
    waste = _up(blocks, PROCESSORS) * BM * BN / (geometry.groups * O * windows) * _up(C, DEEP) / C
    K = C * problem.taps  # starting and finishing a sum costs the same for short and long sums
    return GPU.time(2 if function == "conv2d" else 3, problem, 0.0, 0.8 * K / (K + 24), waste)


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
    """The launches that compute O output channels of each group from its C, with `size` windows in every image."""
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
    if not mends or geometry.reach == (1, 1):  # no window reaches into the padding
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
    """The tile shape for which the busiest processor has the least work in a product (or `count` of them)."""

    def work(tile: Pair) -> float:
        blocks = count * blocks_for(rows, tile[0]) * blocks_for(columns, tile[1])
        return blocks_for(blocks, PROCESSORS) * tile[0] * tile[1] / TILES[tile]

    return min([tile for tile in TILES if char == "f" or tile == (64, 64)], key=work)


def _up(number: int, step: int) -> int:
    return blocks_for(number, step) * step


ALGORITHM = Algorithm("cuda product", serves, cost_by(seconds), conv2d, conv2d_input, conv2d_weight)
