"""Depthwise and grouped convolution: many small kernels, each over a few channels.

Images are laid as sheets (`sheets.py`), where each tap of the kernel reads one run of numbers for all windows of
several images. If a group has few channels, one call of `einsum` adds up all runs, times their weights. If it has more,
the runs are copied into columns for a matrix product. These are few and long calls, so threads seldom wait for the
interpreter's lock, or for OpenBLAS'.

The adjoint in x reads all phases of a stride from one sheet of the cotangent, so no zeros of a stride are multiplied.
Any stride, padding and dilation; several groups. Float32 error against float64 on MobileNet's layers: 2e-7 relative.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.algorithms import Algorithm, Machine, Problem, is_finite, multiply_into, serves_groups
from minigrad.kernels.fast.rows import copy_rows
from minigrad.kernels.fast.sheets import Along, Layout, has_all_taps, read_cotangents, read_windows
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.workspace import workspace
from minigrad.parallel import WORTH, share
from minigrad.threads import get_count

FEW = 4  # most products of a tap in a group for which `einsum` is quicker than a matrix product
BUFFER = 8192  # elements in NumPy's buffer: `einsum` copies runs up to a third of it if it has more than three axes
RUN = 4096  # least numbers in a run, of several images if they are small
BLOCK_BYTES = 2**21  # of a sheet at a time, twice as many of columns: not less, because of the time of their calls
OVERHEAD = 1e-4  # seconds of Python in all three functions
TAP = 0.08e-9  # seconds of `einsum` for each number and tap


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    groups, layout = geometry.groups, read_windows(x.shape[2:], geometry)
    out = np.empty((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    images, results = _by_groups(x, groups), _by_groups(out, groups)
    kernel = w.reshape(groups, len(w) // groups, *w.shape[1:])
    add_up, weights = (_add_up, layout.split(kernel)) if _is_few(kernel.shape) else (_multiply, kernel)

    def compute(piece: tuple[slice, slice]) -> None:
        part, found = images[piece], results[piece]
        copy_rows(found, layout.show(add_up(weights[piece[1]], layout.lay(part)), len(part)))

    blocks, parts, size = _divide(len(x), kernel.shape, layout, x.itemsize)
    share(compute, list(product(blocks, parts)), size, alone=True)
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    O, C, groups, layout = g.shape[1], x.shape[1], geometry.groups, read_windows(x.shape[2:], geometry)
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    w = np.zeros((groups, O // groups, C // groups, *geometry.kernel), x.dtype)
    single = Layout(*[axis._replace(taps=1, phases=(Along(0, axis.windows),)) for axis in layout])
    blocks, parts, size = _divide(len(x), w.shape, layout, x.itemsize)

    def add(some: slice) -> None:
        for block in blocks:  # all by one thread, so that the sums do not depend on the number of threads
            seeds = single.lay(cotangents[block, some], "cotangents")[:, :, 0, 0, 0, 0]
            seen, sums = layout.lay(images[block, some]), w[some]
            if _is_few(w.shape):  # a scalar product for each weight
                found = np.vecdot(seen[:, None], seeds[:, :, None, None, None, None, None])
                sums += layout.join(found, geometry.kernel)
            else:  # quicker with the longer side first
                found = np.matmul(_columns(seen, geometry.kernel), seeds.swapaxes(1, 2))
                sums += found.swapaxes(1, 2).reshape(sums.shape)  # (some, k*kh*kw, o) -> (some, o, k, kh, kw)

    share(add, parts, size, alone=True)
    return w.reshape(O, C // groups, *geometry.kernel)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    (N, O), groups, (k, kh, kw) = g.shape[:2], geometry.groups, w.shape[1:]
    gaps = geometry.stride[0] > kh or geometry.stride[1] > kw or geometry.dilation != (1, 1)  # pixels without a tap
    x = (np.zeros if gaps else np.empty)((N, groups * k, *size), g.dtype)
    images, cotangents = _by_groups(x, groups), _by_groups(g, groups)
    layout, down, across = read_cotangents(g.shape[2:], geometry, size)
    kernel = w.reshape(groups, O // groups, k, kh, kw)
    # (groups, o, k, a, i, b, j) -> (groups, k, a, b, o, i, j), the taps in descending order
    taps = read_windows(size, geometry).split(kernel).transpose(0, 2, 3, 5, 1, 4, 6)[..., ::-1, ::-1]
    kernel = taps.reshape(groups, -1, *taps.shape[4:])
    few = _is_few((groups, k, O // groups))
    add_up, weights = (_add_up, kernel[:, :, :, None, :, None, :]) if few else (_multiply, kernel)

    def paint(piece: tuple[slice, slice]) -> None:
        part, image = cotangents[piece], images[piece]
        found = layout.show(add_up(weights[piece[1]], layout.lay(part)), len(part))
        # (n, some, k*a*b, rows, columns) -> (n, some, k, a, b, rows, columns)
        by_phase = found.reshape(*found.shape[:2], k, len(down), len(across), *found.shape[3:])
        for (a, (rows, lines)), (b, (columns, pixels)) in product(enumerate(down), enumerate(across)):
            copy_rows(image[..., lines, pixels], by_phase[:, :, :, a, b, rows, columns])

    blocks, parts, nbytes = _divide(N, (groups, k, O // groups, kh, kw), layout, g.itemsize)
    share(paint, list(product(blocks, parts)), nbytes, alone=True)
    return x


def _is_few(kernel: tuple[int, ...]) -> bool:
    """Whether kernels (groups, o, k, ...) are added up tap by tap, not multiplied as matrices."""
    return kernel[1] * kernel[2] <= FEW


def _add_up(weights: Array, seen: Array) -> Array:
    """The sums of weights (some, o, k, a, i, b, j) times what taps read, (some, k, a, i, b, j, run), in scratch memory:
    (some, o, run).
    """
    some, o, *terms = weights.shape
    sums = workspace("sums", (some, o, seen.shape[-1]), weights.dtype)
    if 3 * seen.shape[-1] > BUFFER:
        _add_runs(weights, seen, sums)
        return sums
    for output in range(o):
        target = sums[:, output : output + 1]
        for number, place in enumerate(np.ndindex(*terms[:-1])):
            key = (slice(None), *[slice(i, i + 1) for i in place])
            found = workspace("product", target.shape, target.dtype) if number else target
            _add_runs(weights[:, output : output + 1][(slice(None), *key)], seen[key], found)
            if number:
                target += found
    return sums


def _add_runs(weights: Array, seen: Array, sums: Array) -> None:
    """The same in one call, whose innermost loop is the run, as the axes are in Fortran's order."""
    np.einsum("pjbiakg,jbiakog->pog", seen.T, weights.T, out=sums.T, order="F")


def _multiply(kernel: Array, seen: Array) -> Array:
    """The products of kernels (some, o, k, kh, kw) with what taps read, in scratch memory: (some, o, run)."""
    sums = workspace("sums", (*kernel.shape[:2], seen.shape[-1]), kernel.dtype)
    multiply_into(kernel.reshape(*kernel.shape[:2], -1), _columns(seen, kernel.shape[3:]), sums)
    return sums


def _columns(seen: Array, taps: Pair) -> Array:
    """What taps read, as columns for a matrix product: (some, k, a, i, b, j, run) -> (some, k*kh*kw, run)."""
    some, k, a, _, b, _, run = seen.shape
    columns = workspace("columns", (some, k, *taps, run), seen.dtype)
    for p, q in product(range(a), range(b)):
        phase = columns[:, :, p::a, q::b]
        phase[...] = seen[:, :, p, : phase.shape[2], q, : phase.shape[3]]
    return columns.reshape(some, -1, run)


def _by_groups(images: Array, groups: int) -> Array:
    """(N, C, H, W) -> (N, groups, C/groups, H, W)."""
    N, C, H, W = images.shape
    return images.reshape(N, groups, C // groups, H, W)


def _divide(N: int, kernel: tuple[int, ...], layout: Layout, itemsize: int) -> tuple[list[slice], list[slice], int]:
    """Blocks of images and parts of groups; and the bytes of a copy that takes about as long as the whole work.

    Only the parts, which have no effect on results, depend on the number of threads.
    """
    groups, o, k, kh, kw = kernel
    pixels = layout.down.pitch * layout.across.pitch
    images = max(1, -(-N // max(1, -(-N * pixels // max(RUN, pixels)))))
    image_bytes = max(o, k) * pixels * itemsize  # of one group
    limit = BLOCK_BYTES if _is_few(kernel) else 2 * BLOCK_BYTES // (kh * kw)
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


# Weights of zero meet the numbers that their taps read. Zeros around the cotangents meet the kernel in one adjoint, the
# rows of the next image in the other.
_SAFE = {
    "conv2d": lambda x, w, geometry: has_all_taps(geometry) or is_finite(x),
    "conv2d_input": lambda g, w, geometry: is_finite(w) and (has_all_taps(geometry) or is_finite(g)),
    "conv2d_weight": lambda x, g, geometry: is_finite(x),
}
ALGORITHM = Algorithm("depthwise", serves_groups, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
