"""Elementwise methods that few programs need: each line names the operation in `ops/`."""

from __future__ import annotations

from minigrad.autograd.core import TensorBase
from minigrad.ops import gamma, limits, special
from minigrad.ops.inplace import twins


class SpecialMethods(TensorBase):
    """Beside `ElementwiseMethods`, from families that are read when one of them is first asked for."""

    __slots__ = ()

    clamp, clamp_ = clip, clip_ = twins(limits.clamp)
    clamp_min, clamp_min_ = twins(limits.clamp_min)
    clamp_max, clamp_max_ = twins(limits.clamp_max)
    addcmul, addcmul_ = twins(special.addcmul)
    addcdiv, addcdiv_ = twins(special.addcdiv)
    hypot, hypot_ = twins(special.hypot)
    copysign, copysign_ = twins(special.copysign)
    xlogy, xlogy_ = twins(special.xlogy)
    heaviside, heaviside_ = twins(special.heaviside)
    gcd, gcd_ = twins(special.gcd)
    lcm, lcm_ = twins(special.lcm)
    float_power, float_power_ = twins(special.float_power)
    logit, logit_ = twins(special.logit)
    nan_to_num, nan_to_num_ = twins(special.nan_to_num)
    sinc, sinc_ = twins(special.sinc)
    deg2rad, deg2rad_ = twins(special.deg2rad)
    rad2deg, rad2deg_ = twins(special.rad2deg)
    frac, frac_ = twins(special.frac)
    sgn, sgn_ = twins(special.sgn)
    ldexp, ldexp_ = twins(special.ldexp)
    nextafter, nextafter_ = twins(special.nextafter)
    lgamma, lgamma_ = twins(gamma.lgamma)
    digamma, digamma_ = twins(gamma.digamma)
    mvlgamma, mvlgamma_ = twins(gamma.mvlgamma)
    i0, i0_ = twins(gamma.i0)
    frexp = special.frexp
    fmax = special.fmax
    fmin = special.fmin
    logaddexp2 = special.logaddexp2
    signbit = special.signbit
    isposinf = special.isposinf
    isneginf = special.isneginf
