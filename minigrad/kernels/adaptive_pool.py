"""Adaptive pooling on plain arrays: a given number of windows that cover the image, of lengths that differ by one.

Window i of n along an axis of length L goes from floor(i L / n) to ceil((i + 1) L / n). Pixel p lies in the windows
from floor(p n / L) to ceil((p + 1) n / L): the same with n and L changed, so the adjoint is the same sum.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.geometry import Pair
from minigrad.kernels.pool import with_length


def adaptive_avg_pool2d(x: Array, size: Pair) -> Array:
    """The means of `size` windows that cover the image: (..., H, W) -> (..., *size)."""
    rows, columns = [_find_spans(array_module(x), n, count) for n, count in zip(x.shape[-2:], size, strict=True)]
    return _span_sums(_span_sums(x, -2, rows), -1, columns) / _areas(rows, columns, x.dtype)


def adaptive_avg_pool2d_input(g: Array, size: Pair) -> Array:
    """The adjoint of `adaptive_avg_pool2d`: (..., Ho, Wo) -> (..., *size)."""
    xp, (Ho, Wo) = array_module(g), g.shape[-2:]
    x = g / _areas(_find_spans(xp, size[0], Ho), _find_spans(xp, size[1], Wo), g.dtype)
    return _span_sums(_span_sums(x, -1, _find_spans(xp, Wo, size[1])), -2, _find_spans(xp, Ho, size[0]))


def adaptive_max_pool2d(x: Array, places: Array) -> Array:
    """The maxima of windows that cover the image: (..., H, W) -> (..., Ho, Wo); fills `places` as `max_pool2d` does."""
    xp, W = array_module(x), x.shape[-1]
    best, column = _span_max(x, -1, _find_spans(xp, W, places.shape[-1]))  # (..., H, Wo)
    best, row = _span_max(best, -2, _find_spans(xp, x.shape[-2], places.shape[-2]))
    xp.add(xp.take_along_axis(column, row, -2), row * W, out=places)
    return best


class _Spans:
    """The windows along an axis: start and stop of each, and whether all are equal and lie side by side.

    `further` lists the offsets 1, 2, ... from the starts. Of each it holds the index of the pixel in every window, or
    of the last pixel where a window is shorter, and which windows are long enough (None: all of them).
    """

    def __init__(self, xp: Any, length: int, count: int) -> None:
        starts, stops = self._ends(np, length, count)  # on the host too, to avoid waiting for a GPU
        self.starts, self.stops = (starts, stops) if xp is np else self._ends(xp, length, count)
        lengths = stops - starts
        self.longest = int(lengths.max(initial=0))
        self.are_equal = count > 0 and length == self.longest * count
        shortest = int(lengths.min(initial=self.longest))
        self.further: list[tuple[Array, Array | None]] = []
        for place in range(1, self.longest):
            reaches = self.starts + place < self.stops if place >= shortest else None
            self.further.append((xp.minimum(self.starts + place, self.stops - 1), reaches))

    @staticmethod
    def _ends(xp: Any, length: int, count: int) -> tuple[Array, Array]:
        i = xp.arange(count)
        return i * length // max(count, 1), -(-(i + 1) * length // max(count, 1))


@lru_cache(maxsize=256)
def _find_spans_on_host(length: int, count: int) -> _Spans:
    return _Spans(np, length, count)


def _find_spans(xp: Any, length: int, count: int) -> _Spans:
    """The windows along an axis; on a CPU they are kept for the next calls, as they take longer than the sums."""
    return _find_spans_on_host(length, count) if xp is np else _Spans(xp, length, count)


def _areas(rows: _Spans, columns: _Spans, dtype: np.dtype) -> Array:
    """The number of pixels of each window (Ho, Wo)."""
    heights, widths = rows.stops - rows.starts, columns.stops - columns.starts
    return (heights.reshape(-1, 1) * widths).astype(dtype)


def _span_sums(x: Array, axis: int, spans: _Spans) -> Array:
    """The sums of x[start:stop] along an axis, in one pass for each offset from `start`, or for all equal ones."""
    xp, starts = array_module(x), spans.starts
    if not x.shape[axis]:
        return xp.zeros(with_length(x.shape, axis, len(starts)), x.dtype)
    if spans.are_equal:
        place = x.ndim + axis
        windows = x.reshape(*x.shape[:place], len(starts), spans.longest, *x.shape[place + 1 :])
        return windows.sum(place + 1, dtype=x.dtype)
    sums = x.take(starts, axis)
    for places, reaches in spans.further:
        pixels = x.take(places, axis)
        if reaches is not None:
            pixels = xp.where(reaches.reshape(-1, *(1,) * (-1 - axis)), pixels, x.dtype.type(0))
        sums += pixels
    return sums


def _span_max(x: Array, axis: int, spans: _Spans) -> tuple[Array, Array]:
    """The maximum of x[start:stop] along an axis and its index: the first of equals, the last NaN."""
    xp, shape = array_module(x), (-1, *(1,) * (-1 - axis))
    best = x.take(spans.starts, axis)
    winner = xp.zeros(best.shape, np.int64) + spans.starts.reshape(shape)
    for pixels, _ in spans.further:  # the last pixel again is not larger than itself
        value = x.take(pixels, axis)
        better = (value > best) | xp.isnan(value)
        xp.copyto(best, value, where=better)
        xp.copyto(winner, pixels.reshape(shape), where=better)
    return best, winner
