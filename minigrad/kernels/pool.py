"""Max pooling on plain arrays: the largest value of each window, where it lay, and the way back.

`max_pool2d` finds values and places, `max_pool2d_input` adds a cotangent at these places, and
`max_pool2d_gather` reads an image there: the last two are each other's adjoint, so every order of
derivative is one of them. Work goes plane by plane, one tap of the window at a time, never pixel
by pixel.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.windows import Pair, output_length, overlap

# One tap of the window: its row and column, the windows where it meets the image, the pixels it meets.
Tap = tuple[int, int, tuple[object, slice, slice], tuple[object, slice, slice]]


def pooled_length(
    length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False
) -> int:
    """Windows along an axis; `ceil_mode` lets a last one hang over if it starts before the end."""
    if not ceil_mode:
        return output_length(length, kernel, stride, padding, dilation)
    reach = length + 2 * padding - dilation * (kernel - 1) - 1
    count = -(-reach // stride) + 1
    return count - ((count - 1) * stride >= length + padding)


def max_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
) -> tuple[Array, Array]:
    """The maximum of each window and its place: (..., H, W) -> (..., Ho, Wo), twice.

    Places are int64 and count the pixels of the unpadded image row by row, h W + w. Among equal maxima
    the first wins; a NaN beats everything, and the last NaN of a window is its place; padding never
    wins. Follows torch.nn.functional.max_pool2d(return_indices=True).
    """
    xp, (H, W) = array_module(x), x.shape[-2:]
    Ho, Wo = (
        pooled_length(*axis, ceil_mode)
        for axis in zip((H, W), kernel_size, stride, padding, dilation, strict=True)
    )
    floating = x.dtype.kind == "f"
    best = xp.full((*x.shape[:-2], Ho, Wo), -np.inf if floating else np.iinfo(x.dtype).min, x.dtype)
    winner = xp.zeros(best.shape, xp.int16)  # i kw + j
    taps = list(_taps(kernel_size, (H, W), (Ho, Wo), stride, padding, dilation))
    for i, j, windows, pixels in reversed(taps):  # the first of equals writes last
        value, so_far = x[pixels], best[windows]
        xp.copyto(winner[windows], i * kernel_size[1] + j, where=value >= so_far)
        xp.maximum(so_far, value, out=so_far)
    if floating and (xp is not np or np.isnan(best).any()):  # a GPU is not waited for
        for i, j, windows, pixels in taps:
            xp.copyto(winner[windows], i * kernel_size[1] + j, where=xp.isnan(x[pixels]))
    offset = (
        xp.arange(kernel_size[0]).reshape(-1, 1) * (dilation[0] * W)
        + xp.arange(kernel_size[1]) * dilation[1]
    )
    places = xp.take(offset.reshape(-1), winner)
    places += _corners(Ho, stride[0], padding[0], xp).reshape(-1, 1) * W
    places += _corners(Wo, stride[1], padding[1], xp)
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
    """Adds each g at its place: (..., Ho, Wo) -> (..., H, W); the adjoint of `max_pool2d_gather`."""
    xp, size = array_module(g), g.shape[-2:]
    x = xp.zeros((*g.shape[:-2], *input_size), g.dtype)
    corner_h = _corners(size[0], stride[0], padding[0], xp).reshape(-1, 1) * input_size[1]
    tap = places - corner_h - _corners(size[1], stride[1], padding[1], xp)  # as in `offset` above
    for i, j, windows, pixels in _taps(kernel_size, input_size, size, stride, padding, dilation):
        wins = tap[windows] == i * dilation[0] * input_size[1] + j * dilation[1]
        x[pixels] += xp.where(wins, g[windows], 0)
    return x


def max_pool2d_gather(x: Array, places: Array) -> Array:
    """Reads x (..., H, W) at the places (..., Ho, Wo) that `max_pool2d` found."""
    flat = (*x.shape[:-2], -1)
    xp = array_module(x)
    return xp.take_along_axis(x.reshape(flat), places.reshape(flat), -1).reshape(places.shape)


def _taps(
    kernel: Pair, image: Pair, windows: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Iterator[Tap]:
    for i in range(kernel[0]):
        rows, pixel_rows = overlap(i, image[0], windows[0], stride[0], padding[0], dilation[0])
        for j in range(kernel[1]):
            cols, pixel_cols = overlap(j, image[1], windows[1], stride[1], padding[1], dilation[1])
            yield i, j, (..., rows, cols), (..., pixel_rows, pixel_cols)


def _corners(windows: int, stride: int, padding: int, xp: object) -> Array:
    return xp.arange(windows) * stride - padding  # type: ignore[attr-defined]
