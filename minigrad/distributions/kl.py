"""The Kullback-Leibler divergence of two distributions.

Sources: C. Bishop, "Pattern Recognition and Machine Learning", 2006, section 1.6.1; of vectors: C. Rasmussen and
C. Williams, "Gaussian Processes for Machine Learning", 2006, equation A.23.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from minigrad.advice import warn
from minigrad.distributions.continuous import Exponential, Laplace, Normal, Uniform
from minigrad.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    OfChance,
    OneHotCategorical,
    Poisson,
)
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.gamma import Beta, Dirichlet, Gamma
from minigrad.distributions.independent import Independent
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.distributions.transform import sum_rightmost
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.ops.gamma import digamma, lgamma
from minigrad.ops.reduce import sum
from minigrad.ops.solve import solve_triangular
from minigrad.ops.unary import log, log1p
from minigrad.shown_values import shorten

Rule = TypeVar("Rule", bound=Callable[..., Any])
_RULES: dict[tuple[type[Distribution], type[Distribution]], Any] = {}


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[Rule], Rule]:
    """Makes the decorated function the divergence of the two classes, and of classes derived from them.

    Raises TypeError for what is no class of distributions.

    >>> import minigrad as torch
    >>> Normal = torch.distributions.Normal
    >>> class Sharp(Normal):
    ...     pass
    >>> @torch.distributions.register_kl(Sharp, Normal)
    ... def always_zero(p, q):
    ...     return 0.0
    >>> torch.distributions.kl_divergence(Sharp(0.0, 1.0), Normal(1.0, 2.0))
    0.0
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {shorten(kind)}")

    def keep(rule: Rule) -> Rule:
        _RULES[type_p, type_q] = rule
        return rule

    return keep


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - log(ratio))


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Any:
    ratio = q.rate / p.rate
    return ratio - log(ratio) - 1


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: OfChance, q: OfChance) -> Any:
    ones = _weigh(p.probs, q.probs, p.score(1.0) - q.score(1.0))
    return ones + _weigh(1 - p.probs, 1 - q.probs, p.score(0.0) - q.score(0.0))


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Any:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("No KL(p || q) of Binomial distributions where q has more trials than p")
    return (p.total_count * _bernoulli(p, q)).masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Any:
    return sum(_weigh(p.probs, q.probs, p.logits - q.logits), -1)


def _weigh(p: Any, q: Any, ratio: Any) -> Any:
    """``p log(p / q)``: 0 where p is 0, and infinite where q is 0 and p is not."""
    return (p * ratio).masked_fill(q == 0, math.inf).masked_fill(p == 0, 0.0)


@register_kl(MultivariateNormal, MultivariateNormal)
def divergence_of_normals(p: Any, q: Any) -> Any:
    """Half of ``log(det C_q / det C_p) + trace(C_q^-1 C_p) + d^2 - n``, d the distance of the means in units of C_q."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two (Low Rank) Multivariate Normals with different event shapes cannot be computed"
        )
    apart = solve_triangular(q.scale_tril, (q.loc - p.loc).unsqueeze(-1), upper=False)
    wider = solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    squares = sum(wider**2, (-2, -1)) + sum(apart**2, (-2, -1))
    return q.half_log_det() - p.half_log_det() + 0.5 * (squares - p.event_shape[0])


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Any:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -log(ratio) + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Any:
    ratio = log((q.high - q.low) / (p.high - p.low))
    return ratio.masked_fill((q.low > p.low) | (q.high < p.high), math.inf)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Any:
    return p.rate * (log(p.rate) - log(q.rate)) - (p.rate - q.rate)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Any:
    return -p.entropy() - log1p(-q.probs) / p.probs - q.logits


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Any:
    a, b = p.concentration, q.concentration
    rates = b * log(p.rate / q.rate) + (q.rate - p.rate) * (a / p.rate)
    return rates + lgamma(b) - lgamma(a) + (a - b) * digamma(a)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Any:
    a, b = p.concentration, q.concentration
    whole = lgamma(a.sum(-1)) - lgamma(b.sum(-1)) + sum(lgamma(b) - lgamma(a), -1)
    return whole + sum((a - b) * (digamma(a) - digamma(a.sum(-1, True))), -1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Any:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("No KL(p || q) of Independent distributions that join different numbers of axes")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("No KL(p || q) of distributions whose transforms or shapes of values differ")
    return kl_divergence(p.base_dist, q.base_dist)  # which a bijection leaves as it is


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """The mean of ``log p(x) - log q(x)`` over values x of p.

    Raises NotImplementedError for two distributions without a closed form here. Where one rule is nearer to p and
    another to q, it warns, and takes the one nearer to p.

    >>> import minigrad as torch
    >>> Normal = torch.distributions.Normal
    >>> torch.distributions.kl_divergence(Normal(0.0, 1.0), Normal(1.0, 2.0))
    tensor(0.4431)
    """
    above_p, above_q = type(p).__mro__, type(q).__mro__
    fitting = [pair for pair in _RULES if pair[0] in above_p and pair[1] in above_q]
    if not fitting:
        kinds = f"p type {type(p).__name__} and q type {type(q).__name__}"
        raise NotImplementedError(f"No KL(p || q) is implemented for {kinds}")
    distances = {pair: (above_p.index(pair[0]), above_q.index(pair[1])) for pair in fitting}
    nearest = min(fitting, key=lambda pair: distances[pair])
    if _RULES[min(fitting, key=lambda pair: distances[pair][::-1])] is not _RULES[nearest]:
        kinds = f"{type(p).__name__}, {type(q).__name__}"
        warn(f"Ambiguous kl_divergence({kinds}). Please register_kl({kinds})", RuntimeWarning)
    return _RULES[nearest](p, q)
