"""`embedding`: rows of a table, looked up by integers. The gradient of a row is the sum over all its uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.placement import as_index


def _add_rows(g: Any, places: Any, *, rows: int) -> Any:
    """A table of zeros with every row of `g` added at its place."""
    width = g.shape[-1]
    xp = array_module(g)
    if xp is not np:
        whole = xp.zeros((rows, width), g.dtype)
        xp.add.at(whole, places, g)
        return whole
    flat = (places.reshape(-1, 1) * width + np.arange(width)).reshape(-1)  # sums in double, ten times quicker
    return np.bincount(as_index(flat), g.reshape(-1), rows * width).astype(g.dtype).reshape(rows, width)


def _look_up(w: Any, places: Any, *, factor: Any) -> Any:
    return w.take(as_index(places), axis=0)


def _scale(g: Any, factor: Any) -> Any:
    """``g * factor``, and 0 where the factor is 0: a row of padding gets no gradient, also beside NaN and infinity."""
    return np.where(np.equal(factor, 0), 0.0, g * factor)


def _table_rule(g: Any, w_shape: tuple[int, ...], places: Any, factor: Any) -> Any:
    scaled = g if factor is None else _scale(g, factor[places][..., None])
    return _embedding_backward(scaled, places, rows=w_shape[0])


# `factor` (rows,) scales the gradient of each row, and nothing else; None leaves it as it is.
embedding = operation("embedding", _look_up, _table_rule, None)
_embedding_backward: Any = operation(
    "embedding_backward", _add_rows, lambda g, places: embedding(g, places, factor=None), None
)
