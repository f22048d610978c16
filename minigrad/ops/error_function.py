"""The error function, its complement and its inverse."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops.elementwise import unary

if TYPE_CHECKING:
    from minigrad.ops.signatures import Unary


@lru_cache(maxsize=64)
def _as_arrays(numbers: tuple[float, ...], dtype: Any) -> list[Any]:
    """Numbers as arrays of 0 dimensions, with which NumPy computes sooner."""
    return [np.array(number, dtype) for number in numbers]


def evaluate(t: Any, coefficients: Sequence[float]) -> Any:
    """The polynomial ``coefficients[0] + coefficients[1] t + ...`` by Horner's rule, for arrays and traced formulas."""
    *others, total = _as_arrays(tuple(coefficients), t.dtype) if t.__class__ is np.ndarray else coefficients
    for c in reversed(others):
        total = total * t + c
    return total


def find_nodes(terms: int) -> Any:
    """The places in (-1, 1) where a polynomial of so many terms is fitted: the zeros of a Chebyshev polynomial."""
    return np.cos(np.pi * (np.arange(terms) + 0.5) / terms)


def fit_chebyshev(values: Any) -> Any:
    """The Chebyshev coefficients of a function with these `values` at as many nodes."""
    terms = len(values)
    angles = np.pi * (np.arange(terms) + 0.5) / terms
    coefficients = np.cos(np.outer(np.arange(terms), angles)) @ values * (2 / terms)
    coefficients[0] /= 2
    return coefficients


# ---- the error function --------------------------------------------------------------------------
@cache
def _error_function_series(dtype: Any) -> tuple[list[float], list[float]]:
    """The polynomials for the two ranges of the error function, fitted to Python's `math.erf`."""
    double = dtype == np.float64

    def fit(function: Any, terms: int) -> list[float]:
        values = np.array([function(c) for c in find_nodes(terms)])
        return np.polynomial.chebyshev.cheb2poly(fit_chebyshev(values)).tolist()

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
    inner = x * evaluate(2 * np.minimum(x * x, 1.0) - 1, near)
    size = np.minimum(np.abs(x), 28.0)  # for larger |x|, 1 - erf is 0
    return inner, evaluate((60 / (2 + size) - 16) / 14, far) / (2 + size)


def scale_down(factor: Any, size: Any) -> Any:
    """``factor * exp(-x * x)`` of x >= 0 without the rounding of the square, which is large in the tail."""
    head = np.round(size * 16) / 16  # its square is exact
    half = np.exp(head * head * -0.5)  # squared at the end, so that a small result is rounded once
    return half * (half * (np.exp((head - size) * (head + size)) * factor))


def _as_one_step(x: Any, name: str) -> Any:
    """The call of a GPU's own function, if `x` is a symbol in a kernel that is being traced; else None."""
    take = getattr(x, "as_one_step", None)
    return None if take is None else take(name)


FEW = 1000  # elements for which the C library is quicker, one by one, than formulas on arrays


def compute_each(function: Callable[[float], float], x: Any) -> Any:
    """A function of Python's `math` of each element; None where it refuses one."""
    found = np.asarray(+x)  # a copy in the layout that every function of NumPy gives its result
    numbers = found.ravel("K")  # a view of its memory
    try:
        numbers[...] = np.fromiter(map(function, numbers.tolist()), np.float64, x.size)
    except (ValueError, OverflowError):
        return None
    return found


def _make_error_function(name: str, near: Callable[..., Any], far: Callable[..., Any]) -> Callable[..., Any]:
    """Makes erf or erfc: `near` of erf for |x| < 1; `far` of x, the factor of exp(-x^2) in 1 - erf(|x|), and |x|."""
    libm = getattr(math, name)

    def compute(x: Any) -> Any:
        if x.__class__ is np.ndarray and x.size <= FEW:
            return compute_each(libm, x)
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
complementary = _make_error_function("erfc", lambda inner: 1 - inner, _far_complement)


# ---- its inverse ----------------------------------------------------------------------------------
# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", 1988, PPND16: for each of three
# ranges the coefficients of two polynomials, whose quotient is exact to 7e-16.
_CENTER = (
    (3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
     45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727),
    (1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077,
     21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_END = (
    (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def find_quantile(y: Any, rest: Any, to_the_end: bool = True) -> Any:
    """The z >= 0 with ``erf(z / sqrt(2)) = y`` and ``1 - erf(z / sqrt(2)) = rest``, in float64.

    Without `to_the_end`, for a `rest` of at least 3e-11.
    """

    def divide(t: Any, polynomials: tuple[Sequence[float], Sequence[float]]) -> Any:
        above, below = polynomials
        return evaluate(t, above) / evaluate(t, below)

    z = y * 0.5 * divide(0.180625 - y * y * 0.25, _CENTER)
    r = np.sqrt(-np.log(np.maximum(rest * 0.5, np.finfo(np.float64).smallest_subnormal)))
    far = divide(r - 1.6, _TAIL)
    if to_the_end:
        far = np.where(r > 5, divide(r - 5, _END), far)
    return np.where(y > 0.85, far, z)


def _inverse_error_function(x: Any) -> Any:
    """The inverse of erf."""
    y = np.abs(x, dtype=np.float64)
    z = find_quantile(y, 1 - y, x.dtype == np.float64) * math.sqrt(0.5)  # in float32 1 - y is at least 6e-8
    z = np.where(y < 1, z, np.where(y == 1, math.inf, math.nan))
    return np.copysign(z, x).astype(x.dtype)


def for_either(made: Callable[..., Any], forward: Callable[..., Any]) -> Callable[..., Any]:
    """A function for gradient rules: calls `made` for Tensors, or its `forward` for arrays."""
    return lambda x, **options: made(x, **options) if isinstance(x, TensorBase) else forward(x, **options)


# fmt: off
erf = unary("erf", error_function, lambda g, x: g * (np.exp(-x * x) * (2 / math.sqrt(math.pi))), in_float32=True,
    formula="2 / sqrt(pi) * the integral of e ** -t ** 2 from 0 to input", example="[0.0, 1.0] -> [0.0000, 0.8427]")
erfc = unary("erfc", complementary, lambda g, x: g * (np.exp(-x * x) * (-2 / math.sqrt(math.pi))), in_float32=True,
    formula="1 - erf(input), exact also where erf is nearly 1", example="[0.0, 1.0] -> [1.0000, 0.1573]")
erfinv: Unary = unary("erfinv", _inverse_error_function,
    # The result may be written to, so it is computed again.
    lambda g, x: g * (np.exp(for_either(erfinv, _inverse_error_function)(x) ** 2) * (math.sqrt(math.pi) / 2)),
    gradient="g * exp(erfinv(x) ** 2) * sqrt(pi) / 2", formula="the number whose erf is input",
    domain="-1 < input < 1; inf at 1, -inf at -1, NaN beyond", example="[0.0, 0.5] -> [0.0000, 0.4769]")
# fmt: on
