"""Discrete distributions: Bernoulli and categorical."""

from __future__ import annotations

from math import prod
from typing import Any

from minigrad.distributions.distribution import Distribution, as_parameters, keep_inside, probs_or_logits, scale_chances
from minigrad.ops.reduce import sum
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.unary import log, log1p
from minigrad.tensor.drawing import bernoulli, multinomial
from minigrad.type_limits import finfo


class Bernoulli(Distribution):
    """1 with probability `probs`, or the sigmoid of `logits`, else 0.

    Raises ValueError unless one of the two is given, and for probabilities outside [0, 1].

    >>> import minigrad as torch
    >>> torch.distributions.Bernoulli(torch.tensor([0.0, 1.0])).sample()
    tensor([0., 1.])
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        by_chance = probs_or_logits("Bernoulli", probs, logits)
        (given,) = as_parameters(probs if by_chance else logits)
        self.probs = given if by_chance else given.sigmoid()
        self._logits = None if by_chance else given
        self.parameters = ("probs",) if by_chance else ("logits",)  # type: ignore[misc]
        super().__init__(given.shape, (), validate_args)

    def _check_parameters(self) -> None:
        self._expect((self.probs >= 0) & (self.probs <= 1), "the chances must lie in [0, 1]")

    @property
    def logits(self) -> Any:
        """``log(probs / (1 - probs))``."""
        inside = keep_inside(self.probs)
        return log(inside) - log1p(-inside) if self._logits is None else self._logits

    @property
    def mean(self) -> Any:
        """`probs`."""
        return self.probs

    @property
    def variance(self) -> Any:
        """``probs (1 - probs)``."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Zeros and ones of shape (*sample_shape, *batch_shape)."""
        return bernoulli(self.probs.detach().expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._expect((value == 0) | (value == 1), "the value must be 0 or 1")
        return self.score(value)

    def score(self, value: Any) -> Any:
        """``value log(probs) + (1 - value) log(1 - probs)``, from the logits.

        >>> import minigrad as torch
        >>> torch.distributions.Bernoulli(0.5).score(1.0)
        tensor(-0.6931)
        """
        return value * self.logits - (self.logits.clamp(min=0) + log1p((-self.logits.abs()).exp()))

    def entropy(self) -> Any:
        return -self.score(self.probs)


class Categorical(Distribution):
    """One of the outcomes 0, 1, ... with the probabilities `probs`, or exp(`logits`), scaled to sum 1.

    Raises ValueError unless one of the two is given, and for negative or NaN probabilities.

    >>> import minigrad as torch
    >>> torch.distributions.Categorical(torch.tensor([0.0, 3.0])).sample((2,))
    tensor([1, 1])
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self.probs, self.logits = scale_chances("Categorical", probs, logits, validate_args)
        self.parameters = ("logits",) if probs is None else ("probs",)  # type: ignore[misc]
        super().__init__(self.probs.shape[:-1], (), validate_args)

    @property
    def param_shape(self) -> Any:
        """The shape of the probabilities."""
        return self.probs.shape

    @property
    def mode(self) -> Any:
        """The most likely outcome."""
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Outcomes of shape (*sample_shape, *batch_shape)."""
        rows = self.probs.detach().reshape(-1, self.probs.shape[-1])
        drawn = multinomial(rows, prod(sample_shape), True).t()  # (samples, rows)
        return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._expect((value >= 0) & (value < self.probs.shape[-1]), "the value is no outcome")
        places, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)  # (..., outcomes)
        return logits.gather(-1, places[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        least = finfo(self.logits.dtype).min  # 0 log 0 = 0
        return -sum(self.logits.clamp(min=least) * self.probs, -1)
