"""Resizing images: every new pixel is a weighted sum of a few old ones, axis by axis.

For each axis `places` (m, k) holds the indices of the k old pixels that each of the m new ones reads, -1 for none, and
`weights` (m, k) their weights, or None where k is 1 and the pixel is copied.
Sources: the formulas are those of PyTorch's CPU kernels; Keys, "Cubic convolution interpolation", 1981.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.recording import Operation, operation
from minigrad.backend import array_module
from minigrad.ops.piecewise import tie
from minigrad.ops.pool import require_windows
from minigrad.ops.rearranging import reshape_along
from minigrad.placement import as_index, constant_beside


class Axis(NamedTuple):
    """How an axis of length `length` is resampled."""

    dim: int
    length: int
    places: Any  # a NumPy array
    weights: Any  # an array on the device of the image


# ---- taps ----------------------------------------------------------------------------------------
def step_of(n: int, m: int, scale: float | None, align: bool, real: Any) -> Any:
    """The distance of two new neighbours in the old image: from the scale factor if given, else from the lengths."""
    if align:
        return real(n - 1) / real(m - 1) if m > 1 else real(0)
    return real(1.0 / scale) if scale else real(n) / real(m)


def nearest_taps(n: int, m: int, step: Any, real: Any, exact: bool, whole: bool) -> tuple[Any, Any]:
    """The old pixel at each new pixel's corner, or with `exact` at its centre.

    With `whole` an axis of the same length is copied, and one of twice the length doubled, whatever the `step`.
    """
    if whole and m in (n, 2 * n):
        places = np.arange(m) // (m // n)
    else:
        positions = ((np.arange(m, dtype=real) + real(0.5)) if exact else np.arange(m, dtype=real)) * step
        places = np.minimum(np.floor(positions.astype(np.float32)), n - 1).astype(np.int64)
    return places[:, None], None


def linear_taps(n: int, m: int, step: Any, real: Any, align: bool) -> tuple[Any, Any]:
    """Linear interpolation: the two pixels nearest to each new pixel's centre."""
    if n == m:
        return np.arange(m)[:, None], None
    centres = _find_centres(m, step, real, align).clip(0)
    below = np.minimum(np.floor(centres).astype(np.int64), n - 1)
    weight = (centres - below.astype(real)).clip(0, 1)
    return np.stack([below, np.minimum(below + 1, n - 1)], 1), np.stack([1 - weight, weight], 1)


def cubic_taps(n: int, m: int, step: Any, real: Any, align: bool) -> tuple[Any, Any]:
    """Cubic interpolation: four pixels around each new pixel's centre, weighted by Keys' cubic with a = -0.75."""
    centres = _find_centres(m, step, real, align)
    below = np.floor(centres)
    t = (centres - below).clip(0, 1)
    places = below.astype(np.int64)[:, None] + np.arange(-1, 3)
    distances = np.stack([t + 1, t, 1 - t, 2 - t], 1)
    return places.clip(0, n - 1), _weigh_cubic(distances, -0.75).astype(real)


def area_taps(n: int, m: int, real: Any) -> tuple[Any, Any]:
    """All pixels that a new pixel covers, with equal weights."""
    i = np.arange(m)
    starts, ends = i * n // m, -(-(i + 1) * n // m)
    reach = np.arange(int((ends - starts).max(initial=1)))
    inside = reach < (ends - starts)[:, None]
    weights = (inside / (ends - starts)[:, None]).astype(real)
    return np.where(inside, starts[:, None] + reach, -1), weights


def filter_taps(n: int, m: int, step: Any, real: Any, kind: str) -> tuple[Any, Any]:
    """Antialiasing: all pixels under a filter that is widened when the image shrinks, so that every pixel counts."""
    stretch = max(float(step), 1.0)
    radius, weigh = _FILTERS[kind]
    support = radius * stretch
    centres = (np.arange(m, dtype=real) + real(0.5)) * step
    starts = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    ends = np.minimum((centres + support + 0.5).astype(np.int64), n)
    reach = np.arange(2 * ceil(support) + 1)
    distances = ((reach + starts[:, None]).astype(real) - centres[:, None] + real(0.5)) / stretch
    inside = reach < (ends - starts)[:, None]
    weights = np.where(inside, weigh(np.abs(distances)), 0)
    weights = (weights / weights.sum(1, keepdims=True)).astype(real)
    return np.where(inside, starts[:, None] + reach, -1), weights


def _find_centres(m: int, step: Any, real: Any, align: bool) -> Any:
    """The new pixels' centres in the coordinates of the old image, where pixel 0 has its centre at 0."""
    i = np.arange(m, dtype=real)
    return i * step if align else (i + real(0.5)) * step - real(0.5)


def weigh_near(x: Any, a: float) -> Any:
    """Keys' cubic for distances from 0 to 1."""
    return ((a + 2) * x - (a + 3)) * x * x + 1


def weigh_far(x: Any, a: float) -> Any:
    """Keys' cubic for distances from 1 to 2."""
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


def _weigh_cubic(x: Any, a: float) -> Any:
    return np.where(x <= 1, weigh_near(x, a), np.where(x < 2, weigh_far(x, a), 0))


_FILTERS: dict[str, tuple[int, Callable[[Any], Any]]] = {  # the radius in pixels, and the weights at distances
    "linear": (1, lambda x: (1 - x).clip(0)),
    "cubic": (2, lambda x: _weigh_cubic(x, -0.5)),
    "lanczos": (3, lambda x: np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0)),
}


# ---- the operation -------------------------------------------------------------------------------
def _read(x: Any, axes: tuple[Axis, ...]) -> Any:
    weigh = _weigh_bytes if x.dtype == np.uint8 else _weigh
    for axis in axes:
        rows = [x.take(constant_beside(x, as_index(places)), axis=axis.dim) for places in axis.places.T]
        x = rows[0] if axis.weights is None else weigh(rows, axis)
    return x


def _weigh(rows: list[Any], axis: Axis) -> Any:
    """The weighted sum of the rows; a row that is not read does not count, even if it holds inf or NaN."""
    total: Any = 0
    for row, places, weight in zip(rows, axis.places.T, axis.weights.T, strict=True):
        part = row * reshape_along(weight.astype(row.dtype), axis.dim, row.ndim)
        if places.min(initial=0) < 0:
            unread = constant_beside(part, np.flatnonzero(places < 0))
            part[(slice(None),) * axis.dim + (unread,)] = 0
        total = total + part
    return total


def _weigh_bytes(rows: list[Any], axis: Axis) -> Any:
    """The same in integers, with weights of as many bits as fit in 16."""
    most = float(axis.weights.max())
    bits = 0
    while bits < 22 and int(0.5 + most * (1 << (bits + 1))) < 1 << 15:  # with one more, the largest weight still fits
        bits += 1
    whole = np.rint(axis.weights * (1 << bits)).astype(np.int64)
    total: Any = 1 << (bits - 1)  # a half, so that the shift rounds
    for row, weight in zip(rows, whole.T, strict=True):
        total = total + row * reshape_along(weight, axis.dim, row.ndim)
    return (total >> bits).clip(0, 255).astype(np.uint8)


def _write_back(g: Any, axes: tuple[Axis, ...]) -> Any:
    """The adjoint of `_read`: adds each new pixel's weighted gradient to the old pixels that it read."""
    for axis in reversed(axes):
        dim = axis.dim
        image = array_module(g).zeros((*g.shape[:dim], axis.length, *g.shape[dim + 1 :]), g.dtype)
        for tap, places in enumerate(axis.places.T):
            part = g
            if axis.weights is not None:
                part = g * reshape_along(axis.weights[:, tap].astype(g.dtype), dim, g.ndim)
            _add_rows(image, part, dim, places)
        g = image
    return g


def _add_rows(image: Any, part: Any, dim: int, places: Any) -> None:
    """Adds the rows of `part` to those of `image` at `places`, which ascend and may repeat; -1 means none."""
    ahead = (slice(None),) * dim
    read, starts, turns = _find_turns(places.dtype, places.tobytes())
    if type(part) is not np.ndarray:
        rows = part if len(read) == len(places) else part.take(constant_beside(part, read), axis=dim)
        array_module(part).add.at(image, (*ahead, constant_beside(part, places[read])), rows)
    elif len(turns) > 16:
        rows = part if len(read) == len(places) else part.take(read, axis=dim)
        image[(*ahead, turns[0][0])] += np.add.reduceat(rows, starts, axis=dim)
    else:
        for where, served in turns:
            rows = part.take(served, axis=dim)
            if len(where) == image.shape[dim]:
                image += rows
            else:
                image[(*ahead, where)] += rows


@lru_cache(maxsize=64)
def _find_turns(dtype: Any, numbers: bytes) -> tuple[Any, Any, list[tuple[Any, Any]]]:
    """For `_add_rows`: which rows have a place, where the rows of each place start among them, and the turns.

    In the first turn each place gets its first row, then its second, ...: the places, and their rows.
    """
    places = np.frombuffer(numbers, dtype)
    read = as_index(np.flatnonzero(places >= 0))
    seen, starts, counts = np.unique(places[read], return_index=True, return_counts=True)
    served = [np.flatnonzero(counts > turn) for turn in range(int(counts.max(initial=0)))]
    return read, starts, [(seen[which], read[starts[which] + turn]) for turn, which in enumerate(served)]


def make_resampling(name: str, pools: bool = False) -> Operation:
    """Makes an operation that resamples an image along some axes; `name` is shown in ``grad_fn``.

    With `pools` the gradient stays connected to the image, as for every pooling.
    """

    def rule(g: Any, axes: tuple[Axis, ...]) -> Any:
        return back(g, axes=axes)

    def tied_rule(g: Any, x: Any, axes: tuple[Axis, ...]) -> Any:
        return tie(back(require_windows(g, "adaptive_avg_pool2d"), axes=axes), x)

    back: Any = operation(
        f"{name}_backward", lambda g, *, axes: _write_back(g, axes), lambda g, axes: made(g, axes=axes), in_float32=True
    )
    made = operation(
        name, lambda x, *, axes: _read(x, axes), tied_rule if pools else rule, shown=f"{name}Backward0", in_float32=True
    )
    return made
