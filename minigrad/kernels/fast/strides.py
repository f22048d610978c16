"""Strided convolution of small groups: pixels are sorted by their place within a stride, which copies each once.

Phase (a, b) of an image holds its pixels (q s + a, r s + b), on a grid as large as the results. Along an axis, tap i of
window t reads the pixel t s + i d - p = (t + e) s + a: number t + e of phase a. So taps with the same shifts (e, f)
share a product with all phases, one of whose parts P adds up, shifted:

    P(e, f)  =  sum over phases (a, b) and channels of w[the tap that reads (a, b) there] * phase(a, b)
    out[t, u]  =  sum over shifts (e, f) of P(e, f)[t + e, u + f]

For a 3x3 kernel with a stride of 2 there are four phases and four parts, and no pixel is copied for each tap. The
adjoint in x shifts copies of the cotangents; a product turns them into phases, which are sorted back into images. The
adjoint in w is a product of these copies and the phases.

Images are sorted in two steps, rows first. The second step, every second number of all rows, is one call (`rows.py`).
A shift is one, too, of all rows of many channels, for which columns and rows that it pushes out are set to zero.
Any stride, padding and dilation. A weight of zero stands where no tap reads a phase; if a NaN or an infinity meets it,
so that a result is not finite, another algorithm computes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from minigrad.backend import Array
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Algorithm, Machine, Problem, is_finite, multiply_into, serves_groups
from minigrad.kernels.fast.machine import multiplies_with_avx512
from minigrad.kernels.fast.mec import multiply_in_parts
from minigrad.kernels.fast.planes import BLOCK_BYTES, Piece, cut, separate_groups
from minigrad.kernels.fast.rows import copy_every, copy_rows, interleave
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.workspace import workspace
from minigrad.parallel import share

SORT = 2.8  # copies that take as long as sorting the pixels in all three functions
ADD = 2.1  # copies that take as long as shifting the cotangents twice and adding the parts
OVERHEAD = 8e-5  # seconds of Python in all three functions


class Plan(NamedTuple):
    """What each tap reads: the shifts (e, f) of the parts, the nearest first, and the numbers of part and phase."""

    stride: Pair
    grid: Pair  # rows and columns of a phase
    shifts: list[Pair]
    taps: dict[Pair, Pair]  # (row, column) of the kernel -> (part, phase)

    @property
    def phases(self) -> int:
        """Number of phases: s_h s_w."""
        return self.stride[0] * self.stride[1]

    def write_matrices(self, w: Array, groups: int) -> Array:
        """(O, k, kh, kw) -> (groups, parts, o, phases*k)."""
        O, k = w.shape[:2]
        matrices = np.zeros((groups, len(self.shifts), O // groups, self.phases, k), w.dtype)
        for (i, j), (part, phase) in self.taps.items():
            matrices[:, part, :, phase] = w[:, :, i, j].reshape(groups, -1, k)
        return matrices.reshape(*matrices.shape[:3], -1)

    def read_matrices(self, matrices: Array, kernel: Pair) -> Array:
        """The same back: (groups, parts, o, phases, k) -> (O, k, kh, kw)."""
        groups, _, o, _, k = matrices.shape
        w = np.empty((groups, o, k, *kernel), matrices.dtype)
        for (i, j), (part, phase) in self.taps.items():
            w[..., i, j] = matrices[:, part, :, phase]
        return w.reshape(groups * o, k, *kernel)


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    O, groups, plan = len(w), geometry.groups, _plan(geometry, x.shape[2:])
    o = O // groups
    out = np.empty((len(x), O, *geometry.windows(x.shape[2:])), x.dtype)
    images, results, matrices = separate_groups(x, groups), separate_groups(out, groups), plan.write_matrices(w, groups)

    def compute(piece: Piece) -> None:
        phases = _sort_pixels(images[piece], plan)  # (n, some, K, rows*columns)
        n, some, _, size = phases.shape
        products = workspace("products", (len(plan.shifts), n, some, o, size), x.dtype)
        if o == 1:  # the parts are the rows of a matrix
            np.matmul(matrices[piece[1], :, 0], phases, out=products[:, :, :, 0].transpose(1, 2, 0, 3))
        else:
            multiply_in_parts(matrices[piece[1]].swapaxes(0, 1)[:, None], phases, products)
        _add_parts(products.reshape(-1, n, some, o, *plan.grid), plan, results[piece])

    share(compute, *_cut(images, o, plan), alone=True)
    return out if is_finite(out) else _compute_strictly("conv2d", x, O, geometry, w)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (N, O), groups, plan = g.shape[:2], geometry.groups, _plan(geometry, x.shape[2:])
    images, cotangents = separate_groups(x, groups), separate_groups(g, groups)
    k, o, parts = images.shape[2], O // groups, len(plan.shifts)
    pieces, size = _cut(images, o, plan)
    step = pieces[0][0].stop if pieces else 1
    found = np.zeros((-(-N // step), groups, parts * o, plan.phases * k), x.dtype)  # of each piece's images

    def compute(piece: Piece) -> None:
        phases, copies = _sort_pixels(images[piece], plan), _shift_copies(cotangents[piece], plan)
        sums = found[piece[0].start // step, piece[1]]  # (some, parts*o, phases*k)
        if o > 1 or multiplies_with_avx512():
            np.add.reduce(np.matmul(copies, phases.swapaxes(2, 3)), out=sums)
            return
        for part, phase in plan.taps.values():
            channels = slice(phase * k, (phase + 1) * k)
            np.add.reduce(np.vecdot(copies[:, :, part, None], phases[:, :, channels]), out=sums[:, part, channels])

    share(compute, pieces, size, alone=True)
    sums = np.add.reduce(found).reshape(groups, parts, o, plan.phases, k)
    w = plan.read_matrices(sums, geometry.kernel)
    return w if is_finite(w) else _compute_strictly("conv2d_weight", x, O, geometry, g)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    O, k, groups, plan = len(w), w.shape[1], geometry.groups, _plan(geometry, size)
    x = np.empty((len(g), groups * k, *size), g.dtype)
    images, cotangents = separate_groups(x, groups), separate_groups(g, groups)
    matrices = plan.write_matrices(w, groups).reshape(groups, -1, plan.phases * k).swapaxes(1, 2)

    def compute(piece: Piece) -> None:
        copies = _shift_copies(cotangents[piece], plan)
        phases = workspace("phases", (*copies.shape[:2], plan.phases * k, copies.shape[3]), g.dtype)
        multiply_into(matrices[piece[1]], copies, phases)
        _sort_back(phases, plan, images[piece])

    share(compute, *_cut(images, O // groups, plan), alone=True)
    return x


def _compute_strictly(function: str, x: Array, outputs: int, geometry: Geometry, other: Array) -> Array:
    """Computes by an algorithm in which no number meets a weight of zero."""
    strict = dispatch.choose(x.shape, outputs, geometry, x.dtype.char, x.__class__, None, function)
    found: Array = getattr(strict, function)(x, other, geometry)
    return found


@lru_cache(maxsize=256)
def _plan(geometry: Geometry, image: Pair) -> Plan:
    """How windows read images of this size."""
    windows, strides = geometry.windows(image), geometry.stride
    # of each tap along an axis: its shift, and its phase
    along = [[divmod(i * d - p, s) for i in range(k)] for k, s, p, d in zip(*geometry[:4], strict=True)]
    grid = [max(count, -(-length // s)) for count, length, s in zip(windows, image, strides, strict=True)]
    found = {(e, f) for (e, _), (f, _) in product(*along)}
    shifts = sorted(found, key=lambda shift: (abs(shift[0]) + abs(shift[1]), shift))
    taps = {
        (i, j): (shifts.index((e, f)), a * strides[1] + b)
        for (i, (e, a)), (j, (f, b)) in product(*map(enumerate, along))
    }
    return Plan(strides, (grid[0], grid[1]), shifts, taps)


def _sort_pixels(images: Array, plan: Plan) -> Array:
    """The phases of images, in scratch memory: (n, some, k, H, W) -> (n, some, phases*k, rows*columns)."""
    (n, some, k, _, W), (s, t), (R, L) = images.shape, plan.stride, plan.grid
    rows = workspace("rows", (n, some, s, k, R, L * t), images.dtype)
    for a in range(s):
        pixels, own = images[..., a::s, :], rows[:, :, a]
        inside = pixels.shape[3]
        copy_rows(own[..., :inside, :W], pixels)
        own[..., :inside, W:] = 0
        own[..., inside:, :] = 0
    phases = rows if t == 1 else workspace("phases", (n, some, s, t, k * R * L), images.dtype)
    for b in range(t if t > 1 else 0):
        copy_every(phases[:, :, :, b], rows.reshape(n, some, s, -1), b, t)
    return phases.reshape(n, some, s * t * k, R * L)


def _sort_back(phases: Array, plan: Plan, images: Array) -> None:
    """Puts phases (n, some, phases*k, rows*columns) where they belong in images (n, some, k, H, W)."""
    (n, some, k, _, W), (s, t), (R, L) = images.shape, plan.stride, plan.grid
    phases = phases.reshape(n, some, s, t, k * R * L)
    rows = phases if t == 1 else workspace("rows", (n, some, s, k * R * L * t), phases.dtype)
    if t > 1:
        interleave(rows, [phases[:, :, :, b] for b in range(t)])
    rows = rows.reshape(n, some, s, k, R, L * t)
    for a in range(s):
        pixels = images[..., a::s, :]
        copy_rows(pixels, rows[:, :, a, :, : pixels.shape[3], :W])


def _shift_copies(cotangents: Array, plan: Plan) -> Array:
    """Copies of cotangents, shifted for each part, in scratch memory: (n, some, o, Ho, Wo) -> (n, some, parts*o,
    rows*columns).
    """
    (n, some, o, Ho, Wo), (R, L) = cotangents.shape, plan.grid
    if (Ho, Wo) != plan.grid:
        whole = workspace("grid", (n, some, o, R, L), cotangents.dtype)
        whole[..., :Ho, :Wo], whole[..., :Ho, Wo:], whole[..., Ho:, :] = cotangents, 0, 0
        cotangents = whole
    copies, runs = workspace("copies", (n, some, len(plan.shifts), o * R * L), cotangents.dtype), (n, some, o * R * L)
    for part, shift in enumerate(plan.shifts):
        into, of = _meet(shift, plan.grid, runs[2])
        copies[:, :, part, into] = cotangents.reshape(runs)[..., of]
        _clear(copies[:, :, part].reshape(n, some, o, R, L), shift)
    return copies.reshape(n, some, -1, R * L)


def _add_parts(parts: Array, plan: Plan, results: Array) -> None:
    """Adds up parts (parts, n, some, o, rows, columns), each shifted, into results (n, some, o, Ho, Wo)."""
    fit = results.shape == parts.shape[1:]
    sums = (results if fit else workspace("grid", parts.shape[1:], parts.dtype)).reshape(-1)
    total = None
    for shift, part in zip(plan.shifts, parts, strict=True):
        flat = part.reshape(-1)
        if total is None and shift == (0, 0):
            total = flat  # needs no copy
            continue
        if total is None:
            sums[...] = 0
            total = sums
        _clear(part, shift)
        of, into = _meet(shift, plan.grid, sums.size)
        np.add(total[into], flat[of], out=sums[into])
        if total is not sums:
            sums[: into.start], sums[into.stop :] = total[: into.start], total[into.stop :]
            total = sums
    if total is not None and total is not sums:
        sums[...] = total
    if not fit:
        Ho, Wo = results.shape[3:]
        results[...] = sums.reshape(parts.shape[1:])[..., :Ho, :Wo]


def _meet(shift: Pair, grid: Pair, size: int) -> tuple[slice, slice]:
    """Two slices of a run of grids, the first one shifted by so many rows and columns against the second."""
    by = shift[0] * grid[1] + shift[1]
    length = max(0, size - abs(by))
    return slice(max(0, by), max(0, by) + length), slice(max(0, -by), max(0, -by) + length)


def _clear(grids: Array, shift: Pair) -> None:
    """Sets to zero the rows and columns of grids (..., rows, columns) that lie beyond the shifted grid."""
    (e, f), (R, L) = shift, grids.shape[-2:]
    grids[..., slice(0, e) if e > 0 else slice(max(0, R + e), R), :] = 0
    grids[..., slice(0, f) if f > 0 else slice(max(0, L + f), L)] = 0


def _cut(images: Array, outputs: int, plan: Plan) -> tuple[list[Piece], int]:
    """Pieces of (N, groups, k, H, W), as in `planes.py`."""
    return cut(images, _count_bytes(images.shape[2], outputs, plan))


def _count_bytes(k: int, o: int, plan: Plan) -> int:
    """The bytes of the phases, twice, and of the parts of a group of an image in float32."""
    return 4 * plan.grid[0] * plan.grid[1] * (2 * plan.phases * k + len(plan.shifts) * o)


def serves(problem: Problem) -> bool:
    """NumPy, several groups, a stride above 1."""
    return serves_groups(problem) and problem.geometry.stride != (1, 1)


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: pixels are sorted, products computed, and their parts added. Infinite for large planes."""
    (N, C, H, W), O, groups = problem.image, problem.outputs, problem.geometry.groups
    plan = _plan(problem.geometry, (H, W))
    size, parts, k, o = plan.grid[0] * plan.grid[1], len(plan.shifts), C // groups, O // groups
    if problem.char not in "fd" or _count_bytes(k, o, plan) > BLOCK_BYTES:
        return float("inf")
    copies = machine.copy(SORT * N * C * plan.phases * size, plan.grid[1])
    copies += machine.copy(ADD * parts * N * O * size, size)
    small = machine.unpacked() if multiplies_with_avx512() else machine
    products = small.product(parts * o, size, plan.phases * k, 3 * N * groups)
    return OVERHEAD + copies + products


# In the other two functions the results, which are fewer numbers, tell whether a zero met a NaN or an infinity.
_SAFE: dict[str, Callable[..., bool]] = {
    "conv2d": lambda x, w, geometry: True,
    "conv2d_input": lambda g, w, geometry: is_finite(g) and is_finite(w),
    "conv2d_weight": lambda x, g, geometry: True,
}
ALGORITHM = Algorithm("strides", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
