"""Random numbers of the Poisson distribution, computed from uniform ones as PyTorch computes them.

Sources: D. E. Knuth, "The Art of Computer Programming", volume 2, 3.4.1; W. Hoermann, "The transformed rejection
method for generating Poisson random variables", 1993, algorithm PTRS, whose constants stand below.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, floor, lgamma, log, sqrt

Unit = Callable[[], float]  # returns the next number of U[0, 1)


def draw_count(rate: float, unit: Unit) -> int:
    """A random number of the Poisson distribution with this `rate`.

    >>> from minigrad.poisson_draws import draw_count
    >>> draw_count(2.0, iter([0.9, 0.5, 0.1]).__next__)
    2
    """
    if rate == 0:
        return 0
    return _multiply(rate, unit) if rate < 10 else _reject(rate, unit)


def _multiply(rate: float, unit: Unit) -> int:
    """For small rates: multiplies uniform numbers until their product falls to ``exp(-rate)``."""
    count, product, least = 0, unit(), exp(-rate)
    while product > least:
        count += 1
        product *= unit()
    return count


def _reject(rate: float, unit: Unit) -> int:
    """For large rates: Hoermann's transformed rejection (PTRS)."""
    b = 0.931 + 2.53 * sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    surely_below = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = unit() - 0.5, unit()
        beside = 0.5 - abs(u)
        if not beside:
            continue
        k = floor((2 * a / beside + b) * u + rate + 0.43)
        if beside >= 0.07 and v <= surely_below:
            return k
        if k < 0 or (beside < 0.013 and v > beside):
            continue
        height = -rate + k * log(rate) - lgamma(k + 1)
        if v == 0 or log(v) + log(inverse_alpha) - log(a / (beside * beside) + b) <= height:
            return k
