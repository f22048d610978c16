"""Distributions of y = t(x), where x has a simpler distribution: log-normal, Gumbel, Pareto, half-normal.

Source of means, variances and entropies: https://docs.pytorch.org/docs/stable/distributions.html
"""

from __future__ import annotations

import math
from typing import Any

from minigrad.autograd.modes import no_grad
from minigrad.distributions.continuous import Exponential, Normal, Uniform
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.independent import Independent
from minigrad.distributions.transform import ComposeTransform, Transform, sum_rightmost
from minigrad.distributions.transforms import AbsTransform, AffineTransform, ExpTransform
from minigrad.ops.masks import where
from minigrad.ops.unary import log
from minigrad.type_limits import finfo

EULER = 0.57721566490153286060


class TransformedDistribution(Distribution):
    """The distribution of t(x) for x of `base_distribution`: ``log p(y) = log p(x) - log |dy/dx|``.

    `transforms` is one transform, or a list of them, applied in turn.
    Raises ValueError for anything else, and if values of the base have fewer axes than the transforms need.

    >>> import minigrad as torch
    >>> normal, exp = torch.distributions.Normal(0.0, 1.0), torch.distributions.ExpTransform()
    >>> torch.distributions.TransformedDistribution(normal, exp).log_prob(torch.tensor(1.0))
    tensor(-0.9189)
    """

    def __init__(
        self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(self.transforms, list) or not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError(f"transforms must be a Transform or a list of Transforms, but was {transforms}")
        base_shape = (*base_distribution.batch_shape, *base_distribution.event_shape)
        whole, base_axes = ComposeTransform(self.transforms), len(base_distribution.event_shape)
        if len(base_shape) < whole.domain.event_dim:
            needs = f"at least {whole.domain.event_dim} axes for values of the base, got shape {base_shape}"
            raise ValueError(f"the transforms need {needs}")
        shape = whole.forward_shape(base_shape)
        wider = whole.inverse_shape(shape)
        if tuple(wider) != base_shape:
            base_distribution = base_distribution.expand(wider[: len(wider) - base_axes])
        together = whole.domain.event_dim - base_axes
        base: Any = Independent(base_distribution, together) if together > 0 else base_distribution
        self.base_dist = base
        cut = len(shape) - whole.codomain.event_dim - max(-together, 0)
        super().__init__(shape[:cut], shape[cut:], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """That of the base."""
        return self.base_dist.has_rsample

    def expand(self, batch_shape: Any) -> Any:
        new, shape = super().expand(batch_shape), (*batch_shape, *self.event_shape)
        for transform in reversed(self.transforms):
            shape = transform.inverse_shape(shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return new

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._forward(self.base_dist.rsample(sample_shape))

    def _forward(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    @property
    def possible(self) -> str:  # type: ignore[override]
        support = self.transforms[-1].codomain if self.transforms else "numbers, not NaN"
        return f"the value must be in the support, {support}"

    def _is_possible(self, value: Any) -> Any:
        return self.transforms[-1].codomain.check(value) if self.transforms else value == value

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        event_dim, total = len(self.event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            slopes = transform.log_abs_det_jacobian(x, value)
            total = total - sum_rightmost(slopes, event_dim - transform.domain.event_dim)
            value = x
        return total + sum_rightmost(self.base_dist.log_prob(value), event_dim - len(self.base_dist.event_shape))

    def cdf(self, value: Any) -> Any:
        """The probability of a value up to `value`, if the transforms are monotonic.

        >>> import minigrad as torch
        >>> torch.distributions.LogNormal(0.0, 1.0).cdf(torch.tensor(1.0))
        tensor(0.5000)
        """
        self._check_value(value)
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._turn(self.base_dist.cdf(value))

    def icdf(self, value: Any) -> Any:
        """The value below which a share `value` of all values lies.

        >>> import minigrad as torch
        >>> torch.distributions.LogNormal(0.0, 1.0).icdf(torch.tensor(0.5))
        tensor(1.)
        """
        return self._forward(self.base_dist.icdf(self._turn(value)))

    def _turn(self, share: Any) -> Any:
        """`share`, or 1 - `share` if the transforms are decreasing."""
        sign = math.prod(transform.sign for transform in self.transforms)
        return share if isinstance(sign, int) and sign == 1 else sign * (share - 0.5) + 0.5


class LogNormal(TransformedDistribution):
    """exp(x) for a normal x with mean `loc` and standard deviation `scale`.

    >>> import minigrad as torch
    >>> torch.distributions.LogNormal(0.0, 1.0).mean
    tensor(1.6487)
    """

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)

    @property
    def mean(self) -> Any:
        """``exp(loc + scale^2 / 2)``."""
        return (self.loc + self.scale.pow(2) / 2).exp()

    @property
    def mode(self) -> Any:
        """``exp(loc - scale^2)``."""
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self) -> Any:
        """``(exp(scale^2) - 1) exp(2 loc + scale^2)``."""
        squared = self.scale.pow(2)
        return squared.expm1() * (2 * self.loc + squared).exp()

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc


class HalfNormal(TransformedDistribution):
    """|x| for a normal x with mean 0 and standard deviation `scale`.

    >>> import minigrad as torch
    >>> torch.distributions.HalfNormal(1.0).mean
    tensor(0.7979)
    """

    possible = "the value is negative"

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0.0, scale, validate_args=False), AbsTransform(), validate_args)

    scale = property(lambda self: self.base_dist.scale)

    def _is_possible(self, value: Any) -> Any:
        return value >= 0

    def _check_parameters(self) -> None:
        self._expect(self.scale > 0, "the scale must be positive")

    mode = property(lambda self: self.scale.detach() * 0)

    @property
    def mean(self) -> Any:
        """``scale sqrt(2 / pi)``."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Any:
        """``scale^2 (1 - 2 / pi)``."""
        return self.scale.pow(2) * (1 - 2 / math.pi)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        return where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Any) -> Any:
        self._check_value(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self.base_dist.entropy() - math.log(2)


class Gumbel(TransformedDistribution):
    """``loc - scale log(-log(u))`` for a uniform u: the largest of many values.

    >>> import minigrad as torch
    >>> torch.distributions.Gumbel(0.0, 1.0).mean
    tensor(0.5772)
    """

    parameters = ("loc", "scale")
    possible = Distribution.possible

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = as_parameters(loc, scale)
        limits = finfo(self.loc.dtype)
        low, high = self.loc * 0 + limits.tiny, self.loc * 0 + (1 - limits.eps)
        inner = [ExpTransform().inv, AffineTransform(0, -(self.scale * 0 + 1)), ExpTransform().inv]
        base = Uniform(low.detach(), high.detach(), validate_args=False)
        super().__init__(base, [*inner, AffineTransform(self.loc, -self.scale)], validate_args)

    def _check_parameters(self) -> None:
        self._expect(self.loc == self.loc, "loc must be a number, not NaN")
        self._expect(self.scale > 0, "the scale must be positive")

    @property
    def mean(self) -> Any:
        """``loc + 0.5772 scale``: Euler's constant."""
        return self.loc + self.scale * EULER

    @property
    def mode(self) -> Any:
        """`loc`."""
        return self.loc

    @property
    def stddev(self) -> Any:
        """``scale pi / sqrt(6)``."""
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Any:
        """The square of `stddev`."""
        return self.stddev.pow(2)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        off = (self.loc - value) / self.scale
        return off - off.exp() - log(self.scale)

    def entropy(self) -> Any:
        return log(self.scale) + (1 + EULER)


class Pareto(TransformedDistribution):
    """``p(x) = alpha scale^alpha / x^(alpha + 1)`` for x >= `scale`.

    >>> import minigrad as torch
    >>> torch.distributions.Pareto(1.0, 2.0).mean
    tensor(2.)
    """

    parameters = ("alpha", "scale")
    possible = "the value is below the scale"

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = as_parameters(scale, alpha)
        base = Exponential(self.alpha, validate_args)
        super().__init__(base, [ExpTransform(), AffineTransform(0, self.scale)], validate_args)

    def _check_parameters(self) -> None:
        self._expect(self.scale > 0, "the scale must be positive")

    def _is_possible(self, value: Any) -> Any:
        return value >= self.scale

    @property
    def mean(self) -> Any:
        """``alpha scale / (alpha - 1)``, infinite up to alpha = 1."""
        alpha = self.alpha.clamp(min=1)
        return alpha * self.scale / (alpha - 1)

    @property
    def mode(self) -> Any:
        """`scale`."""
        return self.scale

    @property
    def variance(self) -> Any:
        """``scale^2 alpha / ((alpha - 1)^2 (alpha - 2))``, infinite up to alpha = 2."""
        alpha = self.alpha.clamp(min=2)
        return self.scale.pow(2) * alpha / ((alpha - 1).pow(2) * (alpha - 2))

    def entropy(self) -> Any:
        return log(self.scale / self.alpha) + (1 + self.alpha.reciprocal())
