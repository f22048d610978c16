"""Where the windows of fractional max pooling lie, and where their maxima are, on plain arrays."""

from __future__ import annotations

from math import prod
from typing import Any

from minigrad.backend import Array, array_module
from minigrad.kernels.geometry import Pair


def find_fractional_maxima(x: Array, chances: Array, kernel: Pair, size: Pair) -> Array:
    """The flat index h W + w of the maximum of each window: (N, C, H, W) -> (N, C, Ho, Wo), for ``size == (Ho, Wo)``.

    Volumes have an axis more. `chances` (N, C, axes) are numbers in [0, 1) that shift the windows of each channel along
    each axis. As in `max_pool2d`, the first of equal maxima wins, a NaN beats everything, and of several the last gives
    the place.
    """
    xp, (N, C, *image), taps = array_module(x), x.shape, prod(kernel)
    places: Any = 0
    for axis, (length, k, count) in enumerate(zip(image, kernel, size, strict=True)):
        pixels = find_starts(chances[..., axis], length, k, count)[..., None] + xp.arange(k)  # (N, C, count, k)
        shape = [N, C] + [1] * (2 * len(image))
        shape[2 + axis], shape[2 + len(image) + axis] = count, k  # (N, C, Ho, 1, kh, 1), then (N, C, 1, Wo, 1, kw)
        places = places * length + pixels.reshape(shape)  # at last (N, C, Ho, Wo, kh, kw)
    places = places.reshape(N, C, prod(size) * taps)
    windows = xp.take_along_axis(x.reshape(N, C, prod(image)), places, -1)
    windows, places = (a.reshape(N, C, *size, taps) for a in (windows, places))
    missing = windows != windows  # where NaN
    last = taps - 1 - missing[..., ::-1].argmax(-1)
    winner = xp.where(missing.any(-1), last, windows.argmax(-1))
    return xp.take_along_axis(places, winner[..., None], -1)[..., 0]


def find_starts(chances: Array, length: int, kernel: int, count: int) -> Array:
    """Where each of `count` windows begins along an axis of `length`: (...) -> (..., count).

    With a step of ``a = (length - kernel) / (count - 1)`` and the chance u, window i begins at
    ``int((i + u) a) - int(u a)``, the last one at the end of the axis.
    """
    xp: Any = array_module(chances)
    kind = chances.dtype.type
    step = kind(length - kernel) / kind(max(count - 1, 1))
    shift = chances[..., None]
    numbers = xp.arange(count - 1, dtype=chances.dtype) if count > 1 else xp.zeros(0, chances.dtype)
    starts = ((numbers + shift) * step).astype("int64") - (shift * step).astype("int64")
    end = xp.full((*chances.shape, min(count, 1)), length - kernel, "int64")
    return xp.concatenate([starts, end], -1)
