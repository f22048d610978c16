"""Depthwise and grouped convolution: many small kernels, each over a few channels.

It is MEC (`mec.py`) for several groups. The images of a block are laid as lines (`sheets.py`), one for each column of
the kernel, and a row of windows reads a matrix of lines, which overlaps that of the next row. R rows of windows, of all
images in the block, are one product for each group:

    (R*o, lines) @ (lines, run) -> (R*o, run),    with (kh + (R - 1) stride) * k * kw lines,

for k channels and o outputs in a group.

Where R > 1 each row of windows also multiplies the lines that only the others read, by zeros. That pays where a product
would be shorter than its call: for a depthwise layer R = 1 is nine weights times nine lines. One call of NumPy computes
all products of many groups, so threads seldom wait for the interpreter's lock. Large images are cut into strips of
rows, so that their lines stay in the cache.

The adjoint in x computes all phases of a stride by one product, so no zeros of a stride are multiplied. In the adjoint
in w a group of few weights needs no lines: each weight is a scalar product of the cotangents and a run in a sheet.
Any stride, padding and dilation; several groups. Float32 error against float64 on MobileNet's layers: 2e-7 relative.
Source: as `mec.py`; of the layers, A. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile
Vision Applications", 2017.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels.algorithms import Algorithm, Machine, serves_groups
from minigrad.kernels.fast.machine import for_small_products, multiplies_with_avx512
from minigrad.kernels.fast.mec import write_matrix
from minigrad.kernels.fast.rows import copy_rows
from minigrad.kernels.fast.sheets import Layout, count_phases, cut_places, has_all_taps, read_cotangents, read_windows
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.workspace import workspace
from minigrad.parallel import multiply_into, share
from minigrad.threads import UNPACKED, get_count

RUN = 224  # least numbers in a line, of several images if they are small
BLOCK_BYTES = 2**22  # of lines and results at a time: not less, because of the time of their calls
SHARED = 9 * 2**19  # least bytes of lines and results that threads share: they wait between short calls
LEAST = 2  # least rows of results in a strip, for each row of the kernel, because strips share rows of lines
CALL = 1900  # multiplications that take as long as the call of a product
CALLS = 1.4  # calls of products that take as long as all the calls of NumPy for one
ALONE = 0.75  # how much longer a multiplication takes in a product of one row
TOGETHER = 3  # rows as which a product of one output counts: several rows of windows share it
FEW = 50  # most weights of a group for which scalar products are quicker in the adjoint in w
WIDE = 16  # outputs from which a product is quicker with the cotangents' channels innermost
IMAGES, RESULTS = 2, 4  # copies that take as long as those of the images, and of results and cotangents
LINES = 0.65  # copies that take as long as those of the lines, with the results, in all three functions
SLOWER = 1.26  # how much longer its products take than others
OVERHEAD = 1.3e-4  # seconds of Python in all three functions
Piece: TypeAlias = tuple[slice, slice, slice]  # of images, of groups, and of rows of results


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    groups, layout = geometry.groups, read_windows(x.shape[2:], geometry)
    out = np.empty((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    results = separate_groups(out, groups)
    multiply = Products(layout, w.reshape(groups, len(w) // groups, *w.shape[1:]), separate_groups(x, groups))

    def compute(piece: Piece) -> None:
        images, some, strip = piece
        copy_rows(results[images, some, :, strip], multiply(piece))

    share(compute, multiply.pieces, multiply.nbytes)
    return out


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    groups, (k, kh, kw) = geometry.groups, w.shape[1:]
    gaps = geometry.stride[0] > kh or geometry.stride[1] > kw or geometry.dilation != (1, 1)  # pixels without a tap
    x = (np.zeros if gaps else np.empty)((len(g), groups * k, *size), g.dtype)
    images, cotangents = separate_groups(x, groups), separate_groups(g, groups)
    layout, down, across = read_cotangents(g.shape[2:], geometry, size)
    multiply = Products(layout, _turn_kernels(w, geometry), cotangents)

    def paint(piece: Piece) -> None:
        image, found, strip = images[piece[:2]], multiply(piece), piece[2]
        # (n, some, k*a*b, rows, columns) -> (n, some, k, a, b, rows, columns)
        by_phase = found.reshape(*found.shape[:2], k, len(down), len(across), *found.shape[3:])
        places = product(enumerate(cut_places(down, strip)), enumerate(across))
        for (a, (rows, lines)), (b, (columns, pixels)) in places:
            copy_rows(image[..., lines, pixels], by_phase[:, :, :, a, b, rows, columns])

    share(paint, multiply.pieces, multiply.nbytes)
    return x


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    O, C, groups, layout = g.shape[1], x.shape[1], geometry.groups, read_windows(x.shape[2:], geometry)
    images, cotangents = separate_groups(x, groups), separate_groups(g, groups)
    w = np.zeros((groups, O // groups, C // groups, *geometry.kernel), x.dtype)
    few = w[0].size <= FEW and geometry.stride == (1, 1)
    work = _divide(layout, 1 if few else geometry.kernel[1], O // groups, images)

    def add(some: slice) -> None:
        for block, strip in product(work.blocks, work.strips):  # by one thread: sums do not depend on their number
            x_part, g_part, where = images[block, some], cotangents[block, some, :, strip], layout.cut(strip)
            if few:
                w[some] += _correlate_runs(x_part, g_part, where)
            else:
                _add_products(x_part, g_part, where, work.together, w[some])

    share(add, work.parts, work.nbytes)
    return w.reshape(O, C // groups, *geometry.kernel)


def _correlate_runs(images: Array, g: Array, layout: Layout) -> Array:
    """A scalar product for each weight: images (n, some, k, H, W), g (n, some, o, Ho, Wo) -> (some, o, k, kh, kw)."""
    seen = layout.see_taps(images)  # (some, k, kh, kw, Ho*run)
    laid = _lay_cotangents(g.transpose(1, 2, 3, 0, 4), layout, seen.shape[-1] // layout.down.results)
    return np.vecdot(seen[:, None], laid.reshape(*laid.shape[:2], 1, 1, 1, -1))


def _add_products(images: Array, g: Array, layout: Layout, rows: int, sums: Array) -> None:
    """Adds the same to sums, by products of the lines and cotangents of several rows, summed over all rows."""
    (some, o, k, kh, kw), stride = sums.shape, layout.down.stride
    seen = layout.line_up(images, rows)  # (some, Ho/rows, lines, run)
    products = workspace("products", (*seen.shape[:3], rows * o), sums.dtype)
    np.matmul(seen, _turn_cotangents(g, layout, seen.shape[-1], rows), out=products)
    found = np.add.reduce(products, axis=1).reshape(some, -1, k, kw, rows, o)
    for r in range(rows):
        sums += found[:, r * stride : r * stride + kh, :, :, r].transpose(0, 4, 2, 1, 3)


def _turn_cotangents(g: Array, layout: Layout, run: int, rows: int) -> Array:
    """The cotangents as matrices for lines: (n, some, o, Ho, Wo) -> (some, Ho/rows, run, rows*o)."""
    n, some, o, Ho, Wo = g.shape
    if rows * o < WIDE:
        by_row = _lay_cotangents(g.transpose(1, 3, 2, 0, 4), layout, run)  # (some, Ho, o, run)
        return by_row.reshape(some, Ho // rows, rows * o, run).swapaxes(2, 3)
    turned = workspace("cotangents", (some, Ho // rows, run, rows, o), g.dtype)
    turned[...] = 0
    # (some, Ho/rows, run, rows, o) -> (some, Ho/rows, n, Wo, rows, o)
    pixels = np.moveaxis(layout.by_image(np.moveaxis(turned, 2, -1), n)[..., :Wo], (-2, -1), (2, 3))
    pixels[...] = g.reshape(n, some, o, -1, rows, Wo).transpose(1, 3, 0, 5, 4, 2)
    return turned.reshape(some, Ho // rows, run, rows * o)


def _lay_cotangents(g: Array, layout: Layout, run: int) -> Array:
    """The cotangents of several images in each line, with zeros between them: (..., n, Wo) -> (..., run)."""
    lines = workspace("cotangents", (*g.shape[:-2], run), g.dtype)
    lines[...] = 0
    copy_rows(layout.by_image(lines, g.shape[-2])[..., : g.shape[-1]], g)
    return lines


class Products:
    """The kernels (groups, o, k, taps down, taps across) of a layer as matrices, and how its images are divided."""

    def __init__(self, layout: Layout, kernel: Array, images: Array) -> None:
        self.layout, self.images = layout, images
        work = _divide(layout, layout.across.taps, kernel.shape[1], images)
        self.pieces, self.nbytes, self.rows = list(product(*work[:3])), work.nbytes, work.together
        if self.rows > 1 and not is_finite(images):  # a row of windows would see what only the others see, times 0
            self.rows = 1
        self.matrices = write_matrix(kernel, self.rows, layout.down.stride)

    def __call__(self, piece: Piece) -> Array:
        """The results of some images and groups, as a view of scratch memory: (n, some, o, down, across)."""
        images, matrices, layout = self.images[piece[:2]], self.matrices[piece[1], None], self.layout.cut(piece[2])
        lines = layout.line_up(images, self.rows)
        products = workspace("products", (*lines.shape[:2], matrices.shape[2], lines.shape[3]), images.dtype)
        multiply_into(matrices, lines, products)
        # (some, down/rows, rows*o, run) -> (some, down, o, run)
        return layout.show(products.reshape(len(lines), layout.down.results, -1, lines.shape[3]), len(images))


def _turn_kernels(w: Array, geometry: Geometry) -> Array:
    """The kernels of the adjoint in x: (O, k, kh, kw) -> (groups, k*phases, o, taps down, taps across), in descending
    order, zeros where a phase has no tap.
    """
    (a, i, _), (b, j, _) = count_phases(0, geometry), count_phases(1, geometry)
    (O, k, kh, kw), groups = w.shape, geometry.groups
    whole = np.zeros((groups, O // groups, k, i * a, j * b), w.dtype)
    whole[..., :kh, :kw] = w.reshape(groups, -1, k, kh, kw)
    taps = whole.reshape(*whole.shape[:3], i, a, j, b)[:, :, :, ::-1, :, ::-1]
    # (groups, o, k, i, a, j, b) -> (groups, k, a, b, o, i, j)
    return taps.transpose(0, 2, 4, 6, 1, 3, 5).reshape(groups, k * a * b, -1, i, j)


def _count_together(layout: Layout, o: int, k: int, images: int) -> int:
    """The number of rows of windows in a product. Without AVX-512 a product of one row of outputs is the quickest."""
    down, across = layout
    if down.step > 1 or not multiplies_with_avx512():
        return 1
    return _find_rows(down.results, down.taps, down.stride, k * across.taps * across.pitch * images, o, CALL)


@lru_cache(maxsize=256)
def _find_rows(results: int, taps: int, stride: int, line: int, outputs: int, call: int) -> int:
    """A divisor of all rows, for few multiplications and few calls; `line` numbers are read for each row of the kernel.

    A product of several rows is small enough for OpenBLAS not to copy its matrices.
    """

    def estimate(rows: int) -> float:
        lines = taps + (rows - 1) * stride
        copied = rows > 1 and rows * outputs * lines * line > UNPACKED
        return call / rows + lines * line * outputs * (1 + ALONE / (rows * outputs)) * (2 if copied else 1)

    return min((rows for rows in range(1, results + 1) if results % rows == 0), key=estimate)


def separate_groups(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> (N, groups, C/groups, H, W)."""
    N, C, H, W = images.shape
    return images.reshape(N, groups, C // groups, H, W)


class Division(NamedTuple):
    """How a work is divided, and the rows of windows that share a product; `nbytes` of lines and results."""

    blocks: list[slice]  # of images
    parts: list[slice]  # of groups: they have no effect on results, and depend on the number of threads
    strips: list[slice]  # of rows of results
    together: int
    nbytes: int  # 0 for one thread


def _divide(layout: Layout, columns: int, outputs: int, images: Array) -> Division:
    """Divides the work so that the lines of (N, groups, k, H, W), `columns` for each row, and results fit a block."""
    (N, groups, k, _, _), (down, across) = images.shape, layout
    lines = (down.rows.length if down.step == 1 else down.results * down.taps) * k * columns
    each = (lines + down.results * outputs) * across.pitch * images.itemsize  # bytes of an image and a group
    n = max(1, min(N, -(-RUN // across.pitch), BLOCK_BYTES // each))
    n = max(1, -(-N // max(1, -(-N // n))))  # blocks of about equal size
    nbytes = N * groups * each if N * groups * each >= SHARED else 0
    threads = get_count() if nbytes else 1
    count = -(-groups // max(1, min(groups, BLOCK_BYTES // (n * each))))
    count = min(groups, -(-count // threads) * threads)
    together = _count_together(layout, outputs, k, n)
    height = max(-(-down.results // -(-each // BLOCK_BYTES)), LEAST * down.taps)
    strips = _cut(down.results, -(-height // together) * together)
    return Division(_cut(N, n), _cut(groups, -(-groups // count)), strips, together, nbytes)


def _cut(length: int, step: int) -> list[slice]:
    """Slices of ``range(length)`` of `step` each, the last perhaps shorter."""
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: images are copied into sheets and lines, products are computed, and results are copied."""
    (N, C, H, W), O, groups, windows = problem.image, problem.outputs, problem.geometry.groups, problem.windows
    (kh, kw), (stride, across), Wo = problem.geometry.kernel, problem.geometry.stride, problem.grid[1]
    rows, lines, run = max(TOGETHER, O // groups), C // groups * kh * kw, min(max(RUN, Wo), N * Wo)
    copies = machine.copy(IMAGES * N * C * H * W, Wo, across) + machine.copy(RESULTS * windows * O, Wo)
    copies += machine.copy(LINES * windows * (2 * C * stride + O) * kw, max(RUN, Wo))
    few, count = O // groups <= TOGETHER, 3 * groups * windows / max(1, run)
    small = machine.unpacked() if few else for_small_products(machine)  # with few outputs little is copied
    speed = small if rows * lines * run <= UNPACKED else machine
    products = SLOWER * speed.product(rows, run, lines, count) * (O // groups) / rows
    return OVERHEAD + copies + products + CALLS * count * CALL / machine.peak


# In the adjoint in x, zeros around the cotangents meet weights, and weights of zero, for taps that a phase lacks, meet
# cotangents. In the adjoint in w, zeros between the cotangents of images meet pixels.
_SAFE = {
    "conv2d_input": lambda g, w, geometry: is_finite(w) and (has_all_taps(geometry) or is_finite(g)),
    "conv2d_weight": lambda x, g, geometry: is_finite(x),
}
ALGORITHM = Algorithm("depthwise", serves_groups, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
