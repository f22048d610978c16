"""Convolution as a matrix product: copy every window into a column ("im2col"), then multiply.

The columns of a few images at a time go into scratch memory (`BLOCK_BYTES`), so a whole batch of
columns never exists at once. Serves every stride, padding, dilation, group count and dtype, on
NumPy and CuPy. Source: K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural
Networks for Document Processing", 2006. Float32 error against float64 on ResNet's layers: 4e-7
relative.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.algorithms import Algorithm, Machine, serves_all
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.windows import LONG, PIECES, Block, blocks, by_images, empty, overlap, padded, window_view
from minigrad.parallel import add_pieces, count_totals, share, share_product, spread

BLOCK_BYTES = 2 * 2**20  # of columns at a time: they stay in the cache between copy and product
NARROW = 128  # outputs: up to so many, the kernel's gradient is quicker computed transposed
OVERHEAD, CALL = 8e-5, 1.9e-6  # seconds of Python in all three functions, and for each tap of a block
# Copies that take as long as those of the columns, as OpenBLAS's ("packing") of them, and as those of results.
COPIED, PACKED, RESULTS = 2.5, 4, 8
GPU_BLOCK_BYTES = 256 * 2**20  # on a GPU few and large calls are better


def unfold(x: Array, geometry: Geometry) -> Array:
    """The windows of x as columns: (N, C, H, W) -> (N, C*kh*kw, Ho*Wo).

    Column t holds window t, channel by channel, as in torch.nn.functional.unfold.
    """
    N, C = x.shape[:2]
    windows = window_view(padded(x, geometry.padding), geometry)
    kh, kw, Ho, Wo = windows.shape[-4:]
    columns = array_module(x).empty((N, C * kh * kw, Ho * Wo), x.dtype)
    columns.reshape(windows.shape)[...] = windows
    return columns


def fold(columns: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint of `unfold`: (N, C*kh*kw, L) -> (N, C, H, W)."""
    kh, kw = geometry.kernel
    N, C = columns.shape[0], columns.shape[1] // (kh * kw)
    x = array_module(columns).zeros((N, C, *size), columns.dtype)
    _add_windows(columns.reshape(N, C, kh, kw, *geometry.windows(size)), x, geometry)
    return x


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    N, O, groups, xp = len(x), len(w), geometry.groups, array_module(x)
    Ho, Wo = geometry.windows(x.shape[2:])
    out = xp.empty((N, O, Ho, Wo), x.dtype)
    matrix = w.reshape(groups, O // groups, -1)
    parts, size = _blocks(x, O, geometry)

    def compute(block: Block) -> None:
        images, rows = block
        columns = _columns(x[images], rows, geometry)
        results = _flat(out[images], groups)[..., rows.start * Wo : rows.stop * Wo]
        if len(results) == 1:
            share_product(matrix, columns, results[0], len(parts))
        else:  # (groups, O/groups, images*Ho*Wo) -> (images, groups, O/groups, Ho*Wo)
            product = empty(xp, "product", (*matrix.shape[:2], columns.shape[2]), x.dtype)
            share_product(matrix, columns, product, len(parts))
            results[...] = product.reshape(groups, O // groups, len(results), -1).transpose(2, 0, 1, 3)

    share(compute, parts, size)
    return out


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    (N, O, _, Wo), (_, per_group, kh, kw), groups, xp = g.shape, w.shape, geometry.groups, array_module(g)
    x = xp.zeros((N, groups * per_group, *size), g.dtype)
    matrix = w.reshape(groups, O // groups, -1).swapaxes(1, 2)  # (groups, C/groups*kh*kw, O/groups)
    parts, size_of_work = _blocks(x, O, geometry)
    by_image = by_images(parts)

    def paint(strips: list[Block]) -> None:  # strips of the same images: their windows overlap
        for images, rows in strips:
            cotangent = _channels_first(g[images], rows, groups)
            columns = empty(xp, "columns", (*matrix.shape[:2], cotangent.shape[2]), g.dtype)
            share_product(matrix, cotangent, columns, len(by_image))
            # (groups, C/groups*kh*kw, images*rows*Wo) -> (images, C, kh, kw, rows, Wo)
            shape = (groups * per_group, kh, kw, -1, rows.stop - rows.start, Wo)
            windows = columns.reshape(shape).transpose(3, 0, 1, 2, 4, 5)
            # with the padding above the strip's first row
            at = geometry._replace(padding=(geometry.padding[0] - rows.start * geometry.stride[0], geometry.padding[1]))
            spread(partial(_add_windows, windows, x[images], at), x.shape[1], min(size_of_work, columns.nbytes))

    share(paint, by_image, size_of_work)
    return x


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    O, C, (kh, kw), groups, xp = g.shape[1], x.shape[1], geometry.kernel, geometry.groups, array_module(x)
    turned = O // groups <= NARROW  # a product is quicker if its result has more rows than columns
    outputs, inner = O // groups, C // groups * kh * kw
    w = xp.zeros((groups, inner, outputs) if turned else (groups, outputs, inner), x.dtype)
    parts, size = _blocks(x, O, geometry)

    def add(block: Block, total: Array) -> None:
        images, rows = block
        columns = _columns(x[images], rows, geometry)
        cotangent = _channels_first(g[images], rows, groups)
        left, right = (columns, cotangent) if turned else (cotangent, columns)
        product = total if len(parts) == 1 else empty(xp, "product", total.shape, x.dtype)
        share_product(left, right.swapaxes(1, 2), product, count_totals(parts, w, size))
        if product is not total:
            total += product

    add_pieces(add, parts, w, size)
    return xp.ascontiguousarray(w.swapaxes(1, 2) if turned else w).reshape(O, C // groups, kh, kw)


def _blocks(x: Array, outputs: int, geometry: Geometry) -> tuple[list[Block], int]:
    """Blocks of images and rows of windows whose columns fit in memory; and the size of the work, 0 on a GPU."""
    (N, C), (kh, kw), (Ho, Wo) = x.shape[:2], geometry.kernel, geometry.windows(x.shape[2:])
    row_bytes = C * kh * kw * Wo * x.dtype.itemsize
    if array_module(x) is not np:
        return blocks(N, Ho, row_bytes, GPU_BLOCK_BYTES), 0
    limit, pieces = _block_bytes(C, outputs, geometry), min(PIECES, N * Ho * Wo // LONG)
    # products with 32 outputs take as long as a pass over the columns
    return blocks(N, Ho, row_bytes, limit, pieces=pieces), N * Ho * row_bytes * (1 + outputs // geometry.groups // 32)


def _block_bytes(channels: int, outputs: int, geometry: Geometry) -> int:
    """Bytes of columns in a block: at least half the kernel's, because each block's product reads the kernel again."""
    kh, kw = geometry.kernel
    return max(BLOCK_BYTES, 2 * channels // geometry.groups * outputs * kh * kw)


def _columns(x: Array, rows: slice, geometry: Geometry) -> Array:
    """The windows of these rows: (N, C, H, W) -> (groups, C/groups*kh*kw, N*rows*Wo)."""
    step = geometry.stride[0]
    image = padded(x, geometry.padding, slice(rows.start * step, (rows.stop - 1) * step + geometry.reach[0]))
    windows = window_view(image, geometry).transpose(1, 2, 3, 0, 4, 5)
    columns = empty(array_module(x), "columns", windows.shape, x.dtype)
    target, source = (columns, windows) if len(windows) > 1 else (columns[0], windows[0])  # by channels, or by rows
    spread(partial(_copy, target, source), len(target), columns.nbytes)
    C, kh, kw = windows.shape[:3]
    return columns.reshape(geometry.groups, C // geometry.groups * kh * kw, -1)


def _copy(target: Array, source: Array, part: slice) -> None:
    target[part] = source[part]


def _flat(images: Array, groups: int) -> Array:
    """(N, O, Ho, Wo) -> (N, groups, O/groups, Ho*Wo)."""
    N, O, Ho, Wo = images.shape
    return images.reshape(N, groups, O // groups, Ho * Wo)


def _channels_first(g: Array, rows: slice, groups: int) -> Array:
    """These rows of (N, O, Ho, Wo) -> (groups, O/groups, N*rows*Wo)."""
    Wo = g.shape[3]
    block = _flat(g, groups)[..., rows.start * Wo : rows.stop * Wo]
    if len(block) == 1:
        return block[0]
    return block.transpose(1, 2, 0, 3).reshape(*block.shape[1:3], -1)


def _add_windows(windows: Array, x: Array, geometry: Geometry, channels: slice = slice(None)) -> None:
    """Adds windows (N, C, kh, kw, Ho, Wo) to their places in x (N, C, H, W); what lies in the padding is dropped."""
    kh, kw, Ho, Wo = windows.shape[2:]
    (sh, sw), (ph, pw), (dh, dw), (H, W) = geometry.stride, geometry.padding, geometry.dilation, x.shape[2:]
    for i in range(kh):
        rows, into_rows = overlap(i, H, Ho, sh, ph, dh)
        for j in range(kw):
            cols, into_cols = overlap(j, W, Wo, sw, pw, dw)
            x[:, channels, into_rows, into_cols] += windows[:, channels, i, j, rows, cols]


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: every window is copied in the forward and in the kernel's gradient, and added back in the image's."""
    (_, C, _, _), groups, (Ho, Wo), windows = problem.image, problem.geometry.groups, problem.grid, problem.windows
    # the windows in a block
    at_once = min(windows, max(Wo, _block_bytes(C, problem.outputs, problem.geometry) // (4 * C * problem.taps)))
    blocks = windows / max(1, at_once)
    products = machine.product(problem.outputs // groups, at_once, C // groups * problem.taps, 3 * groups * blocks)
    copied = machine.copy(COPIED, Wo, problem.geometry.stride[1]) + PACKED * machine.move  # and added back
    copies = C * problem.taps * windows * copied
    rest = machine.copy(RESULTS * windows * problem.outputs, Ho * Wo) if at_once > Ho * Wo else 0.0
    return OVERHEAD + CALL * problem.taps * blocks + products + copies + rest


ALGORITHM = Algorithm("im2col", serves_all, cost, conv2d, conv2d_input, conv2d_weight)
