"""Depthwise and grouped convolution: many small kernels, each over a few channels.

Images are laid as sheets (`sheets.py`), where each tap of the kernel reads one run of numbers for all windows of
several images. If a group has few channels, one call of `einsum` adds up all runs, times their weights. If it has more,
the runs are copied into columns for a matrix product. These are few and long calls, so threads seldom wait for the
interpreter's lock, or for OpenBLAS'.

The adjoint in x reads all phases of a stride from one sheet of the cotangent, so no zeros of a stride are multiplied.
Any stride, padding and dilation; several groups. Float32 error against float64 on MobileNet's layers: 2e-7 relative.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.algorithms import Algorithm, Machine, Problem, is_finite, multiply_into, serves_groups
from minigrad.kernels.fast.rows import copy_rows
from minigrad.kernels.fast.sheets import Along, Layout, Reading, Seen, Taps, read_cotangents, read_windows, see
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.workspace import workspace
from minigrad.parallel import WORTH, share
from minigrad.threads import get_count

ALL = slice(None)
FEW = 4  # most products of a tap in a group for which `einsum` is quicker than a matrix product
BUFFER = 8192  # elements in NumPy's buffer: `einsum` copies runs up to a third of it if it has more than three axes
RUN = 4096  # least numbers in a run, of several images if they are small
BLOCK_BYTES = 2**21  # of a sheet at a time, twice as many of columns: not less, because of the time of their calls
OVERHEAD = 1e-4  # seconds of Python in all three functions
TAP = 0.08e-9  # seconds of `einsum` for each number and tap


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    groups, (readings, layout) = geometry.groups, read_windows(x.shape[2:], geometry)
    out = np.empty((len(x), len(w), *layout.size), x.dtype)
    images, results = _by_groups(x, groups), _by_groups(out, groups)
    kernel = w.reshape(groups, len(w) // groups, *w.shape[1:])

    def compute(piece: tuple[slice, slice]) -> None:
        part, found = images[piece], results[piece]
        sums = _add_up(kernel[piece[1]], see(part, readings, layout), layout.run(len(part), layout.size))
        copy_rows(found, layout.show(sums, found.shape))

    blocks, parts, size = _divide(len(x), kernel.shape, layout, x.itemsize)
    share(compute, list(product(blocks, parts)), size, alone=True)
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    O, C, groups, (readings, layout) = g.shape[1], x.shape[1], geometry.groups, read_windows(x.shape[2:], geometry)
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    w = np.zeros((groups, O // groups, C // groups, *geometry.kernel), x.dtype)
    Ho, Wo = layout.size
    whole = Reading(Along(0, Ho), Along(0, Wo), Taps(ALL), Taps(ALL), (slice(0, Ho, 1), slice(0, Wo, 1)))
    blocks, parts, size = _divide(len(x), w.shape, layout, x.itemsize)

    def add(some: slice) -> None:
        for block in blocks:  # all by one thread, so that the sums do not depend on the number of threads
            ((_, seeds),) = see(cotangents[block, some], [whole], layout, "cotangents")
            _correlate(see(images[block, some], readings, layout), seeds[:, :, 0, 0], w[some])

    share(add, parts, size, alone=True)
    return w.reshape(O, C // groups, *geometry.kernel)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    (N, O), groups, (k, kh, kw) = g.shape[:2], geometry.groups, w.shape[1:]
    gaps = geometry.stride[0] > kh or geometry.stride[1] > kw or geometry.dilation != (1, 1)  # pixels without a tap
    x = (np.zeros if gaps else np.empty)((N, groups * k, *size), g.dtype)
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    # (O, k, kh, kw) -> (groups, k, O/groups, kh, kw), turned by half a circle
    kernel = w.reshape(groups, O // groups, k, kh, kw).swapaxes(1, 2)[..., ::-1, ::-1]
    readings, layout = read_cotangents(g.shape[2:], geometry, size)

    def paint(piece: tuple[slice, slice]) -> None:
        part, image, some = cotangents[piece], images[piece], kernel[piece[1]]
        for reading, seen in see(part, readings, layout):
            found, own = image[(..., *reading.results)], some[..., reading.down.numbers, reading.across.numbers]
            all_taps = reading._replace(down=Taps(ALL), across=Taps(ALL))
            copy_rows(found, layout.show(_add_up(own, [(all_taps, seen)], seen.shape[4]), found.shape))

    blocks, parts, nbytes = _divide(N, kernel.shape, layout, g.itemsize)
    share(paint, list(product(blocks, parts)), nbytes, alone=True)
    return x


def _add_up(kernel: Array, seen: Iterable[Seen], run: int) -> Array:
    """The sum of kernels (some, o, k, kh, kw) times what their taps read: (some, o, run)."""
    some, o, k = kernel.shape[:3]
    sums = workspace("sums", (some, o, run), kernel.dtype)
    if o * k > FEW:
        multiply_into(kernel.reshape(some, o, -1), _columns(kernel.shape, seen, run), sums)
        return sums
    for number, (reading, numbers) in enumerate(seen):
        _add_runs(kernel[..., reading.down.numbers, reading.across.numbers], numbers, sums, anew=number == 0)
    return sums


def _add_runs(kernel: Array, seen: Array, sums: Array, anew: bool) -> None:
    """Adds kernels (some, o, k, i, j) times what their taps read (some, k, i, j, run) to sums, or writes them there.

    Short runs are added up by a call for each row of the kernel, so that `einsum` has three axes.
    """
    outputs, terms = [ALL], [(ALL, ALL)]
    if 3 * sums.shape[2] <= BUFFER:
        outputs, inputs, rows = ([slice(i, i + 1) for i in range(n)] for n in kernel.shape[1:4])
        terms = list(product(inputs, rows))
    for some in outputs:
        target = sums[:, some]
        for number, (own, row) in enumerate(terms):
            found = target if anew and number == 0 else workspace("product", target.shape, target.dtype)
            weights = kernel[:, some, own, row]
            # in this order the runs are the innermost loop
            np.einsum("pjikg,jikog->pog", seen[:, own, row].T, weights.T, out=found.T, order="F")
            if found is not target:
                target += found


def _columns(kernel: tuple[int, ...], seen: Iterable[Seen], run: int) -> Array:
    """What taps read, as columns for a matrix product: (some, k*kh*kw, run)."""
    some, _, k, kh, kw = kernel
    columns: Array | None = None
    for reading, numbers in seen:
        if columns is None:
            columns = workspace("columns", (some, k, kh, kw, run), numbers.dtype)
        columns[:, :, reading.down.numbers, reading.across.numbers] = numbers
    assert columns is not None
    return columns.reshape(some, k * kh * kw, run)


def _correlate(seen: Iterable[Seen], seeds: Array, w: Array) -> None:
    """Adds the products of what taps read with cotangents (some, o, run) to kernels (some, o, k, kh, kw)."""
    if w.shape[1] * w.shape[2] > FEW:  # quicker with the longer side first
        found = np.matmul(_columns(w.shape, seen, seeds.shape[2]), seeds.swapaxes(1, 2))
        w += found.swapaxes(1, 2).reshape(w.shape)  # (some, k*kh*kw, o) -> (some, o, k, kh, kw)
        return
    for reading, numbers in seen:  # a scalar product for each weight
        found = np.vecdot(numbers[:, None], seeds[:, :, None, None, None])
        w[..., reading.down.numbers, reading.across.numbers] += found


def _by_groups(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> (N, groups, C/groups, H, W)."""
    N, C, H, W = images.shape
    return images.reshape(N, groups, C // groups, H, W)


def _divide(N: int, kernel: tuple[int, ...], layout: Layout, itemsize: int) -> tuple[list[slice], list[slice], int]:
    """Blocks of images and parts of groups; and the bytes of a copy that takes about as long as the whole work.

    Only the parts, which have no effect on results, depend on the number of threads.
    """
    groups, o, k, kh, kw = kernel
    pixels = layout.height * layout.width
    images = max(1, -(-N // max(1, -(-N * pixels // max(RUN, pixels)))))
    image_bytes = max(o, k) * pixels * itemsize  # of one group
    limit = BLOCK_BYTES if o * k <= FEW else 2 * BLOCK_BYTES // (kh * kw)
    nbytes = N * groups * image_bytes * kh * kw // 2
    threads = get_count() if nbytes >= WORTH else 1
    some = max(1, min(-(-groups // threads), limit // (images * image_bytes)))
    some = -(-groups // -(-groups // some))  # parts of about equal size
    return _cut(N, images), _cut(groups, some), nbytes


def _cut(length: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: images are copied into sheets, runs are added up or copied for a product, and results are copied."""
    (N, C, H, W), O, groups, (Ho, Wo) = problem.image, problem.outputs, problem.geometry.groups, problem.size
    inner, outputs, windows = C // groups * problem.taps, O // groups, problem.windows
    copies = machine.copy(2 * N * C * H * W + 4 * windows * O, Wo)
    if C // groups * outputs <= FEW:
        return OVERHEAD + copies + 3 * windows * O * inner * TAP
    run = max(RUN, Ho * Wo)
    products = machine.unpacked().product(outputs, run, inner, 3 * groups * windows / run)
    return OVERHEAD + copies + products + machine.copy(windows * (2 * C + O) * problem.taps, run) / 2


# Zeros around the cotangents meet the kernel in one adjoint, the rows of the next image in the other.
_SAFE = {"conv2d_input": lambda g, w, geometry: is_finite(w), "conv2d_weight": lambda x, g, geometry: is_finite(x)}
ALGORITHM = Algorithm("depthwise", serves_groups, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
