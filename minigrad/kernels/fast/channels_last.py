"""im2col with the channels innermost: a row of a window is one run of memory, whatever the stride.

The pixels are laid as (N, H, W, C), channels last, and copied once. Then each of the kh rows of a window is kw C
adjacent numbers, which one move takes; in `im2col.py` runs are Wo numbers, or single ones for a stride. So small images
and strides lose little time beside the product:

    (N*Ho*Wo, kh*kw*C) @ (kh*kw*C, O) -> (N*Ho*Wo, O)

The adjoint in x is the forward of the flipped kernel where that multiplies hardly more. Otherwise the columns of its
product are added to the pixels; taps of a row that no other window reads go in one run. Results are laid back, channel
by channel. Any stride, padding and dilation; one group. Float32 error against float64 on CIFAR's layers: 3e-7 relative.
Source: as `im2col.py`; the layout is that of cuDNN's NHWC.
"""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.fast.machine import for_small_products
from minigrad.kernels.fast.mec import multiply_in_parts
from minigrad.kernels.fast.rows import GAP, move_apart
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.im2col import NARROW
from minigrad.kernels.windows import LONG, PIECES, Block, blocks, by_images
from minigrad.kernels.workspace import workspace
from minigrad.parallel import WORTH, add_pieces, share

BLOCK_BYTES = 4 * 2**20  # of columns at a time: they stay in the cache between copy and product
MORE = 1.25  # times the windows: with up to so many pixels, the adjoint in x is a forward
SMALL = 2**17  # numbers of a kernel: products of larger ones are packed by OpenBLAS in any case
ALIAS = 256  # bytes: products whose rows are a multiple long are read slowly column by column, without a gap
# Moves of a number that take as long as copying one of a window, adding one to a pixel, laying one of the pixels, and
# one of the results; then as copying one of the kernel, and as OpenBLAS' copy of it for each block.
COLUMNS, ADDED, PIXELS, RESULTS = 0.55, 1.8, 10.0, 4.0
KERNELS, PACKED = 20.0, 24.0
OVERHEAD = 5.3e-5  # seconds of Python in all three functions


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
    out = np.empty((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    matrix = _write_matrix(w)

    def compute(block: Block) -> None:
        images, rows = block
        columns = _lay_columns(x[images], rows, geometry)
        products = _make_rows(len(columns), len(w), x.dtype)
        multiply_in_parts(matrix, columns.T, products.T)
        results = out[images, :, rows]
        # (n*rows*Wo, O) -> (n, O, rows, Wo)
        results[...] = products.reshape(len(results), *results.shape[2:], len(w)).transpose(0, 3, 1, 2)

    share(compute, *_divide(x, len(w), geometry))
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
    O, C, (kh, kw) = g.shape[1], x.shape[1], geometry.kernel
    turned = O <= NARROW  # a product is quicker if its result has more rows than columns
    sums = np.zeros((kh * kw * C, O) if turned else (O, kh * kw * C), x.dtype)

    def add(block: Block, total: Array) -> None:
        images, rows = block
        columns, cotangents = _lay_columns(x[images], rows, geometry), _lay_cotangents(g[images, :, rows])
        left, right = (columns, cotangents) if turned else (cotangents, columns)
        total += np.matmul(left.T, right, out=workspace("products", total.shape, x.dtype))

    parts, size = _divide(x, O, geometry)
    add_pieces(add, parts, sums, size)
    # (O, kh*kw*C) -> (O, C, kh, kw)
    return np.ascontiguousarray((sums.T if turned else sums).reshape(O, kh, kw, C).transpose(0, 3, 1, 2))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C, kh, kw) -> (N, C, H, W)."""
    if _has_plain_adjoint(geometry, size):
        return conv2d(g, w[:, :, ::-1, ::-1].swapaxes(0, 1), geometry.mirrored())
    x = np.empty((len(g), w.shape[1], *size), g.dtype)
    matrix, (ph, pw), (H, W) = w.transpose(0, 2, 3, 1).reshape(len(w), -1), geometry.padding, size
    parts, nbytes = _divide(x, len(w), geometry)

    def paint(strips: list[Block]) -> None:  # strips of the same images: their windows overlap
        images = strips[0][0]
        pixels = workspace("pixels", (len(g[images]), H + 2 * ph, W + 2 * pw, w.shape[1]), g.dtype)
        pixels[...] = 0
        for _, rows in strips:
            _add_windows(_lay_cotangents(g[images, :, rows]), matrix, pixels, rows, geometry)
        x[images] = pixels[:, ph : ph + H, pw : pw + W].transpose(0, 3, 1, 2)

    share(paint, by_images(parts), nbytes)
    return x


def _has_plain_adjoint(geometry: Geometry, size: Pair) -> bool:
    """Whether the adjoint in x is a forward of the flipped kernel that multiplies hardly more."""
    (H, W), (Ho, Wo) = size, geometry.windows(size)
    return geometry.stride == (1, 1) and min(geometry.mirrored().padding) >= 0 and MORE * Ho * Wo >= H * W


def _write_matrix(w: Array) -> Array:
    """(O, C, kh, kw) -> (O, kh*kw*C); the outputs of a small kernel are innermost in memory: see `mec.write_matrix`."""
    if w.size > SMALL:
        return w.transpose(0, 2, 3, 1).reshape(len(w), -1)
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0)).reshape(-1, len(w)).T


def _lay_columns(x: Array, rows: slice, geometry: Geometry) -> Array:
    """The windows of these output rows: (n, C, H, W) -> (n*rows*Wo, kh*kw*C)."""
    (kh, kw), (down, across), _, (deep, wide), _ = geometry
    pixels = _lay_pixels(x, rows, geometry)
    (n, _, _, C), (image, line, pixel, one) = pixels.shape, pixels.strides
    grid, steps = (n, rows.stop - rows.start, geometry.windows(x.shape[2:])[1]), (image, down * line, across * pixel)
    window: tuple[int, ...] = (kh, kw, C)
    strides: tuple[int, ...] = (deep * line, wide * pixel, one)
    if wide == 1:  # then a row of a window is one run
        window, strides = (kh, kw * C), (deep * line, one)
    columns = workspace("columns", (*grid, *window), x.dtype)
    columns[...] = np.ndarray(columns.shape, x.dtype, pixels, 0, (*steps, *strides))
    return columns.reshape(-1, kh * kw * C)


def _lay_pixels(x: Array, rows: slice, geometry: Geometry) -> Array:
    """The pixels that these output rows see, with padding: (n, C, H, W) -> (n, height, W + 2 pw, C)."""
    (n, C, H, W), (ph, pw), step = x.shape, geometry.padding, geometry.stride[0]
    start, height = rows.start * step - ph, (rows.stop - rows.start - 1) * step + geometry.reach[0]
    top = min(max(0, -start), height)
    bottom = max(top, min(height, H - start))
    pixels = workspace("pixels", (n, height, W + 2 * pw, C), x.dtype)
    pixels[:, :top], pixels[:, bottom:] = 0, 0
    pixels[:, top:bottom, :pw], pixels[:, top:bottom, pw + W :] = 0, 0
    seen = move_apart(x[:, :, start + top : start + bottom])
    pixels[:, top:bottom, pw : pw + W] = seen.transpose(0, 2, 3, 1)
    return pixels


def _lay_cotangents(g: Array) -> Array:
    """(n, O, rows, Wo) -> (n*rows*Wo, O)."""
    n, O, rows, Wo = g.shape
    laid = workspace("cotangents", (n, rows, Wo, O), g.dtype)
    laid[...] = move_apart(g).transpose(0, 2, 3, 1)
    return laid.reshape(n * rows * Wo, O)


def _add_windows(g: Array, matrix: Array, pixels: Array, rows: slice, geometry: Geometry) -> None:
    """Adds g (n*rows*Wo, O) @ matrix (O, kh*kw*C) to the pixels (n, H, W, C) that these rows of windows read."""
    (kh, kw), (down, across), _, (deep, wide), _ = geometry
    (n, _, _, C), (image, line, pixel, one) = pixels.shape, pixels.strides
    together = min(across, kw) if wide == 1 else 1  # taps of a row that no other window reads
    for i in range(kh):
        for j in range(0, kw, together):
            taps = matrix[:, (i * kw + j) * C : (i * kw + min(j + together, kw)) * C]
            found = workspace("columns", (len(g), taps.shape[1]), g.dtype)
            np.matmul(g, taps, out=found)
            found = found.reshape(n, rows.stop - rows.start, -1, taps.shape[1])
            first = (rows.start * down + i * deep) * line + j * wide * pixel
            strides = (image, down * line, across * pixel, one)
            seen = np.ndarray(found.shape, pixels.dtype, pixels, first, strides)
            seen += found


def _make_rows(count: int, length: int, dtype: np.dtype) -> Array:
    """Scratch memory for products, with a gap after each row if columns of it could not be read quickly without."""
    gap = GAP // dtype.itemsize if length * dtype.itemsize % ALIAS == 0 else 0
    return workspace("products", (count, length + gap), dtype)[:, :length]


def _divide(x: Array, outputs: int, geometry: Geometry) -> tuple[list[Block], int]:
    """Blocks of images and rows of windows whose columns fit in memory; and the size of the work in bytes."""
    (N, C), (kh, kw), (Ho, Wo) = x.shape[:2], geometry.kernel, geometry.windows(x.shape[2:])
    row_bytes = C * kh * kw * Wo * x.itemsize
    size = N * Ho * row_bytes * (1 + outputs // 32)  # products with 32 outputs take as long as a pass over the columns
    pieces = 1
    if size >= WORTH:
        most = 2 if N * Ho * row_bytes <= BLOCK_BYTES else PIECES
        pieces = min(most, 2 * N * Ho * Wo // LONG)
    return blocks(N, Ho, row_bytes, BLOCK_BYTES, pieces=pieces), size


def serves(problem: Problem) -> bool:
    """NumPy, one group."""
    return problem.on_host and problem.geometry.groups == 1


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: pixels, windows, results and the kernel are copied, products computed, and windows added back."""
    if problem.char not in "fd":
        return float("inf")
    (N, C, H, W), O, taps, windows, geometry = *problem[:2], problem.taps, problem.windows, problem.geometry
    speed, plain = for_small_products(machine), _has_plain_adjoint(geometry, (H, W))
    (ph, pw), adjacent = geometry.padding, geometry.dilation[1] == 1
    numbers, run = windows * C * taps, geometry.kernel[1] if adjacent else 1
    products = speed.product(windows, O, C * taps, 2)
    if plain:  # the adjoint in x is a convolution too, of the cotangents' windows
        products += speed.product(N * H * W, C, O * taps)
        columns = machine.copy(COLUMNS * (2 * numbers + N * H * W * O * taps), run * C)
        added = 0.0
    else:
        products += speed.product(windows, C, O, taps)
        columns = machine.copy(COLUMNS * 2 * numbers, run * C)
        added = machine.copy(ADDED * numbers, C * (min(geometry.stride[1], run) if adjacent else 1))
    kernels = (KERNELS + PACKED * max(1.0, 4 * numbers / BLOCK_BYTES)) * O * C * taps
    moved = PIXELS * N * C * (H + 2 * ph) * (W + 2 * pw) + RESULTS * windows * O + kernels
    return OVERHEAD + products + columns + added + machine.move * moved


# The adjoint in x may multiply the zeros around the cotangents by the kernel.
_SAFE = {"conv2d_input": lambda g, w, geometry: is_finite(w)}
ALGORITHM = Algorithm("channels last", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
