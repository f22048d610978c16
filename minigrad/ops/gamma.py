"""`lgamma`, its derivatives, and the modified Bessel functions, computed in float64.

Source: https://dlmf.nist.gov, chapters 5, 10 and 25; formula by formula below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import Tensor, value_of
from minigrad.ops.arguments import as_int, require_tensor, takes_out
from minigrad.ops.composed import recorded_as
from minigrad.ops.describe import rename
from minigrad.ops.elementwise import elementwise, unary
from minigrad.ops.error_function import FEW, compute_each, evaluate, find_nodes, fit_chebyshev, for_either
from minigrad.ops.precision import as_float

if TYPE_CHECKING:
    from minigrad.ops.signatures import Unary

_FAR = 10  # for larger x the series in 1 / x are exact to float64
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)  # B2, B4, ...


def _move_far(x: Any) -> tuple[Any, Any, Any, list[Any]]:
    """Moves small `x` > 0 to x + 10. Returns the moved numbers, which x are small, and what the shift passes.

    The shift passes the numbers x, x + 1, ..., x + 9. They are taken in pairs, x + k and x + 9 - k for k from 0 to 4:
    the last two values are the sum of a pair, which is 2 x + 9 for all, and the product of each pair.
    """
    near = x < _FAR
    low = np.minimum(x, _FAR)
    first = low * (low + 9)
    products = [first, *[first + k * (9 - k) for k in range(1, 5)]]  # (x + k)(x + 9 - k) = x (x + 9) + k (9 - k)
    return np.where(near, x + _FAR, x), near, 2 * low + 9, products


def _add_series(terms: Any, y: Any, power: int) -> Any:
    """The sum of ``terms[j] / y**(2 j + power)``, of a power of 1 to 3."""
    part = 1 / y
    square = part * part
    return evaluate(square, terms) * {1: part, 2: square, 3: part * square}[power]


def compute_lgamma(x: Any) -> Any:
    """`lgamma` of an array."""
    if x.__class__ is np.ndarray and x.size <= FEW:
        found = compute_each(math.lgamma, x)
        if found is not None:
            return found
    # https://dlmf.nist.gov/5.11.E1 for large x, 5.5.E1 for the shift, 5.5.E3 below 1/2
    z = np.positive(x, dtype=np.float64)
    mirrored = np.where(z < 0.5, 1 - z, z)
    y, near, _, products = _move_far(mirrored)
    terms = [b / ((2 * j + 2) * (2 * j + 1)) for j, b in enumerate(_BERNOULLI)]
    value = (y - 0.5) * np.log(y) - y + 0.5 * math.log(2 * math.pi) + _add_series(terms, y, 1)
    value = np.where(near, value - np.log(math.prod(products)), value)
    value = np.where((mirrored == 1) | (mirrored == 2), 0.0, np.where(np.isinf(mirrored), math.inf, value))
    rest = z - np.round(z)  # log(pi / |sin(pi z)|), also where pi z would be rounded
    value = np.where(z < 0.5, -np.log(np.abs(rest)) - np.log(np.sinc(rest)) - value, value)
    return np.where((z <= 0) & (z == np.floor(z)), math.inf, value).astype(x.dtype)


def compute_digamma(x: Any) -> Any:
    """`digamma` of an array."""
    # https://dlmf.nist.gov/5.11.E2 for large x, 5.5.E2 for the shift, 5.5.E4 below 1/2
    z = np.positive(x, dtype=np.float64)
    mirrored = np.where(z < 0.5, 1 - z, z)
    y, near, pair, products = _move_far(mirrored)
    value = np.log(y) - 0.5 / y - _add_series([b / (2 * j + 2) for j, b in enumerate(_BERNOULLI)], y, 2)
    value = np.where(near, value - pair * sum(1 / product for product in products), value)  # 1/a + 1/b = (a + b) / ab
    value = np.where(z < 0.5, value - math.pi / np.tan(math.pi * (z - np.round(z))), value)
    value = np.where((z < 0) & (z == np.floor(z)), math.nan, value)
    return np.where(z == 0, np.copysign(math.inf, -z), value).astype(x.dtype)


def _trigamma(z: Any) -> Any:
    """The derivative of `digamma` in float64."""
    # https://dlmf.nist.gov/5.15.E8 for large z, 5.15.E5 for the shift, 5.15.E6 below 1/2
    mirrored = np.where(z < 0.5, 1 - z, z)
    y, near, pair, products = _move_far(mirrored)
    value = 1 / y + 0.5 / (y * y) + _add_series(_BERNOULLI, y, 3)
    parts = [1 / product for product in products]  # 1/a^2 + 1/b^2 = ((a + b) / ab)^2 - 2 / ab
    passed = pair * pair * sum(part * part for part in parts) - 2 * sum(parts)
    value = np.where(near, value + passed, value)
    value = np.where(z < 0.5, (math.pi / np.sin(math.pi * z)) ** 2 - value, value)
    return np.where((z <= 0) & (z == np.floor(z)), math.inf, value)


def _polygamma(x: Any, *, n: int) -> Any:
    if n == 0:
        return compute_digamma(x)
    z = np.positive(x, dtype=np.float64)
    if n == 1:
        return _trigamma(z).astype(x.dtype)
    s = n + 1  # n! = rest * unit**s: in these parts neither n! overflows nor zeta vanishes
    unit = round(math.exp(math.lgamma(s) / s))
    rest = math.factorial(n) / unit**s
    return ((-1) ** s * rest * _zeta(s, z, unit)).astype(x.dtype)


def _zeta(s: int, x: Any, unit: int = 1) -> Any:
    """Hurwitz's zeta, the sum of ``(unit / (x + k))**s`` for k from 0: https://dlmf.nist.gov/25.11.E5; NaN below -1000.

    The series for large x is exact to float64 from ``2 s + 10`` on.
    """
    pole = (x <= 0) & (x == np.floor(x))
    total, y = np.zeros_like(x), np.where(pole, 1.0, np.where(x < -1000, math.nan, x))
    near = y < _FAR + 2 * s
    while near.any():
        total = total + np.where(near, (unit / np.where(near, y, 1.0)) ** s, 0.0)
        y = np.where(near, y + 1, y)
        near = y < _FAR + 2 * s
    rising, terms = 1.0, []
    for j, b in enumerate(_BERNOULLI):  # B(2j) / (2j)! times s (s + 1) ... (s + 2j - 2)
        rising *= (s + 2 * j - 1) * (s + 2 * j) if j else s
        terms.append(b * rising / math.factorial(2 * j + 2))
    part = unit / y
    total = total + part ** (s - 1) * (unit / (s - 1)) + part**s * (0.5 + _add_series(terms, y, 1))
    return np.where(pole, math.inf, total)


# fmt: off
lgamma: Unary = unary("lgamma", compute_lgamma, lambda g, x: g * for_either(digamma, compute_digamma)(x),
    gradient="g * digamma(x)", formula="log |gamma(input)|, the logarithm of (input - 1)!",
    domain="inf at 0, -1, -2, ...", example="[1.0, 5.0] -> [0.0000, 3.1781]")
digamma: Unary = unary("digamma", compute_digamma, lambda g, x: g * for_either(_poly, _polygamma)(x, n=1),
    gradient="g * polygamma(1, x)", formula="the derivative of lgamma", domain="-inf at 0, NaN at -1, -2, ...",
    example="[1.0, 2.0] -> [-0.5772,  0.4228]")
# fmt: on
_poly: Any = elementwise("polygamma", _polygamma, lambda g, x, n: g * for_either(_poly, _polygamma)(x, n=n + 1))


@takes_out(cast=True)
def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of `digamma`; of order 0 digamma itself. Raises RuntimeError for a negative n.

    >>> import minigrad as torch
    >>> torch.polygamma(1, torch.tensor([1.0, 2.0]))
    tensor([1.6449, 0.6449])
    """
    order = as_int(n, "n")
    require_tensor("polygamma", "input", 2, input)
    if order < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got {order}")
    return _poly(as_float(input), n=order)


def _polygamma_of(input: Tensor, n: int) -> Tensor:
    return polygamma(n, input)


polygamma_of = takes_out(rename(_polygamma_of, "polygamma", polygamma.__doc__), cast=True)  # the method
polygamma_of.__module__, polygamma_of.__qualname__ = "minigrad", "Tensor.polygamma"  # where pickle finds it


@takes_out(cast=True)
@recorded_as("MvlgammaBackward0")
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """``p (p - 1) / 4 log(pi)`` and the sum of ``lgamma(input - j / 2)`` for j < p: of p dimensions.

    It is defined for numbers above (p - 1) / 2. Raises RuntimeError for p below 1.

    >>> import minigrad as torch
    >>> torch.mvlgamma(torch.tensor([2.0]), 2)
    tensor([0.4516])
    """
    count = as_int(p, "p")
    if count < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, got {count}")
    if input.array.dtype.kind == "b":
        raise RuntimeError("mvlgamma: the input tensor may not be a boolean tensor; convert it with .float()")
    x = as_float(input)
    total = sum(lgamma(x - j / 2) for j in range(count))
    return total + count * (count - 1) / 4 * math.log(math.pi)  # type: ignore[return-value]


# ---- Bessel functions --------------------------------------------------------------------------------
def _add_bessel_series(order: int, z: Any) -> Any:
    """``exp(-z) I(order, z)`` of numbers z > 0: https://dlmf.nist.gov/10.25.E2, and 10.40.E1 from 30 on."""
    near, far = np.minimum(z, 30.0), np.maximum(z, 30.0)
    term = np.exp(-near) * (near / 2) ** order
    small = term
    for k in range(1, 70):
        term = term * (near * near / (4 * k * (k + order)))
        small = small + term
    term, large = 1.0, 1.0
    for k in range(1, 24):
        term = term * ((2 * k - 1) ** 2 - 4 * order**2) / (8 * k * far)
        large = large + term
    return np.where(z < 30, small, large / math.sqrt(2 * math.pi) / np.sqrt(far))


_MIDDLE = 8.0  # below it a polynomial of z, above one of 1 / z


@cache
def _bessel_polynomials(order: int, double: bool) -> tuple[Any, Any]:
    """The Chebyshev coefficients of ``exp(-z) I(order, z)``, fitted to the series: divided by ``z**order`` for z in
    (0, 8), times ``sqrt(z)`` for larger z.
    """

    def fit(function: Callable[[Any], Any], terms: int) -> Any:
        return fit_chebyshev(function((find_nodes(terms) + 1) / 2))  # of numbers in (0, 1)

    def near(part: Any) -> Any:
        return _add_bessel_series(order, _MIDDLE * part) / (_MIDDLE * part) ** order

    def far(part: Any) -> Any:
        return _add_bessel_series(order, _MIDDLE / part) * np.sqrt(_MIDDLE / part)

    return fit(near, 26 if double else 18), fit(far, 24 if double else 10)


def _compute_scaled_bessel(order: int, x: Any) -> Any:
    """``exp(-|x|) I(order, x)`` in float64, as exact as the dtype of x."""
    near, far = _bessel_polynomials(order, x.dtype == np.float64)
    chebval = np.polynomial.chebyshev.chebval  # loses fewer digits than the powers of so many terms
    z = np.abs(x, dtype=np.float64)
    small, large = np.minimum(z, _MIDDLE), np.maximum(z, _MIDDLE)
    value = np.where(z < _MIDDLE, chebval(small * (2 / _MIDDLE) - 1, near), chebval(2 * _MIDDLE / large - 1, far))
    if order:  # 1
        return np.where(z < _MIDDLE, value * x + 0.0, np.copysign(value / np.sqrt(large), x))  # no -0.0, as in PyTorch
    return np.where(z < _MIDDLE, value, value / np.sqrt(large))


def make_bessel(order: int) -> Callable[[Any], Any]:
    """Makes the function I(order, x) of an array x."""

    def forward(x: Any) -> Any:
        half = np.exp(np.abs(x, dtype=np.float64) / 2)
        return (_compute_scaled_bessel(order, x) * half * half).astype(x.dtype)

    return forward


def _make_scaled_bessel(order: int) -> Callable[[Any], Any]:
    """Makes the function exp(-|x|) I(order, x) of an array x."""
    return lambda x: _compute_scaled_bessel(order, x).astype(x.dtype)


def _divide_by_x(out: Any, x: Any) -> Any:
    """``out / x``, and its limit 1/2 where x is so small that `out` may be rounded to 0."""
    small = np.less(np.abs(x), np.finfo(value_of(x).dtype).eps)
    return np.where(small, 0.5, out / np.where(small, 1.0, x))


_i0, _i1 = make_bessel(0), make_bessel(1)
_i0e, _i1e = _make_scaled_bessel(0), _make_scaled_bessel(1)
# fmt: off
i0: Unary = unary("i0", _i0, lambda g, x: g * for_either(i1, _i1)(x),
    gradient="g * i1(x)", formula="the modified Bessel function of order 0", example="[0.0, 1.0] -> [1.0000, 1.2661]")
i1: Unary = unary("special_i1", _i1, lambda g, x, out: g * (for_either(i0, _i0)(x) - _divide_by_x(out, x)),
    gradient="g * (i0(x) - out / x), and g / 2 at 0",
    formula="the modified Bessel function of order 1", example="[0.0, 1.0] -> [0.0000, 0.5652]")
i0e: Unary = unary("special_i0e", _i0e, lambda g, x, out: g * (for_either(i1e, _i1e)(x) - np.sign(x) * out),
    gradient="g * (i1e(x) - sign(x) * out)",
    formula="exp(-|input|) i0(input)", example="[0.0, 1.0] -> [1.0000, 0.4658]")
i1e: Unary = unary("special_i1e", _i1e,
    lambda g, x, out: g * (for_either(i0e, _i0e)(x) - _divide_by_x(out, x) - np.sign(x) * out),
    gradient="g * (i0e(x) - out / x - sign(x) * out), and g / 2 at 0",
    formula="exp(-|input|) i1(input)", example="[0.0, 1.0] -> [0.0000, 0.2079]")
# fmt: on
