"""The distribution of Fisher and Snedecor: the ratio of two means of squares."""

from __future__ import annotations

from math import nan
from typing import Any, ClassVar

from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.gamma import Gamma
from minigrad.ops.gamma import lgamma
from minigrad.ops.unary import log, log1p
from minigrad.type_limits import finfo


class FisherSnedecor(Distribution):
    """``(a / df1) / (b / df2)`` for sums a and b of `df1` and of `df2` squared normal numbers.

    The mean is NaN for df2 <= 2, the variance for df2 <= 4. Raises ValueError for a df that is not positive.
    Source: R. A. Fisher, "On a distribution yielding the error functions of several well known statistics", 1924.

    >>> import minigrad as torch
    >>> torch.distributions.FisherSnedecor(1.0, 4.0).mean
    tensor(2.)
    """

    arg_constraints: ClassVar[Any] = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = as_parameters(df1, df2)
        super().__init__(self.df1.shape, (), validate_args)
        self._gamma1, self._gamma2 = [Gamma(df * 0.5, df, validate_args) for df in (self.df1, self.df2)]

    mean = property(lambda self: (self.df2 / (self.df2 - 2)).masked_fill(self.df2 <= 2, nan))

    @property
    def mode(self) -> Any:
        """``(df1 - 2) df2 / (df1 (df2 + 2))``, NaN for df1 <= 2."""
        return ((self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)).masked_fill(self.df1 <= 2, nan)

    @property
    def variance(self) -> Any:
        """``2 df2^2 (df1 + df2 - 2) / (df1 (df2 - 2)^2 (df2 - 4))``."""
        a, b = self.df1, self.df2
        return (2 * b.pow(2) * (a + b - 2) / (a * (b - 2).pow(2) * (b - 4))).masked_fill(b <= 4, nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        above, below = self._gamma1.rsample(sample_shape), self._gamma2.rsample(sample_shape)
        least = finfo(below.dtype).tiny
        return (above / below.clamp(min=least)).clamp(min=least)

    def _log_prob(self, value: Any) -> Any:
        a, b, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        height = lgamma(a + b) - lgamma(a) - lgamma(b)
        return height + a * log(ratio) + (a - 1) * log(value) - (a + b) * log1p(ratio * value)
