"""Depthwise and grouped convolution: many small kernels, each over a few channels.

One image at a time is laid out with its padding, flat: (C, rows*columns). A tap of the kernel is then one flat shift of
all its rows, so each row of the columns is a single run, and what a shift carries from the end of one image row into
the next lands in columns that are cut off. Then one small product per group,

    (O/groups, C/groups*kh*kw) @ (C/groups*kh*kw, run).

A stride takes the image apart into its phases, every other pixel say, and each tap is a shift of one of them. The
adjoint in x makes them one by one, each from the taps that meet it, so no zeros of a stride are multiplied.
Any stride, padding and dilation; several groups. Float32 error against float64 on MobileNet's layers: 2e-7 relative.
"""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.way import Machine, Problem, Way, is_finite
from minigrad.kernels.windows import overlap, padded
from minigrad.kernels.workspace import workspace
from minigrad.parallel import add_up, share

BLOCK_BYTES = 4 * 2**20  # of columns at a time
OVERHEAD = 3e-5  # seconds between the calls of NumPy, for each block
Piece = tuple[int, slice]  # an image, and some of its groups


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    N, groups, (Ho, Wo) = len(x), geometry.groups, geometry.windows(x.shape[2:])
    out = np.empty((N, len(w), Ho, Wo), x.dtype)
    images, results = _by_groups(x, groups), _by_groups(out, groups)
    weight = np.ascontiguousarray(w).reshape(groups, len(w) // groups, -1)  # flipped, it would not go to BLAS

    def compute(piece: Piece) -> None:
        columns, width = _columns(images[piece], geometry)
        results[piece] = _multiply(weight[piece[1]], columns, Ho, width)[..., :Wo]

    share(compute, *_pieces(N, w.nbytes // groups * Ho * Wo, groups))
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (N, O, Ho, Wo), C, groups = g.shape, x.shape[1], geometry.groups
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    w = np.zeros((O, C // groups, *geometry.kernel), x.dtype)

    def add(piece: Piece, total: Array) -> None:
        columns, width = _columns(images[piece], geometry)
        whole = workspace("product", (*cotangents[piece].shape[:2], Ho, width), x.dtype)
        whole[..., :Wo] = cotangents[piece]
        whole[..., Wo:] = 0
        flat = whole.reshape(*whole.shape[:2], -1)[..., : columns.shape[2]]
        # (some, C/groups*kh*kw, run) @ (some, run, O/groups)
        total[piece[1]] += np.matmul(columns, flat.swapaxes(1, 2)).swapaxes(1, 2)

    pieces, size = _pieces(N, w.nbytes // groups * Ho * Wo, groups)
    add_up(add, pieces, w.reshape(groups, O // groups, -1), size)
    return w


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    (N, O), groups, (C, kh, kw) = g.shape[:2], geometry.groups, w.shape[1:]
    weight = w.reshape(groups, O // groups, C, kh, kw).swapaxes(1, 2)  # (groups, C/groups, O/groups, kh, kw)
    if geometry.stride == (1, 1) and all(p < r for p, r in zip(geometry.padding, geometry.reach, strict=True)):
        flipped = weight[..., ::-1, ::-1].reshape(groups * C, O // groups, kh, kw)
        return conv2d(g, flipped, geometry.mirrored())
    x = np.empty((N, groups * C, *size), g.dtype)
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)

    def paint(piece: Piece) -> None:
        _paint(images[piece], cotangents[piece], weight[piece[1]], geometry)

    (height, width), (sh, sw) = _phase_size(size, geometry), geometry.stride
    share(paint, *_pieces(N, w.nbytes // groups * height * width // min(sh * sw, kh * kw), groups))
    return x


def _by_groups(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> (N, groups, C/groups, H, W)."""
    N, C, H, W = images.shape
    return images.reshape(N, groups, C // groups, H, W)


def _pieces(N: int, group_bytes: int, groups: int) -> tuple[list[Piece], int]:
    """Images, and as many of their groups as have columns of a block; the bytes of all columns."""
    count = min(groups, -(-groups * group_bytes // BLOCK_BYTES))
    step = -(-groups // max(1, count))
    pieces = [(n, slice(first, min(groups, first + step))) for n in range(N) for first in range(0, groups, step)]
    return pieces, N * groups * group_bytes


def _multiply(weight: Array, columns: Array, rows: int, width: int) -> Array:
    """(some, O, K) @ (some, K, run) as whole rows, (some, O, rows, width), of which the run ends in the last."""
    whole = workspace("product", (*weight.shape[:2], rows, width), columns.dtype)
    np.matmul(weight, columns, out=whole.reshape(*weight.shape[:2], -1)[..., : columns.shape[2]])
    return whole


def _columns(image: Array, geometry: Geometry) -> tuple[Array, int]:
    """Each tap's flat run: (some, C, H, W) -> (some, C*kh*kw, (Ho - 1)*width + Wo); the width of a phase."""
    (some, C, H, W), (kh, kw), (sh, sw), (dh, dw) = image.shape, geometry.kernel, geometry.stride, geometry.dilation
    Ho, Wo = geometry.windows((H, W))
    height, width = _phase_size((H, W), geometry)
    if (sh, sw) == (1, 1):
        phases = padded(image, geometry.padding)[None, None]
    else:
        phases = workspace("padded", (sh, sw, some, C, height, width), image.dtype)
        phases[...] = 0
        for a, b in np.ndindex(sh, sw):
            (rows, pixel_rows), (columns, pixel_columns) = _meet(a, b, (H, W), geometry)
            phases[a, b, ..., rows, columns] = image[..., pixel_rows, pixel_columns]
    flat = phases.reshape(sh, sw, some * C, height * width)
    run = (Ho - 1) * width + Wo
    shifted = workspace("columns", (some * C, kh * kw, run), image.dtype)
    for tap, (i, j) in enumerate(np.ndindex(kh, kw)):
        (down, a), (right, b) = divmod(i * dh, sh), divmod(j * dw, sw)
        first = down * width + right
        shifted[:, tap] = flat[a, b, :, first : first + run]
    return shifted.reshape(some, C * kh * kw, run), width


def _paint(image: Array, g: Array, weight: Array, geometry: Geometry) -> None:
    """The adjoint in one image (some, C, H, W), of g (some, O, Ho, Wo) and weight (some, C, O, kh, kw), phase by phase.

    Pixel u of phase a adds up g[u - e] w[i] over the taps i with i d = e s + a.
    """
    (some, C, H, W), (O, Ho, Wo) = image.shape, g.shape[1:]
    taps_h, taps_w = (
        [divmod(i * d, s) for i in range(k)]
        for k, d, s in zip(geometry.kernel, geometry.dilation, geometry.stride, strict=True)
    )
    (above, _), (left, _) = taps_h[-1], taps_w[-1]
    height, phase_width = _phase_size((H, W), geometry)
    width = phase_width + left
    surrounded = workspace("padded", (some * O, height + above, width), g.dtype)
    surrounded[...] = 0
    surrounded[:, above : above + Ho, left : left + Wo] = g.reshape(some * O, Ho, Wo)
    flat, run = surrounded.reshape(some * O, -1), (height - 1) * width + phase_width
    for a, b in np.ndindex(geometry.stride):
        (rows, pixel_rows), (columns, pixel_columns) = _meet(a, b, (H, W), geometry)
        taps = [(i, j) for i, (_, at) in enumerate(taps_h) if at == a for j, (_, to) in enumerate(taps_w) if to == b]
        if not taps:
            image[..., pixel_rows, pixel_columns] = 0
            continue
        shifted = workspace("columns", (some * O, len(taps), run), g.dtype)
        for place, (i, j) in enumerate(taps):
            first = (above - taps_h[i][0]) * width + left - taps_w[j][0]
            shifted[:, place] = flat[:, first : first + run]
        kernel = np.stack([weight[..., i, j] for i, j in taps], axis=-1).reshape(some, C, -1)
        whole = _multiply(kernel, shifted.reshape(some, -1, run), height, width)
        image[..., pixel_rows, pixel_columns] = whole[..., rows, columns]


def _phase_size(size: Pair, geometry: Geometry) -> Pair:
    """Rows and columns of a phase of the padded image."""
    height, width = (-(-(n + 2 * p) // s) for n, p, s in zip(size, geometry.padding, geometry.stride, strict=True))
    return height, width


def _meet(a: int, b: int, size: Pair, geometry: Geometry) -> list[tuple[slice, slice]]:
    """Along each axis, where phase (a, b) of the padded image meets the image: slices of the phase and of pixels."""
    found = zip((a, b), size, _phase_size(size, geometry), geometry.stride, geometry.padding, strict=True)
    return [overlap(at, n, length, s, p, 1) for at, n, length, s, p in found]


def serves(problem: Problem) -> bool:
    """NumPy, several groups."""
    return problem.library is np.ndarray and problem.geometry.groups > 1


def cost(problem: Problem, machine: Machine) -> float:
    """Whole rows are copied for each tap, and read once more by a product of few rows; wide groups oftener."""
    (N, C, _, _), groups, (Ho, Wo) = problem.image, problem.geometry.groups, problem.size
    columns = problem.windows * problem.taps * C
    outputs, inner = problem.outputs // groups, C // groups * problem.taps
    if inner > problem.taps or outputs > 2:
        copies = machine.copy((4 if problem.taps > 1 else 6) * columns, Wo)
        return OVERHEAD * N + machine.product(outputs, Ho * Wo, inner, 3 * N * groups) + copies
    return OVERHEAD * N + machine.copy(3 * columns, Ho * Wo)


# Zeros around the cotangents meet the kernel in one adjoint, the pixels that a shift carried over in the other.
_SOUND = {"conv2d_input": lambda g, w, geometry: is_finite(w), "conv2d_weight": lambda x, g, geometry: is_finite(x)}
WAY = Way("depthwise", serves, cost, conv2d, conv2d_input, conv2d_weight, _SOUND)
