"""Windows of an image on plain arrays: a strided view without a copy, zero padding, and blocks that fit the cache."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.workspace import workspace

PIECES = 4  # a large convolution is cut into at least so many pieces, which threads share
LONG = 192  # least windows of a piece, because its product reads the whole kernel
LEAST = 2**17  # least bytes of a piece, because of the time of its calls
Block: TypeAlias = tuple[slice, slice]  # a slice of the images, and a slice of the rows of their windows


def window_view(x: Array, geometry: Geometry) -> Array:
    """The windows of x, which is padded already, as a view: (..., H, W) -> (..., kh, kw, Ho, Wo)."""
    kernel, stride, _, dilation, _ = geometry
    Ho, Wo = geometry._replace(padding=(0, 0)).windows(x.shape[-2:])
    *outer, step_h, step_w = x.strides
    shape = (*x.shape[:-2], *kernel, Ho, Wo)
    strides = (*outer, step_h * dilation[0], step_w * dilation[1], step_h * stride[0], step_w * stride[1])
    return array_module(x).lib.stride_tricks.as_strided(x, shape, strides)


def empty(xp: object, role: str, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """An uninitialized array: from the workspace for NumPy; CuPy has its own memory pool."""
    return workspace(role, shape, dtype) if xp is np else xp.empty(shape, dtype)  # type: ignore[attr-defined]


def padded(x: Array, padding: Pair, rows: slice | None = None) -> Array:
    """Rows of x (..., H, W) padded with zeros, in scratch memory; a view of x if no zeros are needed.

    `rows` counts rows of the padded image, all by default. All of them may lie in the padding.
    """
    (ph, pw), (H, W) = padding, x.shape[-2:]
    first, last = (rows.start, rows.stop) if rows else (0, H + 2 * ph)
    start, stop = (min(max(row - ph, 0), H) for row in (first, last))  # the same rows, counted in x
    if not pw and stop - start == last - first:
        return x[..., start:stop, :]
    top = min(max(ph - first, 0), last - first)
    image = empty(array_module(x), "padded", (*x.shape[:-2], last - first, W + 2 * pw), x.dtype)
    image[...] = 0
    image[..., top : top + stop - start, pw : pw + W] = x[..., start:stop, :]
    return image


def overlap(tap: int, length: int, windows: int, stride: int, padding: int, dilation: int) -> tuple[slice, slice]:
    """The windows whose tap lies inside the image, along an axis, and the pixels it reads: two slices.

    The tap of window t reads pixel t stride + tap dilation - padding.
    """
    shift = tap * dilation - padding
    first = max(0, -(shift // stride))
    last = min(windows - 1, (length - 1 - shift) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    pixel = first * stride + shift
    return slice(first, last + 1), slice(pixel, pixel + (last - first) * stride + 1, stride)


def blocks(N: int, rows: int, row_bytes: int, limit: int, step: int = 1, pieces: int = 1) -> list[Block]:
    """Divides N images of `rows` rows into blocks of about equal size, of at most `limit` bytes.

    A block is several whole images, or a strip of rows of one. There are at least `pieces` blocks, for threads to
    share, unless they would be small. A strip is a multiple of `step` rows; `step` rows of an image take `row_bytes`.
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
    """Groups the blocks by their images."""
    return [list(group) for _, group in groupby(parts, key=itemgetter(0))]
