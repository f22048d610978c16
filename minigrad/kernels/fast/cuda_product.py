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
    MOST_BLOCKS,
    MOST_ELEMENTS,
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
from minigrad.kernels.fast.cuda_product_kernels import MEND, PACK, PRODUCT, SQUARES, WEIGHTS
from minigrad.kernels.geometry import Geometry, Pair, Problem

DEEP = 8  # channels of a strip
LONG = 16  # windows of a strip, in the adjoint in w
PART = 256  # windows of a part, in the adjoint in w
WARPS = 16 * GPU.processors  # fill a GPU, if each thread has 64 sums
SHARE, WEIGHT_SHARE = 0.8, 0.66  # of the GPU's peak, if all its processors have equal work; in the adjoint in w
START = 24  # terms of a sum that take as long as starting and finishing it
MOST_MENDING = 2048  # blocks that compute sums again; their threads loop over all results
# (rows, columns) of a block: its relative speed
TILES: dict[Pair, float] = {(128, 128): 1.0, (64, 128): 0.91, (64, 64): 0.87}


class Plan(NamedTuple):
    """The launches of one product: reordering the kernel, the product, and recomputing the sums that are NaN."""

    pack: Launch
    product: Launch
    mend: Launch | None


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo)."""
    O, C = len(w) // geometry.groups, w.shape[1]
    steps = group_strides(steps_of(w), O)
    plan = _prepare_product(
        x.shape, steps_of(x), O, C, steps, geometry, geometry.windows(x.shape[2:]), False, x.dtype.char
    )
    return _run(plan, x, w, bias_argument(b))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    if geometry.stride != (1, 1):  # most products would be with zeros
        return cuda_columns.conv2d_input(g, w, geometry, size)
    flipped = w[:, :, ::-1, ::-1]
    O, C = len(w) // geometry.groups, w.shape[1]
    steps = group_strides(steps_of(flipped), O, adjoint=True)
    plan = _prepare_product(g.shape, steps_of(g), C, O, steps, geometry.mirrored(), size, True, g.dtype.char)
    return _run(plan, g, flipped, NULL)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    launch = _prepare_weights(x.shape, steps_of(x), g.shape, steps_of(g), geometry, x.dtype.char)
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
        and 2 * max(C, 8) * (O + 128) * problem.taps <= MOST_ELEMENTS
    )


def seconds(function: str, problem: Problem) -> float:
    """Seconds of the tiles' arithmetic; tiles beyond the result's edges, and processors without work, are waste."""
    geometry, (_, C, H, W), O = problem.geometry, problem.image, problem.outputs
    C, O, windows = C // geometry.groups, O // geometry.groups, problem.windows
    if function == "conv2d_weight":
        BM, BN = _choose_tile(O, C * problem.taps, geometry.groups * windows // PART, problem.char)
        waste = _round_up(O, BM) * _round_up(C * problem.taps, BN) / (O * C * problem.taps)
        return GPU.time(2, problem, 0.0, WEIGHT_SHARE, waste)
    if function == "conv2d_input":
        if geometry.stride != (1, 1):
            return float("inf")
        C, O, windows = O, C, problem.image[0] * H * W
    BM, BN = _choose_tile(O, windows, geometry.groups, problem.char)
    blocks = geometry.groups * blocks_for(O, BM) * blocks_for(windows, BN)
    waste = _round_up(blocks, GPU.processors) * BM * BN / (geometry.groups * O * windows) * _round_up(C, DEEP) / C
    K = C * problem.taps  # terms of a sum
    return GPU.time(2 if function == "conv2d" else 3, problem, 0.0, SHARE * K / (K + START), waste)


def _run(plan: Plan, source: Array, w: Array, bias: Any) -> Array:
    """The result of a plan's launches."""
    xp, char = array_module(source), source.dtype.char
    packed, seen = xp.empty(plan.pack.shape, source.dtype), xp.empty(1, np.int32)
    out = xp.empty(plan.product.shape, source.dtype)
    plan.pack(char, w, packed, seen)
    plan.product(char, source, packed, bias, out, seen)
    if plan.mend:
        plan.mend(char, source, w, out, seen)
    return out


@lru_cache(maxsize=4096)
def _prepare_product(
    source: tuple[int, ...], source_steps: tuple[int, ...], O: int, C: int, w_steps: tuple[int, ...],
    geometry: Geometry, size: Pair, mends: bool, char: str,
) -> Plan:  # fmt: skip
    """The launches that compute O output channels of each group from its C, with `size` windows in every image."""
    (N, _, H, W), G, (kernel, stride, padding, dilation, _) = source, geometry.groups, geometry
    shape, windows, steps = (N, G * O, *size), N * size[0] * size[1], blocks_for(C, DEEP) * kernel[0] * kernel[1]
    BM, BN = _choose_tile(O, windows, G, char)
    filled = _round_up(O, BM)
    packed = G * steps * DEEP * filled
    numbers = as_struct(packed, O, C, *kernel, filled, steps, *w_steps)
    pack = Launch(PACK, (blocks_for(packed),), (THREADS,), numbers, (packed,))
    numbers = as_struct(
        windows, C, H, W, O, *size, filled, steps, *kernel, *stride, *padding, *dilation, *source_steps
    )  # fmt: skip
    grid = blocks_for(O, BM) * blocks_for(windows, BN), G
    product = Launch(_make_kernel("product", BM, BN), grid, (BM * BN // 64,), numbers, shape)
    if not mends or geometry.reach == (1, 1):  # no window reaches into the padding
        return Plan(pack, product, None)
    count = windows * G * O
    numbers = as_struct(count, C, H, W, O, *size, *kernel, G, *padding, *dilation, *source_steps, *w_steps)
    return Plan(pack, product, Launch(MEND, (min(blocks_for(count), MOST_MENDING),), (THREADS,), numbers, shape))


@lru_cache(maxsize=4096)
def _prepare_weights(
    x: tuple[int, ...], x_steps: tuple[int, ...], g: tuple[int, ...], g_steps: tuple[int, ...],
    geometry: Geometry, char: str,
) -> Launch:  # fmt: skip
    """The launch of `conv2d_weight`, which gives a part of the sums for each share of the windows."""
    (kernel, stride, padding, dilation, G), (_, _, H, W), (N, _, Ho, Wo) = geometry, x, g
    O, C, windows = g[1] // G, x[1] // G, N * Ho * Wo
    columns = C * kernel[0] * kernel[1]
    BM, BN = _choose_tile(O, columns, G * windows // PART, char)
    tiles = blocks_for(O, BM) * blocks_for(columns, BN)
    wanted = WARPS * 32 // (BM * BN // 64) // (tiles * G)  # parts that fill the GPU
    share = _round_up(blocks_for(windows, max(1, min(wanted, windows // (8 * LONG), MOST_BLOCKS))), LONG)
    parts = blocks_for(windows, share)
    numbers = as_struct(
        windows, share, C, H, W, O, Ho, Wo, *kernel, *stride, *padding, *dilation, *x_steps, *g_steps
    )  # fmt: skip
    return Launch(
        _make_kernel("product_of_windows", BM, BN), (tiles, parts, G), (BM * BN // 64,), numbers,
        (parts, O * G, C, *kernel),
    )  # fmt: skip


@cache
def _make_kernel(name: str, BM: int, BN: int) -> StructKernel:
    """The kernel for tiles of BM rows and BN columns."""
    body = PRODUCT if name == "product" else WEIGHTS
    return StructKernel(name, body, f"#define BM {BM}\n#define BN {BN}\n{SQUARES}")


@cache
def _choose_tile(rows: int, columns: int, count: int, char: str) -> Pair:
    """The tile shape for which the busiest processor has the least work in a product (or `count` of them)."""

    def work(tile: Pair) -> float:
        blocks = count * blocks_for(rows, tile[0]) * blocks_for(columns, tile[1])
        return blocks_for(blocks, GPU.processors) * tile[0] * tile[1] / TILES[tile]

    return min([tile for tile in TILES if char == "f" or tile == (64, 64)], key=work)


def _round_up(number: int, step: int) -> int:
    """The next multiple of `step`."""
    return blocks_for(number, step) * step


ALGORITHM = Algorithm("cuda product", serves, make_cost(seconds), conv2d, conv2d_input, conv2d_weight)
