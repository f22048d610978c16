"""Pooling on plain arrays, and its adjoints.

Max pooling: `max_pool2d` returns values and indices, `max_pool2d_input` adds a cotangent at these indices, and
`max_pool2d_gather` reads an image there. The last two are each other's adjoint, so every order of derivative is
one of them. Average pooling divides `window_sums`, whose adjoint is `window_sums_input`.

The loops run over the taps (the positions in a window), with one operation on the whole plane each. Taps that lie
outside the image for every window are skipped, so a window far larger than the image costs no more than the image.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache, reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module, is_finite
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import overlap
from minigrad.parallel import share, spread
from minigrad.placement import as_index, constant_beside
from minigrad.threads import products_alone

BLOCK = 2**20  # pixels that a thread processes at a time: with fewer, threads wait for each other's short calls
SHORT = 256  # up to so many multiplications for a row of windows, a product is quicker than sums of short rows
BRIEF = 2**13  # multiplications that OpenBLAS never divides among its threads
PIECE = 1024  # planes in such a product
NARROW = 64  # up to so many pixels in a row of windows, a product is quicker than strided copies
FEW = 5000  # up to so many pixels in all windows, a copy of the windows is quicker than passes over the taps
# A tap of the window along one axis: its number, the windows whose tap lies inside the image, and the pixels it reads.
Tap = tuple[int, slice, slice]


class Reads(NamedTuple):
    """What all windows read of an image."""

    pairs: list[tuple[Any, Any]]  # for each tap, row by row: the windows whose tap lies inside, and their pixels
    complete: bool  # no window meets padding


def count_windows(geometry: Geometry, size: Pair, ceil_mode: bool) -> Pair:
    """The windows along each axis; with `ceil_mode` the last may reach beyond the end, if it starts inside."""
    if not ceil_mode:
        return geometry.windows(size)
    spans = zip(size, geometry.reach, geometry.stride, geometry.padding, strict=True)
    return tuple([_count_up(n, r, s, p) for n, r, s, p in spans])


def _count_up(length: int, reach: int, stride: int, padding: int) -> int:
    count = -(-(length + 2 * padding - reach) // stride) + 1
    last_starts_beyond = (count - 1) * stride >= length + padding
    return count - 1 if last_starts_beyond else count


def max_pool2d(x: Array, places: Array, geometry: Geometry) -> Array:
    """The maximum of each window: (..., H, W) -> (..., Ho, Wo); fills the int64 array `places` of that shape.

    A place is the flat index h W + w in the unpadded image. Among equal maxima the first wins; a NaN beats
    everything, and the last NaN of a window gives its place; padding never wins. As
    torch.nn.functional.max_pool2d(return_indices=True).
    """
    xp, (H, W), (Ho, Wo) = array_module(x), x.shape[-2:], places.shape[-2:]
    best = xp.empty(places.shape, x.dtype)
    reads, offset, corner = _lay_places(geometry, (H, W), (Ho, Wo))
    offset, corner = constant_beside(x, offset), constant_beside(x, corner)
    planes, bests, found = x.reshape(-1, H, W), best.reshape(-1, Ho, Wo), places.reshape(-1, Ho, Wo)
    few = reads.complete and best.size * len(reads.pairs) <= FEW and xp is np and x.dtype.kind == "f"
    if few and best.size and _pick_largest(planes, bests, found, _list_pixels(geometry, (H, W), (Ho, Wo))):
        return best

    def search(some: slice) -> None:
        winner = _compare(planes[some], bests[some], reads)
        xp.add(xp.take(offset, as_index(winner)), corner, out=found[some])

    _plane_by_plane(search, planes)
    return best


@lru_cache(maxsize=256)
def _lay_places(geometry: Geometry, size: Pair, windows: Pair) -> tuple[Reads, Array, Array]:
    """What is read of an image, the offset of each tap (i, j), and the corner of each window (t, u), (Ho, Wo).

    Tap (i, j) of window (t, u) reads the pixel with flat index offset + corner.
    """
    pairs: list[tuple[Any, Any]] = []
    offsets: list[int] = []
    row_taps, column_taps = _taps(geometry, size, windows)
    for i, rows_of_windows, rows in row_taps:
        for j, columns_of_windows, columns in column_taps:
            offsets.append(i * geometry.dilation[0] * size[1] + j * geometry.dilation[1])
            pairs.append(((..., rows_of_windows, columns_of_windows), (..., rows, columns)))
    complete = _lie_inside(row_taps, windows[0]) and _lie_inside(column_taps, windows[1])
    top, left = (np.arange(n) * s - p for n, s, p in zip(windows, geometry.stride, geometry.padding, strict=True))
    return Reads(pairs, complete), np.array(offsets, np.int64), top.reshape(-1, 1) * size[1] + left


def _lie_inside(taps: list[Tap], count: int) -> bool:
    """Whether the taps of all `count` windows along an axis lie inside the image."""
    return all(own == slice(0, count) for _, own, _ in taps)


@lru_cache(maxsize=256)
def _list_pixels(geometry: Geometry, size: Pair, windows: Pair) -> Array:
    """The flat index of each pixel that a window reads: (Ho*Wo, taps)."""
    _, offset, corner = _lay_places(geometry, size, windows)
    return corner.reshape(-1, 1) + offset


def _pick_largest(planes: Array, best: Array, places: Array, pixels: Array) -> bool:
    """Fills `best` and `places` (n, Ho, Wo) from a copy of all windows; returns whether no window has an inf or a NaN.

    `argmax` would take the first NaN.
    """
    windows = planes.reshape(len(planes), -1).take(pixels, 1)  # (n, Ho*Wo, taps)
    winner = windows.argmax(2)
    winner += np.arange(0, windows.size, pixels.shape[1]).reshape(winner.shape)  # where it stands in the copy
    windows.take(winner, out=best.reshape(winner.shape))
    pixels.take(winner, out=places.reshape(winner.shape), mode="wrap")
    return bool(is_finite(best))


def _plane_by_plane(work: Callable[[slice], object], planes: Array) -> None:
    """Calls `work` on a few of the planes (n, H, W) at a time, so that they stay in the cache, in all threads."""
    if array_module(planes) is not np:
        work(slice(0, len(planes)))
        return
    step = max(1, BLOCK // max(1, planes[0].size)) if len(planes) else 1

    def go_through(some: slice) -> None:
        for n in range(some.start, some.stop, step):
            work(slice(n, min(n + step, some.stop)))

    spread(go_through, len(planes), planes.nbytes)


def max_pool2d_input(g: Array, places: Array, size: Pair, apart: bool) -> Array:
    """Adds g at its places: (..., Ho, Wo) -> (..., H, W); the adjoint of `max_pool2d_gather`.

    `apart` says that no two windows share a pixel.
    """
    xp, pixels = array_module(g), size[0] * size[1]
    x = xp.zeros((*g.shape[:-2], *size), g.dtype)
    if not g.size:  # no windows
        return x
    planes, gs, found = x.reshape(-1, *size), g.reshape(-1, *g.shape[-2:]), places.reshape(-1, *g.shape[-2:])

    def put(some: slice) -> None:
        flat, index = planes[some].reshape(-1), _flat_index(found[some], pixels, xp)
        if apart:
            flat[index] = gs[some].reshape(-1)
        else:
            xp.add.at(flat, index, gs[some].reshape(-1))

    _plane_by_plane(put, planes)
    return x


def max_pool2d_gather(x: Array, places: Array) -> Array:
    """Reads x (..., H, W) at `places` (..., Ho, Wo), as `max_pool2d` filled it."""
    xp, pixels = array_module(x), x.shape[-2] * x.shape[-1]
    out = xp.empty(places.shape, x.dtype)
    if not out.size:  # no windows
        return out
    planes, outs, found = x.reshape(-1, pixels), out.reshape(-1, *out.shape[-2:]), places.reshape(-1, *out.shape[-2:])

    def read(some: slice) -> None:
        index = as_index(_flat_index(found[some], pixels, xp))
        xp.take(planes[some].reshape(-1), index, out=outs[some].reshape(-1))

    _plane_by_plane(read, planes)
    return out


def _flat_index(places: Array, pixels: int, xp: Any) -> Array:
    """Converts indices in each plane to indices in all planes, flattened: (..., Ho, Wo) -> flat."""
    planes = places.reshape(-1, places.shape[-2] * places.shape[-1])
    return (planes + xp.arange(len(planes)).reshape(-1, 1) * pixels).reshape(-1)


def _compare(planes: Array, best: Array, reads: Reads) -> Array:
    """Writes the maxima (planes, Ho, Wo) into `best`; returns the number of the winning tap, counted row by row."""
    xp, floating = array_module(planes), planes.dtype.kind == "f"
    pairs, complete = reads
    small = xp.uint8 if len(pairs) < 256 else xp.int64
    winner = xp.zeros(best.shape, small)
    if complete:
        best[...] = planes[pairs[0][1]]
    else:
        best[...] = -np.inf if floating else np.iinfo(planes.dtype).min
        for number, (windows, _) in reversed([*enumerate(pairs)]):
            winner[windows] = number  # initially the first tap that is not padding
    for number, (windows, pixels) in enumerate(pairs[complete:], complete):
        # The strided pixels are read twice, so they are copied first.
        value, so_far, tap = planes[pixels].copy(), best[windows], winner[windows]
        # Tap numbers increase, so their maximum is the latest tap with a strictly larger value.
        xp.maximum(tap, (value > so_far).view(np.uint8) * small(number), out=tap)
        xp.maximum(so_far, value, out=so_far)
    if floating and (xp is not np or np.isnan(best).any()):  # no test on a GPU, which would mean waiting
        for number, (windows, pixels) in enumerate(pairs):
            xp.copyto(winner[windows], number, where=xp.isnan(planes[pixels]))
    return winner


def sees_everywhere(geometry: Geometry, size: Pair, windows: Pair) -> bool:
    """Whether every window has a tap inside the image: with dilation all taps may lie around it."""
    for taps, count in zip(_taps(geometry, size, windows), windows, strict=True):
        seeing: set[int] = set()
        for _, into, _ in taps:
            seeing.update(range(into.start, into.stop))
        if len(seeing) < count:
            return False
    return True


def avg_pool2d(x: Array, geometry: Geometry, windows: Pair, divisor: int | None, include_pad: bool) -> Array:
    """The mean of each window, or its sum over `divisor`: (..., H, W) -> (..., Ho, Wo). Integers are truncated."""
    xp, size = array_module(x), x.shape[-2:]
    count = find_divisor(x, geometry, size, windows, divisor, include_pad)
    out = xp.empty((*x.shape[:-2], *windows), x.dtype)
    planes, outs = x.reshape(-1, *size), out.reshape(-1, *windows)
    (kh, kw), (_, W), Wo = geometry.kernel, size, windows[1]
    by_product = kh * W * Wo <= SHORT and _suits_a_product(x, geometry, size, windows)

    def average(some: slice) -> None:
        if by_product:  # (n*Ho, kh*W) @ (kh*W, Wo): each row of windows gives its sums
            rows = planes[some].reshape(-1, kh * W)
            sums = np.matmul(rows, _repeat(Wo, (kh, kw), x.dtype).T).reshape(-1, *windows)
        else:
            sums = window_sums(planes[some], geometry, windows)
        divide(sums, count, outs[some])

    if by_product and x.size * Wo <= BRIEF:
        average(slice(None))
    elif by_product:  # in pieces of one size, because the size of a product decides its last digits
        share(average, [slice(n, n + PIECE) for n in range(0, len(planes), PIECE)], x.nbytes)
    else:
        spread(average, len(planes), x.nbytes if xp is np else 0)
    return out


def divide(sums: Array, count: Any, out: Array) -> None:
    """Writes the sums over `count` into `out`; integers are truncated."""
    if sums.dtype.kind == "f":
        array_module(sums).true_divide(sums, count, out=out)
    else:
        rounds_down = (sums % count != 0) & ((sums < 0) != (count < 0))
        out[...] = sums // count + rounds_down


def _suits_a_product(x: Array, geometry: Geometry, size: Pair, windows: Pair) -> Any:
    """Whether a product may sum or repeat `x`: finite floats, and windows that lie side by side and cover the image."""
    (kh, kw), (Ho, Wo) = geometry.kernel, windows
    tiles = geometry.stride == (kh, kw) and geometry.padding == (0, 0) and size == (Ho * kh, Wo * kw)
    return tiles and x.__class__ is np.ndarray and x.dtype.char in "fd" and is_finite(x)


def avg_pool2d_input(g: Array, geometry: Geometry, size: Pair, divisor: int | None, include_pad: bool) -> Array:
    """The adjoint of `avg_pool2d`: (..., Ho, Wo) -> (..., H, W)."""
    xp, count = array_module(g), find_divisor(g, geometry, size, g.shape[-2:], divisor, include_pad)
    x = xp.empty((*g.shape[:-2], *size), g.dtype)
    planes, gs = x.reshape(-1, *size), g.reshape(-1, *g.shape[-2:])
    (kh, kw), (Ho, Wo) = geometry.kernel, g.shape[-2:]
    by_product = kh * size[1] <= NARROW and _suits_a_product(g, geometry, size, (Ho, Wo))

    def paint(some: slice) -> None:
        part = gs[some] / count
        if by_product:  # (n*Ho, Wo) @ (Wo, kh*W): each row of g gives the kh rows of its windows
            np.matmul(part.reshape(-1, Wo), _repeat(Wo, (kh, kw), g.dtype), out=planes[some].reshape(-1, kh * size[1]))
        else:
            window_sums_input(part, geometry, planes[some])

    with products_alone() if by_product and x.size * Wo > BRIEF else nullcontext():
        spread(paint, len(planes), x.nbytes if xp is np else 0)
    return x


@lru_cache(maxsize=256)
def _repeat(windows: int, kernel: Pair, dtype: np.dtype) -> Array:
    """The matrix that repeats each number of a row kw times, and the row kh times: (Wo, kh*Wo*kw)."""
    row = np.repeat(np.eye(windows, dtype=dtype), kernel[1], axis=1)
    return np.tile(row, kernel[0])


def find_divisor(x: Array, geometry: Geometry, size: Pair, windows: Pair, given: int | None, include_pad: bool) -> Any:
    """The divisor: one number, or an array (Ho, Wo) on the device of x; of volumes (Do, Ho, Wo)."""
    if given is not None:
        return given
    counts = _counts(geometry, size, windows, include_pad)
    return constant_beside(x, counts.astype(x.dtype)) if isinstance(counts, np.ndarray) else counts


@lru_cache(maxsize=256)
def _counts(geometry: Geometry, size: Pair, windows: Pair, include_pad: bool) -> Any:
    """The number of elements in each window, with or without those in the padding: one, or an array (..., Ho, Wo)."""
    counts: list[list[int]] = []
    for length, k, s, p, n in zip(size, geometry.kernel, geometry.stride, geometry.padding, windows, strict=True):
        low, high = (-p, length + p) if include_pad else (0, length)
        counts.append([min(start + k, high) - max(start, low) for start in range(-p, -p + n * s, s)])
    if all(len({*along}) == 1 for along in counts):
        return prod(along[0] for along in counts)
    return reduce(np.multiply.outer, map(np.array, counts))


# The sum of a window is computed along one axis, then along the other: kh + kw passes instead of kh kw.
def window_sums(x: Array, geometry: Geometry, windows: Pair) -> Array:
    """The sum of each window: (..., H, W) -> (..., Ho, Wo), with zero padding."""
    for axis, inside, meets in _list_meets(geometry, x.shape[-2:], windows):
        if inside:  # no window reaches into the padding: start with two taps
            (_, first), (_, second), *meets = meets
            total = x[first] + x[second]
        else:
            total = array_module(x).zeros(with_length(x.shape, axis, windows[axis]), x.dtype)
        for into, pixels in meets:
            total[into] += x[pixels]
        x = total
    return x


@lru_cache(maxsize=256)
def _list_meets(geometry: Geometry, size: Pair, windows: Pair) -> list[tuple[int, bool, list[tuple[Any, Any]]]]:
    """Along each axis: whether two taps or more lie inside the image for all windows; and for each tap, the windows
    whose tap lies inside, and their pixels. The axis that adds whole rows, which is quicker, is the first.
    """
    taps, found = _taps(geometry, size, windows), []
    for axis in (-2, -1):
        rest = (slice(None),) * (-1 - axis)
        meets = [((..., into, *rest), (..., pixels, *rest)) for _, into, pixels in taps[axis]]
        inside = len(meets) > 1 and all(into == slice(0, windows[axis]) for _, into, _ in taps[axis])
        found.append((axis, inside, meets))
    return found


def window_sums_input(g: Array, geometry: Geometry, image: Array) -> None:
    """The adjoint of `window_sums`: (..., Ho, Wo) into the image (..., H, W)."""
    size, windows = image.shape[-2:], g.shape[-2:]
    taps = _taps(geometry, size, windows)
    for axis in (-1, -2):
        rest, stride, kernel = (slice(None),) * (-1 - axis), geometry.stride[axis], geometry.kernel[axis]
        wide = image if axis == -2 else array_module(g).empty(with_length(g.shape, axis, size[axis]), g.dtype)
        reached = windows[axis] * stride - geometry.padding[axis]
        if not stride == kernel == len(taps[axis]) or size[axis] > reached:
            wide[...] = 0  # some pixels get contributions from no window, or from several
        for _, some, pixels in taps[axis]:
            if stride >= kernel:  # no two windows share a pixel
                wide[..., pixels, *rest] = g[..., some, *rest]
            else:
                wide[..., pixels, *rest] += g[..., some, *rest]
        g = wide


def with_length(shape: tuple[int, ...], axis: int, length: int) -> list[int]:
    """`shape` with another length along an axis."""
    lengths = list(shape)
    lengths[axis] = length
    return lengths


@lru_cache(maxsize=256)
def _taps(geometry: Geometry, size: Pair, windows: Pair) -> list[list[Tap]]:
    """The taps along each axis that lie inside the image for some window."""
    return [*map(_axis_taps, size, windows, *geometry[:4])]


def _axis_taps(length: int, windows: int, kernel: int, stride: int, padding: int, dilation: int) -> list[Tap]:
    taps: Any = range(kernel)
    if kernel > length:  # most taps lie outside; in window t those from (padding - t stride) / dilation are inside
        seen: set[int] = set()
        for t in range(windows):
            start = padding - t * stride
            seen.update(range(max(0, -(-start // dilation)), min(kernel, (start + length - 1) // dilation + 1)))
        taps = sorted(seen)
    meets = [(tap, *overlap(tap, length, windows, stride, padding, dilation)) for tap in taps]
    return [meet for meet in meets if meet[1] != slice(0, 0)]
