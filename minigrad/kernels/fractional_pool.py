"""Where the windows of fractional max pooling lie, and where their maxima are, on plain arrays."""

from __future__ import annotations

from typing import Any

from minigrad.backend import Array, array_module
from minigrad.kernels.geometry import Pair


def find_fractional_maxima(x: Array, chances: Array, kernel: Pair, size: Pair) -> Array:
    """The flat index h W + w of the maximum of each window: (N, C, H, W) -> (N, C, Ho, Wo), for ``size == (Ho, Wo)``.

    `chances` (N, C, 2) are numbers in [0, 1) that shift the windows of each channel, across and down. As in
    `max_pool2d`, the first of equal maxima wins, a NaN beats everything, and of several the last gives the place.
    """
    xp, (N, C, H, W), (kh, kw), count = array_module(x), x.shape, kernel, size[0] * size[1]
    rows = find_starts(chances[..., 1], H, kh, size[0])[..., None] + xp.arange(kh)  # (N, C, Ho, kh)
    columns = find_starts(chances[..., 0], W, kw, size[1])[..., None] + xp.arange(kw)  # (N, C, Wo, kw)
    places = rows[..., :, None, :, None] * W + columns[..., None, :, None, :]  # (N, C, Ho, Wo, kh, kw)
    places = places.reshape(N, C, count * kh * kw)
    windows = xp.take_along_axis(x.reshape(N, C, H * W), places, -1)
    windows, places = (a.reshape(N, C, *size, kh * kw) for a in (windows, places))
    missing = windows != windows  # where NaN
    last = kh * kw - 1 - missing[..., ::-1].argmax(-1)
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
