"""Depthwise and grouped convolution: many small kernels, each over a few channels.

Windows are laid out along the width alone, as lines (C/groups*kw, rows*Wo): a copy for each column of the kernel, which
is one flat run where a row of windows is as long as a row of the image. Down the height nothing is copied. Each row i
of the kernel multiplies the lines that begin i rows further down, and the results add up:

    out = sum over i of w[:, :, i] (O/groups, C/groups*kw) @ lines[:, i*Wo : (i + Ho)*Wo].

So kw copies and kh additions stand where im2col copies kh kw times. Where a group has one output channel, the kernel's
rows share one product, (kh, C/groups*kw) @ lines, whose results are shifted when they are added.

A stride takes the rows apart into its phases, every other row say, each with the kernel's rows that meet it. The
adjoint in x makes the phases of the image one by one, each from lines of the cotangent, so no zeros of a stride are
multiplied. Any stride, padding and dilation; several groups. Source: products that are shifted and added are Vasudevan,
Anderson, Gregg, "Parallel Multi Channel Convolution using General Matrix Multiplication", 2017 (kn2row). Float32 error
against float64 on MobileNet's layers: 2e-7 relative.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.way import Machine, Problem, Way, is_finite
from minigrad.kernels.windows import overlap
from minigrad.kernels.workspace import workspace
from minigrad.parallel import add_up, share

BLOCK_BYTES = 2 * 2**20  # of lines at a time: they stay in the cache until they are multiplied
LEAST = 2**18  # bytes of a block of wide products that is worth its calls
LONG, SHORT = 1024, 128  # numbers in a row of a product that is shared by the taps, or not
OVERHEAD = 3e-5  # seconds between the calls of NumPy, for each block
Piece = tuple[slice, slice]  # images, and some of their groups


class Along(NamedTuple):
    """What lines read along an axis of an image: `length` pixels from `first` on, `step` apart; some lie outside."""

    first: int
    length: int
    step: int = 1

    def meet(self, size: int) -> tuple[slice, slice]:
        """Where they meet an image of that size: slices of the lines and of its pixels."""
        return overlap(0, size, self.length, self.step, -self.first, 1)


class Phase(NamedTuple):
    """The taps of a kernel, along one axis, that meet the pixels e s + a for one a: those i with i d = e s + a."""

    number: int  # a
    taps: list[int]
    places: list[int]  # e of each


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    N, groups, (Ho, Wo) = len(x), geometry.groups, geometry.windows(x.shape[2:])
    out = np.empty((N, len(w), Ho, Wo), x.dtype)
    images, results = _by_groups(x, groups), _by_groups(out, groups)
    phases, columns = _phases(0, geometry), _columns(Wo, geometry)
    kernels = [_kernel_rows(w, groups, phase.taps) for phase in phases]

    def compute(piece: Piece) -> None:
        for phase, kernel in zip(phases, kernels, strict=True):
            lines = _lines("lines", images[piece], _rows(phase, Ho, geometry), columns)
            starts = [place * Wo for place in phase.places]
            _add_products(kernel[:, piece[1]], lines, starts, results[piece], anew=phase is phases[0])

    length = (Ho + phases[0].places[-1]) * Wo
    share(compute, *_pieces(N, groups, w[0, :, 0].size, length, len(w) // groups, x.itemsize))
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (N, O, Ho, Wo), C, groups, (kh, kw) = g.shape, x.shape[1], geometry.groups, geometry.kernel
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    phases, columns = _phases(0, geometry), _columns(Wo, geometry)
    w = np.zeros((kh, groups, C // groups * kw, O // groups), x.dtype)

    def add(piece: Piece, total: Array) -> None:
        for phase in phases:
            rows = _rows(phase, Ho, geometry)
            lines = _lines("lines", images[piece], rows, columns)
            if len(images[piece]) > 1:  # zeros below each image, where lines hold what windows further down see
                flat = _lines("cotangents", cotangents[piece], Along(0, rows.length), [Along(0, Wo)])
            else:
                flat = cotangents[piece].reshape(len(lines), O // groups, Ho * Wo)
            run = lines.shape[2] - phase.places[-1] * Wo
            for tap, place in zip(phase.taps, phase.places, strict=True):
                seen = lines[..., place * Wo : place * Wo + run]
                # (some, C/groups*kw, run) @ (some, run, O/groups): quicker with the longer side first
                total[tap, piece[1]] += np.matmul(seen, flat[..., :run].swapaxes(1, 2))

    length = (Ho + phases[0].places[-1]) * Wo
    pieces, size = _pieces(N, groups, C // groups * kw, length, O // groups, x.itemsize)
    add_up(add, pieces, w, size)
    # (kh, groups, C/groups*kw, O/groups) -> (O, C/groups, kh, kw)
    by_tap = w.reshape(kh, groups, C // groups, kw, O // groups)
    return np.ascontiguousarray(by_tap.transpose(1, 4, 2, 0, 3).reshape(O, C // groups, kh, kw))


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W).

    Pixel u of phase a adds up g[u - e] w[i] over the taps i with i d = e s + a.
    """
    (N, O), groups, (C, kh, kw) = g.shape[:2], geometry.groups, w.shape[1:]
    gaps = geometry.stride[0] > kh or geometry.stride[1] > kw or geometry.dilation != (1, 1)  # pixels without a tap
    x = (np.zeros if gaps else np.empty)((N, groups * C, *size), g.dtype)
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    # (O, C/groups, kh, kw) -> (C, O/groups, kh, kw)
    turned = w.reshape(groups, O // groups, C, kh, kw).swapaxes(1, 2).reshape(-1, O // groups, kh, kw)
    down, across = _meet(0, size, geometry), _meet(1, size, geometry)
    kernels = [[_kernel_rows(turned[..., b.taps], groups, a.taps[::-1]) for a, _, _ in down] for b, _, _ in across]
    first = min((rows.first - a.places[-1] for a, rows, _ in down), default=0)
    height = max((rows.first + rows.length for _, rows, _ in down), default=0) - first

    def paint(piece: Piece) -> None:
        for (b, columns, pixel_columns), some in zip(across, kernels, strict=True):
            taps = [Along(columns.first - e, columns.length) for e in b.places]
            lines = _lines("lines", cotangents[piece], Along(first, height), taps)
            for (a, rows, pixel_rows), kernel in zip(down, some, strict=True):
                starts = [(rows.first - e - first) * columns.length for e in reversed(a.places)]
                image = images[piece][..., pixel_rows, pixel_columns]
                _add_products(kernel[:, piece[1]], lines, starts, image, anew=True)

    longest = max((len(b.taps) * columns.length for b, columns, _ in across), default=0)
    share(paint, *_pieces(N, groups, O // groups, height * longest, C, x.itemsize))
    return x


def _lines(role: str, images: Array, rows: Along, columns: list[Along]) -> Array:
    """Those rows, once for each of `columns`: (n, some, C, H, W) -> (some, C*len(columns), n*rows*width)."""
    (n, some, C, H, W), width, one = images.shape, columns[0].length, images.itemsize
    into, pixel_rows = rows.meet(H)
    lines = workspace(role, (some, C, len(columns), n, rows.length, width), images.dtype)
    by_image = lines.transpose(3, 0, 1, 2, 4, 5)  # (n, some, C, columns, rows, width)
    if into.start:
        by_image[..., : into.start, :] = 0
    if into.stop < rows.length:
        by_image[..., into.stop :, :] = 0
    inside = images[..., pixel_rows, :]
    flat = width == W and rows.step == columns[0].step == 1 and images.strides[3:] == (W * one, one)
    if flat:
        inside = inside.reshape(n, some, C, -1)
        lines_flat = by_image.reshape(n, some, C, len(columns), -1)[..., into.start * W : into.stop * W]
    for number, along in enumerate(columns):
        columns_into, pixels = along.meet(W)
        if flat:  # the end of a row runs over into the beginning of the next
            start, stop = max(0, -along.first), inside.shape[3] - max(0, along.first)
            if start < stop:
                lines_flat[..., number, start:stop] = inside[..., start + along.first : stop + along.first]
        else:
            by_image[..., number, into, columns_into] = inside[..., pixels]
        if columns_into.start:
            by_image[..., number, into, : columns_into.start] = 0
        if columns_into.stop < width:
            by_image[..., number, into, columns_into.stop :] = 0
    return lines.reshape(some, C * len(columns), -1)


def _add_products(kernel: Array, lines: Array, starts: list[int], out: Array, anew: bool) -> None:
    """Adds kernel[k] @ lines[..., starts[k] :] for each k to `out`, or writes their sum there.

    kernel (taps, some, O, K), lines (some, K, n*whole), out (n, some, O, rows, width); the starts ascend.
    """
    (n, some, O, height, width), whole = out.shape, lines.shape[2] // max(1, len(out))
    run = (n - 1) * whole + height * width
    if O == 1:
        products, begin = _share_product(kernel, lines, starts), starts[0]
    else:
        direct = anew and n == 1 and out.flags.c_contiguous
        products, begin = out.reshape(some, O, run) if direct else workspace("products", (some, O, run), out.dtype), 0
        for matrix, start in zip(kernel, starts, strict=True):
            seen = lines[..., start : start + run]
            if start == starts[0]:
                np.matmul(matrix, seen, out=products)
            else:
                products += np.matmul(matrix, seen, out=workspace("product", products.shape, out.dtype))
        if direct:
            return
    # (some, O, run) -> (n, some, O, height, width)
    one, (outer, inner, _) = out.itemsize, products.strides
    strides = (whole * one, outer, inner, width * one, one)
    result = np.ndarray(out.shape, out.dtype, products, begin * one, strides)
    if anew:
        out[...] = result
    else:
        out += result


def _share_product(kernel: Array, lines: Array, starts: list[int]) -> Array:
    """All taps of single outputs at once: the sums (some, 1, run), from starts[0] on."""
    products = workspace("products", (len(kernel), len(lines), 1, lines.shape[2]), lines.dtype)
    if lines.shape[1] == 1:  # which NumPy multiplies quicker than BLAS
        np.multiply(kernel, lines, out=products)
    else:  # (some, taps, K) @ (some, K, run) -> (some, taps, run)
        np.matmul(kernel[:, :, 0].swapaxes(0, 1), lines, out=products[:, :, 0].swapaxes(0, 1))
    first, *others = products.reshape(len(kernel), -1)
    for other, start in zip(others, starts[1:], strict=True):
        shift = start - starts[0]
        np.add(first[:-shift], other[shift:], out=first[:-shift])
    return products[0]


def _by_groups(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> (N, groups, C/groups, H, W)."""
    N, C, H, W = images.shape
    return images.reshape(N, groups, C // groups, H, W)


def _kernel_rows(w: Array, groups: int, taps: list[int]) -> Array:
    """Those rows of each kernel: (O, C, kh, kw) -> (taps, groups, O/groups, C*kw)."""
    return w[:, :, taps].transpose(2, 0, 1, 3).reshape(len(taps), groups, len(w) // groups, -1)


def _phases(axis: int, geometry: Geometry) -> list[Phase]:
    """The phases of a stride along an axis that have taps, those of the furthest taps first."""
    found: dict[int, Phase] = {}
    for tap in range(geometry.kernel[axis]):
        place, number = divmod(tap * geometry.dilation[axis], geometry.stride[axis])
        phase = found.setdefault(number, Phase(number, [], []))
        phase.taps.append(tap)
        phase.places.append(place)
    return sorted(found.values(), key=lambda phase: -phase.places[-1])


def _rows(phase: Phase, windows: int, geometry: Geometry) -> Along:
    """The rows of an image that so many windows see through the taps of a phase."""
    return Along(phase.number - geometry.padding[0], windows + phase.places[-1], geometry.stride[0])


def _columns(windows: int, geometry: Geometry) -> list[Along]:
    """The columns of an image that so many windows see, through each tap."""
    taps, d, p, s = geometry.kernel[1], geometry.dilation[1], geometry.padding[1], geometry.stride[1]
    return [Along(tap * d - p, windows, s) for tap in range(taps)]


def _meet(axis: int, size: Pair, geometry: Geometry) -> list[tuple[Phase, Along, slice]]:
    """The phases of the padded image along an axis: those of its pixels that lie in the image, and where there."""
    length, s, p, found = size[axis], geometry.stride[axis], geometry.padding[axis], []
    for phase in _phases(axis, geometry):
        into, pixels = overlap(phase.number, length, -(-(length + 2 * p) // s), s, p, 1)
        if into.start < into.stop:
            found.append((phase, Along(into.start, into.stop - into.start), pixels))
    return found


def _pieces(N: int, groups: int, lines: int, length: int, outputs: int, itemsize: int) -> tuple[list[Piece], int]:
    """Images, and some of their groups, whose lines fit into a block: so many `lines` of that length each; all bytes.

    Images come together while products would be short or blocks small; wide products write single ones in place.
    """
    group_bytes = max(1, lines * length * itemsize)
    run, block = (LONG, BLOCK_BYTES // 2) if outputs == 1 else (SHORT, LEAST)
    enough = max(run // max(1, length), block // (groups * group_bytes))
    images = max(1, min(N, enough))
    some = max(1, min(groups, BLOCK_BYTES // (images * group_bytes)))
    some = -(-groups // -(-groups // some))  # about equal
    pieces = [
        (slice(n, min(N, n + images)), slice(first, min(groups, first + some)))
        for n in range(0, N, images)
        for first in range(0, groups, some)
    ]
    return pieces, N * groups * group_bytes


def serves(problem: Problem) -> bool:
    """NumPy, several groups."""
    return problem.library is np.ndarray and problem.geometry.groups > 1


def cost(problem: Problem, machine: Machine) -> float:
    """Each row is copied kw times, and written kh times by a product, which are added up."""
    ((kh, kw), (step, _), _, _, groups), (Ho, Wo) = problem.geometry, problem.size
    N, C, _, W = problem.image
    channels, outputs = C // groups, problem.outputs // groups
    run = Ho * Wo if Wo == W else Wo
    lines = machine.copy(problem.windows * kw * (2 * C * step + problem.outputs), run)
    sums = machine.copy(problem.windows * kh * (2 * C + problem.outputs), Ho * Wo)
    together, apart = (kh, 1) if outputs == 1 else (outputs, kh)  # rows of the kernel that share a product, or not
    products = machine.unpacked().product(together, Ho * Wo, channels * kw, 3 * N * groups * apart)
    slow = 4 if 4 * channels * kw * Ho * Wo > BLOCK_BYTES else 1  # a group of one image does not stay in the cache
    return OVERHEAD * N + products + slow * (lines + sums)


# Zeros around the cotangents meet the kernel in one adjoint, the rows of the next image in the other.
_SOUND = {"conv2d_input": lambda g, w, geometry: is_finite(w), "conv2d_weight": lambda x, g, geometry: is_finite(x)}
WAY = Way("depthwise", serves, cost, conv2d, conv2d_input, conv2d_weight, _SOUND)
