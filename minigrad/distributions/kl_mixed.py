"""The Kullback-Leibler divergence of two laws of different families, from the mean of ``log q`` over the values of p:

    KL(p || q) = -entropy(p) - E_p[log q(x)]

It is infinite where p has values that q has not. What is needed of p are the means of x, x^2, log x and exp(t x).
Source of the means: https://docs.pytorch.org/docs/stable/distributions.html names the families.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.creation.like import full_like
from minigrad.distributions.continuous import Cauchy, Exponential, Laplace, Normal, Uniform
from minigrad.distributions.continuous_bernoulli import ContinuousBernoulli
from minigrad.distributions.discrete import Bernoulli, Binomial, Poisson
from minigrad.distributions.gamma import Beta, Gamma
from minigrad.distributions.kl import register_kl
from minigrad.distributions.transformed_distribution import Gumbel, Pareto
from minigrad.ops.error_function import erf
from minigrad.ops.gamma import digamma, lgamma
from minigrad.ops.special import xlogy
from minigrad.ops.unary import exp, log

_POSITIVE: tuple[type, ...] = (Exponential, Gamma, Pareto)  # laws of all numbers above a bound, which is 0 or more
_ANY: tuple[type, ...] = (Normal, Laplace, Gumbel)  # laws of all numbers
_HALF_LOG_TAU = math.log(2 * math.pi) / 2

# E[log x]
_MEAN_OF_LOG: dict[type, Callable[[Any], Any]] = {
    Exponential: lambda p: -float(np.euler_gamma) - log(p.rate),
    Gamma: lambda p: digamma(p.concentration) - log(p.rate),
    Beta: lambda p: digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0),
    Pareto: lambda p: log(p.scale) + 1 / p.alpha,
    Uniform: lambda p: _mean_of_log_between(p.low, p.high),
}
# E[exp(t x)]
_MEAN_OF_EXP: dict[type, Callable[[Any, Any], Any]] = {
    Normal: lambda p, t: exp(t * p.loc + (t * p.scale) ** 2 / 2),
    Exponential: lambda p, t: p.rate / (p.rate - t),
    Gamma: lambda p, t: (p.rate / (p.rate - t)) ** p.concentration,
    Uniform: lambda p, t: (exp(t * p.high) - exp(t * p.low)) / (t * (p.high - p.low)),
    Gumbel: lambda p, t: exp(t * p.loc + lgamma(1 - t * p.scale)),
}


def _mean_of_log_between(low: Any, high: Any) -> Any:
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


def _find_for(table: dict[type, Callable[..., Any]], p: Any) -> Callable[..., Any]:
    """The entry for the class of `p`, or for the nearest one that it is derived from."""
    return next(table[kind] for kind in type(p).__mro__ if kind in table)


def _register_each(kinds: tuple[type, ...], kind_q: Any) -> Callable[[Any], Any]:
    """Registers a rule for several classes of p."""

    def keep(rule: Any) -> Any:
        for kind in kinds:
            register_kl(kind, kind_q)(rule)
        return rule

    return keep


# ---- finite, except where p has values that q has not -----------------------------------------------
@_register_each((Beta, ContinuousBernoulli, Gamma, Pareto, Uniform), Exponential)
def _to_exponential(p: Any, q: Exponential) -> Any:
    found = q.rate * p.mean - log(q.rate) - p.entropy()
    return _unless_below(found, p, 0)


@_register_each((Beta, Exponential, Pareto, Uniform), Gamma)
def _to_gamma(p: Any, q: Gamma) -> Any:
    a, b = q.concentration, q.rate
    found = b * p.mean - a * log(b) + lgamma(a) - (a - 1) * _find_for(_MEAN_OF_LOG, p)(p) - p.entropy()
    return _unless_below(found, p, 0)


@_register_each((Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform), Normal)
def _to_normal(p: Any, q: Normal) -> Any:
    squares = (p.variance + (p.mean - q.loc) ** 2) / q.scale**2
    return squares / 2 + log(q.scale) + _HALF_LOG_TAU - p.entropy()


@_register_each((Exponential, Gamma, Gumbel, Normal, Uniform), Gumbel)
def _to_gumbel(p: Any, q: Gumbel) -> Any:
    decay = exp(q.loc / q.scale) * _find_for(_MEAN_OF_EXP, p)(p, -1 / q.scale)
    return log(q.scale) + (p.mean - q.loc) / q.scale + decay - p.entropy()


@_register_each((Pareto, Uniform), Pareto)
def _to_pareto(p: Any, q: Pareto) -> Any:
    found = (q.alpha + 1) * _find_for(_MEAN_OF_LOG, p)(p) - log(q.alpha) - q.alpha * log(q.scale) - p.entropy()
    return _unless_below(found, p, q.scale)


@register_kl(Normal, Laplace)
def _normal_to_laplace(p: Normal, q: Laplace) -> Any:
    apart = (p.loc - q.loc) / (p.scale * math.sqrt(2))
    distance = p.scale * math.sqrt(2) * (exp(-(apart**2)) / math.sqrt(math.pi) + apart * erf(apart))
    return log(2 * q.scale) + distance / q.scale - p.entropy()


@register_kl(Uniform, Beta)
def _uniform_to_beta(p: Uniform, q: Beta) -> Any:
    a, b = q.concentration1, q.concentration0
    logs = (a - 1) * _mean_of_log_between(p.low, p.high) + (b - 1) * _mean_of_log_between(1 - p.high, 1 - p.low)
    found = lgamma(a) + lgamma(b) - lgamma(a + b) - logs - p.entropy()
    return found.masked_fill((p.low < 0) | (p.high > 1), math.inf)


@_register_each((Beta, ContinuousBernoulli, Uniform), ContinuousBernoulli)
def _to_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Any:
    found = -q.log_normalizer() - q.score(p.mean) - p.entropy()
    return found.masked_fill((p.low < 0) | (p.high > 1), math.inf) if isinstance(p, Uniform) else found


@_register_each((Beta, ContinuousBernoulli), Uniform)
def _to_uniform(p: Any, q: Uniform) -> Any:
    return (log(q.high - q.low) - p.entropy()).masked_fill((q.low > 0) | (q.high < 1), math.inf)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Any:
    return log((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2) - log(4 * p.scale * q.scale)


@register_kl(Bernoulli, Poisson)
def _bernoulli_to_poisson(p: Bernoulli, q: Poisson) -> Any:
    return q.rate - p.probs * log(q.rate) - p.entropy()


def _unless_below(found: Any, p: Any, least: Any) -> Any:
    """`found`, and infinity where p has numbers below `least`."""
    if isinstance(p, (Pareto, Uniform)):
        return found.masked_fill((p.low if isinstance(p, Uniform) else p.scale) < least, math.inf)
    return found


# ---- p has values that q has not ------------------------------------------------------------------
@_register_each((*_POSITIVE, *_ANY), Beta)
@_register_each((*_POSITIVE, *_ANY), ContinuousBernoulli)
@_register_each((*_POSITIVE, *_ANY), Uniform)
@_register_each((Beta, ContinuousBernoulli, Exponential, Gamma, *_ANY), Pareto)
@_register_each(_ANY, Exponential)
@_register_each(_ANY, Gamma)
@_register_each((Poisson,), Bernoulli)
@_register_each((Poisson,), Binomial)
def _infinite(p: Any, q: Any) -> Any:
    return full_like(p.mean, math.inf)
