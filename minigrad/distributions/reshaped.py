"""Laws of functions of gamma, uniform or normal numbers: inverse gamma, Kumaraswamy, logistic normal.

Source of means, variances and entropies: https://docs.pytorch.org/docs/stable/distributions.html
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from minigrad.creation import full_like
from minigrad.distributions import constraints
from minigrad.distributions.continuous import Normal, Uniform
from minigrad.distributions.distribution import as_parameters
from minigrad.distributions.gamma import Gamma
from minigrad.distributions.simplex_transforms import StickBreakingTransform
from minigrad.distributions.transformed_distribution import EULER, TransformedDistribution
from minigrad.distributions.transforms import AffineTransform, PowerTransform
from minigrad.ops.gamma import digamma, lgamma
from minigrad.ops.unary import log


class InverseGamma(TransformedDistribution):
    """``1 / x`` for an x of the gamma distribution: ``p(y)`` is in proportion to ``y^(-c - 1) exp(-rate / y)``.

    c is the `concentration`; the mean is infinite for c <= 1, the variance for c <= 2.

    >>> import minigrad as torch
    >>> torch.distributions.InverseGamma(3.0, 1.0).mean
    tensor(0.5000)
    """

    arg_constraints = Gamma.arg_constraints
    support = constraints.positive
    _given = ()  # `Gamma` checks them

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args)
        super().__init__(base, PowerTransform(full_like(base.rate, -1.0).reshape(-1)[0]), validate_args)

    concentration = property(lambda self: self.base_dist.concentration)
    rate = property(lambda self: self.base_dist.rate)

    mean = property(lambda self: (self.rate / (self.concentration - 1)).masked_fill(self.concentration <= 1, math.inf))
    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def variance(self) -> Any:
        """``rate^2 / ((c - 1)^2 (c - 2))``."""
        c = self.concentration
        return (self.rate.square() / ((c - 1).square() * (c - 2))).masked_fill(c <= 2, math.inf)

    def entropy(self) -> Any:
        c = self.concentration
        return c + log(self.rate) + lgamma(c) - (1 + c) * digamma(c)


class Kumaraswamy(TransformedDistribution):
    """``P(x > t) = (1 - t^a)^b`` for t in [0, 1], with a the `concentration1`, b the `concentration0`: nearly beta.

    Source: P. Kumaraswamy, "A generalized probability density function for double-bounded random processes", 1980.

    >>> import minigrad as torch
    >>> torch.distributions.Kumaraswamy(1.0, 1.0).mean
    tensor(0.5000)
    """

    arg_constraints: ClassVar[Any] = {
        "concentration1": constraints.positive, "concentration0": constraints.positive,
    }  # fmt: skip
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = as_parameters(concentration1, concentration0)
        base = Uniform(full_like(self.concentration0, 0.0), full_like(self.concentration0, 1.0), validate_args)
        turns = [PowerTransform(self.concentration0.reciprocal()), AffineTransform(1.0, -1.0)]
        super().__init__(base, [*turns, PowerTransform(self.concentration1.reciprocal())], validate_args)

    def _moment(self, power: int) -> Any:
        """The mean of ``x^power``: ``b B(1 + power / a, b)``, B the beta function."""
        first = 1 + power / self.concentration1
        logs = lgamma(first) + lgamma(self.concentration0) - lgamma(first + self.concentration0)
        return self.concentration0 * logs.exp()

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self.mean.pow(2))

    @property
    def mode(self) -> Any:
        """``((a - 1) / (a b - 1))^(1 / a)``, NaN where a or b is below 1, and where both are 1: no value stands out."""
        a, b = self.concentration1, self.concentration0
        found = ((a - 1) / (a * b - 1)) ** a.reciprocal()
        return found.masked_fill((a < 1) | (b < 1), math.nan)

    def entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * (digamma(b + 1) + EULER) - log(a) - log(b)


class LogisticNormal(TransformedDistribution):
    """Chances that sum to 1, made of normal numbers by `StickBreakingTransform`: one more than there are numbers.

    Source: J. Aitchison and S. Shen, "Logistic-normal distributions: some properties and uses", 1980.

    >>> import minigrad as torch
    >>> torch.distributions.LogisticNormal(torch.zeros(3), torch.ones(3)).sample().shape
    minigrad.Size([4])
    """

    arg_constraints = Normal.arg_constraints
    support = constraints.simplex
    _given = ()  # `Normal` checks them

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args)

    loc = property(lambda self: self.base_dist.base_dist.loc)
    scale = property(lambda self: self.base_dist.base_dist.scale)
