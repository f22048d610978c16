"""Student's t-distribution: a normal number divided by the root of a mean of squares, so that outliers are likely."""

from __future__ import annotations

from math import inf, nan, pi
from math import log as log_of
from typing import Any, ClassVar

from minigrad.creation import empty
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.gamma import Chi2
from minigrad.ops.gamma import digamma, lgamma
from minigrad.ops.unary import log, log1p


class StudentT(Distribution):
    """``p(x)`` is in proportion to ``(1 + y^2 / df)^(-(df + 1) / 2)`` with ``y = (x - loc) / scale``.

    Mean and variance are NaN for df <= 1; the variance is infinite from there up to df = 2. Raises ValueError for a df
    or a scale that is not positive.

    >>> import minigrad as torch
    >>> torch.distributions.StudentT(1.0).log_prob(torch.tensor(0.0))  # of the Cauchy distribution, 1 / pi
    tensor(-1.1447)
    """

    arg_constraints: ClassVar[Any] = {
        "df": constraints.positive, "loc": constraints.real, "scale": constraints.positive,
    }  # fmt: skip
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = as_parameters(df, loc, scale)
        super().__init__(self.df.shape, (), validate_args)
        self._chi2 = Chi2(self.df, validate_args)

    mean = property(lambda self: self.loc.masked_fill(self.df <= 1, nan))
    mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Any:
        spread = self.scale**2 * self.df / (self.df - 2)
        return spread.masked_fill(self.df <= 2, inf).masked_fill(self.df <= 1, nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = empty(self._extended_shape(sample_shape), dtype=self.df.dtype, device=self.df.device).normal_()
        return self.loc + self.scale * (drawn * (self._chi2.rsample(sample_shape) / self.df).rsqrt())

    def _log_beta(self) -> Any:
        """The logarithm of the beta function of df / 2 and 1/2."""
        return lgamma(0.5 * self.df) + 0.5 * log_of(pi) - lgamma(0.5 * (self.df + 1))

    def _log_prob(self, value: Any) -> Any:
        y = (value - self.loc) / self.scale
        height = log(self.scale) + 0.5 * log(self.df) + self._log_beta()
        return -0.5 * (self.df + 1) * log1p(y**2 / self.df) - height

    def entropy(self) -> Any:
        half = 0.5 * (self.df + 1)
        slope = half * (digamma(half) - digamma(0.5 * self.df))
        return log(self.scale) + slope + 0.5 * log(self.df) + self._log_beta()
