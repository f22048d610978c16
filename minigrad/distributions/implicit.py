"""How a random number moves with a parameter of its distribution, while its share of smaller numbers stays the same.

With F(x) the share of numbers up to x, p(x) the density and a the parameter, ``dx / da = -(dF / da) / p``: no formula
for x is needed, so numbers that are drawn by rejection have gradients. F of the beta distribution is a sum, which is
differentiated term by term; a number of the gamma distribution is b times one of Beta(a, b) for b without end.

Sources: M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients", 2018;
https://dlmf.nist.gov/8.17.E8 with 15.2.E1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import value_of
from minigrad.autograd.recording import operation
from minigrad.ops.error_function import for_either
from minigrad.ops.gamma import compute_digamma, digamma
from minigrad.ops.grad_fn_names import shown_as

ENDLESS = 1e20  # b of Beta(a, b) for gamma
LARGE = 1e4  # if a and b are larger, the first terms of an expansion in 1 / a and 1 / b are right to 1e-6
ENOUGH = 1e-17  # the sums end at terms of this part of the whole
_psi = for_either(digamma, compute_digamma)


def move_beta(a: Any, b: Any, x: Any) -> Any:
    """``dx / da`` of numbers x of Beta(a, b), in float64: arrays or Tensors."""
    a, b, x = a.astype(np.float64), b.astype(np.float64), x.astype(np.float64)
    is_large = (a > LARGE) & (b > LARGE)
    exact = _differentiate_sum(np.where(is_large, 1.0, a), np.where(is_large, 1.0, b), x)
    return np.where(is_large, _expand(a, b, np.where(is_large, x, 0.5)), exact)


def move_gamma(a: Any, x: Any) -> Any:
    """``dx / da`` of numbers x of the gamma distribution with concentration a and rate 1, in float64."""
    a, x = a.astype(np.float64), x.astype(np.float64)
    return move_beta(a, a * 0 + ENDLESS, x / ENDLESS) * ENDLESS


def _differentiate_sum(a: Any, b: Any, x: Any) -> Any:
    """From F, or 1 - F where x is above 1/2: ``x^a (1 - x)^b / B(a, b)`` times the sum of ``(s)_n / (p)_(n+1) y^n``.

    There s = a + b, y = x, p = a, or above 1/2 y = 1 - x, p = b; ``(p)_n`` is ``p (p + 1) ... (p + n - 1)``.
    """
    s, below = a + b, x <= 0.5
    y, p = np.where(below, x, 1 - x), np.where(below, a, b)
    term, n = 1 / p, 0
    slope = np.where(below, -term, 0.0)  # of log(term) along a
    total, sloped = term, term * slope
    while (value_of(term) > ENOUGH * value_of(total)).any():
        slope = slope + 1 / (s + n) - np.where(below, 1 / (p + n + 1), 0.0)
        n += 1
        term = term * (y * (s + n - 1) / (p + n))
        total, sloped = total + term, sloped + term * slope
    log_slope = np.log(np.maximum(x, np.finfo(np.float64).tiny)) - _psi(a) + _psi(s)
    return np.where(below, -1.0, 1.0) * x * (1 - x) * (total * log_slope + sloped)


def _expand(a: Any, b: Any, x: Any) -> Any:
    """For large a and b: from F as a normal number, of the square ``2 a log(a / sx) + 2 b log(b / s(1-x))``."""
    s = a + b
    off = s * x / a - 1
    off = np.where(off == 0, 1e-9, off)
    return x * (1 - x) * np.log1p(off) / (a * off) * (1 + 1 / (6 * a) + 1 / (3 * s))


draw_gamma = operation(
    "standard_gamma",
    lambda concentration, *, drawn: drawn,
    lambda g, concentration, out: g * move_gamma(concentration, out),
)


def _move_dirichlet(g: Any, concentration: Any, out: Any) -> Any:
    """A chance moves with its own concentration as in Beta, and the others share what is left as before."""
    others = np.sum(concentration, axis=-1, keepdims=True) - concentration
    alone = move_beta(concentration, others, out) / (1 - out)
    return alone * (g - np.sum(out * g, axis=-1, keepdims=True))


draw_dirichlet = shown_as(
    operation("dirichlet", lambda concentration, *, drawn: drawn, _move_dirichlet), "_DirichletBackward"
)
