"""Discrete distributions: Bernoulli, categorical and one-hot, geometric, Poisson."""

from __future__ import annotations

from math import prod
from typing import Any

from minigrad.creation import arange, rand, zeros
from minigrad.distributions.distribution import Distribution, as_parameters, keep_inside, probs_or_logits, scale_chances
from minigrad.ops.gamma import lgamma
from minigrad.ops.reduce import sum
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.special import xlogy
from minigrad.ops.unary import log, log1p
from minigrad.tensor.drawing import bernoulli, multinomial, poisson
from minigrad.type_limits import finfo


def _log_odds(probs: Any) -> Any:
    inside = keep_inside(probs)
    return log(inside) - log1p(-inside)


class Bernoulli(Distribution):
    """1 with probability `probs`, or the sigmoid of `logits`, else 0.

    Raises ValueError unless one of the two is given, and for probabilities outside [0, 1].

    >>> import minigrad as torch
    >>> torch.distributions.Bernoulli(torch.tensor([0.0, 1.0])).sample()
    tensor([0., 1.])
    """

    has_enumerate_support = True
    possible = "the value must be 0 or 1"

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        by_chance = probs_or_logits("Bernoulli", probs, logits)
        (given,) = as_parameters(probs if by_chance else logits)
        self.probs = given if by_chance else given.sigmoid()
        self._logits = None if by_chance else given
        self.parameters = ("probs",) if by_chance else ("logits",)  # type: ignore[misc]
        super().__init__(given.shape, (), validate_args)

    def _check_parameters(self) -> None:
        self._expect((self.probs >= 0) & (self.probs <= 1), "the chances must lie in [0, 1]")

    def _is_possible(self, value: Any) -> Any:
        return (value == 0) | (value == 1)

    @property
    def logits(self) -> Any:
        """``log(probs / (1 - probs))``."""
        return _log_odds(self.probs) if self._logits is None else self._logits

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
        self._check_value(value)
        return self.score(value)

    def _values(self) -> Any:
        return arange(2, dtype=self.probs.dtype, device=self.probs.device)

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

    has_enumerate_support = True
    possible = "the value is no outcome"

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

    def _values(self) -> Any:
        return arange(self.probs.shape[-1], device=self.probs.device)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Outcomes of shape (*sample_shape, *batch_shape)."""
        rows = self.probs.detach().reshape(-1, self.probs.shape[-1])
        drawn = multinomial(rows, prod(sample_shape), True).t()  # (samples, rows)
        return drawn.reshape(self._extended_shape(sample_shape))

    def _is_possible(self, value: Any) -> Any:
        return (value >= 0) & (value < self.probs.shape[-1]) & (value % 1 == 0)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        places, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)  # (..., outcomes)
        return logits.gather(-1, places[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        least = finfo(self.logits.dtype).min  # 0 log 0 = 0
        return -sum(self.logits.clamp(min=least) * self.probs, -1)


class OneHotCategorical(Distribution):
    """`Categorical`, whose outcomes are rows with a one in the place of the outcome.

    >>> import minigrad as torch
    >>> torch.distributions.OneHotCategorical(torch.tensor([0.0, 3.0])).sample()
    tensor([0., 1.])
    """

    has_enumerate_support = True
    possible = "a value must be one 1 among zeros"

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    @property
    def mode(self) -> Any:
        """The row of the most likely outcome."""
        return self._rows(self._categorical.mode)

    def _values(self) -> Any:
        return self._rows(self._categorical._values())

    def _rows(self, outcomes: Any) -> Any:
        empty = zeros((*outcomes.shape, *self.event_shape), dtype=self.probs.dtype, device=self.probs.device)
        return empty.scatter_(-1, outcomes.unsqueeze(-1), 1.0)

    def expand(self, batch_shape: Any) -> Any:
        new = super().expand(batch_shape)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    def sample(self, sample_shape: Any = ()) -> Any:
        """Rows of shape (*sample_shape, *batch_shape, outcomes)."""
        return self._rows(self._categorical.sample(sample_shape))

    def _is_possible(self, value: Any) -> Any:
        return ((value == 0) | (value == 1)) & (value.sum(-1, True) == 1)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self) -> Any:
        return self._categorical.entropy()


class Geometric(Distribution):
    """How often a coin fails before its first success: ``p(k) = (1 - probs)^k probs``.

    Raises ValueError unless one of `probs` and `logits` is given, and for probabilities outside (0, 1].

    >>> import minigrad as torch
    >>> torch.distributions.Geometric(0.25).mean
    tensor(3.)
    """

    possible = "the value must be a number of failures, 0, 1, 2, ..."

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        by_chance = probs_or_logits("Geometric", probs, logits)
        (given,) = as_parameters(probs if by_chance else logits)
        self.probs = given if by_chance else given.sigmoid()
        self._logits = None if by_chance else given
        self.parameters = ("probs",) if by_chance else ("logits",)  # type: ignore[misc]
        super().__init__(given.shape, (), validate_args)

    def _check_parameters(self) -> None:
        self._expect((self.probs > 0) & (self.probs <= 1), "the chances must lie in (0, 1]")

    @property
    def logits(self) -> Any:
        """``log(probs / (1 - probs))``."""
        return _log_odds(self.probs) if self._logits is None else self._logits

    @property
    def mean(self) -> Any:
        """``1 / probs - 1``."""
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        """0."""
        return self.probs * 0

    @property
    def variance(self) -> Any:
        """``(1 / probs - 1) / probs``."""
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        """Counts of shape (*sample_shape, *batch_shape)."""
        chances = self.probs.detach()
        drawn = rand(self._extended_shape(sample_shape), dtype=chances.dtype, device=chances.device)
        return (log(drawn.clamp(min=finfo(chances.dtype).tiny)) / log1p(-chances)).floor()

    def _is_possible(self, value: Any) -> Any:
        return (value >= 0) & (value % 1 == 0)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        return value * log1p(-self.probs).masked_fill((self.probs == 1) & (value == 0), 0.0) + log(self.probs)

    def entropy(self) -> Any:
        score = self.probs * self.logits - (self.logits.clamp(min=0) + log1p((-self.logits.abs()).exp()))
        return -score / self.probs


class Poisson(Distribution):
    """``p(k) = rate^k exp(-rate) / k!``. Raises ValueError for a negative rate.

    >>> import minigrad as torch
    >>> torch.distributions.Poisson(1.0).log_prob(torch.tensor(0.0))
    tensor(-1.)
    """

    parameters = ("rate",)
    possible = "the value must be a count, 0, 1, 2, ..."

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = as_parameters(rate)
        super().__init__(self.rate.shape, (), validate_args)

    def _check_parameters(self) -> None:
        self._expect(self.rate >= 0, "the rate must be 0 or more")

    mean = property(lambda self: self.rate)
    variance = mean

    @property
    def mode(self) -> Any:
        """`rate`, rounded down."""
        return self.rate.floor()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Counts of shape (*sample_shape, *batch_shape)."""
        return poisson(self.rate.detach().expand(self._extended_shape(sample_shape)))

    def _is_possible(self, value: Any) -> Any:
        return (value >= 0) & (value % 1 == 0)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        return xlogy(value, self.rate) - self.rate - lgamma(value + 1)
