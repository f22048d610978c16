"""The error function, its complement and its inverse."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops.elementwise import unary

if TYPE_CHECKING:
    from minigrad.ops.signatures import Unary


# ---- the error function --------------------------------------------------------------------------
@cache
def _error_function_series(dtype: Any) -> tuple[Any, Any]:
    """Chebyshev coefficients for the two ranges of the error function, fitted to Python's `math.erf`."""
    double = dtype == np.float64

    def fit(function: Any, terms: int) -> Any:
        angles = np.pi * (np.arange(terms) + 0.5) / terms
        values = np.array([function(c) for c in np.cos(angles)])
        coefficients = np.cos(np.outer(np.arange(terms), angles)) @ values * (2 / terms)
        coefficients[0] /= 2
        return coefficients.astype(dtype)

    def near(c: float) -> float:  # erf(x)/x, of x^2 in (0, 1)
        x = math.sqrt((c + 1) / 2)
        return math.erf(x) / x

    def far(c: float) -> float:  # (2 + x) exp(x^2) erfc(x), nearly constant, of 2/(2 + x) for x in (0, 28)
        x = 60 / (16 + 14 * c) - 2
        if x < 20:
            head = round(x * 16) / 16  # its square is exact
            return (2 + x) * math.exp(head * head) * math.exp((x - head) * (x + head)) * math.erfc(x)
        # where the library underflows: https://dlmf.nist.gov/7.12.E1
        terms = accumulate(range(1, 10), lambda term, k: -term * (2 * k - 1) / (2 * x * x), initial=1.0)
        return (2 + x) * math.fsum(terms) / (x * math.sqrt(math.pi))

    return fit(near, 14 if double else 8), fit(far, 28 if double else 13)


def error_parts(x: Any) -> tuple[Any, Any]:
    """Erf for |x| < 1, and ``exp(x * x) * (1 - erf(|x|))`` for |x| from 1 to 28, by polynomials exact to 3e-15."""
    near, far = _error_function_series(x.dtype)
    chebval = np.polynomial.chebyshev.chebval
    inner = x * chebval(2 * np.minimum(x * x, 1.0) - 1, near)
    size = np.minimum(np.abs(x), 28.0)  # for larger |x|, 1 - erf is 0
    return inner, chebval((60 / (2 + size) - 16) / 14, far) / (2 + size)


def scale_down(factor: Any, size: Any) -> Any:
    """``factor * exp(-x * x)`` of x >= 0 without the rounding of the square, which is large in the tail."""
    head = np.round(size * 16) / 16  # its square is exact
    half = np.exp(head * head * -0.5)  # squared at the end, so that a small result is rounded once
    return half * (half * (np.exp((head - size) * (head + size)) * factor))


def _as_one_step(x: Any, name: str) -> Any:
    """The call of a GPU's own function, if `x` is a symbol in a kernel that is being traced; else None."""
    take = getattr(x, "as_one_step", None)
    return None if take is None else take(name)


_FEW = 1000  # elements for which the C library is quicker, one by one, than the polynomials


def _make_error_function(name: str, near: Callable[..., Any], far: Callable[..., Any]) -> Callable[..., Any]:
    """Makes erf or erfc: `near` of erf for |x| < 1; `far` of x, the factor of exp(-x^2) in 1 - erf(|x|), and |x|."""
    libm = getattr(math, name)

    def compute(x: Any) -> Any:
        if x.__class__ is np.ndarray and x.size <= _FEW:
            found = np.asarray(+x)  # a copy in the layout that every function of NumPy gives its result
            numbers = found.ravel("K")  # a view of its memory
            numbers[...] = np.fromiter(map(libm, numbers.tolist()), np.float64, x.size)
            return found
        step = _as_one_step(x, name)
        if step is not None:
            return step
        inner, factor = error_parts(x)
        return np.where(np.abs(x) < 1, near(inner), far(x, factor, np.minimum(np.abs(x), 28.0)))

    return compute


def _far_complement(x: Any, factor: Any, size: Any) -> Any:
    tail = scale_down(factor, size)
    return np.where(x > 0, tail, 2 - tail)


error_function = _make_error_function(
    "erf", lambda inner: inner, lambda x, factor, size: np.copysign(1 - np.exp(-size * size) * factor, x)
)
_complementary = _make_error_function("erfc", lambda inner: 1 - inner, _far_complement)


def invert_error_function(y: Any, rest: Any) -> Any:
    """The z >= 0 with ``erf(z) = y`` and ``1 - erf(z) = rest``, in float64.

    By Newton's method, applied to erf or to the logarithm of 1 - erf, whichever is more exact.
    """
    rest = np.maximum(rest, np.finfo(np.float64).smallest_subnormal)
    log = np.log(rest) + np.log1p(y)
    # S. Winitzki, "A handy approximation for the error function and its inverse", 2008: a = 0.147
    half = 2 / (math.pi * 0.147) + log / 2
    z = np.sqrt(np.sqrt(half * half - log / 0.147) - half)
    for _ in range(3):
        inner, factor = error_parts(z)
        near, far = (inner - y) * np.exp(np.minimum(z, 1.0) ** 2), (np.log(rest / factor) + z * z) * factor
        z = z - np.where(z < 1, near, far) * (math.sqrt(math.pi) / 2)
    return z


def _inverse_error_function(x: Any) -> Any:
    """The inverse of erf."""
    y = np.abs(x, dtype=np.float64)
    z = np.where(y < 1, invert_error_function(y, 1 - y), np.where(y == 1, math.inf, math.nan))
    return np.copysign(z, x).astype(x.dtype)


def for_either(made: Callable[..., Any], forward: Callable[..., Any]) -> Callable[..., Any]:
    """A function for gradient rules: calls `made` for Tensors, or its `forward` for arrays."""
    return lambda x, **options: made(x, **options) if isinstance(x, TensorBase) else forward(x, **options)


# fmt: off
erf = unary("erf", error_function, lambda g, x: g * (np.exp(-x * x) * (2 / math.sqrt(math.pi))), in_float32=True,
    formula="2 / sqrt(pi) * the integral of e ** -t ** 2 from 0 to input", example="[0.0, 1.0] -> [0.0000, 0.8427]")
erfc = unary("erfc", _complementary, lambda g, x: g * (np.exp(-x * x) * (-2 / math.sqrt(math.pi))), in_float32=True,
    formula="1 - erf(input), exact also where erf is nearly 1", example="[0.0, 1.0] -> [1.0000, 0.1573]")
erfinv: Unary = unary("erfinv", _inverse_error_function,
    # The result may be written to, so it is computed again.
    lambda g, x: g * (np.exp(for_either(erfinv, _inverse_error_function)(x) ** 2) * (math.sqrt(math.pi) / 2)),
    gradient="g * exp(erfinv(x) ** 2) * sqrt(pi) / 2", formula="the number whose erf is input",
    domain="-1 < input < 1; inf at 1, -inf at -1, NaN beyond", example="[0.0, 0.5] -> [0.0000, 0.4769]")
# fmt: on
