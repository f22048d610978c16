"""Normal numbers, made of uniform ones by Box and Muller's rule, with the bits of PyTorch's on the CPU.

Of two uniform numbers u1 and u2 on [0, 1): with the radius sqrt(-2 log(1 - u1)) and the angle 2 pi u2, radius
cos(angle) and radius sin(angle) are independent and normal. In float32 PyTorch computes log, cos and sin with the
polynomials of S. L. Moshier's Cephes library and fused multiply-adds. The same here, each fused step in float64 and
then rounded, agrees in every bit; NumPy's own log and cos would be up to 4 units in the last place away.

Source: G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates", 1958. Rounding follows
PyTorch's own, measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]


def map_by_libm(function: Callable[[float], float], x: Array) -> Array:
    """A function of the C library of each number, as PyTorch computes it in float64; NumPy's may differ by a bit."""
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def normal_blocks64(uniforms: Array) -> Array:
    """Box and Muller's rule on blocks of 16: eight radii, eight angles."""
    u = uniforms.reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * map_by_libm(math.log, 1.0 - u[:, 0]))
    angle = 2.0 * math.pi * u[:, 1]
    return np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1).reshape(-1)


def normal_blocks32(uniforms: Array) -> Array:
    """The same in float32, with the polynomials that PyTorch uses for log, cos and sin."""
    u = uniforms.reshape(-1, 2, 8)
    return join_waves(radius32(u[:, 0]), cos_sin32(u[:, 1].reshape(-1)).reshape(2, -1, 8))


def radius32(uniforms: Array) -> Array:
    """The radius ``sqrt(-2 log(1 - u))`` of each u."""
    return np.sqrt(_MINUS_TWO * _log32(_ONE - uniforms))


def join_waves(radius: Array, waves: Array) -> Array:
    """The normal numbers of radii, shape (blocks, 8), and of cosines and sines, shape (2, blocks, 8)."""
    normal = np.empty((len(radius), 2, 8), np.float32)
    np.multiply(radius, waves, out=normal.transpose(1, 0, 2))  # (blocks, 2, 8) -> (2, blocks, 8)
    return normal.reshape(-1)


def _single(*coefficients: float) -> list[float]:
    """The coefficients as float32 holds them."""
    return [float(np.float32(c)) for c in coefficients]


# Arrays of 0 dimensions, with which NumPy computes sooner than with numbers. The highest power comes first.
_ONE, _HALF, _MINUS_TWO, _TURN, _EIGHTHS_IN_A_RADIAN, _LOG2_HEAD, _LOG2_TAIL = [
    np.asarray(c, np.float32) for c in (1, 0.5, -2, 2 * math.pi, 4 / math.pi, 0.693359375, -2.12194440e-4)
]  # log 2 in two parts, so that a whole number times the first is exact
_LOG = [np.asarray(c) for c in _single(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)]  # fmt: skip
_COS = _single(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN = _single(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS_SIN = [*np.array([_COS, _SIN]).T[..., None]]  # each (2, 1): both polynomials are evaluated together
# -pi/2 in three parts, so that a whole number times the first is exact
_FIRST, *_REST = [np.asarray(-2 * c) for c in _single(0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)]
_AHEAD = np.array([[1], [0]], np.int32)  # cosine is sine a quarter of a turn ahead
_HALF_ROOT = np.asarray(math.sqrt(0.5), np.float32).view(np.int32)  # its bits: fraction, the 23 lowest, and exponent


def _polynomial(x: Array, coefficients: Sequence[Array]) -> Array:
    """Horner's rule with fused steps, of x in float64; the result is float32."""
    step = x * coefficients[0]
    step += coefficients[1]
    value = step.astype(np.float32)
    for coefficient in coefficients[2:]:
        step[...] = value  # widened here, because a product of two types takes three times as long
        step *= x
        step += coefficient
        value[...] = step
    return value


def _log32(x: Array) -> Array:
    """The logarithm e log 2 + log m, with m in [sqrt(1/2), sqrt 2)."""
    bits = x.view(np.int32)
    exponent = (bits - _HALF_ROOT) >> 23
    m = (bits - (exponent << 23)).view(np.float32)
    m -= _ONE
    e = exponent.astype(np.float32)
    square = m * m
    p = _polynomial(m.astype(np.float64), _LOG)
    step = (p * m).astype(np.float64)
    step *= square
    step += e * _LOG2_TAIL
    tail = step.astype(np.float32)
    tail -= square * _HALF
    tail += m
    e *= _LOG2_HEAD
    e += tail
    return e


def cos_sin32(uniforms: Array) -> Array:
    """Cosine and sine of the angle ``x = 2 pi u`` of each u, shape (2, n).

    Reduces x by a multiple of pi/2, then evaluates one polynomial for each.
    """
    x = uniforms * _TURN
    quarter = ((x * _EIGHTHS_IN_A_RADIAN).astype(np.int32) + 1) >> 1
    turned, wide = quarter.astype(np.float64), x.astype(np.float64)
    wide += turned * _FIRST
    for part in _REST:
        wide += turned * part
        x = wide.astype(np.float32)
        wide[...] = x
    square = x * x
    wide = np.array((square, wide))
    # The last steps: 1 - x^2/2 + x^2 (x^2 p), and x + x (x^2 p).
    step = (_polynomial(wide[0], _COS_SIN) * square).astype(np.float64)
    step *= wide
    wide[0] *= -0.5
    step += wide
    waves = step.astype(np.float32)
    waves[0] += _ONE
    # Odd quarters of a turn exchange cosine and sine; each is negative in two of the four.
    bits = waves.view(np.int32)
    bits ^= (bits[0] ^ bits[1]) & -(quarter & 1)
    bits ^= ((quarter + _AHEAD) & 2) << 30
    return waves
