"""MEC: im2col along the width only; along the height the windows overlap in memory.

im2col copies every pixel kh kw times. Here it is copied kw times: the row h of all images becomes a
block of C kw lines, and the kh blocks that a row of outputs reads lie one behind the other. So the
matrix of that row is a view, and the next row's starts `stride` blocks further:

    (O, kh*C*kw) @ (Ho, kh*C*kw, N*Wo) -> (Ho, O, N*Wo)     no multiplication is wasted.

The adjoint in x reads the cotangent's rows in the same overlapping way, and adds its products up
along the width. Where rows are short, images lie innermost instead, so that runs are long.
Float32 error against float64 on LeNet's layers: 2e-7 relative.
Source: Cho and Brand, "MEC: Memory-efficient Convolution for Deep Neural Network", 2017.
Any stride, padding and width-wise dilation; one group.
"""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.algorithms import Algorithm, Machine, Problem, is_finite
from minigrad.kernels.fast.machine import multiplies_with_avx512
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import LONG, PIECES, Block, blocks
from minigrad.kernels.workspace import workspace
from minigrad.parallel import add_pieces, share, spread

BLOCK_BYTES = 2 * 2**20  # of lowered rows at a time: they stay in the cache until they are read
SHORT = 16  # columns: images with fewer are laid innermost, so that contiguous runs are longer
OVERHEAD = 4e-5  # seconds of Python in all three functions
UNPACKED = 10**6  # most multiplications of a product for which OpenBLAS does not pack the matrices, with AVX-512


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
    N, O = len(x), len(w)
    Ho, Wo = geometry.windows(x.shape[2:])
    out = np.empty((N, O, Ho, Wo), x.dtype)
    matrix = w.transpose(0, 2, 1, 3).reshape(O, -1)  # (O, C, kh, kw) -> (O, kh*C*kw)

    def compute(block: Block) -> None:
        images, rows = block
        lowered = _lower(x[images], rows, geometry)
        products = workspace("products", (len(lowered), O, lowered.shape[2]), x.dtype)
        _multiply(matrix, lowered, products)
        out[images, :, rows] = _images(products, Wo).transpose(2, 1, 0, 3)

    share(compute, *_blocks(x, geometry))
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
    O, C, (kh, kw) = g.shape[1], x.shape[1], geometry.kernel
    w = np.zeros((kh * C * kw, O), x.dtype)

    def add(block: Block, total: Array) -> None:
        images, rows = block
        lowered = _lower(x[images], rows, geometry)
        cotangents = _lines("products", g[images], rows.start, rows.stop)
        total += np.add.reduce(np.matmul(lowered, cotangents.swapaxes(1, 2)), axis=0)

    parts, size = _blocks(x, geometry)
    add_pieces(add, parts, w, size)
    return np.ascontiguousarray(w.reshape(kh, C, kw, O).transpose(3, 1, 0, 2))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C, kh, kw) -> (N, C, H, W).

    Row r = s stride + a of the padded image receives the kernel's rows a, a + stride, ... times the
    cotangent's rows s, s - 1, ...
    """
    (N, O, _, Wo), (_, C, kh, kw), (H, W) = g.shape, w.shape, size
    (step, across), (above, left), spread = geometry.stride, geometry.padding, geometry.dilation[1]
    reach = -(-kh // step)  # rows of the cotangent that one row of x depends on
    first, count = above // step, -(-(above + H) // step)
    width = max(left + W, (Wo - 1) * across + (kw - 1) * spread + 1)
    x = np.empty((N, C, H, W), g.dtype)
    row_bytes = max(C * kw, O) * Wo * g.itemsize

    def paint(block: Block) -> None:
        images, part = block
        s = slice(first + part.start, first + part.stop)
        rows = _lines("lowered", g[images], s.start - reach + 1, s.stop)  # (s + reach - 1, O, n*Wo)
        S, lanes = s.stop - s.start, rows.shape[2]
        image = workspace("image", (S, step, C, lanes // Wo * width), g.dtype)
        image[...] = 0
        columns = _images(image, width)  # (S, step, C, n, width)
        for a in range(min(step, kh)):
            taps = w[:, :, a::step]
            # (O, C, taps, kw) -> (C*kw, taps*O), the last tap first, in the order of the cotangent's rows
            matrix = taps[:, :, ::-1].transpose(1, 3, 2, 0).reshape(C * kw, -1)
            products = workspace("products", (S, C * kw, lanes), g.dtype)
            _multiply(matrix, _overlapping(rows[reach - taps.shape[2] :], S, 1, taps.shape[2]), products)
            by_column = _images(products.reshape(S, C, kw, lanes), Wo)
            for j in range(kw):
                start = j * spread
                columns[:, a, :, :, start : start + (Wo - 1) * across + 1 : across] += by_column[:, :, j]
        top, bottom = max(0, s.start * step - above), min(H, s.stop * step - above)
        inside = _images(image.reshape(S * step, C, -1), width)[top + above - s.start * step :][: bottom - top]
        x[images, :, top:bottom] = inside[..., left : left + W].transpose(2, 1, 0, 3)

    share(paint, blocks(N, count - first, row_bytes, BLOCK_BYTES, pieces=PIECES), N * (count - first) * row_bytes)
    return x


def _blocks(x: Array, geometry: Geometry) -> tuple[list[Block], int]:
    """Blocks of images and rows of windows whose lowered rows fit in memory; and the bytes of all lowered rows."""
    (N, C), (Ho, Wo) = x.shape[:2], geometry.windows(x.shape[2:])
    row_bytes = geometry.stride[0] * C * geometry.kernel[1] * Wo * x.itemsize
    pieces = min(PIECES, N * Ho * Wo // LONG)
    return blocks(N, Ho, row_bytes, BLOCK_BYTES, pieces=pieces), N * Ho * row_bytes


def serves(problem: Problem) -> bool:
    """NumPy, one group, no dilation along the height."""
    geometry = problem.geometry
    touching = geometry.dilation[0] == 1 or geometry.kernel[0] == 1
    return problem.on_host and geometry.groups == 1 and touching


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: each row is copied kw times instead of kh kw; a product and a transposed copy for each row."""
    if problem.char not in "fd":
        return float("inf")
    (N, C, _, _), (kh, kw), (Ho, Wo) = problem.image, problem.geometry.kernel, problem.size
    rows = Ho * problem.geometry.stride[0]  # that are copied, of each image
    count = -(-N // max(1, BLOCK_BYTES // max(1, 4 * rows * C * kw * Wo)))  # of blocks
    images = N / max(1, count)
    products = machine.unpacked().product(problem.outputs, images * Wo, C * kh * kw, 3 * Ho * count)
    turned = machine.copy(3 * problem.windows * problem.outputs, Wo)
    run = images if Wo <= SHORT < images else Wo
    return OVERHEAD + products + turned + machine.copy(4 * N * rows * C * kw * Wo, run)


def _images(lines: Array, width: int) -> Array:
    """(..., N*W) -> (..., N, W), a view; for short rows the images are innermost in memory."""
    count = lines.shape[-1] // width
    if width <= SHORT < count:
        return lines.reshape(*lines.shape[:-1], width, count).swapaxes(-1, -2)
    return lines.reshape(*lines.shape[:-1], count, width)


def _lines(role: str, images: Array, start: int, stop: int, side: int = 0) -> Array:
    """Rows start to stop of (N, C, H, W), padded with zeros: -> (stop - start, C, N*(side + W + side))."""
    N, C, H, W = images.shape
    lines = workspace(role, (stop - start, C, N * (W + 2 * side)), images.dtype)
    top, bottom = max(0, start), min(H, stop)
    if side or bottom - top < stop - start:
        lines[...] = 0
    if top < bottom:
        inside = _images(lines[top - start : bottom - start], W + 2 * side)[..., side : side + W]
        inside[...] = images[:, :, top:bottom].transpose(2, 1, 0, 3)
    return lines


def _lower(x: Array, rows: slice, geometry: Geometry) -> Array:
    """The windows of these output rows: (N, C, H, W) -> (rows, kh*C*kw, N*Wo), an overlapping view."""
    (N, C, _, W), (kh, kw), (down, across) = x.shape, geometry.kernel, geometry.stride
    (above, left), Wo = geometry.padding, geometry.windows(x.shape[2:])[1]
    first, last = [row * down - above for row in (rows.start, rows.stop - 1)]
    image = _images(_lines("image", x, first, last + kh, left), W + 2 * left)
    lowered = workspace("lowered", (len(image), C, kw, N * Wo), x.dtype)
    columns = _images(lowered, Wo)

    def lower(rows: slice) -> None:
        for j in range(kw):
            start = j * geometry.dilation[1]
            columns[rows, :, j] = image[rows, ..., start : start + (Wo - 1) * across + 1 : across]

    spread(lower, len(image), lowered.nbytes)
    return _overlapping(lowered.reshape(len(image), C * kw, -1), rows.stop - rows.start, down, kh)


def _multiply(matrix: Array, columns: Array, out: Array) -> None:
    """Writes matrix (M, K) @ columns (count, K, N) to out (count, M, N), in parts that OpenBLAS does not pack."""
    N, most = columns.shape[2], UNPACKED // max(1, matrix.size)
    width = most // 64 * 64 or 32  # multiples for which the product is quick
    if width <= most < N and multiplies_with_avx512():
        whole = N // width * width
        # (count, K, several*width) -> (count, several, K, width), views
        parts, results = (a[..., :whole].reshape(*a.shape[:2], -1, width).swapaxes(1, 2) for a in (columns, out))
        np.matmul(matrix, parts, out=results)
        columns, out = columns[..., whole:], out[..., whole:]
    np.matmul(matrix, columns, out=out)


def _overlapping(rows: Array, count: int, step: int, reach: int) -> Array:
    """`count` matrices of `reach` neighbouring rows, `step` apart: (H, K, M) -> (count, reach*K, M)."""
    _, K, M = rows.shape
    line = M * rows.itemsize
    return np.ndarray((count, reach * K, M), rows.dtype, rows, 0, (step * K * line, line, rows.itemsize))


# The adjoint in x multiplies the zeros above and below the cotangents by the kernel.
_SAFE = {"conv2d_input": lambda g, w, geometry: is_finite(w)}
ALGORITHM = Algorithm("mec", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
