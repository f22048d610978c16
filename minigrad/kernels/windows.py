"""Windows of an image: their number, a view of them without a copy, and zero padding."""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.workspace import workspace

Pair = tuple[int, int]


def output_length(length: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """floor((length + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 windows on an axis."""
    return (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def output_size(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """(Ho, Wo) of the windows of images x (..., H, W)."""
    H, W = x.shape[-2:]
    return (
        output_length(H, kernel[0], stride[0], padding[0], dilation[0]),
        output_length(W, kernel[1], stride[1], padding[1], dilation[1]),
    )


def window_view(x: Array, kernel: Pair, stride: Pair, dilation: Pair) -> Array:
    """The windows of already padded x: (..., H, W) -> (..., kh, kw, Ho, Wo), a view."""
    Ho, Wo = output_size(x, kernel, stride, (0, 0), dilation)
    *outer, step_h, step_w = x.strides
    shape = (*x.shape[:-2], *kernel, Ho, Wo)
    strides = (*outer, step_h * dilation[0], step_w * dilation[1], step_h * stride[0], step_w * stride[1])
    return array_module(x).lib.stride_tricks.as_strided(x, shape, strides)


def empty(xp: object, role: str, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Scratch memory: our workspace under NumPy; CuPy's own pool already keeps memory."""
    return workspace(role, shape, dtype) if xp is np else xp.empty(shape, dtype)  # type: ignore[attr-defined]


def padded(x: Array, padding: Pair, rows: slice | None = None) -> Array:
    """Rows of x (..., H, W) with zeros around, in scratch memory; a view if nothing is added.

    `rows` counts in the padded images; all of them by default.
    """
    (ph, pw), (H, W) = padding, x.shape[-2:]
    first, last = (rows.start, rows.stop) if rows else (0, H + 2 * ph)
    top, bottom = max(0, ph - first), min(last - first, H + ph - first)
    inside = x[..., max(0, first - ph) : last - ph, :]
    if not pw and bottom - top == last - first:
        return inside
    shape = (*x.shape[:-2], last - first, W + 2 * pw)
    image = empty(array_module(x), "padded", shape, x.dtype)
    image[..., :top, :] = 0
    image[..., bottom:, :] = 0
    image[..., top:bottom, :pw] = 0
    image[..., top:bottom, pw + W :] = 0
    image[..., top:bottom, pw : pw + W] = inside
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
