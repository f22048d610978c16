"""Random numbers of the binomial distribution, computed from uniform ones as PyTorch computes them.

Sources: L. Devroye, "Non-Uniform Random Variate Generation", 1986, X.4.3; W. Hoermann, "The generation of binomial
random variates", 1993, algorithm BTRS, whose constants stand below.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, inf, lgamma, log, log1p, nan, pi, sqrt

Unit = Callable[[], float]  # returns the next number of U[0, 1)


def draw_successes(trials: float, chance: float, unit: Unit) -> float:
    """How many of so many `trials` succeed, each with this `chance`.

    >>> from minigrad.binomial_draws import draw_successes
    >>> draw_successes(3.0, 0.5, iter([0.4, 0.3, 0.2]).__next__)
    1.0
    """
    if trials <= 0 or chance <= 0:
        return 0.0
    if chance >= 1:
        return trials
    if chance > 0.5:  # failures are rarer
        return trials - draw_successes(trials, 1 - chance, unit)
    if chance != chance:
        return nan
    return _reject(trials, chance, unit) if trials * chance >= 10 else _count_waits(trials, chance, unit)


def _count_waits(trials: float, chance: float, unit: Unit) -> float:
    """For few successes: adds up the trials until each next one."""
    failure, passed, successes = log1p(-chance), 0.0, 0.0
    while True:
        u = unit()
        passed += ceil(log(u) / failure) if u else inf
        if passed > trials:
            return successes
        successes += 1


def _reject(n: float, p: float, unit: Unit) -> float:
    """For many successes: Hoermann's transformed rejection (BTRS)."""
    spread = sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    surely_below, odds, top = 0.92 - 4.2 / b, p / (1 - p), floor((n + 1) * p)
    while True:
        u, v = unit() - 0.5, unit()
        beside = 0.5 - abs(u)
        if not beside:
            continue
        k = floor((2 * a / beside + b) * u + n * p + 0.5)
        if not 0 <= k <= n:
            continue
        if beside >= 0.07 and v <= surely_below:
            return float(k)
        ways = (top + 0.5) * log((top + 1) / (odds * (n - top + 1))) + (n + 1) * log((n - top + 1) / (n - k + 1))
        ways += (k + 0.5) * log(odds * (n - k + 1) / (k + 1))
        height = ways + _tail(top) + _tail(n - top) - _tail(k) - _tail(n - k)
        if v == 0 or log(v * (2.83 + 5.1 / b) * spread / (a / (beside * beside) + b)) <= height:
            return float(k)


def _tail(k: float) -> float:
    """What Stirling's formula lacks of ``log(k!)``."""
    if k <= 9:
        return lgamma(k + 1) - log(2 * pi) / 2 - (k + 0.5) * log(k + 1) + k + 1
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
