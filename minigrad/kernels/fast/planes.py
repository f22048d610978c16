"""Convolution with few channels in a group, plane by plane: the products of all rows of the kernel are added.

A plane is a channel of an image. For each column j of the kernel the pixels that it reads are copied once, as a line
of all windows of the plane:

    line j  =  x[h, u + j d - p]  for all rows h and columns u of windows.

The lines of a group are multiplied with each row i of the kernel, and sums of rows that are shifted make the result:

    out[t, u]  =  sum over i of  (w[i] @ lines)[t + i d - p, u].

Lines are as long as a plane, and planes lie one after the other, so copies and sums are few, long calls of NumPy. A
plane whose lines exceed a block is left to `depthwise.py`, which cuts it into strips. So is the adjoint in w of one
output in a group, which needs no lines.
Small planes of several images share a line for one output, so that there are fewer products.
With a few windows less or more than pixels, lines are as large as both, so that they stay single runs; what is no
window is dropped. Stride 1, any dilation and padding. No pixel is multiplied that an output does not see. In shapes, k
and o are the channels and the outputs of a group.
Float32 error against float64 on MobileNet's layers: 2e-7 relative.
Source: A. Vasudevan, A. Anderson, D. Gregg, "Parallel Multi Channel Convolution using General Matrix Multiplication",
2017: "kn2row", which adds up the columns of the kernel in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import TypeAlias

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.fast import depthwise
from minigrad.kernels.fast.depthwise import SHARED, separate_groups
from minigrad.kernels.fast.machine import for_small_products
from minigrad.kernels.fast.mec import multiply_in_parts
from minigrad.kernels.fast.sheets import meet
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.windows import overlap
from minigrad.kernels.workspace import workspace
from minigrad.parallel import share
from minigrad.threads import UNPACKED

BLOCK_BYTES = 8 * 2**20  # of lines and products at a time: not less, because threads wait between short calls
MORE = 1.35  # times the pixels that lines hold in the rows of windows: up to so many, they are whole planes
SMALL = 128  # windows of a plane from which planes of several images are not joined
LINES, SUMS = 0.9, 3.1  # copies that take as long as those of a line in all three functions, and as the sums of a row
DOT = 1.3  # copies that take as long as the scalar products of a weight
CROPPED = 2.0  # copies that take as long as those of images into the grid of their lines, and of results out of it
ALONE = 0.7  # how much less time a product takes for one output of a group
PACK = 2.2  # passes over a row of the kernel in which OpenBLAS copies it for each product
CALL = 0.6e-7  # seconds of calls for each group of an image
OVERHEAD = 1.4e-4  # seconds of Python in all three functions
Piece: TypeAlias = tuple[slice, slice]  # of images, and of groups


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    O, groups, shifts = len(w), geometry.groups, _find_shifts(geometry)
    out = np.empty((len(x), O, *geometry.windows(x.shape[2:])), x.dtype)
    images, results = separate_groups(x, groups), separate_groups(out, groups)
    matrices = _write_matrices(w.reshape(groups, O // groups, -1, *geometry.kernel), [row for row, _ in shifts])
    grid = _choose_grid(x.shape[2:], out.shape[2:])

    def compute(piece: Piece) -> None:
        some, target = images[piece], results[piece]
        joined = joins(len(some), target.shape[2], some.shape[3] * target.shape[4])
        target = stand_side_by_side(target, joined)
        shape = (*target.shape[:3], *(grid or target.shape[3:]))
        sums = workspace("sums", shape, x.dtype) if joined or shape != target.shape else target
        products = _multiply(matrices[:, piece[1]], _lay_lines(some, geometry, joined, grid))
        total = None
        for (_, shift), rows in zip(shifts, products, strict=False):
            total = _add_rows(sums, total, rows.reshape(*sums.shape[:3], -1, sums.shape[4]), shift)
        if total is not None and total is not target:
            target[...] = total[..., : target.shape[3], : target.shape[4]]

    each = _count_bytes(images.shape[2], O // groups, x.shape[2:], geometry)
    share(compute, *cut(images, each))
    return out


def _multiply(matrices: Array, lines: Array) -> Array:
    """The products of several rows of the kernel with lines, for each image and group, in scratch memory:
    (rows, some, o, K), (m, K, length) -> (rows, m/some, some, o, length).
    """
    rows, some, o, K = matrices.shape
    lines = lines.reshape(-1, some, K, lines.shape[2])
    products = workspace("products", (rows, *lines.shape[:2], o, lines.shape[3]), lines.dtype)
    if o == 1:  # then the rows of the kernel are the rows of a matrix
        np.matmul(matrices[:, :, 0].swapaxes(0, 1), lines, out=products[:, :, :, 0].transpose(1, 2, 0, 3))
    else:
        multiply_in_parts(matrices[:, None], lines, products)
    return products


def _add_rows(sums: Array, total: Array | None, products: Array, shift: int) -> Array:
    """Adds products (..., H, Wo), shifted by rows, to the total (..., Ho, Wo) of others, and writes them to `sums`.

    Returns the new total: the first products themselves if they are not shifted, so that they need no copy.
    """
    (Ho, Wo), fit = sums.shape[-2:], products.shape == sums.shape
    windows, rows = meet(shift, Ho, products.shape[-2])
    if total is None and fit and not shift:
        return products
    if total is None:
        sums[...] = 0
        total = sums
    if windows.start == windows.stop:  # this row of the kernel reads no pixel
        return total
    if fit:  # one call for all planes, with zeros for the rows of the next plane
        if rows.start:
            products[..., : rows.start, :] = 0
        if rows.stop < Ho:
            products[..., rows.stop :, :] = 0
        by, whole, others = shift * Wo, sums.reshape(-1), total.reshape(-1)
        first, last = max(0, -by), whole.size - max(0, by)
        np.add(others[first:last], products.reshape(-1)[first + by : last + by], out=whole[first:last])
        if total is not sums:
            whole[:first], whole[last:] = others[:first], others[last:]
    else:
        sums[..., windows, :] += products[..., rows, :]
    return sums


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    groups, (kh, kw), (N, O, Ho, Wo) = geometry.groups, geometry.kernel, g.shape
    if groups == O > 1:
        return depthwise.conv2d_weight(x, g, geometry)
    images, cotangents, shifts = separate_groups(x, groups), separate_groups(g, groups), _find_shifts(geometry)
    k, o = images.shape[2], O // groups
    pieces, size = cut(images, _count_bytes(k, o, x.shape[2:], geometry))
    step = pieces[0][0].stop if pieces else 1
    found = np.zeros((-(-N // step), groups, kh, k * kw, o), x.dtype)  # of each piece's images

    def compute(piece: Piece) -> None:
        part = cotangents[piece]
        part = part.reshape(*part.shape[:2], o, Ho * Wo)
        lines = _lay_lines(images[piece], geometry).reshape(*part.shape[:2], k * kw, -1)
        for row, shift in shifts:
            windows, rows = meet(shift, Ho, x.shape[2])
            left = lines[..., rows.start * Wo : rows.stop * Wo]
            right = part[..., windows.start * Wo : windows.stop * Wo]
            np.add.reduce(np.matmul(left, right.swapaxes(2, 3)), out=found[piece[0].start // step, piece[1], row])

    share(compute, pieces, size)
    # (groups, kh, k, kw, o) -> (groups, o, k, kh, kw)
    w = np.add.reduce(found).reshape(groups, kh, k, kw, o).transpose(0, 4, 2, 1, 3)
    return w.reshape(O, k, kh, kw)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    if not _has_plain_adjoint(geometry):
        return depthwise.conv2d_input(g, w, geometry, size)
    k, groups = w.shape[1], geometry.groups
    turned = w.reshape(groups, -1, *w.shape[1:])[..., ::-1, ::-1].swapaxes(1, 2)  # (groups, k, o, kh, kw)
    return conv2d(g, turned.reshape(groups * k, -1, *geometry.kernel), geometry.mirrored())


def _has_plain_adjoint(geometry: Geometry) -> bool:
    """Whether the adjoint in x is a forward of the flipped kernel."""
    return min(geometry.mirrored().padding) >= 0


@lru_cache(maxsize=256)
def _find_shifts(geometry: Geometry) -> list[Pair]:
    """The rows of the kernel, and how many rows further than its own each of them reads; the nearest first."""
    shifts = [(i, i * geometry.dilation[0] - geometry.padding[0]) for i in range(geometry.kernel[0])]
    return sorted(shifts, key=lambda found: abs(found[1]))


def _write_matrices(kernels: Array, rows: list[int]) -> Array:
    """The rows of the kernel, in this order, as matrices: (groups, o, k, kh, kw) -> (kh, groups, o, k*kw).

    For one output there are at least two: the product of a single row takes a lock in OpenBLAS.
    """
    groups, o, k, kh, kw = kernels.shape
    matrices = np.zeros((max(2, kh) if o == 1 else kh, groups, o, k, kw), kernels.dtype)
    matrices[:kh] = kernels.transpose(3, 0, 1, 2, 4)[rows]
    return matrices.reshape(len(matrices), groups, o, k * kw)


def joins(images: int, outputs: int, windows: int) -> bool:
    """Whether planes with so many windows are joined, for so many outputs of a group."""
    return images > 1 and outputs == 1 and windows < SMALL


def stand_side_by_side(images: Array, joined: bool) -> Array:
    """The planes that share a line, as a view: (n, some, k, H, W) -> (some, k, n, H, W), or (n*some, k, 1, H, W)."""
    return images.transpose(1, 2, 0, 3, 4) if joined else images.reshape(-1, *images.shape[2:])[:, :, None]


def _choose_grid(image: Pair, windows: Pair) -> Pair | None:
    """The rows and columns that hold an image and all its windows, if they are hardly more."""
    (H, W), (Ho, Wo) = image, windows
    grid = max(H, Ho), max(W, Wo)
    return grid if grid[0] * grid[1] <= MORE * H * Wo else None


def _lay_lines(images: Array, geometry: Geometry, joined: bool = False, grid: Pair | None = None) -> Array:
    """The lines, in scratch memory: (n, some, k, H, W) -> (n*some, k*kw, H*Wo), or joined (some, k*kw, n*H*Wo).

    With a grid, that is the size of images and of lines: a line is copied as one run, though not all of it is read.
    """
    planes = stand_side_by_side(np.ascontiguousarray(images), joined)
    (m, k, n, H, W), kw, p, d = planes.shape, geometry.kernel[1], geometry.padding[1], geometry.dilation[1]
    Wo = geometry.windows((H, W))[1]
    if grid and grid != (H, W):
        whole = workspace("planes", (m, k, n, *grid), planes.dtype)
        whole[..., :H, :W], whole[..., :H, W:], whole[..., H:, :] = planes, 0, 0
        planes = whole
    if grid:
        (H, W), Wo = grid, grid[1]
    lines = workspace("lines", (m, k, kw, n, H, Wo), planes.dtype)
    for j in range(kw):
        line, (inside, seen), shift = lines[:, :, j], overlap(j, W, Wo, 1, p, d), j * d - p
        if Wo == W and abs(shift) < W:  # a line is the plane itself, shifted, but for its border
            run, flat = line.reshape(m, k, n, H * W), planes.reshape(m, k, n, H * W)
            run[..., max(0, -shift) : H * W - max(0, shift)] = flat[..., max(0, shift) : H * W - max(0, -shift)]
        else:
            line[..., inside] = planes[..., seen]
        if inside.start:
            line[..., : inside.start] = 0
        if inside.stop < Wo:
            line[..., inside.stop :] = 0
    return lines.reshape(m, k * kw, n * H * Wo)


def cut(images: Array, each: int) -> tuple[list[Piece], int]:
    """Pieces of (N, groups, k, H, W) whose scratch memory fits in a block; and all its bytes, 0 for one thread.

    In float32, a group of an image takes `each` bytes. A piece is whole images, or some groups of one. It depends on
    the sizes only.
    """
    N, groups = images.shape[:2]
    size = N * groups * each * images.itemsize // 4
    pieces = max(1, -(-size // BLOCK_BYTES))
    shared = size >= SHARED
    if shared:
        pieces += pieces % 2  # so that two threads have as many
    n, some = max(1, N // pieces), groups
    if n == 1:
        some = -(-groups // max(1, pieces // max(1, N)))
    blocks = product(range(0, N, n), range(0, groups, some))
    return [(slice(a, a + n), slice(b, b + some)) for a, b in blocks], size if shared else 0


def _count_bytes(k: int, o: int, size: Pair, geometry: Geometry) -> int:
    """The bytes of the lines and products of a group of an image in float32."""
    (kh, kw), (Ho, Wo) = geometry.kernel, geometry.windows(size)
    return 4 * (k * kw * size[0] + kh * o * Ho) * Wo


def serves(problem: Problem) -> bool:
    """NumPy, stride 1."""
    return problem.on_host and problem.geometry.stride == (1, 1)


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: pixels are copied into lines, products computed, and their rows added. Infinite for large planes."""
    (N, C, H, W), O, groups, windows = problem.image, problem.outputs, problem.geometry.groups, problem.windows
    (kh, kw), (Ho, Wo), k, o = problem.geometry.kernel, problem.grid, C // groups, O // groups
    if problem.char not in "fd" or _count_bytes(k, o, (H, W), problem.geometry) > BLOCK_BYTES:
        return float("inf")
    joined, grid = N if joins(N, o, H * Wo) else 1, _choose_grid((H, W), (Ho, Wo))
    line = grid[0] * grid[1] if grid else H * Wo
    copies = machine.copy(LINES * N * C * kw * line, line if grid else Wo)
    copies += machine.copy(SUMS * kh * O * windows, Ho * Wo)
    if grid and (grid != (H, W) or grid != (Ho, Wo)):
        copies += machine.copy(CROPPED * N * (C + O) * line, Wo)
    small = for_small_products(machine)
    count, length = N * groups / joined, joined * Ho * Wo
    if o == 1:
        products = ALONE * small.product(kh, length, k * kw, 3 * count)
        products += machine.copy(DOT * kh * kw * C * windows, Ho * Wo)
    else:
        speed = small if o * Ho * Wo * k * kw <= UNPACKED else machine
        products = speed.product(o, Ho * Wo, k * kw, 3 * N * groups * kh)
        products += machine.copy(PACK * 3 * N * groups * kh * o * k * kw, k * kw)
    return OVERHEAD + CALL * count + copies + products


def _is_weight_safe(x: Array, g: Array, geometry: Geometry) -> bool:
    one_output = geometry.groups == g.shape[1] > 1  # whose images' lines are joined (`depthwise.py`)
    return is_finite(x) if one_output else is_finite(g)


# Rows of padding are left out, not multiplied, and columns of it are zeros, as those around the cotangents.
_SAFE: dict[str, Callable[..., bool]] = {
    "conv2d": lambda x, w, geometry: is_finite(w),
    "conv2d_input": lambda g, w, geometry: is_finite(w),
    "conv2d_weight": _is_weight_safe,
}
ALGORITHM = Algorithm("planes", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
