"""Gradients of piecewise linear functions: selected, never multiplied by a mask.

Where a function is flat its gradient is 0, also for a gradient of infinity that arrives, and ``inf * 0``
would be NaN. A slope that is constant has the derivative 0, which is not the same as having none: under
``create_graph=True`` the gradients here stay tied to `x`, with zeros on the way back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops.elementwise import elementwise
from minigrad.side_by_side import BITS


def keep_where(mask: Any, g: Any) -> Any:
    """``where(mask, g, 0)`` of arrays: the bits of `g` times 0 or 1, ten times quicker than `where`."""
    if type(g) is not np.ndarray:
        return np.where(mask, g, g.dtype.type(0))
    return np.multiply(g.view(BITS[g.itemsize]), mask).view(g.dtype)


zeros_of = elementwise("zeros_like", lambda x: np.zeros_like(x), None)

# The gradient `g` where `passes(x)` is true, 0 elsewhere.
gate: Any = elementwise(
    "threshold_backward",
    lambda g, x, *, passes: keep_where(passes(x), g),
    lambda g, x, passes: gate(g, x, passes=passes),
    lambda g, x: zeros_of(x),
)

_tied = elementwise("tie", lambda g, x: g, lambda g: g, lambda g, x: zeros_of(x))


def tie(g: Any, x: Any) -> Any:
    """The gradient `g`, which depends on no value of `x`, as a function of `x` whose derivative is 0."""
    return _tied(g, x) if isinstance(g, TensorBase) else g
