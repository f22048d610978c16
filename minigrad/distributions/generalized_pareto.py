"""The generalized Pareto distribution: what lies beyond a high threshold."""

from __future__ import annotations

from math import inf, nan
from typing import Any, ClassVar

from minigrad.creation import rand
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.ops.comparison import isclose
from minigrad.ops.masks import where
from minigrad.ops.unary import expm1, log, log1p


class GeneralizedPareto(Distribution):
    """``P(x > t) = (1 + c z)^(-1 / c)`` with ``z = (t - loc) / scale``, c the `concentration`; exp(-z) for c = 0.

    A positive c makes a heavy tail, a negative one an upper bound. The mean is NaN for c >= 1, the variance for
    c >= 1/2. Raises ValueError for a scale that is not positive.
    Source: J. Pickands, "Statistical inference using extreme order statistics", 1975.

    >>> import minigrad as torch
    >>> torch.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real,
    }  # fmt: skip
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = as_parameters(loc, scale, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def support(self) -> Any:
        """From `loc` on, for a negative concentration up to ``loc - scale / concentration``."""
        upper = where(self.concentration < 0, self.loc - self.scale / self.concentration, inf)
        return constraints.interval(self.loc, upper)

    mode = property(lambda self: self.loc)

    @property
    def mean(self) -> Any:
        """``loc + scale / (1 - c)``."""
        c = self.concentration
        return (self.loc + self.scale / (1 - c)).masked_fill(c >= 1, nan)

    @property
    def variance(self) -> Any:
        """``scale^2 / ((1 - c)^2 (1 - 2 c))``."""
        c = self.concentration
        return (self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c))).masked_fill(c >= 0.5, nan)

    def _find_exponential(self) -> tuple[Any, Any]:
        """Where the concentration is 0, and the concentration with 1 in these places."""
        is_zero = isclose(self.concentration, self.concentration * 0)
        return is_zero, self.concentration.masked_fill(is_zero, 1.0)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device))

    def _log_prob(self, value: Any) -> Any:
        z, (is_zero, c) = (value - self.loc) / self.scale, self._find_exponential()
        power = 1 / c + 1
        falls = where(power == 0, power, power * log1p(c * z))
        return -log(self.scale) - where(is_zero, z, falls)

    def log_survival_function(self, value: Any) -> Any:
        """``log P(x > value)``.

        >>> import minigrad as torch
        >>> torch.distributions.GeneralizedPareto(0.0, 1.0, 0.0).log_survival_function(torch.tensor(2.0))
        tensor(-2.)
        """
        self._validate_sample(value)
        z, (is_zero, c) = (value - self.loc) / self.scale, self._find_exponential()
        return where(is_zero, -z, -log1p(c * z) / c)

    def log_cdf(self, value: Any) -> Any:
        """``log P(x <= value)``.

        >>> import minigrad as torch
        >>> torch.distributions.GeneralizedPareto(0.0, 1.0, 0.0).log_cdf(torch.tensor(0.6931))
        tensor(-0.6932)
        """
        return log1p(-self.log_survival_function(value).exp())

    def _cdf(self, value: Any) -> Any:
        return self.log_cdf(value).exp()

    def icdf(self, value: Any) -> Any:
        is_zero, c = self._find_exponential()
        survival = log1p(-value)  # of the share that lies above
        return where(is_zero, self.loc - self.scale * survival, self.loc + self.scale / c * expm1(-c * survival))

    def entropy(self) -> Any:
        return log(self.scale) + self.concentration + 1
