"""Rows of a table, looked up by integers; the gradient is added up where the rows were read."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.recording import operation
from minigrad.backend import array_module, as_index


def _add_rows(g: Any, places: Any, *, rows: int, factor: Any) -> Any:
    """A table of zeros with every row of `g`, times its `factor`, added at its place."""
    if factor is not None:
        g = g * factor[places][..., None]
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


# `factor` (rows,) scales the gradient of each row, and nothing else; None leaves it as it is.
embedding = operation(
    "embedding", _look_up, lambda g, w_shape, places, factor: _way_back(g, places, rows=w_shape[0], factor=factor), None
)
_way_back: Any = operation(
    "embedding_backward",
    _add_rows,
    lambda g, places, factor: embedding(g if factor is None else g * factor[:, None], places, factor=None),
    None,
)
