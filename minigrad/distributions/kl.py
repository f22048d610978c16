"""The Kullback-Leibler divergence of two distributions of the same class.

Sources: C. Bishop, "Pattern Recognition and Machine Learning", 2006, section 1.6.1; of vectors: C. Rasmussen and
C. Williams, "Gaussian Processes for Machine Learning", 2006, equation A.23.
"""

from __future__ import annotations

import math
from typing import Any

from minigrad.distributions.continuous import Exponential, Normal
from minigrad.distributions.discrete import Bernoulli, Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.ops.reduce import sum
from minigrad.ops.solve import solve_triangular
from minigrad.ops.unary import log


def _normal(p: Normal, q: Normal) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - log(ratio))


def _exponential(p: Exponential, q: Exponential) -> Any:
    ratio = q.rate / p.rate
    return ratio - log(ratio) - 1


def _bernoulli(p: Bernoulli, q: Bernoulli) -> Any:
    ones = _weigh(p.probs, q.probs, p.score(1.0) - q.score(1.0))
    return ones + _weigh(1 - p.probs, 1 - q.probs, p.score(0.0) - q.score(0.0))


def _categorical(p: Categorical, q: Categorical) -> Any:
    return sum(_weigh(p.probs, q.probs, p.logits - q.logits), -1)


def _weigh(p: Any, q: Any, ratio: Any) -> Any:
    """``p log(p / q)``: 0 where p is 0, and infinite where q is 0 and p is not."""
    return (p * ratio).masked_fill(q == 0, math.inf).masked_fill(p == 0, 0.0)


def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Any:
    apart = solve_triangular(q.scale_tril, (q.loc - p.loc).unsqueeze(-1), upper=False)
    wider = solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    squares = sum(wider**2, (-2, -1)) + sum(apart**2, (-2, -1))
    return q.half_log_det() - p.half_log_det() + 0.5 * (squares - p.event_shape[0])


_RULES: dict[type[Distribution], Any] = {
    Normal: _normal,
    Exponential: _exponential,
    Bernoulli: _bernoulli,
    Categorical: _categorical,
    MultivariateNormal: _multivariate_normal,
}


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """The mean of ``log p(x) - log q(x)`` over values x of p.

    Raises NotImplementedError for distributions of different classes, and for those without a closed form here.

    >>> import minigrad as torch
    >>> Normal = torch.distributions.Normal
    >>> torch.distributions.kl_divergence(Normal(0.0, 1.0), Normal(1.0, 2.0))
    tensor(0.4431)
    """
    if type(p) is not type(q) or type(p) not in _RULES:
        kinds = f"p type {type(p).__name__} and q type {type(q).__name__}"
        raise NotImplementedError(f"No KL(p || q) is implemented for {kinds}")
    return _RULES[type(p)](p, q)
