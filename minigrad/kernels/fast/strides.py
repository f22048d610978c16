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
A shift is one, too, of all rows of many channels, for which columns and rows that it pushes out are set to zero. Small
images share products, as in `planes.py`.
In shapes, k and o are the channels and the outputs of a group. Source: as `phases.py`, whose phases these are.
Any stride, padding and dilation. A weight of zero stands where no tap reads a phase; if a NaN or an infinity meets it,
so that a result is not finite, another algorithm computes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Algorithm, Machine, serves_groups
from minigrad.kernels.fast.depthwise import separate_groups
from minigrad.kernels.fast.machine import for_small_products, multiplies_with_avx512
from minigrad.kernels.fast.mec import multiply_in_parts
from minigrad.kernels.fast.planes import BLOCK_BYTES, Piece, cut, joins, stand_side_by_side
from minigrad.kernels.fast.rows import copy_every, copy_rows, interleave
from minigrad.kernels.fast.sheets import meet
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.workspace import workspace
from minigrad.parallel import multiply_into, share

SORT = 1.7  # copies that take as long as sorting the pixels in all three functions
ADD = 3.3  # copies that take as long as shifting the cotangents twice and adding the parts
OVERHEAD = 1.5e-4  # seconds of Python in all three functions


class Plan(NamedTuple):
    """What each tap reads: the shifts of the parts along both axes, the nearest first, and numbers of part and phase.

    Part (f, e) is shifted by `across[f]` columns and `down[e]` rows. The first shifts are 0.
    """

    stride: Pair
    grid: Pair  # rows and columns of a phase
    down: list[int]
    across: list[int]
    taps: dict[tuple[int, int], tuple[int, int]]  # (row, column) of the kernel -> (part, phase)

    @property
    def parts(self) -> int:
        """Number of parts."""
        return len(self.down) * len(self.across)

    @property
    def phases(self) -> int:
        """Number of phases: s_h s_w."""
        return self.stride[0] * self.stride[1]

    def joins(self, images: int, outputs: int) -> bool:
        """Whether so many images share products."""
        return joins(images, outputs, self.grid[0] * self.grid[1])

    def write_matrices(self, w: Array, groups: int) -> Array:
        """(O, k, kh, kw) -> (groups, parts, o, phases*k)."""
        O, k = w.shape[:2]
        matrices = np.zeros((groups, self.parts, O // groups, self.phases, k), w.dtype)
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
    O, groups, plan = len(w), geometry.groups, _make_plan(geometry, x.shape[2:])
    o = O // groups
    out = np.empty((len(x), O, *geometry.windows(x.shape[2:])), x.dtype)
    images, results, matrices = separate_groups(x, groups), separate_groups(out, groups), plan.write_matrices(w, groups)

    def compute(piece: Piece) -> None:
        joined = plan.joins(len(images[piece]), o)
        target = stand_side_by_side(results[piece], joined)  # (m, o, n, Ho, Wo)
        phases = _sort_pixels(stand_side_by_side(images[piece], joined), plan)  # (m, K, n*rows*columns)
        phases = phases.reshape(-1, len(matrices[piece[1]]), *phases.shape[1:])
        products = workspace("products", (plan.parts, *phases.shape[:2], o, phases.shape[3]), x.dtype)
        if o == 1:  # the parts are the rows of a matrix
            np.matmul(matrices[piece[1], :, 0], phases, out=products[:, :, :, 0].transpose(1, 2, 0, 3))
        else:
            multiply_in_parts(matrices[piece[1]].swapaxes(0, 1)[:, None], phases, products)
        _add_parts(products.reshape(len(plan.across), len(plan.down), *target.shape[:3], *plan.grid), plan, target)

    share(compute, *_cut(images, o, plan))
    return out if is_finite(out) else compute_strictly("conv2d", x.shape, O, geometry, x, w)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (N, O), groups, plan = g.shape[:2], geometry.groups, _make_plan(geometry, x.shape[2:])
    images, cotangents = separate_groups(x, groups), separate_groups(g, groups)
    k, o = images.shape[2], O // groups
    pieces, size = _cut(images, o, plan)
    step = pieces[0][0].stop if pieces else 1
    found = np.zeros((-(-N // step), groups, plan.parts * o, plan.phases * k), x.dtype)  # of each piece's images

    def compute(piece: Piece) -> None:
        joined = plan.joins(len(images[piece]), o)
        sums = found[piece[0].start // step, piece[1]]  # (some, parts*o, phases*k)
        phases = _sort_pixels(stand_side_by_side(images[piece], joined), plan)
        copies = _shift_copies(stand_side_by_side(cotangents[piece], joined), plan)
        phases, copies = (a.reshape(-1, len(sums), *a.shape[1:]) for a in (phases, copies))
        if o > 1 or multiplies_with_avx512():
            np.add.reduce(np.matmul(copies, phases.swapaxes(2, 3)), out=sums)
            return
        for part, phase in plan.taps.values():
            channels = slice(phase * k, (phase + 1) * k)
            np.add.reduce(np.vecdot(copies[:, :, part, None], phases[:, :, channels]), out=sums[:, part, channels])

    share(compute, pieces, size)
    sums = np.add.reduce(found).reshape(groups, plan.parts, o, plan.phases, k)
    w = plan.read_matrices(sums, geometry.kernel)
    return w if is_finite(w) else compute_strictly("conv2d_weight", x.shape, O, geometry, x, g)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    O, k, groups, plan = len(w), w.shape[1], geometry.groups, _make_plan(geometry, size)
    x = np.empty((len(g), groups * k, *size), g.dtype)
    images, cotangents = separate_groups(x, groups), separate_groups(g, groups)
    matrices = plan.write_matrices(w, groups).reshape(groups, -1, plan.phases * k).swapaxes(1, 2)

    def compute(piece: Piece) -> None:
        joined = plan.joins(len(g[piece[0]]), O // groups)
        copies = _shift_copies(stand_side_by_side(cotangents[piece], joined), plan)
        copies = copies.reshape(-1, len(matrices[piece[1]]), *copies.shape[1:])
        phases = workspace("phases", (*copies.shape[:2], plan.phases * k, copies.shape[3]), g.dtype)
        multiply_into(matrices[piece[1]], copies, phases)
        _sort_back(phases, plan, stand_side_by_side(images[piece], joined))

    share(compute, *_cut(images, O // groups, plan))
    return x


def compute_strictly(
    function: str, image: tuple[int, ...], outputs: int, geometry: Geometry, left: Array, right: Array, *size: Pair
) -> Array:
    """Computes by an algorithm in which no number meets a weight of zero; the arguments are those of `dispatch`."""
    strict = dispatch.choose(image, outputs, geometry, left.dtype.char, left.__class__, None, function)
    return getattr(strict, function)(left, right, geometry, *size)


@lru_cache(maxsize=256)
def _make_plan(geometry: Geometry, image: Pair) -> Plan:
    """How windows read images of this size."""
    windows, strides = geometry.windows(image), geometry.stride
    # of each tap along an axis: its shift, and its phase
    rows, columns = ([divmod(i * d - p, s) for i in range(k)] for k, s, p, d in zip(*geometry[:4], strict=True))
    down = sorted({0, *[shift for shift, _ in rows]}, key=abs)
    across = sorted({0, *[shift for shift, _ in columns]}, key=abs)
    R, L = (max(count, -(-length // s)) for count, length, s in zip(windows, image, strides, strict=True))
    taps = {}
    for i, (e, a) in enumerate(rows):
        for j, (f, b) in enumerate(columns):
            taps[i, j] = across.index(f) * len(down) + down.index(e), a * strides[1] + b
    return Plan(strides, (R, L), down, across, taps)


def _sort_pixels(images: Array, plan: Plan) -> Array:
    """The phases of images, in scratch memory: (m, k, n, H, W) -> (m, phases*k, n*rows*columns)."""
    (m, k, n, H, W), (s, t), (R, L) = images.shape, plan.stride, plan.grid
    numbers = workspace("rows", (m * s * k * n * R * L * t + t,), images.dtype)
    rows = numbers[:-t].reshape(m, s, k, n, R, L * t)
    if s * R == H:  # one call for all
        copy_rows(rows[..., :W], images.reshape(m, k, n, R, s, W).transpose(0, 4, 1, 2, 3, 5))
    else:
        for a in range(s):
            pixels = images[..., a::s, :]
            copy_rows(rows[:, a, :, :, : pixels.shape[3], :W], pixels)
            rows[:, a, :, :, pixels.shape[3] :] = 0
    if L * t > W:
        rows[..., W:] = 0
    if t == 1:
        return rows.reshape(m, s * k, n * R * L)
    phases = workspace("phases", (m, s, t, k * n * R * L), images.dtype)
    for b in range(t):
        copy_every(phases[:, :, b], numbers[b : rows.size + b].reshape(m, s, -1), t)
    return phases.reshape(m, s * t * k, n * R * L)


def _sort_back(phases: Array, plan: Plan, images: Array) -> None:
    """Puts phases, m*phases*k of n*rows*columns, where they belong in images (m, k, n, H, W)."""
    (m, k, n, _, W), (s, t), (R, L) = images.shape, plan.stride, plan.grid
    phases = phases.reshape(m, s, t, k * n * R * L)
    rows = phases if t == 1 else workspace("rows", (m, s, k * n * R * L * t), phases.dtype)
    if t > 1:
        interleave(rows, [phases[:, :, b] for b in range(t)])
    rows = rows.reshape(m, s, k, n, R, L * t)
    for a in range(s):
        pixels = images[..., a::s, :]
        copy_rows(pixels, rows[:, a, :, :, : pixels.shape[3], :W])


def _shift_copies(cotangents: Array, plan: Plan) -> Array:
    """Copies of cotangents, shifted for each part, in scratch memory: (m, o, n, Ho, Wo) -> (m, parts*o,
    n*rows*columns).
    """
    (m, o, n, Ho, Wo), (R, L) = cotangents.shape, plan.grid
    if (Ho, Wo) != plan.grid or not cotangents.flags.c_contiguous:
        whole = workspace("grid", (m, o, n, R, L), cotangents.dtype)
        whole[..., :Ho, :Wo], whole[..., :Ho, Wo:], whole[..., Ho:, :] = cotangents, 0, 0
        cotangents = whole
    run = o * n * R * L
    copies = workspace("copies", (m, len(plan.across), len(plan.down), run), cotangents.dtype)
    for f, columns in enumerate(plan.across):
        for e, rows in enumerate(plan.down):
            into, of = meet(-(rows * L + columns), run, run)
            copies[:, f, e, into] = cotangents.reshape(m, run)[:, of]
    _clear(copies.reshape(m, len(plan.across), len(plan.down), o * n, R, L).transpose(1, 2, 0, 3, 4, 5), plan)
    return copies.reshape(m, -1, n * R * L)


def _add_parts(parts: Array, plan: Plan, results: Array) -> None:
    """Adds up parts (across, down, m, o, n, rows, columns), each shifted, into results (m, o, n, Ho, Wo)."""
    _clear(parts, plan)
    by_rows = parts.reshape(len(plan.across), -1)
    for other, columns in zip(by_rows[1:], plan.across[1:], strict=True):
        of, into = meet(-columns, other.size, other.size)
        np.add(by_rows[0][into], other[of], out=by_rows[0][into])
    fit = results.shape == parts.shape[2:] and results.flags.c_contiguous
    sums = results.reshape(-1) if fit else by_rows[0][: parts[0, 0].size]
    first, *others = by_rows[0].reshape(len(plan.down), -1)
    for other, rows in zip(others, plan.down[1:], strict=True):
        of, into = meet(-rows * plan.grid[1], other.size, other.size)
        np.add(first[into], other[of], out=sums[into])
        if first is not sums:
            sums[: into.start], sums[into.stop :] = first[: into.start], first[into.stop :]
            first = sums
    if not others and fit:
        sums[...] = first
    if not fit:
        Ho, Wo = results.shape[3:]
        results[...] = sums.reshape(parts.shape[2:])[..., :Ho, :Wo]


def _clear(parts: Array, plan: Plan) -> None:
    """Sets to zero what the shifts push out of the grids of parts (across, down, ..., rows, columns)."""
    R, L = plan.grid
    for f, columns in enumerate(plan.across):
        if columns:
            parts[f, ..., _find_empty(columns, L)] = 0
    for e, rows in enumerate(plan.down):
        if rows:
            parts[:, e, ..., _find_empty(rows, R), :] = 0


def _find_empty(shift: int, length: int) -> slice:
    """The places along an axis of a grid from which a shift moves all numbers away."""
    return slice(0, shift) if shift > 0 else slice(max(0, length + shift), length)


def _cut(images: Array, outputs: int, plan: Plan) -> tuple[list[Piece], int]:
    """Pieces of (N, groups, k, H, W), as in `planes.py`."""
    return cut(images, _count_bytes(images.shape[2], outputs, plan))


def _count_bytes(k: int, o: int, plan: Plan) -> int:
    """The bytes of the phases, twice, and of the parts of a group of an image in float32."""
    return 4 * plan.grid[0] * plan.grid[1] * (2 * plan.phases * k + plan.parts * o)


def serves(problem: Problem) -> bool:
    """NumPy, several groups, a stride above 1."""
    return serves_groups(problem) and problem.geometry.stride != (1, 1)


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: pixels are sorted, products computed, and their parts added. Infinite for large planes."""
    (N, C, H, W), O, groups = problem.image, problem.outputs, problem.geometry.groups
    plan = _make_plan(problem.geometry, (H, W))
    size, parts, k, o = plan.grid[0] * plan.grid[1], plan.parts, C // groups, O // groups
    if problem.char not in "fd" or _count_bytes(k, o, plan) > BLOCK_BYTES:
        return float("inf")
    copies = machine.copy(SORT * N * C * plan.phases * size, plan.grid[1])
    copies += machine.copy(ADD * parts * N * O * size, size)
    small = for_small_products(machine)
    joined = N if plan.joins(N, o) else 1
    products = small.product(parts * o, joined * size, plan.phases * k, 3 * N * groups / joined)
    return OVERHEAD + copies + products


def _sees_pixels(image: Pair, geometry: Geometry) -> bool:
    """Whether every window sees a pixel, and not padding alone."""
    axes = zip(image, geometry.padding, geometry.reach, geometry.dilation, strict=True)
    return all(p < reach and d <= length for length, p, reach, d in axes)


# In the other two functions the results, which are fewer numbers, tell whether a zero met a NaN or an infinity. What
# meets padding alone is not in them.
_SAFE: dict[str, Callable[..., bool]] = {
    "conv2d": lambda x, w, geometry: is_finite(w),
    "conv2d_input": lambda g, w, geometry: is_finite(g) and is_finite(w),
    "conv2d_weight": lambda x, g, geometry: _sees_pixels(x.shape[2:], geometry) or is_finite(g),
}
ALGORITHM = Algorithm("strides", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
