"""Windows of an image on plain arrays: a strided view without a copy, zero padding, and blocks that fit the cache."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.workspace import workspace

PIECES = 4  # that a convolution is cut into where it is large enough, for threads to share
LONG = 192  # windows of a piece: its product reads the whole kernel, which should be worth it
LEAST = 2**17  # bytes of a piece that is worth its calls
Block: TypeAlias = tuple[slice, slice]  # images, and rows of their windows


def window_view(x: Array, geometry: Geometry) -> Array:
    """The windows of already padded x: (..., H, W) -> (..., kh, kw, Ho, Wo), a view."""
    kernel, stride, _, dilation, _ = geometry
    Ho, Wo = geometry._replace(padding=(0, 0)).windows(x.shape[-2:])
    *outer, step_h, step_w = x.strides
    shape = (*x.shape[:-2], *kernel, Ho, Wo)
    strides = (*outer, step_h * dilation[0], step_w * dilation[1], step_h * stride[0], step_w * stride[1])
    return array_module(x).lib.stride_tricks.as_strided(x, shape, strides)


def empty(xp: object, role: str, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Scratch memory: our workspace under NumPy; CuPy's own pool already keeps memory."""
    return workspace(role, shape, dtype) if xp is np else xp.empty(shape, dtype)  # type: ignore[attr-defined]


def padded(x: Array, padding: Pair, rows: slice | None = None) -> Array:
    """Rows of x (..., H, W) with zeros around, in scratch memory; a view if nothing is added.

    `rows` counts in the padded images; all of them by default. They may lie wholly in the padding.
    """
    (ph, pw), (H, W) = padding, x.shape[-2:]
    first, last = (rows.start, rows.stop) if rows else (0, H + 2 * ph)
    start, stop = (min(max(row - ph, 0), H) for row in (first, last))  # the rows of x among them
    if not pw and stop - start == last - first:
        return x[..., start:stop, :]
    top = min(max(ph - first, 0), last - first)
    bottom = top + stop - start
    image = empty(array_module(x), "padded", (*x.shape[:-2], last - first, W + 2 * pw), x.dtype)
    image[..., :top, :] = 0
    image[..., bottom:, :] = 0
    image[..., top:bottom, :pw] = 0
    image[..., top:bottom, pw + W :] = 0
    image[..., top:bottom, pw : pw + W] = x[..., start:stop, :]
    return image


def overlap(tap: int, length: int, windows: int, stride: int, padding: int, dilation: int) -> tuple[slice, slice]:
    """Where a tap of the kernel meets the image along an axis: slices of windows and of pixels.

    Window t reads pixel t stride + tap dilation - padding, unless that lies in the padding.
    """
    shift = tap * dilation - padding
    first = max(0, -(shift // stride))
    last = min(windows - 1, (length - 1 - shift) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    pixel = first * stride + shift
    return slice(first, last + 1), slice(pixel, pixel + (last - first) * stride + 1, stride)


def blocks(N: int, rows: int, row_bytes: int, limit: int, step: int = 1, pieces: int = 1) -> list[Block]:
    """Whole images while `limit` bytes hold them, else strips of one: slices of N and of `rows`, about equal.

    `pieces` at least, unless they would be small: threads share them, however many there are. A strip is a multiple
    of `step` rows; `row_bytes` is what `step` rows of one image take.
    """
    units = -(-rows // step)
    image_bytes = max(1, units * row_bytes)
    pieces = max(1, -(-N * image_bytes // limit), min(pieces, N * image_bytes // LEAST))
    images = max(1, min(-(-N // pieces), limit // image_bytes))
    strips = max(1, min(units, -(-pieces // max(1, N)))) if images == 1 else 1
    height = max(1, -(-units // strips)) * step
    return [
        (slice(n, min(N, n + images)), slice(row, min(rows, row + height)))
        for n in range(0, N, images)
        for row in range(0, rows, height)
    ]


def by_images(parts: list[Block]) -> list[list[Block]]:
    """The blocks of the same images together."""
    return [list(group) for _, group in groupby(parts, key=itemgetter(0))]
