"""Distributions of one real number: normal, uniform, exponential, Laplace, Cauchy. A seed gives PyTorch's draws.

Source of means, variances and entropies: https://docs.pytorch.org/docs/stable/distributions.html
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from minigrad.creation import empty, full_like, rand, zeros_like
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.ops.error_function import erf, erfinv
from minigrad.ops.masks import where
from minigrad.ops.unary import log, log1p
from minigrad.type_limits import finfo


class _LocationScale(Distribution):
    """The distribution of ``loc + scale x``, where x has the distribution of ``loc = 0, scale = 1``."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = as_parameters(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)


class Normal(_LocationScale):
    """``p(x) = exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi))``.

    Raises ValueError for a scale that is not positive.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.distributions.Normal(0.0, 1.0).sample((2,))
    tensor([ 1.5410, -0.2934])
    """

    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale**2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        drawn = empty(shape, dtype=self.loc.dtype, device=self.loc.device).normal_()
        return self.loc + drawn * self.scale

    def _log_prob(self, value: Any) -> Any:
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - log(self.scale) - math.log(math.sqrt(2 * math.pi))

    def _cdf(self, value: Any) -> Any:
        return 0.5 * (1 + erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Any:
        return 0.5 + 0.5 * math.log(2 * math.pi) + log(self.scale)


class Uniform(Distribution):
    """``p(x) = 1 / (high - low)`` in [low, high). Raises ValueError unless low < high.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.distributions.Uniform(0.0, 2.0).sample((3,))
    tensor([0.9925, 1.5364, 0.1770])
    """

    arg_constraints = property(
        lambda self: {"low": constraints.less_than(self.high), "high": constraints.greater_than(self.low)}
    )
    support = property(lambda self: constraints.interval(self.low, self.high))
    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = as_parameters(low, high)
        super().__init__(self.low.shape, (), validate_args)

    mean = property(lambda self: (self.high + self.low) / 2)
    mode = property(lambda self: full_like(self.high, math.nan))  # all values are as likely
    variance = property(lambda self: (self.high - self.low) ** 2 / 12)

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = rand(self._extended_shape(sample_shape), dtype=self.low.dtype, device=self.low.device)
        return self.low + drawn * (self.high - self.low)

    def _log_prob(self, value: Any) -> Any:
        inside = ((value >= self.low) & (value < self.high)).to(self.low.dtype)
        return log(inside) - log(self.high - self.low)

    def _cdf(self, value: Any) -> Any:
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        return log(self.high - self.low)


class Exponential(Distribution):
    """``p(x) = rate exp(-rate x)`` for x >= 0. Raises ValueError for a rate that is not positive.

    >>> import minigrad as torch
    >>> torch.distributions.Exponential(2.0).mean
    tensor(0.5000)
    """

    arg_constraints: ClassVar[Any] = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = as_parameters(rate)
        super().__init__(self.rate.shape, (), validate_args)

    mean = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: zeros_like(self.rate))
    variance = property(lambda self: self.rate.pow(-2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.rate.new_empty(self._extended_shape(sample_shape)).exponential_() / self.rate

    def _log_prob(self, value: Any) -> Any:
        return log(self.rate) - self.rate * value

    def _cdf(self, value: Any) -> Any:
        return 1 - (-self.rate * value).exp()

    def icdf(self, value: Any) -> Any:
        return -log1p(-value) / self.rate

    def entropy(self) -> Any:
        return 1 - log(self.rate)


class Laplace(_LocationScale):
    """``p(x) = exp(-|x - loc| / scale) / (2 scale)``. Raises ValueError for a scale that is not positive.

    >>> import minigrad as torch
    >>> torch.distributions.Laplace(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-0.6931)
    """

    stddev = property(lambda self: math.sqrt(2) * self.scale)
    variance = property(lambda self: 2 * self.scale.pow(2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape, least = self._extended_shape(sample_shape), finfo(self.loc.dtype).eps - 1
        drawn = empty(shape, dtype=self.loc.dtype, device=self.loc.device).uniform_(least, 1)
        return self.loc - self.scale * drawn.sign() * log1p(-drawn.abs())

    def _log_prob(self, value: Any) -> Any:
        return -log(2 * self.scale) - (value - self.loc).abs() / self.scale

    def _cdf(self, value: Any) -> Any:
        off = (value - self.loc) / self.scale
        # by halves: the slope of abs(off) would be 0 at the middle
        return where(off < 0, 0.5 * off.clamp(max=0).exp(), 0.5 - 0.5 * (-off).clamp(max=0).expm1())

    def icdf(self, value: Any) -> Any:
        off = 2 * value - 1
        drawn = where(off < 0, log1p(off.clamp(max=0)), -log1p(-off.clamp(min=0)))
        return self.loc + self.scale * drawn

    def entropy(self) -> Any:
        return 1 + log(2 * self.scale)


class Cauchy(_LocationScale):
    """``p(x) = 1 / (pi scale (1 + ((x - loc) / scale)^2))``: its mean is NaN and its variance infinite.

    Raises ValueError for a scale that is not positive.

    >>> import minigrad as torch
    >>> torch.distributions.Cauchy(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-1.1447)
    """

    mean = property(lambda self: full_like(self.loc, math.nan))
    variance = property(lambda self: full_like(self.loc, math.inf))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.loc + self.loc.new_empty(self._extended_shape(sample_shape)).cauchy_() * self.scale

    def _log_prob(self, value: Any) -> Any:
        return -math.log(math.pi) - log(self.scale) - log1p(((value - self.loc) / self.scale) ** 2)

    def _cdf(self, value: Any) -> Any:
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + log(self.scale)
