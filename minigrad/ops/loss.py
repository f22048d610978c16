"""The squared error as one operation: terms, derivative and reduction together, so that no intermediate result is kept.

`reduction` is "none", "sum" or "mean". `regression.py` and `likelihood.py` have the other losses.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.recording import operation
from minigrad.half_precision import sum_type


def reduce_terms(terms: Any, reduction: str) -> Any:
    """The mean or the sum of the terms, or the terms themselves. Float16 is summed in float32."""
    if reduction == "none":
        return terms
    total = terms.sum(dtype=sum_type(terms))
    if reduction == "mean":
        total = total / terms.size
    return total if total.dtype is terms.dtype else total.astype(terms.dtype)


def gradient_of_terms(g: Any, shape: tuple[int, ...], reduction: str, slope: int = 1) -> Any:
    """The gradient of each term of an array of `shape`, times a constant `slope`."""
    factor = slope / max(prod(shape), 1) if reduction == "mean" else slope
    return g if factor == 1 else g * factor


def _squares(x: Any, target: Any, *, reduction: str) -> Any:
    difference = x - target
    if reduction == "none" or difference.dtype == np.float16:
        return reduce_terms(difference * difference, reduction)
    flat = difference.reshape(-1)
    # Neither the squares nor the difference are saved.
    total = flat.dot(flat) if flat.__class__ is np.ndarray else (flat * flat).sum()
    return total / x.dtype.type(x.size) if reduction == "mean" else total


def _mse_rule(g: Any, x: Any, target: Any, reduction: str) -> Any:
    return (x - target) * gradient_of_terms(g, x.shape, reduction, 2)


mse = operation("mse_loss", _squares, _mse_rule, lambda g, x, target, reduction: _mse_rule(g, target, x, reduction))
