"""`erfcx`, the scaled complement of the error function; `log_ndtr` and `ndtri` of the normal distribution.

All three are computed in float64, and stay exact where ``1 - erf(x)`` is too small for a float, because its factor
``exp(-x * x)`` is never multiplied out. Source: https://dlmf.nist.gov, sections 7.2 and 7.17.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.ops.elementwise import elementwise, unary
from minigrad.ops.error_function import error_parts, find_quantile, for_either, scale_down

if TYPE_CHECKING:
    from minigrad.ops.signatures import Unary

_ROOT_HALF, _ROOT_PI = math.sqrt(0.5), math.sqrt(math.pi)


def _scaled_complement(x: Any) -> Any:
    """``exp(x * x) * (1 - erf(x))`` in the dtype of `x`."""
    z = np.positive(x, dtype=np.float64)
    inner, factor = error_parts(z)
    size = np.maximum(np.abs(z), 1.0)
    u, series = 0.5 / size / size, 1.0
    for k in range(11, 0, -2):  # https://dlmf.nist.gov/7.12.E1 beyond the range of the polynomial
        series = 1 - k * u * series
    factor = np.where(size > 28, series / _ROOT_PI / size, factor)
    outer = np.where(z > 0, factor, 2 / scale_down(1.0, np.minimum(size, 28.0)) - factor)
    return np.where(np.abs(z) < 1, np.exp(z * z) * (1 - inner), outer).astype(x.dtype)


erfcx: Unary = unary(
    "special_erfcx", _scaled_complement, lambda g, x, out: g * (2 * (x * out) - 2 / _ROOT_PI),
    gradient="g * (2 * x * out - 2 / sqrt(pi))", example="[0.0, 1.0] -> [1.0000, 0.4276]",
    formula="exp(input ** 2) * erfc(input), which neither overflows nor vanishes for large numbers",
)  # fmt: skip


# ---- the logarithm of the distribution function ---------------------------------------------------
def _density_over_probability(x: Any) -> Any:
    """The slope of `log_ndtr`: the normal density at x divided by the probability of a number up to x."""
    z = np.positive(x, dtype=np.float64)
    return (math.sqrt(2 / math.pi) / _scaled_complement(z * -_ROOT_HALF)).astype(x.dtype)


# derivative of r = density / probability: -r * (x + r)
_slope: Any = elementwise("log_ndtr_backward", _density_over_probability, lambda g, x, out: -g * (out * (x + out)))


def _log_probability(x: Any) -> Any:
    z = np.positive(x, dtype=np.float64)
    low = np.minimum(z, -1.0)
    tail = np.log(_scaled_complement(low * -_ROOT_HALF) / 2) - low * low / 2
    inner, factor = error_parts(z * _ROOT_HALF)
    size = np.minimum(np.abs(z * _ROOT_HALF), 28.0)
    beyond = np.where(size < 1, 1 - inner, scale_down(factor, size)) / 2  # the probability of more than z
    return np.where(z < -1, tail, np.log1p(-np.where(z < -1, 0.0, beyond))).astype(x.dtype)


log_ndtr: Unary = unary(
    "special_log_ndtr", _log_probability, lambda g, x: g * for_either(_slope, _density_over_probability)(x),
    gradient="g * sqrt(2 / pi) / erfcx(-x / sqrt(2))", example="[0.0, -20.0] -> [  -0.6931, -203.9172]",
    formula="log(ndtr(input)), the logarithm of the probability that a normal number is at most input",
)  # fmt: skip


# ---- the inverse of the distribution function -----------------------------------------------------
def _quantile(p: Any) -> Any:
    chance = np.positive(p, dtype=np.float64)
    rest = 2 * np.minimum(chance, 1 - chance)  # what lies outside of -z .. z
    z = find_quantile(1 - rest, rest)
    z = np.where(rest > 0, z, np.where(rest == 0, math.inf, math.nan))
    return np.where(chance < 0.5, -z, np.where(chance == 0.5, 0.0, z)).astype(p.dtype)


ndtri: Unary = unary(
    "special_ndtri", _quantile,
    # The result may be written to, so it is computed again.
    lambda g, p: g * (np.exp(for_either(ndtri, _quantile)(p) ** 2 * 0.5) * math.sqrt(2 * math.pi)),
    gradient="g * exp(out ** 2 / 2) * sqrt(2 * pi)", formula="the number whose ndtr is input",
    domain="0 < input < 1; -inf at 0, inf at 1, NaN beyond", example="[0.5, 0.975] -> [0.0000, 1.9600]",
)  # fmt: skip
