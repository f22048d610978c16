"""Relaxed discrete distributions: numbers near 0 and 1, or rows near one-hot ones, through which gradients flow.

Sources: C. J. Maddison, A. Mnih and Y. W. Teh, "The concrete distribution", 2017; E. Jang, S. Gu and B. Poole,
"Categorical reparameterization with Gumbel-softmax", 2017.
"""

from __future__ import annotations

from math import lgamma
from typing import Any, ClassVar

from minigrad.creation import rand
from minigrad.distributions import constraints
from minigrad.distributions.discrete import OfChance, OfOutcomes, keep_inside
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import ExpTransform, SigmoidTransform
from minigrad.ops.reduce import sum
from minigrad.ops.reduce_variants import logsumexp
from minigrad.ops.unary import log, log1p


class _Heated(Distribution):
    """A distribution with a temperature, which is not expanded: it broadcasts to the values."""

    has_rsample = True
    temperature: Any

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.temperature,) = as_parameters(temperature)
        super().__init__(probs, logits, validate_args)  # of the class beside this one

    def expand(self, batch_shape: Any) -> Any:
        new = super().expand(batch_shape)
        new.temperature = self.temperature
        return new

    def _draw_uniform(self, sample_shape: Any) -> Any:
        probs = self.probs  # type: ignore[attr-defined]
        return keep_inside(rand(self._extended_shape(sample_shape), dtype=probs.dtype, device=probs.device))


class _LogitRelaxedBernoulli(_Heated, OfChance):
    """The log-odds of `RelaxedBernoulli`."""

    support = constraints.real

    def rsample(self, sample_shape: Any = ()) -> Any:
        u, p = self._draw_uniform(sample_shape), keep_inside(self.probs)
        return (log(u) - log1p(-u) + log(p) - log1p(-p)) / self.temperature

    def _log_prob(self, value: Any) -> Any:
        off = self.logits - value * self.temperature
        return log(self.temperature) + off - 2 * log1p(off.exp())


class _LogRelaxedCategorical(_Heated, OfOutcomes):
    """The logarithms of `RelaxedOneHotCategorical`."""

    support = constraints.real_vector

    def rsample(self, sample_shape: Any = ()) -> Any:
        gumbel = -log(-log(self._draw_uniform(sample_shape)))
        return ((self.logits + gumbel) / self.temperature).log_softmax(-1)

    def _log_prob(self, value: Any) -> Any:
        outcomes, scores = self.event_shape[0], self.logits - value * self.temperature
        scale = lgamma(outcomes) + (outcomes - 1) * log(self.temperature)
        return sum(scores - logsumexp(scores, -1, keepdim=True), -1) + scale


class _Relaxed(TransformedDistribution):
    """A distribution with the parameters of the one that it is made of, which checks them."""

    _given = ()

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)


class RelaxedBernoulli(_Relaxed):
    """Numbers between 0 and 1, nearer to the ends for a lower `temperature`: ``sigmoid((logits + l) / temperature)``.

    l is a logistic random number. Raises ValueError unless one of `probs` and `logits` is given, and for probabilities
    outside [0, 1].

    >>> import minigrad as torch
    >>> chance = torch.tensor(0.3, requires_grad=True)
    >>> torch.distributions.RelaxedBernoulli(0.5, chance).rsample().requires_grad
    True
    """

    arg_constraints: ClassVar[Any] = OfChance.arg_constraints
    support = constraints.unit_interval

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        super().__init__(_LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args)


class RelaxedOneHotCategorical(_Relaxed):
    """Rows of sum 1, nearer to one-hot ones for a lower `temperature`: ``softmax((logits + g) / temperature)``.

    g are Gumbel's random numbers. Raises ValueError unless one of `probs` and `logits` is given, and for negative
    probabilities.

    >>> import minigrad as torch
    >>> scores = torch.zeros(3, requires_grad=True)
    >>> torch.distributions.RelaxedOneHotCategorical(0.5, logits=scores).rsample().requires_grad
    True
    """

    arg_constraints: ClassVar[Any] = OfOutcomes.arg_constraints
    support = constraints.simplex

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = _LogRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)
