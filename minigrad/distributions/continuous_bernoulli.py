"""The continuous Bernoulli distribution: numbers between 0 and 1, for pixels of images that are no ones and zeros.

Source: G. Loaiza-Ganem and J. Cunningham, "The continuous Bernoulli: fixing a pervasive error in variational
autoencoders", 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigrad.creation import rand
from minigrad.distributions import constraints
from minigrad.distributions.discrete import OfChance, keep_inside
from minigrad.ops.masks import where
from minigrad.ops.unary import log, log1p


class ContinuousBernoulli(OfChance):
    """``p(x) = C probs^x (1 - probs)^(1 - x)`` for x in [0, 1], where C makes the integral 1.

    `probs` is no mean. Near 1/2, between the two `lims`, where the formulas are 0 / 0, their series are used.
    Raises ValueError unless one of `probs` and `logits` is given, and for probabilities outside [0, 1].

    >>> import minigrad as torch
    >>> torch.distributions.ContinuousBernoulli(torch.tensor([0.1, 0.5, 0.9])).mean
    tensor([0.3301, 0.5000, 0.6699])
    """

    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(probs, logits, validate_args)
        self.probs, self._lims = keep_inside(self.probs), lims

    def _choose_formula(self, formula: Callable[[Any], Any], near_half: Callable[[Any], Any]) -> Any:
        """`formula` of the probabilities; between the limits `near_half` of their distances from 1/2."""
        outside = (self.probs <= self._lims[0]) | (self.probs > self._lims[1])
        return where(outside, formula(where(outside, self.probs, self._lims[0])), near_half(self.probs - 0.5))

    def log_normalizer(self) -> Any:
        """``log C``, with ``C = log(probs / (1 - probs)) / (2 probs - 1)``; 2 for probs = 1/2.

        >>> import minigrad as torch
        >>> torch.distributions.ContinuousBernoulli(0.5).log_normalizer()
        tensor(0.6931)
        """
        return self._choose_formula(
            lambda p: log((log(p) - log1p(-p)) / (2 * p - 1)), lambda d: math.log(2) + (4 / 3 + 104 / 45 * d**2) * d**2
        )

    @property
    def mean(self) -> Any:
        """``probs / (2 probs - 1) - 1 / log(probs / (1 - probs))``."""
        return self._choose_formula(
            lambda p: p / (2 * p - 1) - 1 / (log(p) - log1p(-p)), lambda d: 0.5 + (1 / 3 + 16 / 45 * d**2) * d
        )

    @property
    def variance(self) -> Any:
        """``1 / log(probs / (1 - probs))^2 - probs (1 - probs) / (2 probs - 1)^2``."""
        return self._choose_formula(
            lambda p: (log(p) - log1p(-p)) ** -2 - p * (1 - p) / (2 * p - 1) ** 2,
            lambda d: 1 / 12 - (1 / 15 + 128 / 945 * d**2) * d**2,
        )

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.probs.dtype, device=self.probs.device))

    def _log_prob(self, value: Any) -> Any:
        return self.score(value) + self.log_normalizer()

    def _cdf(self, value: Any) -> Any:
        inside = self._choose_formula(
            lambda p: (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1),
            lambda d: value - 2 * d * value * (1 - value) * (1 - 2 / 3 * d * (1 - 2 * value)),
        )
        return where(value <= 0, 0.0, where(value >= 1, 1.0, inside))

    def icdf(self, value: Any) -> Any:
        return self._choose_formula(
            lambda p: (log1p(-p + value * (2 * p - 1)) - log1p(-p)) / (log(p) - log1p(-p)),
            lambda d: value + 2 * d * value * (1 - value) * (1 + 4 / 3 * d * (1 - 2 * value)),
        )

    def entropy(self) -> Any:
        fails = log1p(-self.probs)  # of probabilities kept inside (0, 1), as the mean is: the logits may be anything
        return self.mean * (fails - log(self.probs)) - self.log_normalizer() - fails
