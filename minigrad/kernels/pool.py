"""Max pooling on plain arrays: the largest value of each window, where it lay, and the way back.

`max_pool2d` finds values and places, `max_pool2d_input` adds a cotangent at these places, and
`max_pool2d_gather` reads an image there: the last two are each other's adjoint, so every order of
derivative is one of them. Work goes plane by plane, one tap of the window at a time, never pixel
by pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.windows import Pair, output_length, overlap

BLOCK = 2**16  # pixels of planes at a time
# One tap of the window: its row and column, the windows where it meets the image, and the pixels.
Tap = tuple[int, int, tuple[object, slice, slice], tuple[object, slice, slice]]


def pooled_length(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> int:
    """Windows along an axis; `ceil_mode` lets a last one hang over if it starts before the end."""
    if not ceil_mode:
        return output_length(length, kernel, stride, padding, dilation)
    reach = length + 2 * padding - dilation * (kernel - 1) - 1
    count = -(-reach // stride) + 1
    return count - ((count - 1) * stride >= length + padding)


def max_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1), ceil_mode: bool = False
) -> tuple[Array, Array]:
    """The maximum of each window and its place: (..., H, W) -> (..., Ho, Wo), twice.

    Places are int64 and count the pixels of the unpadded image row by row, h W + w. Among equal
    maxima the first wins; a NaN beats everything, and the last NaN of a window is its place;
    padding never wins. Follows torch.nn.functional.max_pool2d(return_indices=True).
    """
    xp, (H, W) = array_module(x), x.shape[-2:]
    Ho, Wo = (
        pooled_length(*axis, ceil_mode) for axis in zip((H, W), kernel_size, stride, padding, dilation, strict=True)
    )
    best = xp.empty((*x.shape[:-2], Ho, Wo), x.dtype)
    places = xp.empty(best.shape, xp.int64)
    taps = list(_taps(kernel_size, (H, W), (Ho, Wo), stride, padding, dilation))
    # The place of tap i kw + j is its window's corner plus this.
    down, across = (xp.arange(k) * d for k, d in zip(kernel_size, dilation, strict=True))
    offset = (down.reshape(-1, 1) * W + across).reshape(-1)
    corner = (xp.arange(Ho) * stride[0] - padding[0]).reshape(-1, 1) * W
    corner = corner + xp.arange(Wo) * stride[1] - padding[1]
    # A few planes at a time, so that they stay in the cache from tap to tap.
    planes, bests = x.reshape(-1, H, W), best.reshape(-1, Ho, Wo)
    step = max(1, BLOCK // (H * W)) if xp is np else max(1, len(planes))
    for n in range(0, len(planes), step):
        part = slice(n, n + step)
        winner = _compare(planes[part], bests[part], taps, kernel_size)
        xp.add(xp.take(offset, winner), corner, out=places.reshape(-1, Ho, Wo)[part])
    return best, places


def max_pool2d_input(
    g: Array,
    places: Array,
    input_size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
) -> Array:
    """Adds g at its places: (..., Ho, Wo) -> (..., H, W); the adjoint of `max_pool2d_gather`."""
    xp, pixels = array_module(g), input_size[0] * input_size[1]
    x = xp.zeros((*g.shape[:-2], *input_size), g.dtype)
    flat, index = x.reshape(-1), _flat_index(places, pixels, xp)
    apart = all(s > d * (k - 1) for k, s, d in zip(kernel_size, stride, dilation, strict=True))
    if apart:  # no two windows share a pixel
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


def _compare(planes: Array, best: Array, taps: list[Tap], kernel: Pair) -> Array:
    """Writes the maxima (planes, Ho, Wo) into `best`; returns each winning tap, as i kw + j."""
    xp, floating = array_module(planes), planes.dtype.kind == "f"
    best[...] = -np.inf if floating else np.iinfo(planes.dtype).min
    small = xp.uint8 if kernel[0] * kernel[1] < 256 else xp.int64
    winner = xp.zeros(best.shape, small)
    for i, j, windows, _ in reversed(taps):
        winner[windows] = i * kernel[1] + j  # the first that is not padding, if nothing is larger
    for i, j, windows, pixels in taps:
        value, so_far, number = planes[pixels], best[windows], winner[windows]
        # Taps count upwards: the larger number is the later, strictly larger value.
        xp.maximum(number, (value > so_far) * small(i * kernel[1] + j), out=number)
        xp.maximum(so_far, value, out=so_far)
    if floating and (xp is not np or np.isnan(best).any()):  # a GPU is not waited for
        for i, j, windows, pixels in taps:
            xp.copyto(winner[windows], i * kernel[1] + j, where=xp.isnan(planes[pixels]))
    return winner


def _taps(kernel: Pair, image: Pair, windows: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Iterator[Tap]:
    for i in range(kernel[0]):
        rows, pixel_rows = overlap(i, image[0], windows[0], stride[0], padding[0], dilation[0])
        for j in range(kernel[1]):
            cols, pixel_cols = overlap(j, image[1], windows[1], stride[1], padding[1], dilation[1])
            yield i, j, (..., rows, cols), (..., pixel_rows, pixel_cols)
