"""Gradients of piecewise linear functions, selected by a mask instead of multiplied by it.

Where a function is constant its gradient must be 0, also when the arriving gradient is infinite: ``inf * 0`` would be
NaN. A constant slope has a derivative, which is 0: under ``create_graph=True`` these gradients stay connected to `x`,
and its second derivative is zeros instead of None.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, is_array
from minigrad.ops.elementwise import elementwise
from minigrad.passes import keep_where


def is_plain(z: Any) -> bool:
    """True for arrays and NumPy scalars, which NumPy's arithmetic makes of 0-d arrays; not for a Tensor."""
    return is_array(z) or isinstance(z, np.generic)


zeros_of = elementwise("zeros_like", lambda x: np.zeros_like(x), None)

# The gradient `g` where `is_open(x)` is true, 0 elsewhere.
gate: Any = elementwise(
    "threshold_backward",
    lambda g, x, *, is_open: keep_where(is_open(x), g),
    lambda g, x, is_open: gate(g, x, is_open=is_open),
    lambda g, x: zeros_of(x),
)

_tied = elementwise("tie", lambda g, x: g, lambda g: g, lambda g, x: zeros_of(x))


def tie(g: Any, x: Any) -> Any:
    """The gradient `g`, which does not depend on the values of `x`, as a function of `x` with derivative 0."""
    return _tied(g, x) if isinstance(g, TensorBase) else g
