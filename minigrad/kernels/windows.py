"""Windows of an image: their number, a view of them without a copy, and zero padding."""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.workspace import workspace

Pair = tuple[int, int]


def output_length(length: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """floor((length + 2 padding - dilation (kernel - 1) - 1) / stride) + 1: windows along an axis."""
    return (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def output_size(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """(Ho, Wo) of the windows of images x (..., H, W)."""
    H, W = x.shape[-2:]
    return (
        output_length(H, kernel[0], stride[0], padding[0], dilation[0]),
        output_length(W, kernel[1], stride[1], padding[1], dilation[1]),
    )


def window_view(x: Array, kernel: Pair, stride: Pair, dilation: Pair) -> Array:
    """The windows of already padded x (..., H, W) as a view (..., kh, kw, Ho, Wo); nothing is copied."""
    Ho, Wo = output_size(x, kernel, stride, (0, 0), dilation)
    *outer, step_h, step_w = x.strides
    shape = (*x.shape[:-2], *kernel, Ho, Wo)
    strides = (
        *outer,
        step_h * dilation[0],
        step_w * dilation[1],
        step_h * stride[0],
        step_w * stride[1],
    )
    return array_module(x).lib.stride_tricks.as_strided(x, shape, strides)


def empty(xp: object, role: str, shape: tuple[int, ...], dtype: np.dtype) -> Array:  # type: ignore[type-arg]
    """Scratch memory: our workspace under NumPy; CuPy's own pool already keeps memory."""
    return workspace(role, shape, dtype) if xp is np else xp.empty(shape, dtype)  # type: ignore[attr-defined]


def padded(x: Array, padding: Pair, value: float = 0) -> Array:
    """x (..., H, W) with `value` around its images, in scratch memory; x itself if there is no padding."""
    ph, pw = padding
    if not (ph or pw):
        return x
    *outer, H, W = x.shape
    image = empty(array_module(x), "padded", (*outer, H + 2 * ph, W + 2 * pw), x.dtype)
    image[..., :ph, :] = value
    image[..., ph + H :, :] = value
    image[..., ph : ph + H, :pw] = value
    image[..., ph : ph + H, pw + W :] = value
    image[..., ph : ph + H, pw : pw + W] = x
    return image


def overlap(
    tap: int, length: int, windows: int, stride: int, padding: int, dilation: int
) -> tuple[slice, slice]:
    """Where one tap of the kernel meets the image along an axis: (slice of windows, slice of pixels).

    Window t reads pixel t stride + tap dilation - padding; windows whose pixel lies in the padding are out.
    """
    shift = tap * dilation - padding
    first = max(0, -(shift // stride))
    last = min(windows - 1, (length - 1 - shift) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    pixel = first * stride + shift
    return slice(first, last + 1), slice(pixel, pixel + (last - first) * stride + 1, stride)
