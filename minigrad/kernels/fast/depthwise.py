"""Depthwise and grouped convolution: many small kernels, each over a few channels.

Windows are copied along the width only, into lines (C/groups*kw, rows*Wo): one copy for each column of the kernel,
contiguous where a row of windows is as long as a row of the image (`lines.py`). Along the height nothing is copied.
Each row i of the kernel multiplies the lines that begin i rows further down, and the results are added:

    out = sum over i of w[:, :, i] (O/groups, C/groups*kw) @ lines[:, i*Wo : (i + Ho)*Wo].

So kw copies and kh additions replace the kh kw copies of im2col. Where a group has one output channel, two products
compute it, as each addition of arrays would be a pass over memory: the first product has a row for each row of the
kernel except the last; the second adds these rows, each from its own start, and the last row's share of the lines.

A stride splits the rows into phases, for stride 2 the even and the odd rows, each with its rows of the kernel. The
adjoint in x computes the phases of the image one by one from lines of the cotangent, so no zeros of a stride are
multiplied. Any stride, padding and dilation; several groups. Source: shifted and added products are Vasudevan,
Anderson, Gregg, "Parallel Multi Channel Convolution using General Matrix Multiplication", 2017 (kn2row). Float32 error
against float64 on MobileNet's layers: 2e-7 relative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.algorithms import Algorithm, Machine, Problem, is_finite, multiply_into, serves_groups
from minigrad.kernels.fast.lines import Along, Lines
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import PIECES, overlap
from minigrad.kernels.workspace import workspace
from minigrad.parallel import add_pieces, share

BLOCK_BYTES = 2**20  # of lines at a time: they and the sums stay in the second cache until they are multiplied
LEAST = 2**18  # least bytes of a block of wide products, because of the time of its calls
SHORT = 128  # images with shorter rows in a product are processed together
LONG = 1024  # the same, where all taps share a product
WORTH = 2**20  # least bytes of a piece's lines, because its memory has to be prepared
SHARED = 2**24  # least bytes of all lines: with fewer, threads wait for each other's short calls longer than they help
OVERHEAD = 3e-5  # seconds of Python for each block


class Piece(NamedTuple):
    """The work of one thread: some of the groups, for several equal blocks of images."""

    images: list[slice]
    groups: slice

    def of(self, images: Array) -> list[Array]:
        """The parts (n, some, C/groups, H, W) of images (N, groups, C/groups, H, W) that this piece computes."""
        return [images[some, self.groups] for some in self.images]


class Phase(NamedTuple):
    """Phase a of a stride s along one axis: the pixels e s + a, and the taps i of the kernel with i d = e s + a."""

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
        parts, places = piece.of(images), piece.of(results)
        for phase, kernel in zip(phases, kernels, strict=True):
            lines = Lines("lines", parts[0], _rows(phase, Ho, geometry), columns, spare=len(phase.taps) - 1)
            starts = [place * Wo for place in phase.places]
            add = _prepare(kernel[:, piece.groups], lines, starts, places[0], anew=phase is phases[0])
            for part, result in zip(parts, places, strict=True):
                lines.fill(part)
                add(result)

    length = (Ho + phases[0].places[-1]) * Wo
    share(compute, *_pieces(N, groups, w[0, :, 0].size, length, len(w) // groups, x.itemsize), alone=True)
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (N, O, Ho, Wo), C, groups, (kh, kw) = g.shape, x.shape[1], geometry.groups, geometry.kernel
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    phases, columns = _phases(0, geometry), _columns(Wo, geometry)
    w = np.zeros((kh, groups, C // groups * kw, O // groups), x.dtype)

    def add(piece: Piece, total: Array) -> None:
        parts, seeds = piece.of(images), piece.of(cotangents)
        for phase in phases:
            lines = Lines("lines", parts[0], _rows(phase, Ho, geometry), columns)
            starts = [place * Wo for place in phase.places]
            for part, seed in zip(parts, seeds, strict=True):
                total[phase.taps, piece.groups] += _correlate(lines.fill(part), starts, seed)

    length = (Ho + phases[0].places[-1]) * Wo
    pieces, size = _pieces(N, groups, C // groups * kw, length, O // groups, x.itemsize)
    add_pieces(add, pieces, w, size, alone=True)
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
    spare = max((len(a.taps) for a, _, _ in down), default=1) - 1
    first = min((rows.first - a.places[-1] for a, rows, _ in down), default=0)
    height = max((rows.first + rows.length for _, rows, _ in down), default=0) - first

    def paint(piece: Piece) -> None:
        parts, places = piece.of(cotangents), piece.of(images)
        for (b, columns, pixel_columns), some in zip(across, kernels, strict=True):
            taps = tuple(Along(columns.first - e, columns.length) for e in b.places)
            lines = Lines("lines", parts[0], Along(first, height), taps, spare)
            adds = []
            for (a, rows, pixel_rows), kernel in zip(down, some, strict=True):
                starts = [(rows.first - e - first) * columns.length for e in reversed(a.places)]
                phase = places[0][..., pixel_rows, pixel_columns]
                adds.append(_prepare(kernel[:, piece.groups], lines, starts, phase, anew=True))
            for part, image in zip(parts, places, strict=True):
                lines.fill(part)
                for add, (_, _, pixel_rows) in zip(adds, down, strict=True):
                    add(image[..., pixel_rows, pixel_columns])

    longest = max((len(b.taps) * columns.length for b, columns, _ in across), default=0)
    share(paint, *_pieces(N, groups, O // groups, height * longest, C, x.itemsize), alone=True)
    return x


def _prepare(kernel: Array, lines: Lines, starts: list[int], out: Array, anew: bool) -> Callable[[Array], None]:
    """A function that adds the sum over k of kernel[k] @ lines[..., starts[k] :] to an array like `out`, or writes it.

    kernel (taps, some, O, K), lines (some, K, n*whole), out (n, some, O, rows, width); the starts are equally spaced.
    """
    if out.shape[2] == 1:
        return _Singles(kernel, lines, starts, out, anew)
    return partial(_add_products, kernel, lines.array, starts, anew)


def _add_products(kernel: Array, lines: Array, starts: list[int], anew: bool, out: Array) -> None:
    """Computes one product for each tap, and adds them."""
    (n, some, O, height, width), whole = out.shape, lines.shape[2] // len(out)
    run = (n - 1) * whole + height * width
    direct = anew and n == 1 and out.flags.c_contiguous
    products = out.reshape(some, O, run) if direct else workspace("products", (some, O, run), out.dtype)
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
    result = np.ndarray(out.shape, out.dtype, products, 0, (whole * one, outer, inner, width * one, one))
    if anew:
        out[...] = result
    else:
        out += result


class _Singles:
    """The same for single outputs, in two products: the rows of the first, of all taps but the last, and the lines are
    the rows of the second, which weighs them by 1 and by the last tap's kernel.

    The first are laid before the lines so that each row is read `length` numbers after the one before.
    """

    def __init__(self, kernel: Array, lines: Lines, starts: list[int], out: Array, anew: bool) -> None:
        (n, some, _, height, width), (_, K, length), one = out.shape, lines.array.shape, out.itemsize
        run, others, last = length // n * (n - 1) + height * width, len(starts) - 1, starts[-1]
        self.anew, self.shape = anew, (some, 1, run)
        direct = anew and n == 1 and out.strides[3:] == (width * one, one)
        self.sums = None if direct else workspace("sums", self.shape, out.dtype)
        # (some, 1, run) -> (n, some, 1, height, width)
        self.places = out.shape, (length // n * one, run * one, run * one, width * one, one)
        group, first = lines.room.strides[0], lines.room.shape[1] - (K + others) * length + last
        self.kernel = kernel[:-1, :, 0].swapaxes(0, 1)  # (some, taps - 1, K)
        self.weights = np.concatenate([np.ones((some, 1, others), out.dtype), kernel[-1]], axis=2)
        self.rows = np.ndarray((some, others + K, run), out.dtype, lines.room, first * one, (group, length * one, one))
        if others:
            step = starts[1] - starts[0]
            self.seen = lines.array[..., starts[0] : last - step + run]
            shape, strides = (some, others, self.seen.shape[2]), (group, (length - step) * one, one)
            self.products = np.ndarray(shape, out.dtype, lines.room, first * one, strides)

    def __call__(self, out: Array) -> None:
        sums = out.reshape(self.shape) if self.sums is None else self.sums
        if self.kernel.shape[1]:
            multiply_into(self.kernel, self.seen, self.products)
        multiply_into(self.weights, self.rows, sums)
        if self.sums is None:
            return
        shape, strides = self.places
        result = np.ndarray(shape, out.dtype, sums, 0, strides)
        if self.anew:
            out[...] = result
        else:
            out += result


def _see_by_taps(lines: Array, starts: list[int], run: int) -> Array:
    """The part of the lines that each tap reads, as a view: (some, K, length) -> (some, taps, K, run)."""
    (some, K, length), one = lines.shape, lines.itemsize
    step = starts[1] - starts[0] if len(starts) > 1 else 0
    strides = (K * length * one, step * one, length * one, one)
    return np.ndarray((some, len(starts), K, run), lines.dtype, lines, starts[0] * one, strides)


def _correlate(lines: Array, starts: list[int], seeds: Array) -> Array:
    """The products of what each tap read with the cotangents (n, some, O, Ho, Wo): (taps, some, K, O)."""
    n, some, O, Ho, Wo = seeds.shape
    if n > 1:  # zeros below each image, where the lines hold pixels of windows further down
        height = lines.shape[2] // n // Wo
        flat = Lines("cotangents", seeds, Along(0, height), (Along(0, Wo),)).fill(seeds)
    else:
        flat = seeds.reshape(some, O, Ho * Wo)
    run = lines.shape[2] - starts[-1]
    seen, flat = _see_by_taps(lines, starts, run), flat[..., None, :, :run]  # (some, taps, K, run), (some, 1, O, run)
    if O == 1:
        found = np.vecdot(seen, flat)[..., None]  # a scalar product for each number
    else:
        found = np.matmul(seen, flat.swapaxes(2, 3))  # quicker with the longer side first
    return found.swapaxes(0, 1)


def _by_groups(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> (N, groups, C/groups, H, W)."""
    N, C, H, W = images.shape
    return images.reshape(N, groups, C // groups, H, W)


def _kernel_rows(w: Array, groups: int, taps: list[int]) -> Array:
    """The given rows of each kernel: (O, C, kh, kw) -> (taps, groups, O/groups, C*kw)."""
    return w[:, :, taps].transpose(2, 0, 1, 3).reshape(len(taps), groups, len(w) // groups, -1)


def _phases(axis: int, geometry: Geometry) -> list[Phase]:
    """The phases of a stride along an axis that have taps, sorted by descending taps."""
    found: dict[int, Phase] = {}
    for tap in range(geometry.kernel[axis]):
        place, number = divmod(tap * geometry.dilation[axis], geometry.stride[axis])
        phase = found.setdefault(number, Phase(number, [], []))
        phase.taps.append(tap)
        phase.places.append(place)
    return sorted(found.values(), key=lambda phase: -phase.places[-1])


def _rows(phase: Phase, windows: int, geometry: Geometry) -> Along:
    """The rows of an image that `windows` windows read through the taps of a phase."""
    return Along(phase.number - geometry.padding[0], windows + phase.places[-1], geometry.stride[0])


def _columns(windows: int, geometry: Geometry) -> tuple[Along, ...]:
    """The columns of an image that `windows` windows read, for each tap."""
    taps, d, p, s = geometry.kernel[1], geometry.dilation[1], geometry.padding[1], geometry.stride[1]
    return tuple(Along(tap * d - p, windows, s) for tap in range(taps))


def _meet(axis: int, size: Pair, geometry: Geometry) -> list[tuple[Phase, Along, slice]]:
    """For each phase of the padded image along an axis: its pixels inside the image, and where they lie there."""
    length, s, p, found = size[axis], geometry.stride[axis], geometry.padding[axis], []
    for phase in _phases(axis, geometry):
        into, pixels = overlap(phase.number, length, -(-(length + 2 * p) // s), s, p, 1)
        if into.start < into.stop:
            found.append((phase, Along(into.start, into.stop - into.start), pixels))
    return found


def _pieces(N: int, groups: int, lines: int, length: int, outputs: int, itemsize: int) -> tuple[list[Piece], int]:
    """Divides images and groups into pieces whose lines fit into a block; and the bytes of all lines, 0 if few.

    Several images are taken together while products would be short or blocks small; wide products take single images,
    so that they can write their result in place.
    """
    group_bytes = max(1, lines * length * itemsize)
    run = 1 if length > SHORT else LONG if outputs == 1 else SHORT
    block = BLOCK_BYTES // 2 if outputs == 1 else LEAST
    enough = max(run // max(1, length), block // (groups * group_bytes))
    images = max(1, min(N, enough))
    some = max(1, min(groups, BLOCK_BYTES // (images * group_bytes)))
    some = -(-groups // -(-groups // some))  # pieces of about equal size
    parts = [slice(first, min(groups, first + some)) for first in range(0, groups, some)]
    blocks = [slice(n, n + images) for n in range(0, N - images + 1, images)]
    rest = [[slice(N - N % images, N)]] if N % images else []
    pieces = max(1, min(PIECES, N * groups * group_bytes // WORTH))
    together = max(1, len(blocks) * len(parts) // pieces)
    several = [blocks[i : i + together] for i in range(0, len(blocks), together)]
    size = N * groups * group_bytes
    return [Piece(block, part) for block in several + rest for part in parts], size if size >= SHARED else 0


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: each row is copied kw times, and kh products are written and added."""
    ((kh, kw), (step, _), _, _, groups), (Ho, Wo) = problem.geometry, problem.size
    N, C, _, W = problem.image
    channels, outputs = C // groups, problem.outputs // groups
    run = Ho * Wo if Wo == W else Wo
    lines = machine.copy(problem.windows * kw * (2 * C * step + problem.outputs), run)
    sums = machine.copy(problem.windows * kh * (2 * C + problem.outputs), Ho * Wo)
    together, apart = (kh, 1) if outputs == 1 else (outputs, kh)  # rows of the kernel that share a product, or not
    products = machine.unpacked().product(together, Ho * Wo, channels * kw, 3 * N * groups * apart)
    slow = 2 if channels * kw * Ho * Wo > BLOCK_BYTES else 1  # a group of one image does not stay in the cache
    return OVERHEAD * N + products + slow * (lines + sums)


# Zeros around the cotangents meet the kernel in one adjoint, the rows of the next image in the other.
_SAFE = {"conv2d_input": lambda g, w, geometry: is_finite(w), "conv2d_weight": lambda x, g, geometry: is_finite(x)}
ALGORITHM = Algorithm("depthwise", serves_groups, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
