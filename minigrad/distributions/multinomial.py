"""The multinomial distribution: how often each outcome occurs in a number of trials."""

from __future__ import annotations

from math import prod
from typing import Any

from minigrad.creation import zeros
from minigrad.distributions.distribution import Distribution, scale_chances
from minigrad.ops.gamma import lgamma
from minigrad.ops.masks import where
from minigrad.tensor.drawing import multinomial


class Multinomial(Distribution):
    """The counts of outcomes in `total_count` independent trials with probabilities `probs`, or exp(`logits`).

    Probabilities are scaled to sum 1. Raises ValueError unless one of the two is given, and for negative
    or NaN probabilities.

    >>> import minigrad as torch
    >>> torch.distributions.Multinomial(5, torch.tensor([0.0, 1.0])).sample()
    tensor([0., 5.])
    """

    possible = "the value counts other trials"

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(f"inhomogeneous total_count is not supported: give one int, got {total_count!r}")
        if total_count < 0:
            raise ValueError(f"Multinomial: total_count must be 0 or more, got {total_count}")
        self.total_count = total_count
        self.probs, self.logits = scale_chances("Multinomial", probs, logits, validate_args)
        super().__init__(self.probs.shape[:-1], self.probs.shape[-1:], validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Counts of shape (*sample_shape, *batch_shape, outcomes).

        >>> import minigrad as torch
        >>> torch.distributions.Multinomial(5, torch.tensor([0.0, 1.0])).sample((2,))
        tensor([[0., 5.],
                [0., 5.]])
        """
        *batch, outcomes = self.probs.shape
        trials = (self.total_count, *sample_shape)
        # (rows, trials and samples) -> (trials, *sample_shape, *batch)
        drawn = multinomial(self.probs.reshape(-1, outcomes), prod(trials), True).t().reshape((*trials, *batch))
        counts = zeros(self._extended_shape(sample_shape), dtype=self.probs.dtype, device=self.probs.device)
        places = drawn.movedim(0, -1)
        return counts.scatter_add_(-1, places, places.type_as(counts) * 0 + 1)

    def _is_possible(self, value: Any) -> Any:
        return (value >= 0) & (value.sum(-1, True) <= self.total_count)

    def log_prob(self, value: Any) -> Any:
        """log(n! / (k1! k2! ...) p1^k1 p2^k2 ...) of counts k (..., outcomes) whose sum is n.

        Raises ValueError for negative counts, and for more than `total_count` trials.

        >>> import minigrad as torch
        >>> torch.distributions.Multinomial(2, torch.tensor([0.5, 0.5])).log_prob(torch.tensor([1.0, 1.0])).exp()
        tensor(0.5000)
        """
        self._check_value(value)
        ways = lgamma(value.sum(-1) + 1) - lgamma(value + 1).sum(-1)
        return ways + where(value == 0, 0.0, self.logits * value).sum(-1)
