"""Pooling on plain arrays: one number for each window, and the way back.

Max pooling: `max_pool2d` finds values and places, `max_pool2d_input` adds a cotangent at these places, and
`max_pool2d_gather` reads an image there: the last two are each other's adjoint, so every order of derivative is
one of them. Average pooling divides `window_sums`, whose adjoint is `window_sums_input`.

Work goes plane by plane, one tap of the window at a time, never pixel by pixel; taps that meet no image are
left out, so a window far larger than the image costs no more than the image.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import overlap

BLOCK = 2**16  # pixels of planes at a time
# A tap of the window along one axis: its number, the windows where it meets the image, and the pixels.
Tap = tuple[int, slice, slice]


def max_pool2d(x: Array, geometry: Geometry, ceil_mode: bool = False) -> tuple[Array, Array]:
    """The maximum of each window and its place: (..., H, W) -> (..., Ho, Wo), twice.

    Places are int64 and count the pixels of the unpadded image row by row, h W + w. Among equal
    maxima the first wins; a NaN beats everything, and the last NaN of a window is its place;
    padding never wins. Follows torch.nn.functional.max_pool2d(return_indices=True).
    """
    xp, (H, W) = array_module(x), x.shape[-2:]
    Ho, Wo = geometry.windows((H, W), ceil_mode)
    best = xp.empty((*x.shape[:-2], Ho, Wo), x.dtype)
    places = xp.empty(best.shape, xp.int64)
    taps = _taps(geometry, (H, W), (Ho, Wo))
    # The pixel that tap (i, j) of window (t, u) reads is (t, u)'s corner plus (i, j)'s offset.
    down, across = (
        xp.asarray([tap * d for tap, _, _ in axis]) for axis, d in zip(taps, geometry.dilation, strict=True)
    )
    offset = (down.reshape(-1, 1) * W + across).reshape(-1)
    top, left = (xp.arange(n) * s - p for n, s, p in zip((Ho, Wo), geometry.stride, geometry.padding, strict=True))
    corner = top.reshape(-1, 1) * W + left
    # A few planes at a time, so that they stay in the cache from tap to tap.
    planes, bests = x.reshape(-1, H, W), best.reshape(-1, Ho, Wo)
    step = max(1, BLOCK // (H * W)) if xp is np else max(1, len(planes))
    for n in range(0, len(planes), step):
        part = slice(n, n + step)
        winner = _compare(planes[part], bests[part], taps)
        xp.add(xp.take(offset, winner), corner, out=places.reshape(-1, Ho, Wo)[part])
    return best, places


def max_pool2d_input(g: Array, places: Array, geometry: Geometry, size: Pair) -> Array:
    """Adds g at its places: (..., Ho, Wo) -> (..., H, W); the adjoint of `max_pool2d_gather`."""
    xp, pixels = array_module(g), size[0] * size[1]
    x = xp.zeros((*g.shape[:-2], *size), g.dtype)
    flat, index = x.reshape(-1), _flat_index(places, pixels, xp)
    if all(s >= r for s, r in zip(geometry.stride, geometry.reach, strict=True)):  # no two windows share a pixel
        flat[index] = g.reshape(-1)
    else:
        xp.add.at(flat, index, g.reshape(-1))
    return x


def max_pool2d_gather(x: Array, places: Array) -> Array:
    """Reads x (..., H, W) at the places (..., Ho, Wo) that `max_pool2d` found."""
    xp, pixels = array_module(x), x.shape[-2] * x.shape[-1]
    out = xp.empty(places.shape, x.dtype)
    xp.take(x.reshape(-1), _flat_index(places, pixels, xp), out=out.reshape(-1))
    return out


def _flat_index(places: Array, pixels: int, xp: Any) -> Array:
    """Places in each plane as places in all of them, one after the other: (..., Ho, Wo) -> flat."""
    planes = places.reshape(-1, places.shape[-2] * places.shape[-1])
    return (planes + xp.arange(len(planes)).reshape(-1, 1) * pixels).reshape(-1)


def _compare(planes: Array, best: Array, taps: tuple[list[Tap], list[Tap]]) -> Array:
    """Writes the maxima (planes, Ho, Wo) into `best`; returns each winning tap's number, counted row by row."""
    xp, floating = array_module(planes), planes.dtype.kind == "f"
    best[...] = -np.inf if floating else np.iinfo(planes.dtype).min
    pairs = [
        ((..., rows, cols), (..., pixel_rows, pixel_cols))
        for _, rows, pixel_rows in taps[0]
        for _, cols, pixel_cols in taps[1]
    ]
    small = xp.uint8 if len(pairs) < 256 else xp.int64
    winner = xp.zeros(best.shape, small)
    for number, (windows, _) in reversed([*enumerate(pairs)]):
        winner[windows] = number  # the first that is not padding, if nothing is larger
    for number, (windows, pixels) in enumerate(pairs):
        value, so_far, tap = planes[pixels], best[windows], winner[windows]
        # Taps count upwards: the larger number is the later, strictly larger value.
        xp.maximum(tap, (value > so_far) * small(number), out=tap)
        xp.maximum(so_far, value, out=so_far)
    if floating and (xp is not np or np.isnan(best).any()):  # a GPU is not waited for
        for number, (windows, pixels) in enumerate(pairs):
            xp.copyto(winner[windows], number, where=xp.isnan(planes[pixels]))
    return winner


# A window's sum is a sum over its rows of sums over its columns: kh + kw passes instead of kh kw.
def window_sums(x: Array, geometry: Geometry, windows: Pair) -> Array:
    """The sum of each window: (..., H, W) -> (..., Ho, Wo); zeros around."""
    taps = _taps(geometry, x.shape[-2:], windows)
    for axis in (-2, -1):  # whole rows first, the quicker half, while the image is large
        rest = (slice(None),) * (-1 - axis)
        meets = [((..., into, *rest), (..., pixels, *rest)) for _, into, pixels in taps[axis]]
        if len(meets) > 1 and all(into == slice(0, windows[axis]) for _, into, _ in taps[axis]):
            (_, first), (_, second), *meets = meets  # no window hangs over: two taps make the sum's memory
            total = x[first] + x[second]
        else:
            total = array_module(x).zeros(_with_length(x.shape, axis, windows[axis]), x.dtype)
        for into, pixels in meets:
            total[into] += x[pixels]
        x = total
    return x


def window_sums_input(g: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint of `window_sums`: (..., Ho, Wo) -> (..., H, W)."""
    taps = _taps(geometry, size, g.shape[-2:])
    for axis in (-1, -2):
        rest = (slice(None),) * (-1 - axis)
        image = array_module(g).zeros(_with_length(g.shape, axis, size[axis]), g.dtype)
        for _, windows, pixels in taps[axis]:
            if geometry.stride[axis] >= geometry.kernel[axis]:  # no two windows share a pixel
                image[..., pixels, *rest] = g[..., windows, *rest]
            else:
                image[..., pixels, *rest] += g[..., windows, *rest]
        g = image
    return g


def _with_length(shape: tuple[int, ...], axis: int, length: int) -> list[int]:
    lengths = list(shape)
    lengths[axis] = length
    return lengths


@lru_cache(maxsize=256)
def _taps(geometry: Geometry, size: Pair, windows: Pair) -> tuple[list[Tap], list[Tap]]:
    """The taps along each axis that meet the image at all."""
    kernel, stride, padding, dilation, _ = geometry
    rows, columns = map(_axis_taps, size, windows, kernel, stride, padding, dilation)
    return rows, columns


def _axis_taps(length: int, windows: int, kernel: int, stride: int, padding: int, dilation: int) -> list[Tap]:
    taps: Any = range(kernel)
    if kernel > length:  # most meet nothing: window t sees pixels through the taps from (padding - t stride) / dilation
        starts = [padding - t * stride for t in range(windows)]
        seen = [range(max(0, -(-s // dilation)), min(kernel, (s + length - 1) // dilation + 1)) for s in starts]
        taps = sorted({tap for some in seen for tap in some})
    meets = [(tap, *overlap(tap, length, windows, stride, padding, dilation)) for tap in taps]
    return [meet for meet in meets if meet[1] != slice(0, 0)]
