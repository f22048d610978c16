"""Winograd's minimal filtering: convolution on small tiles with a fraction of the multiplications.

A tile of m x m outputs of an r x r kernel needs (m + r - 1)^2 products between a transformed tile
and a transformed kernel instead of m^2 r^2: F(4x4, 3x3) has 36 for 144, F(2x2, 3x3) 16 for 36. In
one dimension

    y = A^T [(G w) * (B^T d)],

where B^T evaluates the tile d, and G the kernel, at m + r - 1 points (one of them infinity), and
A^T interpolates. Summed over channels the products are one matrix product per point. The three
factors of the trilinear form share their transforms: the weight gradient is G^T [sum over tiles of
(B^T d B) * (A g A^T)] G, the input gradient is the forward of the flipped kernel with its channels
swapped.

Here every transform is a matrix product too, one per axis, on tiles that overlap in memory: no
tile is copied, and the last product writes (N, C, H, W) directly. Images are processed as
(H, W, N, C), a few at a time, so that the tiles stay in the cache.

Sources: S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin, S. Gray, "Fast
Algorithms for Convolutional Neural Networks", 2016. The points 0, +-0.7, +-1.6 halve the error of
the usual 0, +-1, +-2 (found by search). Float32 error against float64 on ResNet's and AlexNet's
layers, gradients included, as norm of the difference over norm of the result: F(4x4, 3x3) and
F(2x2, 5x5) at most 2e-6, F(4x4, 5x5) 5e-6, F(2x2, 3x3) 6e-7 (plain products: 4e-7). In double precision
it is never chosen. Stride 1, dilation 1, one group.

A larger kernel is cut into blocks of 4x4 taps (padded with zeros), each F(4x4, 4x4). A block is as long as the outputs
of a tile, so all blocks read the same transformed tiles, at different offsets: 49 products for each tile and block, 12
for each output of a 7x7 kernel instead of 49. Error at most 3e-6.

The outputs of a tile share their products, so rounding lets an output depend on pixels that it does not see: a NaN
would spread over the tile, an outlier would spoil its neighbours. `is_even` inspects the data once per call (4% of a
forward); where a pixel is much larger than the rest of its tile another algorithm computes. The remaining error is
bounded: each output is within 1e-5 of the definition, times the largest number that it sees, times the sum of its
kernel's absolute values.
"""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.fast.machine import multiplies_with_avx512
from minigrad.kernels.fast.rows import copy_rows, move_apart
from minigrad.kernels.fast.winograd_tiles import Cut, cut_kernel, make_kernel_transform
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.windows import LONG, PIECES, Block, blocks
from minigrad.kernels.workspace import workspace
from minigrad.parallel import add_pieces, share, spread

BLOCK_BYTES = 6 * 2**20  # of transformed tiles at a time
PACKED_BYTES = 2 * 2**20  # with AVX2, whose processors have a smaller second cache: ...
PACKED_TILES = 192  # ... or so many tiles, because OpenBLAS copies the kernel for each block
SPREAD = 16.0  # in a tile, the largest number that an output may see against what another sees
HUGE = 1e15  # above it products of transformed numbers might overflow where the definition does not
OVERHEAD = 2.1e-4  # seconds of Python in all three functions
PRODUCTS = 1.7  # how much longer its products take than others: tiles come from the second cache
TRANSFORM = 0.7  # speed of the transforms in all three functions as a share of the peak
MOST_FACTORS = 6  # of a number in the transform along an axis: longer tiles count as if they had so many
PIXELS, TAPS, KERNELS = 8, 9, 18  # copies that take as long as those of pixels and results, of taps, and of kernels
TOGETHER = 128  # planes of images whose pixels are read together
NARROW = 10.0  # with AVX2, channels for which everything takes twice the time: short products are slower than long ones


def is_even(x: Array, geometry: Geometry, tile: int, block: int | None = None) -> bool:
    """Whether in each tile the largest |x| that one output sees is at most SPREAD times that of any other.

    x (N, C, H, W) is seen through the windows of `geometry`, which blocks make larger. False for infinities and NaN.
    """
    if not x.size:
        return True
    found: list[bool] = []
    cut = cut_kernel(geometry.kernel, tile, block)
    spread(lambda images: found.append(_images_are_even(x[images], geometry, cut)), len(x), x.nbytes)
    return all(found)


def _images_are_even(x: Array, geometry: Geometry, cut: Cut) -> bool:
    """`is_even` of some images, which one thread inspects; the cheap tests come first."""
    (ph, pw), (kh, kw), (N, _, H, W) = geometry.padding, geometry.kernel, x.shape
    highest = x.max(axis=1)  # over the channels
    most, least = min(HUGE, SPREAD * highest.min()), x.min()
    if highest.max() < most and -least < most:  # every pixel has a large number: usual with many channels
        return True
    more_h, more_w = cut.reach[0] - kh, cut.reach[1] - kw  # pixels that are multiplied by the zeros that pad the kernel
    sizes = np.zeros((N, H + 2 * ph + more_h, W + 2 * pw + more_w), x.dtype)  # the largest |x| over the channels
    np.maximum(highest, -x.min(axis=1), out=sizes[:, ph : ph + H, pw : pw + W])
    seen = _slide(np.maximum, _slide(np.maximum, sizes, 1, kh), 2, kw)  # (N, Ho + more_h, Wo + more_w)
    met = _slide(np.maximum, _slide(np.maximum, seen, 1, more_h + 1), 2, more_w + 1)  # (N, Ho, Wo)
    seen = seen[:, : met.shape[1], : met.shape[2]]
    peak = met.max()
    if not peak < HUGE:
        return False
    if peak <= SPREAD * seen.min():  # the usual case
        return True
    most, least = met, seen
    for axis, width in enumerate(cut.outputs, 1):  # over the outputs of each tile
        most, least = _slide(np.maximum, most, axis, width), _slide(np.minimum, least, axis, width)
    return bool((most <= SPREAD * least).all())


def _slide(choose: np.ufunc, x: Array, axis: int, width: int) -> Array:
    """The maximum or minimum over a sliding window of `width` elements along an axis; over all, if there are fewer."""
    x = x.swapaxes(0, axis)
    out = x[: max(1, len(x) - width + 1)]
    for i in range(1, min(width, len(x))):
        out = choose(out, x[i : i + len(out)])
    return out.swapaxes(0, axis)


class Winograd:
    """The three functions on tiles of `tile` x `tile` pixels: F(tile + 1 - r, r) along each axis, for r taps.

    r is the length of the kernel, or of a `block` of it with tile + 1 - r = r. All blocks of a kernel read the same
    tiles, each block at its own offset, and their products are added.
    """

    def __init__(self, tile: int, least: int = 2, block: int | None = None) -> None:
        self.tile, self.least, self.block = tile, least, block

    def conv2d(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
        (N, C), O, (Ho, Wo) = x.shape[:2], len(w), geometry.windows(x.shape[2:])
        points, cut = self.tile**2, self._cut(geometry)
        out = np.empty((N, O, Ho, Wo), x.dtype)
        kernels = _transform_kernel(cut.split(w), cut)

        def compute(block: Block) -> None:
            images, rows = block
            tiles = _transform_pixels(x[images], rows, geometry, cut)
            _, _, height, Tw, n, _ = tiles.shape
            products = workspace("first", (self.tile, self.tile, height + 1 - cut.blocks[0], Tw, n, O), x.dtype)
            _add_blocks(tiles.reshape(points, -1, C), kernels.swapaxes(2, 3), cut.shifts(Tw, n), products)
            _write_outputs(products, out[images, :, rows], cut)

        share(compute, *_divide(N, (Ho, Wo), max(C, O), cut, x.itemsize))
        return out

    def conv2d_input(self, g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
        """The adjoint in x: the forward of g, flipped kernel, channels swapped."""
        return self.conv2d(g, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3), geometry.mirrored())

    def conv2d_weight(self, x: Array, g: Array, geometry: Geometry) -> Array:
        """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
        (N, O, Ho, Wo), C, points = g.shape, x.shape[1], self.tile**2
        cut = self._cut(geometry)
        total = np.zeros((cut.blocks[0] * cut.blocks[1], points, O, C), x.dtype)

        def add(block: Block, total: Array) -> None:
            images, rows = block
            tiles = _transform_pixels(x[images], rows, geometry, cut)
            shifts = cut.shifts(*tiles.shape[3:5])
            left = _transform_cotangents(g[images, :, rows], tiles.shape[3], cut).reshape(points, -1, O)
            right = tiles.reshape(points, -1, C)
            run = right.shape[1] - shifts[-1]

            def multiply(some: slice) -> None:  # of the points
                for sums, shift in zip(total[:, some], shifts, strict=True):
                    product = workspace("kernel", sums.shape, x.dtype)
                    sums += np.matmul(left[some, :run].swapaxes(1, 2), right[some, shift : shift + run], out=product)

            spread(multiply, points, total.nbytes + left.nbytes)

        parts, size = _divide(N, (Ho, Wo), max(C, O), cut, x.itemsize)
        add_pieces(add, parts, total, size)
        return cut.join(_gather_taps(total, cut), (O, C, *geometry.kernel))

    def serves(self, problem: Problem) -> bool:
        """NumPy's floats; stride, dilation, groups 1; padding < kernel; at least `least` taps."""
        geometry = problem.geometry
        most = max(geometry.kernel) if self.block else self.tile - 1
        return (
            problem.on_host
            and problem.char in "fd"
            and geometry.stride == geometry.dilation == (1, 1)
            and geometry.groups == 1
            and all(self.least <= k <= most and p < k for k, p in zip(geometry.kernel, geometry.padding, strict=True))
        )

    def cost(self, problem: Problem, machine: Machine) -> float:
        """Seconds of tile^2 products and the transforms. Infinite except for float32: Winograd loses a digit."""
        if problem.char != "f":
            return float("inf")
        (N, C, H, W), O, points = problem.image, problem.outputs, self.tile**2
        cut = self._cut(problem.geometry)
        (Ho, Wo), (Th, Tw) = problem.grid, cut.count_tiles(problem.grid)
        blocks, Tw = cut.blocks[0] * cut.blocks[1], Tw + cut.blocks[1] - 1
        at_once = max(1, min(N * Th * Tw, BLOCK_BYTES // (4 * points * max(C, O))))  # tiles in a block
        forwards = 2 + H * W / max(1, Ho * Wo)
        products = PRODUCTS * machine.product(at_once, O, C, forwards * blocks * points * N * Th * Tw / at_once)
        numbers = points * (N * Tw * (Th * O + (Th + cut.blocks[0] - 1) * C) + blocks * C * O)
        transforms = numbers * 2 * min(self.tile, MOST_FACTORS) / (TRANSFORM * machine.peak)
        # the pixels are laid with the padding and the rest of the last tiles
        laid = (Th * cut.outputs[0] + cut.taps[0] - 1) * (Tw * cut.outputs[1] + cut.taps[1] - 1)
        turned = machine.copy(PIXELS * N * C * laid, C) + machine.copy(PIXELS * problem.windows * O, O)
        kernels = machine.copy(TAPS * O * C * problem.taps, C)  # transformed three times, by strided copies, ...
        kernels += machine.copy(KERNELS * blocks * points * C * O, C * O)  # ... and read from memory
        slower = 1.0 if multiplies_with_avx512() else 1 + NARROW / max(1, min(C, O))
        return OVERHEAD + slower * (products + transforms + turned + kernels)

    def _cut(self, geometry: Geometry) -> Cut:
        """How the kernel is cut for these tiles."""
        return cut_kernel(geometry.kernel, self.tile, self.block)


def _transform_kernel(w: Array, cut: Cut) -> Array:
    """G w G^T of each block: (blocks, O, C, taps) -> (blocks, points, O, C)."""
    number, O, C, _ = w.shape
    both = make_kernel_transform(cut.tile, *cut.taps, w.dtype)
    kernels = workspace("kernel", (number, len(both), O, C), w.dtype)

    def transform(some: slice) -> None:  # of the outputs
        # (points, taps) @ (blocks, O, taps, C) -> (blocks, O, points, C)
        np.matmul(both, w[:, some].swapaxes(2, 3), out=kernels[:, :, some].swapaxes(1, 2))

    spread(transform, O, kernels.nbytes)
    return kernels


def _gather_taps(sums: Array, cut: Cut) -> Array:
    """The adjoint of `_transform_kernel`: (blocks, points, O, C) -> (blocks, O, C, taps)."""
    number, _, O, C = sums.shape
    both = make_kernel_transform(cut.tile, *cut.taps, sums.dtype)
    taps = np.empty((number, O, C, both.shape[1]), sums.dtype)

    def transform(some: slice) -> None:  # of the outputs
        # (blocks, O, C, points) @ (points, taps) -> (blocks, O, C, taps)
        np.matmul(sums[:, :, some].transpose(0, 2, 3, 1), both, out=taps[:, some])

    spread(transform, O, sums.nbytes)
    return taps


def _divide(N: int, size: Pair, channels: int, cut: Cut, itemsize: int) -> tuple[list[Block], int]:
    """Blocks of images and rows of tiles whose transformed tiles fit in memory; and the bytes of all of them."""
    Th, Tw = cut.count_tiles(size)
    tile_bytes = cut.tile**2 * channels * itemsize
    row_bytes = (Tw + cut.blocks[1] - 1) * tile_bytes
    few = N * Th * row_bytes <= BLOCK_BYTES  # then the calls of a piece are short, and threads wait between them
    pieces, limit = min(2 if few else PIECES, N * Th * Tw // (LONG // 2)), BLOCK_BYTES
    if not multiplies_with_avx512():
        limit = min(limit, max(PACKED_BYTES, PACKED_TILES * tile_bytes))
    return blocks(N, size[0], row_bytes, limit, cut.outputs[0], pieces), N * Th * row_bytes


def _transform_pixels(x: Array, rows: slice, geometry: Geometry, cut: Cut) -> Array:
    """B^T d B of the tiles that these output rows see: (N, C, H, W) -> (tile, tile, Th, Tw, N, C)."""
    (N, C), (ph, pw), (rh, rw), (mh, mw) = x.shape[:2], geometry.padding, cut.taps, cut.outputs
    counts = cut.count_tiles((rows.stop - rows.start, geometry.windows(x.shape[2:])[1]))
    Th, Tw = counts[0] + cut.blocks[0] - 1, counts[1] + cut.blocks[1] - 1
    image = workspace("first", (Th * mh + rh - 1, Tw * mw + rw - 1, N, C), x.dtype)
    top = rows.start - ph  # the row of x where the strip begins
    _place(image, x[:, :, max(0, top) : top + len(image)], max(0, -top), pw)
    along_h, along_w = cut.transforms(x.dtype)
    return _transform_both_axes(image, along_h.pixels, along_w.pixels, cut.outputs, (Th, Tw), "tiles")


def _transform_cotangents(g: Array, columns: int, cut: Cut) -> Array:
    """A g A^T for each tile of outputs, `columns` in a row: (N, O, Ho, Wo) -> (tile, tile, Th, columns, N, O)."""
    (N, O, Ho, Wo), (mh, mw) = g.shape, cut.outputs
    Th, _ = cut.count_tiles((Ho, Wo))
    image = workspace("first", (Th * mh, columns * mw, N, O), g.dtype)
    _place(image, g, 0, 0)
    along_h, along_w = cut.transforms(g.dtype)
    return _transform_both_axes(image, along_h.outputs.T, along_w.outputs.T, cut.outputs, (Th, columns), "cotangents")


def _write_outputs(products: Array, out: Array, cut: Cut) -> None:
    """A^T M A for each tile: (tile, tile, Th, Tw, N, O) into out (N, O, Ho, Wo)."""
    (tile, _, Th, Tw, N, O), (mh, mw) = products.shape, cut.outputs
    along_h, along_w = cut.transforms(out.dtype)
    # Rows first, each product written with the rows inside: (b, Tw, N, O, Th*mh).
    half = workspace("second", (tile, Tw * N * O, Th, mh), out.dtype)
    columns = products.reshape(tile, tile, Th, Tw * N * O).transpose(1, 2, 0, 3)  # (b, th, a, ...)
    by_column = half.transpose(0, 2, 3, 1)
    spread(lambda b: np.matmul(along_h.outputs, columns[b], out=by_column[b]), tile, products.nbytes)
    exact = out.shape[2:] == (Th * mh, Tw * mw) and out.flags.c_contiguous
    whole = out if exact else workspace("first", (N, O, Th * mh, Tw * mw), out.dtype)
    lines = half.reshape(tile, Tw, N, O * Th * mh).transpose(2, 1, 0, 3)  # (N, tw, b, ...)
    by_image = whole.reshape(N, O * Th * mh, Tw, mw).transpose(0, 2, 3, 1)

    def write(images: slice) -> None:
        np.matmul(along_w.outputs, lines[images], out=by_image[images])
        if not exact:
            copy_rows(out[images], whole[images, :, : out.shape[2], : out.shape[3]])

    spread(write, N, half.nbytes)


def _add_blocks(tiles: Array, kernels: Array, shifts: list[int], products: Array) -> None:
    """Writes the sum over blocks of tiles (points, T, C), shifted, @ kernels (blocks, points, C, O).

    Tiles whose right neighbours lie in the next row get wrong values, which `_write_outputs` leaves out.
    """
    points, T, _ = tiles.shape
    sums = products.reshape(points, -1, products.shape[-1])
    run = min(sums.shape[1], T - shifts[-1])

    def multiply(some: slice) -> None:  # of the points
        for kernel, shift in zip(kernels, shifts, strict=True):
            seen, found = tiles[some, shift : shift + run], sums[some, :run]
            if shift:
                found += np.matmul(seen, kernel[some], out=workspace("second", found.shape, found.dtype))
            else:
                np.matmul(seen, kernel[some], out=found)

    spread(multiply, points, kernels.nbytes + sums.nbytes)


def _place(image: Array, x: Array, top: int, left: int) -> None:
    """Copies x (N, C, h, w) to (top, left) of image (rows, columns, N, C), and sets the rest to zero."""
    x = x[:, :, : len(image) - top, : image.shape[1] - left]
    bottom, right = top + x.shape[2], left + x.shape[3]
    image[:top] = 0
    image[bottom:] = 0
    image[top:bottom, :left] = 0
    image[top:bottom, right:] = 0
    # Few enough channels at a time that the lines read stay in the first cache until used up;
    # planes of many pages fall on the same few places of it. Two images share a call, or more of few channels.
    step = min(64, max(8, 2**20 // max(1, abs(x.strides[1]))))
    some = max(2, TOGETHER // min(step, x.shape[1]))
    places = [
        (slice(n, n + some), slice(c, c + step)) for n in range(0, len(x), some) for c in range(0, x.shape[1], step)
    ]

    def turn(some: slice) -> None:
        for images, channels in places[some]:
            pixels = move_apart(x[images, channels])  # (n, c, h, w) -> (h, w, n, c)
            image[top:bottom, left:right, images, channels] = pixels.transpose(2, 3, 0, 1)

    spread(turn, len(places), image.nbytes)


def _transform_both_axes(image: Array, along_h: Array, along_w: Array, step: Pair, count: Pair, role: str) -> Array:
    """L d R^T of tiles d `step` apart: (rows, columns, N, C) -> (tile, tile, Th, Tw, N, C)."""
    (_, columns, N, C), (Th, Tw) = image.shape, count
    (tile, taps_h), taps_w, one = along_h.shape, along_w.shape[1], image.itemsize
    pixel, row = N * C * one, columns * N * C * one
    # Tiles share pixels with their neighbours: the view overlaps, the product reads it as it is.
    overlapping = np.ndarray((Th, taps_h, columns * N * C), image.dtype, image, 0, (step[0] * row, row, one))
    half = workspace("second", (Th, tile, columns, N * C), image.dtype)
    strips = half.reshape(Th, tile, columns * N * C)
    shape, strides = (Th, tile, Tw, taps_w, N * C), (tile * row, row, step[1] * pixel, pixel, one)
    by_tile = np.ndarray(shape, image.dtype, half, 0, strides)
    tiles = workspace(role, (tile, tile, Th, Tw, N * C), image.dtype)
    by_row = tiles.transpose(2, 0, 3, 1, 4)

    def transform(some: slice) -> None:  # of the rows of tiles
        np.matmul(along_h, overlapping[some], out=strips[some])
        np.matmul(along_w, by_tile[some], out=by_row[some])

    spread(transform, Th, tiles.nbytes)
    return tiles.reshape(tile, tile, Th, Tw, N, C)


def _make_algorithm(name: str, tiles: Winograd) -> Algorithm:
    """The algorithm of tiles of one size, which is safe for finite weights and even pixels."""

    def even(x: Array, geometry: Geometry) -> bool:
        return is_even(x, geometry, tiles.tile, tiles.block)

    safe = {
        "conv2d": lambda x, w, geometry: is_finite(w) and even(x, geometry),
        "conv2d_input": lambda g, w, geometry: is_finite(w) and even(g, geometry.mirrored()),
        "conv2d_weight": lambda x, g, geometry: even(x, geometry) and even(g, geometry.mirrored()),
    }
    return Algorithm(name, tiles.serves, tiles.cost, tiles.conv2d, tiles.conv2d_input, tiles.conv2d_weight, safe)


ALGORITHMS = (
    _make_algorithm("winograd", Winograd(6)),  # F(4x4, 3x3), and F(2x2, 5x5)
    _make_algorithm("winograd 2x2", Winograd(4)),  # F(2x2, 3x3)
    _make_algorithm("winograd 5x5", Winograd(8, least=5)),  # F(4x4, 5x5)
    _make_algorithm("winograd blocks", Winograd(7, least=5, block=4)),  # F(4x4, 4x4) for each block
)
