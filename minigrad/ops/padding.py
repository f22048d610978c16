"""Padding: a border of a constant (its adjoint crops), or of the tensor's own rows and columns."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.ops.piecewise import tie
from minigrad.placement import constant_beside


def _pad_forward(x: Any, *, pairs: Any, value: Any) -> Any:
    xp, (shape, target, source) = array_module(x), _find_regions(x.shape, pairs)
    padded = xp.zeros(shape, x.dtype) if value == 0 else xp.full(shape, value, x.dtype)
    padded[target] = x[source]
    return padded


@lru_cache(maxsize=256)
def _find_regions(shape: tuple[int, ...], pairs: tuple[tuple[int, int], ...]) -> tuple[Any, Any, Any]:
    """The padded shape, the region of the original in it, and the region of the original that is kept.

    Negative padding crops.
    """
    padded, target, source = [], [], []
    for n, (before, after) in zip(shape, pairs, strict=True):
        start, kept = max(before, 0), n + min(before, 0) + min(after, 0)
        padded.append(n + before + after)
        target.append(slice(start, start + kept))
        source.append(slice(max(-before, 0), n - max(-after, 0)))
    return tuple(padded), tuple(target), tuple(source)


def _pad_rule(g: Any, pairs: Any) -> Any:
    return pad(g, pairs=tuple([(-b, -a) for b, a in pairs]), value=0)


pad = operation("constant_pad_nd", _pad_forward, _pad_rule)


def pad_constant(input: Any, pairs: tuple[tuple[int, int], ...], value: Any = 0) -> Any:
    """`input` with (before, after) elements of `value` added on each axis; negative numbers crop."""
    return pad(input, pairs=pairs, value=value)


# ---- rows by index -------------------------------------------------------------------------
def _add_back(g: Any, *, length: int, dim: int, places: Any) -> Any:
    """Adds each row of g to the row it was read from, whole runs of neighbouring rows at once."""
    image = array_module(g).zeros((*g.shape[:dim], length, *g.shape[dim + 1 :]), g.dtype)
    rows, from_rows = np.moveaxis(image, dim, 0), np.moveaxis(g, dim, 0)
    breaks = (np.flatnonzero(np.diff(places) != 1) + 1).tolist()
    for start, stop in zip([0, *breaks], [*breaks, len(places)], strict=True):
        first = int(places[start]) if start < stop else 0
        rows[first : first + stop - start] += from_rows[start:stop]
    return image


# Reading the rows of an axis at `places` (a NumPy array), which may repeat, and its adjoint, which adds them.
rows_at = operation(
    "rows_at",
    lambda x, *, dim, places: x.take(constant_beside(x, places), axis=dim),
    lambda g, x, dim, places: tie(_rows_back(g, length=x.shape[dim], dim=dim, places=places), x),
)
_rows_back: Any = operation("rows_back", _add_back, lambda v, dim, places: rows_at(v, dim=dim, places=places))
