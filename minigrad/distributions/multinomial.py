"""The multinomial distribution: how often each outcome came in independent trials."""

from __future__ import annotations

import math
from typing import Any

from minigrad.creation import zeros
from minigrad.distributions import constraints
from minigrad.distributions.discrete import Binomial, OfOutcomes
from minigrad.ops.gamma import lgamma
from minigrad.ops.masks import where
from minigrad.shown_values import shorten
from minigrad.tensor.drawing import multinomial


class Multinomial(OfOutcomes):
    """The counts of outcomes in `total_count` independent trials with probabilities `probs`, or exp(`logits`).

    ``p(k) = n! / (k1! k2! ...) p1^k1 p2^k2 ...`` of counts k (..., outcomes) whose sum is n.
    Probabilities are scaled to sum 1. Raises ValueError unless one of the two is given, and for negative or NaN
    probabilities.

    >>> import minigrad as torch
    >>> torch.distributions.Multinomial(5, torch.tensor([0.0, 1.0])).sample()
    tensor([0., 5.])
    """

    support = property(lambda self: constraints.multinomial(self.total_count))

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(
                f"inhomogeneous total_count is not supported: give one int, got {shorten(total_count)}"
            )
        if total_count < 0:
            raise ValueError(f"Multinomial: total_count must be 0 or more, got {total_count}")
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)

    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Any:
        shape, (*batch, outcomes) = self._extended_shape(sample_shape), self.probs.shape
        trials = (self.total_count, *sample_shape)
        # (rows, trials and samples) -> (trials, *sample_shape, *batch)
        drawn = multinomial(self.probs.reshape(-1, outcomes), math.prod(trials), True).t().reshape((*trials, *batch))
        counts = zeros(shape, dtype=self.probs.dtype, device=self.probs.device)
        places = drawn.movedim(0, -1)
        return counts.scatter_add_(-1, places, places.type_as(counts) * 0 + 1)

    def _log_prob(self, value: Any) -> Any:
        ways = lgamma(value.sum(-1) + 1) - lgamma(value + 1).sum(-1)
        return ways + where(value == 0, 0.0, self.logits * value).sum(-1)

    def entropy(self) -> Any:
        """``n H(p) - log n! + E[log k1! + log k2! + ...]``: each count k alone is binomial."""
        law = Binomial(self.total_count, self.probs, validate_args=False)
        counts = law.enumerate_support(False)
        expected = (law.log_prob(counts).exp() * lgamma(counts + 1)).sum((0, -1))  # (counts, *batch, outcomes) -> batch
        return self.total_count * self._categorical.entropy() - math.lgamma(self.total_count + 1) + expected
