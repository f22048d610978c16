"""The incomplete gamma functions: the probability that a gamma-distributed number is at most, or above, a number.

Below input + 1 by the series https://dlmf.nist.gov/8.7.E1, above by the continued fraction 8.9.E2. Both converge after
some multiples of sqrt(input) steps. For an input above a million by Temme's expansion, 8.12.E3 and E4, whose first term
is exact enough.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.ops.division import no_derivative
from minigrad.ops.elementwise import binary
from minigrad.ops.error_function import complementary, evaluate, for_either
from minigrad.ops.gamma import compute_lgamma, lgamma

_LARGE = 1e6
_STEPS = 10_000  # enough for an input of `_LARGE`
_EPS = float(np.finfo(np.float64).eps)  # a factor near 1 is off by some of these itself


def _add_series(a: Any, x: Any) -> Any:
    """The sum of ``x^n a! / (a + n)!`` over n = 0, 1, ..."""
    term = total = np.ones_like(a)
    for n in range(1, _STEPS):
        term = term * x / (a + n)
        total = total + term
        if not (term > _EPS * total).any():
            break
    return total


def _evaluate_fraction(a: Any, x: Any) -> Any:
    """``1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / ...))`` by Lentz's method."""
    b = x + 1 - a
    c, d = np.full_like(a, 1e300), 1 / b
    found = d
    for n in range(1, _STEPS):
        step = n * (a - n)
        b = b + 2
        d = 1 / (b + step * d)
        c = b + step / c
        found = found * c * d
        if not (np.abs(c * d - 1) > 4 * _EPS).any():
            break
    return found


_SQUARES = [(-1) ** n / (n + 2) for n in range(10)]  # of (t - log(1 + t)) / t^2
_TERM = (-1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835, -139 / 777600)  # of 1 / t - 1 / h


def _expand(a: Any, x: Any) -> tuple[Any, Any]:
    """Both functions for a large `a`: a normal law, with ``exp(-a h^2 / 2)`` times a polynomial of h for its skewness.

    ``h^2 / 2 = t - log(1 + t)`` with ``t = (x - a) / a``, and h has the sign of t. Both polynomials are for small
    numbers: beyond these `log1p` loses no digits, and the exponential is 0.
    """
    t = (x - a) / a
    half = np.where(np.abs(t) < 0.1, t * t * evaluate(np.clip(t, -0.1, 0.1), _SQUARES), t - np.log1p(t))  # h^2 / 2
    h = np.copysign(np.sqrt(2 * half), t)
    skewness = np.exp(-a * half) / np.sqrt(2 * math.pi * a) * evaluate(np.clip(h, -0.2, 0.2), _TERM)
    depth = h * np.sqrt(a / 2)
    return complementary(-depth) / 2 - skewness, complementary(depth) / 2 + skewness


def _compute_both(a: Any, x: Any) -> tuple[Any, Any]:
    """The lower and the upper function, in float64."""
    a, x = np.broadcast_arrays(np.positive(a, dtype=np.float64), np.positive(x, dtype=np.float64))
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    large = inside & (a > _LARGE)
    below = inside & ~large & (x < a + 1)
    above = inside & ~large & ~below
    # where nothing is to be computed, numbers for which both converge at once
    a1, x1 = np.where(below, a, 1.0), np.where(below, x, 0.5)
    a2, x2 = np.where(above, a, 1.0), np.where(above, x, 3.0)
    lower = np.exp(a1 * np.log(x1) - x1 - compute_lgamma(a1 + 1)) * _add_series(a1, x1)
    upper = np.exp(a2 * np.log(x2) - x2 - compute_lgamma(a2)) * _evaluate_fraction(a2, x2)
    lower = np.where(below, lower, np.where(above, 1 - upper, np.where(np.isinf(a) | (x == 0), 0.0, 1.0)))
    upper = np.where(above, upper, 1 - lower)
    if large.any():
        both = _expand(np.where(large, a, 1.0), np.where(large, x, 1.0))
        lower, upper = np.where(large, both[0], lower), np.where(large, both[1], upper)
    known = inside | (x == 0) | np.isinf(x) | ((a == 0) & (x > 0)) | (np.isinf(a) & (x >= 0))
    unknown = ~known | (a < 0) | (x < 0) | ((a == 0) & (x == 0)) | (np.isinf(a) & np.isinf(x))
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)


def _lower_forward(x: Any, y: Any) -> Any:
    return _compute_both(x, y)[0].astype(np.result_type(x, y))


def _upper_forward(x: Any, y: Any) -> Any:
    return _compute_both(x, y)[1].astype(np.result_type(x, y))


def _density(g: Any, x: Any, y: Any) -> Any:
    return g * np.exp((x - 1) * np.log(y) - y - for_either(lgamma, compute_lgamma)(x))


_HINT, _NONE = "detach() the first operand", "none: backward raises, as in PyTorch"
# fmt: off
igamma = gammainc = binary("igamma", _lower_forward, no_derivative("igamma: input", _HINT, NotImplementedError),
    _density, numbers="none", refuses="iub", gradients=(_NONE, "g * exp((x - 1) * log(y) - y - lgamma(x))"),
    formula="the integral of t ** (input - 1) * exp(-t) from 0 to other, divided by gamma(input)",
    domain="both >= 0; NaN below", example="[1.0, 2.0]; [1.0, 1.0] -> [0.6321, 0.2642]")
igammac = gammaincc = binary("igammac", _upper_forward, no_derivative("igammac: input", _HINT, NotImplementedError),
    lambda g, x, y: -_density(g, x, y), numbers="none", refuses="iub",
    gradients=(_NONE, "-g * exp((x - 1) * log(y) - y - lgamma(x))"),
    formula="1 - igamma(input, other), without cancellation",
    domain="both >= 0; NaN below", example="[1.0, 2.0]; [1.0, 1.0] -> [0.3679, 0.7358]")
