"""MEC: im2col along the width only; along the height the windows overlap in memory.

im2col copies every pixel kh kw times. Here it is copied kw times: the row h of all images becomes a
block of C kw lines, and the kh blocks that a row of outputs reads lie one behind the other. So the
matrix of that row is a view, and the next row's starts `stride` blocks further:

    (O, kh*C*kw) @ (Ho, kh*C*kw, N*Wo) -> (Ho, O, N*Wo)     no multiplication is wasted.

With AVX-512 such a product is quickest on few images, because it reads its columns from the first cache. So the images
of a block are divided into packs, each with a product of its own for each row.

The adjoint in x is the forward of the flipped kernel if the stride is 1 and channels are many. Otherwise it reads the
cotangent's rows in the same overlapping way, and adds its products up along the width; where rows are short, images lie
innermost there, so that runs are long. A block makes few and long calls of NumPy: between calls two threads wait for
each other. With AVX2 several rows of few output channels share a product.
Float32 error against float64 on LeNet's layers: 2e-7 relative.
Source: Cho and Brand, "MEC: Memory-efficient Convolution for Deep Neural Network", 2017.
Any stride, padding and width-wise dilation; one group.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.fast.machine import for_small_products, multiplies_with_avx512
from minigrad.kernels.fast.rows import copy_rows
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.windows import LONG, PIECES, Block, blocks, padded
from minigrad.kernels.workspace import workspace
from minigrad.parallel import add_pieces, share
from minigrad.threads import UNPACKED

BLOCK_BYTES = 2 * 2**20  # of lowered rows at a time: they stay in the cache until they are read
LANES = 32  # numbers in a row of a product from which it is quick with AVX-512, two registers; longer ones gain nothing
PACKED = 512  # the same with AVX2: OpenBLAS copies the kernel for each product, so there are few and long ones
LEAST = 2**15  # multiplications of a product from which the time of its call does not matter
SHORT = 16  # columns: images with fewer are laid innermost before sums along the width, so that runs are longer
EIGHT = 8  # float32 numbers in a register of AVX2
WIDE = 16  # channels that a product needs as rows, or innermost, to be quick
REPAID = 64  # numbers in a window from which a quicker product repays a copy with the channels innermost
COPIES = 3.3  # copies that take as long as those of all rows in all three functions, and as padding the images
TURN = 5.0  # copies that take as long as those of the results, which are transposed
KERNEL_RUN = 4  # numbers in a run of the kernel, which is transposed
OVERHEAD, CALL = 9e-5, 2.2e-6  # seconds of Python in all three functions, and for each column of the kernel in a block


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
    N, O = len(x), len(w)
    Ho, Wo = geometry.windows(x.shape[2:])
    out = np.empty((N, O, Ho, Wo), x.dtype)
    together = _count_together(O, 4 // gcd(4, O), Ho, geometry)
    if together > 1 and not is_finite(x):  # a row of outputs would see the pixels of others, times 0
        together = 1
    matrix = write_matrix(w, together, geometry.stride[0])
    lanes = max(LANES if multiplies_with_avx512() else PACKED, LEAST // max(1, matrix.size))

    def compute(block: Block) -> None:
        images, rows = block
        lowered = _lower(x[images], rows, geometry, lanes, together)
        packs, height, _, pack = lowered.shape
        products = workspace("products", (packs, height, together * O, pack), x.dtype)
        multiply_in_parts(matrix, lowered, products)
        # (packs, rows, O, n, Wo) -> (packs, n, O, rows, Wo)
        turned = products.reshape(packs, height * together, O, -1, Wo).transpose(0, 3, 2, 1, 4)
        results = out[images, :, rows]
        copy_rows(results.reshape(packs, -1, *results.shape[1:]), turned)

    share(compute, *_divide(x, geometry, together))
    return out


def write_matrix(w: Array, together: int, step: int) -> Array:
    """(..., O, C, kh, kw) -> (..., together*O, (kh + (together - 1) step)*C*kw): the kernels, for each row of outputs
    `step` rows further down, and zeros. The outputs are innermost in memory, for which small products are quicker.
    """
    *outer, O, C, kh, kw = w.shape
    matrix = np.zeros((*outer, kh + (together - 1) * step, C, kw, together, O), w.dtype)
    for r in range(together):
        matrix[..., r * step : r * step + kh, :, :, r, :] = np.moveaxis(w, (-2, -4), (-4, -1))
    return matrix.reshape(*outer, -1, together * O).swapaxes(-1, -2)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
    O, C, (kh, kw) = g.shape[1], x.shape[1], geometry.kernel
    w = np.zeros((kh * C * kw, O), x.dtype)
    together, line = _count_together(O, 4 if kh > 4 else 2, g.shape[2], geometry), geometry.stride[0] * C * kw
    # with at least as many as outputs, products are not larger than their windows
    lanes = max(together * O, UNPACKED // 2 // max(1, w.size))

    def add(block: Block, total: Array) -> None:
        images, rows = block
        lowered = _lower(x[images], rows, geometry, lanes, together)
        cotangents = _lay_cotangents(g[images, :, rows], lowered.shape[2:], together)
        products = workspace("products", (*lowered.shape[:3], together * O), x.dtype)
        np.matmul(lowered, cotangents, out=products)
        found = np.add.reduce(products, axis=(0, 1))
        for r in range(together):
            total += found[r * line : r * line + len(total), r * O : (r + 1) * O]

    parts, size = _divide(x, geometry, together)
    add_pieces(add, parts, w, size)
    return np.ascontiguousarray(w.reshape(kh, C, kw, O).transpose(3, 1, 0, 2))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C, kh, kw) -> (N, C, H, W)."""
    if _has_wide_adjoint(w, geometry):
        return conv2d(g, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3), geometry.mirrored())
    return _add_columns(g, w, geometry, size)


def _has_wide_adjoint(w: Array, geometry: Geometry) -> bool:
    """Whether the adjoint in x is a forward, of stride 1, with products that are wide enough."""
    beyond = any(p >= r for p, r in zip(geometry.padding, geometry.reach, strict=True))
    return w.shape[1] >= WIDE and geometry.stride == (1, 1) and not beyond


def _add_columns(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x by products with C*kw rows, which are added up along the width.

    Row r = s stride + a of the padded image receives the kernel's rows a, a + stride, ... times the
    cotangent's rows s, s - 1, ...
    """
    (N, O, _, Wo), (_, C, kh, kw), (H, W) = g.shape, w.shape, size
    (step, across), (above, left), dilation = geometry.stride, geometry.padding, geometry.dilation[1]
    reach = -(-kh // step)  # rows of the cotangent that one row of x depends on
    first, count = above // step, -(-(above + H) // step)
    width = max(left + W, (Wo - 1) * across + (kw - 1) * dilation + 1)
    x = np.empty((N, C, H, W), g.dtype)
    # (O, C, taps, kw) -> (C*kw, taps*O), the last tap first, in the order of the cotangent's rows
    matrices = [w[:, :, a::step][:, :, ::-1].transpose(1, 3, 2, 0).reshape(C * kw, -1) for a in range(min(step, kh))]

    def paint(block: Block) -> None:
        images, part = block
        s = slice(first + part.start, first + part.stop)
        S, n = s.stop - s.start, len(x[images])
        rows = _lay_rows(g[images], s.start - reach + 1, s.stop)  # (S + reach - 1, O, n*Wo)
        image = workspace("image", (S, step, C, n * width), g.dtype)
        image[...] = 0
        columns = _by_image(image, width, Wo)  # (S, step, C, n, width)
        for a, matrix in enumerate(matrices):
            taps = matrix.shape[1] // O
            products = workspace("products", (S, C * kw, n * Wo), g.dtype)
            multiply_in_parts(matrix, overlap_rows(rows[reach - taps :], S, 1, taps), products)
            by_column = _by_image(products.reshape(S, C, kw, -1), Wo, Wo)
            for j in range(kw):
                start = j * dilation
                columns[:, a, ..., start : start + (Wo - 1) * across + 1 : across] += by_column[:, :, j]
        top, bottom = max(0, s.start * step - above), min(H, s.stop * step - above)
        inside = _by_image(image.reshape(S * step, C, -1), width, Wo)[top + above - s.start * step :][: bottom - top]
        # (rows, C, n, W) -> (n, C, rows, W)
        copy_rows(x[images, :, top:bottom], inside[..., left : left + W].transpose(2, 1, 0, 3))

    row_bytes = max(C * kw, O) * Wo * g.itemsize
    nbytes = N * (count - first) * row_bytes
    share(paint, blocks(N, count - first, row_bytes, BLOCK_BYTES, pieces=PIECES), nbytes)
    return x


def _count_together(outputs: int, wanted: int, rows: int, geometry: Geometry) -> int:
    """Rows of windows that share a product: a divisor of all `rows`, `wanted` (4, 2 or 1) or fewer.

    With AVX2 OpenBLAS computes four or eight outputs at a time, and what remains slowly. For few of them a product of
    several rows is quicker, though it also multiplies each row with the windows of the others.
    """
    if not 1 < outputs < EIGHT or multiplies_with_avx512():
        return 1
    kh, step = geometry.kernel[0], geometry.stride[0]
    return next(n for n in (wanted, 2, 1) if rows % n == 0 and (n - 1) * step <= kh)


def _divide(x: Array, geometry: Geometry, together: int = 1) -> tuple[list[Block], int]:
    """Blocks of images and rows of windows whose lowered rows fit in memory; and the bytes of all lowered rows.

    The rows of a block are a multiple of `together`.
    """
    (N, C), (Ho, Wo) = x.shape[:2], geometry.windows(x.shape[2:])
    row_bytes = geometry.stride[0] * C * geometry.kernel[1] * Wo * x.itemsize
    pieces = min(PIECES, N * Ho * Wo // LONG)
    return blocks(N, Ho, together * row_bytes, BLOCK_BYTES, together, pieces), N * Ho * row_bytes


def serves(problem: Problem) -> bool:
    """NumPy, one group, no dilation along the height."""
    geometry = problem.geometry
    touching = geometry.dilation[0] == 1 or geometry.kernel[0] == 1
    return problem.on_host and geometry.groups == 1 and touching


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: each row is copied kw times instead of kh kw; a product and a transposed copy for each row."""
    if problem.char not in "fd":
        return float("inf")
    (N, C, H, W), (kh, kw), (Ho, Wo) = problem.image, problem.geometry.kernel, problem.grid
    rows = Ho * problem.geometry.stride[0]  # that are copied, of each image
    count = -(-N // max(1, BLOCK_BYTES // max(1, 4 * rows * C * kw * Wo)))  # of blocks
    images, calls, speed = N / max(1, count), Ho * count, for_small_products(machine)
    down, across = problem.geometry.stride
    wide = C >= WIDE and down == across == 1  # then the adjoint in x is a forward
    forwards = 2 + H * W / max(1, Ho * Wo) if wide else 2
    rest = speed.product(problem.outputs, images * Wo, C * kh * kw, forwards * calls)
    if not wide:
        rest += speed.product(C * kw, images * Wo, kh * problem.outputs, calls) + CALL * kw * min(down, kh) * count
    turned = machine.copy(TURN * problem.windows * problem.outputs, Wo)
    turned += machine.copy(problem.outputs * C * kh * kw, KERNEL_RUN)
    return OVERHEAD + rest + turned + machine.copy(COPIES * N * rows * C * kw * Wo, Wo, across)


def _by_image(lines: Array, width: int, windows: int) -> Array:
    """(..., N*width) -> (..., N, width), a view; for few windows in a row the images are innermost in memory."""
    count = lines.shape[-1] // width
    if windows <= SHORT < count:
        return lines.reshape(*lines.shape[:-1], width, count).swapaxes(-1, -2)
    return lines.reshape(*lines.shape[:-1], count, width)


def _lay_rows(images: Array, start: int, stop: int) -> Array:
    """Rows start to stop of (N, C, H, W), zeros outside: -> (stop - start, C, N*W)."""
    N, C, H, W = images.shape
    rows = workspace("lowered", (stop - start, C, N * W), images.dtype)
    top, bottom = min(max(0, start), H), max(0, min(H, stop))
    rows[: top - start] = 0
    rows[bottom - start :] = 0
    copy_rows(_by_image(rows, W, W)[top - start : bottom - start], images[:, :, top:bottom].transpose(2, 1, 0, 3))
    return rows


def _lay_cotangents(g: Array, window: Pair, together: int) -> Array:
    """(N, O, rows, Wo) -> (packs, rows, n*Wo, O) for lowered rows of `window` numbers by n*Wo windows; with the
    channels innermost if that pays. Several rows `together`: -> (packs, rows/together, n*Wo, together*O).
    """
    (N, O, rows, Wo), (inner, pack) = g.shape, window
    packs = N * Wo // pack
    by_pack = g.reshape(packs, -1, O, rows, Wo)
    if together == 1 and O >= WIDE and inner >= REPAID:
        pixels = workspace("cotangents", (packs, rows, pack // Wo, Wo, O), g.dtype)
        pixels[...] = by_pack.transpose(0, 3, 1, 4, 2)
        return pixels.reshape(packs, rows, pack, O)
    lines = workspace("cotangents", (packs, rows, O, pack // Wo, Wo), g.dtype)
    copy_rows(lines, by_pack.transpose(0, 3, 2, 1, 4))
    return lines.reshape(packs, rows // together, together * O, pack).swapaxes(2, 3)


def _lower(x: Array, rows: slice, geometry: Geometry, lanes: int, together: int = 1) -> Array:
    """The windows of these output rows: (N, C, H, W) -> (packs, rows, kh*C*kw, n*Wo), an overlapping view.

    Each pack has as many images n as make a row of at least `lanes` numbers. With several rows `together`: all lines
    that their windows read, (packs, rows/together, (kh + (together - 1) stride)*C*kw, n*Wo).
    """
    (kh, kw), (down, across), count = geometry.kernel, geometry.stride, rows.stop - rows.start
    height, Wo = (count - 1) * down + kh, geometry.windows(x.shape[2:])[1]
    image = padded(x, geometry.padding, slice(rows.start * down, rows.start * down + height))
    image = np.ascontiguousarray(image)  # (N, C, height, width)
    N, C = image.shape[:2]
    n = next(n for n in range(1, N + 1) if N % n == 0 and (n * Wo >= lanes or n == N))
    whole, plane, line, pixel = image.strides
    # The windows of all rows and columns, as a view, so that one copy takes them.
    shape = (N // n, height, C, kw, n, Wo)
    strides = (n * whole, line, plane, geometry.dilation[1] * pixel, whole, across * pixel)
    lowered = workspace("lowered", shape, x.dtype)
    copy_rows(lowered, np.ndarray(shape, x.dtype, image, 0, strides))
    lines = lowered.reshape(N // n, height, C * kw, n * Wo)
    return overlap_rows(lines, count // together, together * down, kh + (together - 1) * down)


def multiply_in_parts(matrix: Array, columns: Array, out: Array) -> None:
    """Writes matrix (..., M, K) @ columns (..., K, N) to out (..., M, N), in parts that OpenBLAS does not pack."""
    N, most = columns.shape[-1], UNPACKED // max(1, matrix.shape[-2] * matrix.shape[-1])
    width = most // 64 * 64 or 32  # multiples for which the product is quick
    if width <= most < N and multiplies_with_avx512():
        whole = N // width * width
        # (..., K, several*width) -> (..., several, K, width), views
        parts, results = (a[..., :whole].reshape(*a.shape[:-1], -1, width).swapaxes(-3, -2) for a in (columns, out))
        np.matmul(matrix[..., None, :, :], parts, out=results)
        columns, out = columns[..., whole:], out[..., whole:]
    np.matmul(matrix, columns, out=out)


def overlap_rows(rows: Array, count: int, step: int, reach: int) -> Array:
    """`count` matrices of `reach` neighbouring rows, `step` apart: (..., H, K, M) -> (..., count, reach*K, M)."""
    *outer, _, K, M = rows.shape
    line = M * rows.itemsize
    strides = (*rows.strides[:-3], step * K * line, line, rows.itemsize)
    return np.ndarray((*outer, count, reach * K, M), rows.dtype, rows, 0, strides)


# The adjoint in x multiplies the zeros above and below the cotangents by the kernel.
_SAFE = {"conv2d_input": lambda g, w, geometry: is_finite(w)}
ALGORITHM = Algorithm("mec", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
