"""Losses of a difference: the absolute error with a parabola around 0, in two scales.

A loss of pairs (input, target) is given by its terms, one for each pair, and by their derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.recording import Operation, operation
from minigrad.ops.loss import gradient_of_terms, reduce_terms
from minigrad.ops.piecewise import is_plain


def of_difference(name: str, terms: Callable[..., Any], slope: Callable[..., Any]) -> Operation:
    """Makes a loss of ``d = x - y`` from `terms`, a function of d and the options, and its derivative `slope`."""

    def x_rule(g: Any, x: Any, y: Any, reduction: str, options: Any) -> Any:
        return gradient_of_terms(g, x.shape, reduction) * slope(x - y, *options)

    return operation(
        name,
        lambda x, y, *, reduction, options=(): reduce_terms(terms(x - y, *options), reduction),
        x_rule,
        lambda g, x, y, reduction, options: -x_rule(g, x, y, reduction, options),
    )


def _inside(d: Any, limit: float, near: Any, far: Any) -> Any:
    """`near` where ``|d| < limit``, `far` from there on, and NaN where d is: a constant NaN, with derivative 0."""
    return np.where(np.abs(d) < limit, near, np.where(np.abs(d) >= limit, far, np.nan))


def _slope_of_parabola_then_line(d: Any, bend: float) -> Any:
    """``d / bend`` clamped to [-1, 1]: the derivative of a parabola that continues as a line."""
    return np.clip(d / bend, -1.0, 1.0) if is_plain(d) else _inside(d, bend, d / bend, np.sign(d))


def _parabola_then_line(d: Any, bend: float) -> Any:
    d = np.abs(d)
    return np.where(d < bend, d * d * (0.5 / bend), d - 0.5 * bend)


smooth_l1 = of_difference("smooth_l1_loss", _parabola_then_line, _slope_of_parabola_then_line)


def _huber(d: Any, delta: float) -> Any:
    d = np.abs(d)
    return np.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def _slope_of_huber(d: Any, delta: float) -> Any:
    return np.clip(d, -delta, delta) if is_plain(d) else _inside(d, delta, d, delta * np.sign(d))


huber = of_difference("huber_loss", _huber, _slope_of_huber)
