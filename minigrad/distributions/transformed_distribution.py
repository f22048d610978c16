"""Distributions of y = t(x), where x has a simpler distribution: log-normal, Gumbel, Pareto, Weibull, halves.

Source of means, variances and entropies: https://docs.pytorch.org/docs/stable/distributions.html
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from minigrad.autograd.modes import no_grad
from minigrad.creation import full_like
from minigrad.distributions import constraints
from minigrad.distributions.continuous import Cauchy, Exponential, Normal, Uniform
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.independent import Independent
from minigrad.distributions.transform import ComposeTransform, Transform, sum_rightmost
from minigrad.distributions.transforms import AbsTransform, AffineTransform, ExpTransform, PowerTransform
from minigrad.ops.gamma import lgamma
from minigrad.ops.masks import where
from minigrad.ops.unary import log
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor
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
            raise ValueError(
                f"transforms must be a Transform or a list of Transforms, but was {shorten(transforms, str)}"
            )
        base_shape = (*base_distribution.batch_shape, *base_distribution.event_shape)
        whole, base_axes = ComposeTransform(self.transforms), len(base_distribution.event_shape)
        if len(base_shape) < whole.domain.event_dim:
            needs = f"at least {whole.domain.event_dim} axes for values of the base, got shape {base_shape}"
            raise ValueError(f"the transforms need {needs}")
        shape = whole.forward_shape(base_shape)
        wider = whole.inverse_shape(shape)  # of the base, for transforms that are a batch themselves
        if tuple(wider) != base_shape:
            base_distribution = base_distribution.expand(wider[: len(wider) - base_axes])
        together = whole.domain.event_dim - base_axes  # axes of the base's batch that are transformed as one value
        base: Any = Independent(base_distribution, together) if together > 0 else base_distribution
        self.base_dist = base
        cut = len(shape) - whole.codomain.event_dim - max(-together, 0)
        super().__init__(shape[:cut], shape[cut:], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """That of the base."""
        return self.base_dist.has_rsample

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
    def support(self) -> Any:
        """What the last transform gives."""
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        axes = len(self.event_shape) - last.event_dim
        return constraints.independent(last, axes) if axes > 0 else last

    def _log_prob(self, value: Any) -> Any:
        event_dim, total = len(self.event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            slopes = transform.log_abs_det_jacobian(x, value)
            total = total - sum_rightmost(slopes, event_dim - transform.domain.event_dim)
            value = x
        return total + sum_rightmost(self.base_dist.log_prob(value), event_dim - len(self.base_dist.event_shape))

    def cdf(self, value: Any) -> Any:
        """The probability of a value up to `value`, which may lie on the edge of the support.

        >>> import minigrad as torch
        >>> torch.distributions.LogNormal(0.0, 1.0).cdf(torch.tensor(0.0))
        tensor(0.)
        """
        try:
            self._validate_sample(value)
        except ValueError:
            on_edge = isinstance(value, Tensor) and self.base_dist.support.check(self._invert(value)).all()
            if not on_edge:
                raise
        return self._cdf(value)

    def _cdf(self, value: Any) -> Any:
        return self._turn(self.base_dist.cdf(self._invert(value)))

    def _invert(self, value: Any) -> Any:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return value

    def icdf(self, value: Any) -> Any:
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

    arg_constraints = Normal.arg_constraints
    _given = ()  # `Normal` checks them

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)

    mean = property(lambda self: (self.loc + self.scale.pow(2) / 2).exp())
    mode = property(lambda self: (self.loc - self.scale.square()).exp())

    @property
    def variance(self) -> Any:
        """``(exp(scale^2) - 1) exp(2 loc + scale^2)``."""
        squared = self.scale.pow(2)
        return squared.expm1() * (2 * self.loc + squared).exp()

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc


class _Half(TransformedDistribution):
    """|x| for an x whose distribution `_whole` is the same on both sides of 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support = constraints.nonnegative
    _given = ()
    _whole: ClassVar[Any]

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(self._whole(0.0, scale, validate_args=False), AbsTransform(), validate_args)
        self._check_parameter("scale", constraints.positive)

    scale = property(lambda self: self.base_dist.scale)
    mode = property(lambda self: self.scale.detach() * 0)

    def _log_prob(self, value: Any) -> Any:
        return where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    cdf = Distribution.cdf  # 0 lies in its support, not on the edge

    def _cdf(self, value: Any) -> Any:
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """|x| for a normal x with mean 0 and standard deviation `scale`.

    >>> import minigrad as torch
    >>> torch.distributions.HalfNormal(1.0).mean
    tensor(0.7979)
    """

    _whole = Normal

    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    variance = property(lambda self: self.scale.pow(2) * (1 - 2 / math.pi))


class HalfCauchy(_Half):
    """|x| for an x of the Cauchy distribution around 0 with the scale `scale`: its mean and variance are infinite.

    >>> import minigrad as torch
    >>> torch.distributions.HalfCauchy(1.0).cdf(torch.tensor(1.0))
    tensor(0.5000)
    """

    _whole = Cauchy

    mean = property(lambda self: full_like(self.scale, math.inf))
    variance = mean


class Gumbel(TransformedDistribution):
    """``loc - scale log(-log(u))`` for a uniform u: the largest of many values.

    >>> import minigrad as torch
    >>> torch.distributions.Gumbel(0.0, 1.0).mean
    tensor(0.5772)
    """

    arg_constraints = Normal.arg_constraints
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = as_parameters(loc, scale)
        limits = finfo(self.loc.dtype)
        low, high = self.loc * 0 + limits.tiny, self.loc * 0 + (1 - limits.eps)
        inner = [ExpTransform().inv, AffineTransform(0, -(self.scale * 0 + 1)), ExpTransform().inv]
        base = Uniform(low.detach(), high.detach(), validate_args=False)
        super().__init__(base, [*inner, AffineTransform(self.loc, -self.scale)], validate_args)

    mean = property(lambda self: self.loc + self.scale * EULER)
    mode = property(lambda self: self.loc)
    stddev = property(lambda self: (math.pi / math.sqrt(6)) * self.scale)
    variance = property(lambda self: self.stddev.pow(2))

    def _log_prob(self, value: Any) -> Any:
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

    arg_constraints: ClassVar[Any] = {"alpha": constraints.positive, "scale": constraints.positive}
    support = property(lambda self: constraints.greater_than_eq(self.scale))

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = as_parameters(scale, alpha)
        base = Exponential(self.alpha, validate_args=False)
        super().__init__(base, [ExpTransform(), AffineTransform(0, self.scale)], validate_args)

    @property
    def mean(self) -> Any:
        """``alpha scale / (alpha - 1)``, infinite up to alpha = 1."""
        alpha = self.alpha.clamp(min=1)
        return alpha * self.scale / (alpha - 1)

    mode = property(lambda self: self.scale)

    @property
    def variance(self) -> Any:
        """``scale^2 alpha / ((alpha - 1)^2 (alpha - 2))``, infinite up to alpha = 2."""
        alpha = self.alpha.clamp(min=2)
        return self.scale.pow(2) * alpha / ((alpha - 1).pow(2) * (alpha - 2))

    def entropy(self) -> Any:
        return log(self.scale / self.alpha) + (1 + self.alpha.reciprocal())


class Weibull(TransformedDistribution):
    """``P(x > t) = exp(-(t / scale)^concentration)``: a life that ends by wear (concentration > 1) or early (< 1).

    >>> import minigrad as torch
    >>> torch.distributions.Weibull(2.0, 1.0).mean
    tensor(2.)
    """

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = as_parameters(scale, concentration)
        turns = [PowerTransform(self.concentration.reciprocal()), AffineTransform(0, self.scale)]
        super().__init__(Exponential(full_like(self.scale, 1.0), validate_args=False), turns, validate_args)

    def _moment(self, power: int) -> Any:
        """The mean of ``(x / scale)^power``."""
        return lgamma(1 + power / self.concentration).exp()

    mean = property(lambda self: self.scale * self._moment(1))
    variance = property(lambda self: self.scale.pow(2) * (self._moment(2) - self._moment(1).pow(2)))
    mode = property(
        lambda self: self.scale * ((self.concentration - 1) / self.concentration) ** self.concentration.reciprocal()
    )

    def entropy(self) -> Any:
        return EULER * (1 - self.concentration.reciprocal()) + log(self.scale / self.concentration) + 1
