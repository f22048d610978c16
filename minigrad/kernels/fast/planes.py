"""Convolution with few channels in a group, plane by plane: the products of all rows of the kernel are added.

A plane is a channel of an image. For each column j of the kernel the pixels that it reads are copied once, as a line
of all windows of the plane:

    line j  =  x[h, u s + j d - p]  for all rows h and columns u of windows.

The lines of a group are multiplied with each row i of the kernel, and sums of rows that are shifted make the result:

    out[t, u]  =  sum over i of  (w[i] @ lines)[t s + i d - p, u].

Lines are as long as a plane, and planes lie one after the other, so copies and sums are few, long calls of NumPy. With
a stride the rows of the lines are divided into phases, and rows of the kernel in one stride share a row of the product.
A plane whose lines exceed a block is left to `depthwise.py`, which cuts it into strips.
Dilation or a stride along the height, not both; a stride only with several groups. No pixel is multiplied that an
output does not see.
Float32 error against float64 on MobileNet's layers: 2e-7 relative.
Source: A. Vasudevan, A. Anderson, D. Gregg, "Parallel Multi Channel Convolution using General Matrix Multiplication",
2017: "kn2row", which adds up the columns of the kernel in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import chain, product
from typing import NamedTuple, TypeAlias

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.algorithms import Algorithm, Machine, Problem, is_finite
from minigrad.kernels.fast import depthwise
from minigrad.kernels.fast.depthwise import SHARED
from minigrad.kernels.fast.machine import multiplies_with_avx512
from minigrad.kernels.fast.mec import UNPACKED, multiply_in_parts
from minigrad.kernels.fast.rows import copy_alternate
from minigrad.kernels.fast.sheets import has_all_taps
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import overlap
from minigrad.kernels.workspace import workspace
from minigrad.parallel import share

BLOCK_BYTES = 8 * 2**20  # of lines and products at a time: not less, because threads wait between short calls
PASSES = 2.0  # copies that take as long as the copies of a line in all three functions, and as the sums of a row
DOT = 0.4  # copies that take as long as the scalar products of a weight
TURNED = 1.5  # how much longer a product takes that sums over the windows
CALL = 2.2e-7  # seconds of calls for each group of an image
OVERHEAD = 1e-4  # seconds of Python in all three functions
Piece: TypeAlias = tuple[slice, slice]  # of images, and of groups


class Taps(NamedTuple):
    """Rows of the kernel that share a product: in their phases, windows read `shift` rows further than their own."""

    shift: int
    rows: slice
    phases: slice

    def meet(self, windows: int, lines: int) -> tuple[slice, slice]:
        """The rows of windows for which the rows of lines that are read exist; and these."""
        first, last = max(0, -self.shift), max(0, min(windows, lines - self.shift))
        first = min(first, last)
        return slice(first, last), slice(first + self.shift, last + self.shift)


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    O, groups, works = len(w), geometry.groups, _divide_rows(geometry)
    out = np.empty((len(x), O, *geometry.windows(x.shape[2:])), x.dtype)
    images, results = separate_groups(x, groups), separate_groups(out, groups)
    kernels = w.reshape(groups, O // groups, -1, *geometry.kernel)
    matrices = [_write_matrices(kernels, some) for some in works]

    def compute(piece: Piece) -> None:
        lines, sums = _lay_lines(images[piece], geometry), results[piece]
        sums = sums.reshape(-1, *sums.shape[2:])  # (m, o, Ho, Wo)
        total = None
        for some, matrix in zip(works, matrices, strict=True):
            products = _multiply(matrix[:, piece[1]], lines[:, some[0].phases], sums.shape[3])
            for each, found in zip(some, products, strict=False):
                total = _add_rows(sums, total, found, each)
            if total is not sums:  # the next products take their place
                sums[...] = total
                total = sums

    each = _count_bytes(images.shape[2], O // groups, x.shape[2:], geometry)
    share(compute, *cut(images, each), alone=True)
    return out


def _multiply(matrices: Array, lines: Array, width: int) -> Array:
    """The products of several rows of the kernel with lines, for each image and group:
    (rows, some, o, K), (m, phases, k*kw, R, Wo) -> (rows, m, o, R, Wo), in scratch memory.
    """
    rows, some, o, K = matrices.shape
    lines = lines.reshape(-1, some, K, lines.shape[3] * width)  # (n, some, K, R*Wo)
    products = workspace("products", (rows, *lines.shape[:2], o, lines.shape[3]), lines.dtype)
    if o == 1:  # then the rows of the kernel are the rows of a matrix
        np.matmul(matrices[:, :, 0].swapaxes(0, 1), lines, out=products[:, :, :, 0].transpose(1, 2, 0, 3))
    else:
        multiply_in_parts(matrices[:, None], lines, products)
    return products.reshape(rows, -1, o, lines.shape[3] // width, width)


def _add_rows(sums: Array, total: Array | None, products: Array, taps: Taps) -> Array:
    """Adds products (m, o, R, Wo), shifted by rows, to the total (m, o, Ho, Wo) of others, and writes them to `sums`.

    Returns the new total: the first products themselves if they are not shifted, so that they need no copy.
    """
    (Ho, Wo), fit = sums.shape[2:], products.shape == sums.shape
    windows, rows = taps.meet(Ho, products.shape[2])
    if total is None and fit and not taps.shift:
        return products
    if total is None:
        sums[...] = 0
        total = sums
    if fit:  # one call for all planes, with zeros for the rows of the next plane
        if rows.start:
            products[:, :, : rows.start] = 0
        if rows.stop < Ho:
            products[:, :, rows.stop :] = 0
        shift, whole, others = taps.shift * Wo, sums.reshape(-1), total.reshape(-1)
        first, last = max(0, -shift), whole.size - max(0, shift)
        np.add(others[first:last], products.reshape(-1)[first + shift : last + shift], out=whole[first:last])
        if total is not sums:
            whole[:first], whole[last:] = others[:first], others[last:]
    else:
        sums[:, :, windows] += products[:, :, rows]
    return sums


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    groups, (_, kw), (N, O, Ho, Wo) = geometry.groups, geometry.kernel, g.shape
    images, cotangents, taps = separate_groups(x, groups), separate_groups(g, groups), [*chain(*_divide_rows(geometry))]
    k, o = images.shape[2], O // groups
    pieces, size = cut(images, _count_bytes(k, o, x.shape[2:], geometry))
    step = pieces[0][0].stop if pieces else 1
    # of each piece's images
    found = [np.zeros((-(-N // step), groups, (t.rows.stop - t.rows.start) * k * kw, o), x.dtype) for t in taps]

    def compute(piece: Piece) -> None:
        lines, seeds = _lay_lines(images[piece], geometry), cotangents[piece]
        seeds = seeds.reshape(*seeds.shape[:2], o, Ho * Wo)
        for each, weights in zip(taps, found, strict=True):
            windows, rows = each.meet(Ho, lines.shape[3])
            some = lines[:, each.phases].reshape(*seeds.shape[:2], -1, lines.shape[3] * Wo)
            left = some[..., rows.start * Wo : rows.stop * Wo]
            right = seeds[..., windows.start * Wo : windows.stop * Wo]
            products = np.vecdot(left, right)[..., None] if o == 1 else np.matmul(left, right.swapaxes(2, 3))
            np.add.reduce(products, out=weights[piece[0].start // step, piece[1]])

    share(compute, pieces, size, alone=True)
    w = np.empty((groups, o, k, *geometry.kernel), x.dtype)
    for each, weights in zip(taps, found, strict=True):
        # (groups, rows, k, kw, o) -> (groups, o, k, rows, kw)
        w[..., each.rows, :] = np.add.reduce(weights).reshape(groups, -1, k, kw, o).transpose(0, 4, 2, 1, 3)
    return w.reshape(O, k, *geometry.kernel)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    if not _has_plain_adjoint(geometry):
        return depthwise.conv2d_input(g, w, geometry, size)
    k, groups = w.shape[1], geometry.groups
    turned = w.reshape(groups, -1, *w.shape[1:])[..., ::-1, ::-1].swapaxes(1, 2)  # (groups, k, o, kh, kw)
    return conv2d(g, turned.reshape(groups * k, -1, *geometry.kernel), geometry.mirrored())


def _has_plain_adjoint(geometry: Geometry) -> bool:
    """Whether the adjoint in x is a forward of the flipped kernel."""
    return geometry.stride == (1, 1) and min(geometry.mirrored().padding) >= 0


@lru_cache(maxsize=256)
def _divide_rows(geometry: Geometry) -> list[list[Taps]]:
    """The rows of the kernel, as lists of those that read the same phases; near ones first."""
    s, d, p = geometry.stride[0], geometry.dilation[0], geometry.padding[0]
    by_shift: dict[int, list[Pair]] = {}  # shift -> (row of the kernel, phase), neighbours
    for i in range(geometry.kernel[0]):
        shift, phase = divmod(i * d - p, s)
        by_shift.setdefault(shift, []).append((i, phase))
    by_phases: dict[Pair, list[Taps]] = {}
    for shift, some in sorted(by_shift.items(), key=lambda found: abs(found[0])):
        (first, low), (last, high) = some[0], some[-1]
        taps = Taps(shift, slice(first, last + 1), slice(low, high + 1))
        by_phases.setdefault((low, high), []).append(taps)
    return list(by_phases.values())


def separate_groups(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> (N, groups, C/groups, H, W)."""
    N, C, H, W = images.shape
    return images.reshape(N, groups, C // groups, H, W)


def _write_matrices(kernels: Array, taps: list[Taps]) -> Array:
    """The rows of the kernel that each of the taps names, as matrices: (groups, o, k, kh, kw) -> (taps, groups, o, K).

    For one output there are at least two: the product of a single row takes a lock in OpenBLAS.
    """
    groups, o, k, _, kw = kernels.shape
    count, rows = len(taps), taps[0].rows.stop - taps[0].rows.start
    matrices = np.zeros((max(2, count) if o == 1 else count, groups, o, rows, k, kw), kernels.dtype)
    for matrix, each in zip(matrices, taps, strict=False):
        matrix[...] = kernels[..., each.rows, :].swapaxes(2, 3)
    return matrices.reshape(len(matrices), groups, o, rows * k * kw)


def _lay_lines(images: Array, geometry: Geometry) -> Array:
    """The lines of each phase of the rows, in scratch memory: (n, some, k, H, W) -> (n*some, phases, k*kw, R, Wo)."""
    planes = np.ascontiguousarray(images).reshape(-1, *images.shape[2:])
    (m, k, H, W), s, kw = planes.shape, geometry.stride[0], geometry.kernel[1]
    whole, rest = divmod(H, s)
    Wo = geometry.windows((H, W))[1]
    lines = workspace("lines", (m, s, k, kw, -(-H // s), Wo), planes.dtype)
    phases = planes[:, :, : whole * s].reshape(m, k, whole, s, W).transpose(0, 3, 1, 2, 4)  # (m, s, k, rows, W)
    _fill(lines[..., :whole, :], phases, geometry)
    if rest:  # the last stride of rows is not whole
        lines[:, rest:, ..., whole:, :] = 0
        _fill(lines[:, :rest, ..., whole:, :], planes[:, :, whole * s :, None].transpose(0, 2, 1, 3, 4), geometry)
    return lines.reshape(m, s, k * kw, -1, Wo)


def _fill(lines: Array, pixels: Array, geometry: Geometry) -> None:
    """Copies what each column of the kernel reads: (m, phases, k, rows, W) to (m, phases, k, kw, rows, Wo)."""
    *outer, rows, W = pixels.shape
    s, p, d = geometry.stride[1], geometry.padding[1], geometry.dilation[1]
    Wo = lines.shape[-1]
    plane = _is_plane(W, Wo, geometry) and lines.flags.c_contiguous
    for j in range(geometry.kernel[1]):
        line, (inside, seen), shift = lines[..., j, :, :], overlap(j, W, Wo, s, p, d), j * d - p
        if plane and abs(shift) < W:  # a line is the plane itself, shifted, but for its border
            run, flat = line.reshape(*outer, rows * W), pixels.reshape(*outer, rows * W)
            run[..., max(0, -shift) : rows * W - max(0, shift)] = flat[..., max(0, shift) : rows * W - max(0, -shift)]
        elif s == 2:
            copy_alternate(line[..., inside], pixels, seen.start)
        else:
            line[..., inside] = pixels[..., seen]
        if inside.start:
            line[..., : inside.start] = 0
        if inside.stop < Wo:
            line[..., inside.stop :] = 0


def _is_plane(width: int, windows: int, geometry: Geometry) -> bool:
    """Whether a line has as many numbers as the plane."""
    return geometry.stride == (1, 1) and width == windows


def cut(images: Array, each: int) -> tuple[list[Piece], int]:
    """Pieces of (N, groups, k, H, W) whose scratch memory fits in a block; and all its bytes, 0 for one thread.

    In float32, a group of an image takes `each` bytes. A piece is whole images, or some groups of one. It depends on
    the sizes only.
    """
    N, groups = images.shape[:2]
    size = N * groups * each * images.itemsize // 4
    pieces = max(1, -(-size // BLOCK_BYTES))
    pieces += pieces % 2 if size >= SHARED else 0  # so that two threads have as many
    n = max(1, N // pieces)
    some = -(-groups // max(1, pieces // max(1, N))) if n == 1 else groups
    blocks = product(range(0, N, n), range(0, groups, some))
    return [(slice(a, a + n), slice(b, b + some)) for a, b in blocks], size if size >= SHARED else 0


def _count_bytes(k: int, o: int, size: Pair, geometry: Geometry) -> int:
    """The bytes of the lines and products of a group of an image in float32."""
    (kh, kw), (Ho, Wo) = geometry.kernel, geometry.windows(size)
    return 4 * (k * kw * size[0] + kh * o * Ho) * Wo


def serves(problem: Problem) -> bool:
    """NumPy; dilation or a stride along the height; a stride only with several groups."""
    geometry = problem.geometry
    strided = geometry.stride != (1, 1)
    return problem.on_host and not (strided and (geometry.groups == 1 or geometry.dilation[0] > 1))


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: pixels are copied into lines, products computed, and their rows added. Infinite for large planes."""
    (N, C, H, W), O, groups, windows = problem.image, problem.outputs, problem.geometry.groups, problem.windows
    (kh, kw), (Ho, Wo), k, o = problem.geometry.kernel, problem.size, C // groups, O // groups
    if problem.char not in "fd" or _count_bytes(k, o, (H, W), problem.geometry) > BLOCK_BYTES:
        return float("inf")
    run = H * Wo if _is_plane(W, Wo, problem.geometry) else Wo
    copies = machine.copy(PASSES * N * C * kw * H * Wo, run) + machine.copy(PASSES * kh * O * windows, Ho * Wo)
    small = machine.unpacked() if multiplies_with_avx512() else machine
    if o == 1:
        products = small.product(kh, Ho * Wo, k * kw, 3 * N * groups)
        products += machine.copy(DOT * kh * kw * C * windows, Ho * Wo)
    else:
        products = small.product(o, Ho * Wo, k * kw, 2 * N * groups * kh)
        speed = small if o * Ho * Wo * k * kw <= UNPACKED else machine
        products += TURNED * speed.product(o, Ho * Wo, k * kw, N * groups * kh)
    return OVERHEAD + CALL * N * groups + copies + products


# Rows of padding are left out, not multiplied, and columns of it are zeros around the cotangents. With a stride the
# adjoint in x is that of `depthwise.py`.
_SAFE: dict[str, Callable[..., bool]] = {
    "conv2d": lambda x, w, geometry: is_finite(w),
    "conv2d_input": lambda g, w, geometry: (
        is_finite(w) and (_has_plain_adjoint(geometry) or has_all_taps(geometry) or is_finite(g))
    ),
    "conv2d_weight": lambda x, g, geometry: is_finite(g),
}
ALGORITHM = Algorithm("planes", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
