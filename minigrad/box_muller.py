"""Normal random numbers from uniform ones (Box-Muller), rounded as PyTorch's CPU kernels round them.

G. E. P. Box and M. E. Muller, 1958: with u1, u2 uniform on [0, 1), radius sqrt(-2 log(1 - u1)) and
angle 2 pi u2, radius cos(angle) and radius sin(angle) are independent and normal.

In float32 PyTorch computes log, cos and sin with the polynomials of S. L. Moshier's Cephes library
and fused multiply-adds. The same here, each fused step in float64 and then rounded, agrees in every
bit; NumPy's own log and cos would be up to 4 units in the last place away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any  # a NumPy array


def with_libm(function: Callable[[float], float], x: Array) -> Array:
    """Makes a function of arrays from the C library's, as PyTorch uses it in float64; NumPy's may differ by a bit."""
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def fused_multiply_add(x: Array, scale: Any, shift: Any) -> Array:
    """``x * scale + shift``, rounded once, as a fused multiply-add instruction does."""
    if isinstance(scale, float) and (scale, shift) == (1, 0):
        return x
    if x.dtype == np.float32:
        # A product of two float32 is exact in float64.
        product = np.multiply(x, np.asarray(scale, np.float32), dtype=np.float64)
        return (product + np.asarray(shift, np.float32)).astype(np.float32)
    # The rounding errors of product and sum, computed exactly (T. J. Dekker, 1971), are added at the end.
    product = x * scale
    x_high, scale_high = _upper_half(x), _upper_half(scale)
    x_low, scale_low = x - x_high, scale - scale_high
    error = (x_high * scale_high - product) + x_high * scale_low + x_low * scale_high
    error += x_low * scale_low
    total = product + shift
    added = total - product
    return total + (((product - (total - added)) + (shift - added)) + error)


def _upper_half(x: Any) -> Any:
    """The upper 26 of the 53 bits of a float64."""
    scaled = x * (2.0**27 + 1)
    return scaled - (scaled - x)


def normal_blocks64(uniforms: Array) -> Array:
    """Box and Muller's rule on blocks of 16: eight radii, eight angles."""
    u = uniforms.reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * with_libm(math.log, 1.0 - u[:, 0]))
    angle = 2.0 * math.pi * u[:, 1]
    return np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1).reshape(-1)


def normal_blocks32(uniforms: Array) -> Array:
    """The same in float32, with the polynomials that PyTorch uses for log, cos and sin."""
    u = uniforms.reshape(-1, 2, 8)
    radius = np.sqrt(np.float32(-2) * _log32(np.float32(1) - u[:, 0]))
    cosine, sine = _cos_sin32(np.float32(2 * math.pi) * u[:, 1])
    return np.stack((radius * cosine, radius * sine), axis=1).reshape(-1)


def _single(*coefficients: float) -> list[float]:
    """The coefficients as float32 holds them."""
    return [float(np.float32(c)) for c in coefficients]


# Highest power first.
_LOG = _single(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_COS = _single(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN = _single(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)


def _polynomial(x: Array, coefficients: list[float]) -> Array:
    """Horner's rule with fused steps."""
    x = x.astype(np.float64)
    value: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        value = (x * value + coefficient).astype(np.float32)
    return value


def _log32(x: Array) -> Array:
    """The logarithm e log 2 + log m, with m in [sqrt(1/2), sqrt 2)."""
    m, e = np.frexp(x)
    small = m < np.float32(math.sqrt(0.5))
    m = np.where(small, m + m, m) - np.float32(1)
    e = (e - small).astype(np.float32)
    square = m * m
    p = _polynomial(m, _LOG)
    # log 2 in two parts, so that e times the first is exact.
    tail = fused_multiply_add(p * m, square, e * np.float32(-2.12194440e-4))
    return fused_multiply_add(e, 0.693359375, m + (tail - square * np.float32(0.5)))


def _cos_sin32(x: Array) -> tuple[Array, Array]:
    """Cosine and sine of x in [0, 2 pi]: reduces x by a multiple of pi/2, then evaluates one polynomial for each."""
    octant = (x * np.float32(4 / math.pi)).astype(np.int32) + 1 & ~1
    for part in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8):
        x = fused_multiply_add(octant.astype(np.float32), part, x)
    square = x * x
    c = _polynomial(square, _COS)
    c = fused_multiply_add(c * square, square, square * np.float32(-0.5)) + np.float32(1)
    s = _polynomial(square, _SIN)
    s = fused_multiply_add(s * square, x, x)
    swapped = octant & 2 != 0
    # Cosine is negative in the second and third quarter, sine in the third and fourth.
    cosine = np.where(swapped, s, c) * np.where(octant + 2 & 4, np.float32(-1), np.float32(1))
    sine = np.where(swapped, c, s) * np.where(octant & 4, np.float32(-1), np.float32(1))
    return cosine, sine
