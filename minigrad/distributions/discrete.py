"""Discrete distributions: Bernoulli, binomial, geometric, Poisson, categorical, and those made of categorical ones."""

from __future__ import annotations

from math import nan, prod
from typing import Any, ClassVar

from minigrad.creation import arange, rand, zeros, zeros_like
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.nn.functional.shared_by_losses import to_common_dtype
from minigrad.ops.arguments import require_tensors
from minigrad.ops.gamma import lgamma
from minigrad.ops.likelihood import binary_cross_entropy_with_logits
from minigrad.ops.reduce import sum
from minigrad.ops.reduce_variants import logsumexp
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.special import xlogy
from minigrad.ops.unary import log, log1p
from minigrad.tensor.drawing import bernoulli, binomial, multinomial, poisson
from minigrad.type_limits import finfo


class _ByProbsOrLogits(Distribution):
    """A distribution that is given either probabilities or what they are computed from."""

    def _choose(self, probs: Any, logits: Any) -> Any:
        """The one that is given. Raises ValueError unless exactly one is."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._given = ("logits",) if probs is None else ("probs",)
        return logits if probs is None else probs


class OfChance(_ByProbsOrLogits):
    """A distribution with one probability, or its log-odds ``log(probs / (1 - probs))``."""

    arg_constraints: ClassVar[Any] = {"probs": constraints.unit_interval, "logits": constraints.real}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        (given,) = as_parameters(self._choose(probs, logits))
        self.probs = given.sigmoid() if probs is None else given
        self._logits = given if probs is None else None
        super().__init__(given.shape, (), validate_args)

    param_shape = property(lambda self: self.probs.shape)

    @property
    def logits(self) -> Any:
        """``log(probs / (1 - probs))``."""
        if self._logits is not None:
            return self._logits
        inside = keep_inside(self.probs)
        return log(inside) - log1p(-inside)

    def score(self, value: Any) -> Any:
        """``value log(probs) + (1 - value) log(1 - probs)``, from the logits.

        >>> import minigrad as torch
        >>> torch.distributions.Bernoulli(0.5).score(1.0)
        tensor(-0.6931)
        """
        logits, values = to_common_dtype(*as_parameters(self.logits, value))
        return -binary_cross_entropy_with_logits(logits, values, None, None, reduction="none")


def keep_inside(probs: Any) -> Any:
    """Probabilities away from 0 and 1 by the dtype's `eps`, so that their logarithms are finite, as in PyTorch."""
    least = finfo(probs.dtype).eps
    return probs.clamp(least, 1 - least)


class Bernoulli(OfChance):
    """1 with probability `probs`, or the sigmoid of `logits`, else 0.

    Raises ValueError unless one of the two is given, and for probabilities outside [0, 1].

    >>> import minigrad as torch
    >>> torch.distributions.Bernoulli(torch.tensor([0.0, 1.0])).sample()
    tensor([0., 1.])
    """

    support = constraints.boolean
    has_enumerate_support = True

    mean = property(lambda self: self.probs)
    mode = property(lambda self: (self.probs >= 0.5).to(self.probs).masked_fill(self.probs == 0.5, nan))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Any:
        return bernoulli(self.probs.detach().expand(self._extended_shape(sample_shape)))

    def _values(self) -> Any:
        return arange(2, dtype=self.probs.dtype, device=self.probs.device)

    def _log_prob(self, value: Any) -> Any:
        return self.score(value)

    def entropy(self) -> Any:
        return -self.score(self.probs)


class Geometric(OfChance):
    """How often a coin fails before its first success: ``p(k) = (1 - probs)^k probs``.

    Raises ValueError unless one of `probs` and `logits` is given, and for probabilities outside (0, 1].

    >>> import minigrad as torch
    >>> torch.distributions.Geometric(0.25).mean
    tensor(3.)
    """

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        self._check_parameter("probs", constraints.positive)

    mean = property(lambda self: 1 / self.probs - 1)
    mode = property(lambda self: zeros_like(self.probs))
    variance = property(lambda self: (1 / self.probs - 1) / self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        chances = self.probs.detach()
        drawn = rand(self._extended_shape(sample_shape), dtype=chances.dtype, device=chances.device)
        return (log(drawn.clamp(min=finfo(chances.dtype).tiny)) / log1p(-chances)).floor()

    def _log_prob(self, value: Any) -> Any:
        never_needed = (self.probs == 1) & (value == 0)  # the first success was certain, and came: 0 log 0
        return value * log1p(-self.probs.masked_fill(never_needed, 0.0)) + log(self.probs)

    def entropy(self) -> Any:
        return -self.score(self.probs) / self.probs


class Poisson(Distribution):
    """``p(k) = rate^k exp(-rate) / k!``. Raises ValueError for a negative rate.

    >>> import minigrad as torch
    >>> torch.distributions.Poisson(1.0).log_prob(torch.tensor(0.0))
    tensor(-1.)
    """

    arg_constraints: ClassVar[Any] = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = as_parameters(rate)
        super().__init__(self.rate.shape, (), validate_args)

    mean = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())
    variance = property(lambda self: self.rate)

    def sample(self, sample_shape: Any = ()) -> Any:
        return poisson(self.rate.detach().expand(self._extended_shape(sample_shape)))

    def _log_prob(self, value: Any) -> Any:
        return xlogy(value, self.rate) - self.rate - lgamma(value + 1)


class OfTrials(OfChance):
    """A distribution with one probability, or its log-odds, of each of `total_count` trials."""

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (given,), (count,) = as_parameters(self._choose(probs, logits)), as_parameters(total_count)
        self.total_count, given = broadcast_tensors(count.type_as(given), given)
        super().__init__(None if probs is None else given, None if logits is None else given, validate_args)
        self._given = ("total_count", "logits" if probs is None else "probs")
        self._check_parameter("total_count", self.arg_constraints["total_count"])


class Binomial(OfTrials):
    """How many of `total_count` trials succeed: ``p(k) = n! / (k! (n - k)!) probs^k (1 - probs)^(n - k)``.

    Raises ValueError unless one of `probs` and `logits` is given, for probabilities outside [0, 1], and for counts
    that are no whole numbers.

    >>> import minigrad as torch
    >>> torch.distributions.Binomial(10, torch.tensor([0.0, 1.0])).sample()
    tensor([ 0., 10.])
    """

    arg_constraints: ClassVar[Any] = {"total_count": constraints.nonnegative_integer, **OfChance.arg_constraints}
    support = property(lambda self: constraints.integer_interval(0, self.total_count))
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        super().__init__(total_count, probs, logits, validate_args)

    mean = property(lambda self: self.total_count * self.probs)
    mode = property(lambda self: ((self.total_count + 1) * self.probs).floor().minimum(self.total_count))
    variance = property(lambda self: self.mean * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return binomial(self.total_count.detach().expand(shape), self.probs.detach().expand(shape))

    def _values(self) -> Any:
        most = self.total_count.max()
        if not bool((self.total_count == most).all()):
            raise self._lacks("enumerate_support for several counts: Inhomogeneous total count not supported")
        return arange(1 + int(most), dtype=self.probs.dtype, device=self.probs.device)

    def _log_prob(self, value: Any) -> Any:
        n, logits = self.total_count, self.logits
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        above = (logits + logits.abs()) / 2  # max(logits, 0), whose slope is 1/2 at 0: there the rest has none
        return ways + value * logits - n * (above + log1p((-logits.abs()).exp()))

    def entropy(self) -> Any:
        logs = self.log_prob(self.enumerate_support(False))
        return -sum(logs.exp() * logs, 0)


class Categorical(_ByProbsOrLogits):
    """One of the outcomes 0, 1, ... with the probabilities `probs`, or exp(`logits`), scaled to sum 1.

    Raises ValueError unless one of the two is given, and for negative or NaN probabilities.

    >>> import minigrad as torch
    >>> torch.distributions.Categorical(torch.tensor([0.0, 3.0])).sample((2,))
    tensor([1, 1])
    """

    arg_constraints: ClassVar[Any] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = property(lambda self: constraints.integer_interval(0, self.probs.shape[-1] - 1))
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        given, name = self._choose(probs, logits), "logits" if probs is None else "probs"
        require_tensors("Categorical", name, given)
        if not given.ndim:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is None:
            self.logits = logits - logsumexp(logits, -1, keepdim=True)
            self.probs = self.logits.softmax(-1)
        else:
            self.probs = probs / sum(probs, -1, keepdim=True)
            self.logits = log(keep_inside(self.probs))
        super().__init__(self.probs.shape[:-1], (), validate_args)

    param_shape = property(lambda self: self.probs.shape)
    mean = property(lambda self: self.probs.new_full(self._extended_shape(), nan))  # outcomes are no quantities
    mode = property(lambda self: self.probs.argmax(-1))
    variance = mean

    def _values(self) -> Any:
        return arange(self.probs.shape[-1], device=self.probs.device)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape, rows = self._extended_shape(sample_shape), self.probs.detach().reshape(-1, self.probs.shape[-1])
        return multinomial(rows, prod(sample_shape), True).t().reshape(shape)  # (rows, samples) -> (samples, rows)

    def _log_prob(self, value: Any) -> Any:
        places, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)  # (..., outcomes)
        return logits.gather(-1, places[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        least = finfo(self.logits.dtype).min  # 0 log 0 = 0
        return -sum(self.logits.clamp(min=least) * self.probs, -1)


class OfOutcomes(Distribution):
    """A distribution over rows with a number for each outcome of `Categorical`."""

    arg_constraints = Categorical.arg_constraints
    _given = ()  # `Categorical` checks them

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)


class OneHotCategorical(OfOutcomes):
    """`Categorical`, whose outcomes are rows with a one in the place of the outcome.

    >>> import minigrad as torch
    >>> torch.distributions.OneHotCategorical(torch.tensor([0.0, 3.0])).sample()
    tensor([0., 1.])
    """

    support = constraints.one_hot
    has_enumerate_support = True

    mean = property(lambda self: self.probs)
    mode = property(lambda self: self._rows(self._categorical.mode))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def _values(self) -> Any:
        return self._rows(self._categorical._values())

    def _rows(self, outcomes: Any) -> Any:
        empty = zeros((*outcomes.shape, *self.event_shape), dtype=self.probs.dtype, device=self.probs.device)
        return empty.scatter_(-1, outcomes.unsqueeze(-1), 1.0)

    def sample(self, sample_shape: Any = ()) -> Any:
        return self._rows(self._categorical.sample(sample_shape))

    def _log_prob(self, value: Any) -> Any:
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self) -> Any:
        return self._categorical.entropy()


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical`, whose samples have the gradient of `probs`: a straight-through estimate.

    Source: Y. Bengio, N. Leonard, A. Courville: Estimating or Propagating Gradients Through Stochastic Neurons, 2013.

    >>> import minigrad as torch
    >>> probs = torch.tensor([0.0, 1.0], requires_grad=True)
    >>> torch.distributions.OneHotCategoricalStraightThrough(probs).rsample()
    tensor([0., 1.], grad_fn=<AddBackward0>)
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
