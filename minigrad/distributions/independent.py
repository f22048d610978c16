"""`Independent`: axes of a batch count as parts of one value. `MixtureSameFamily`: one of several components."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.modes import no_grad
from minigrad.distributions.discrete import Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.transform import sum_rightmost
from minigrad.ops.reduce_variants import logsumexp


class Independent(Distribution):
    """`base_distribution`, whose last `reinterpreted_batch_ndims` axes of the batch are parts of one value.

    `log_prob` and `entropy` of the parts are added up.

    Raises ValueError if the batch has fewer axes.

    >>> import minigrad as torch
    >>> D = torch.distributions
    >>> D.Independent(D.Normal(torch.zeros(3), 1.0), 1).log_prob(torch.zeros(3))
    tensor(-2.7568)
    """

    def __init__(
        self, base_distribution: Any, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        batch, event = base_distribution.batch_shape, base_distribution.event_shape
        if reinterpreted_batch_ndims > len(batch):
            asked = f"actual {reinterpreted_batch_ndims} vs {len(batch)}"
            expected = "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape)"
            raise ValueError(f"{expected}, {asked}")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        cut = len(batch) - reinterpreted_batch_ndims
        super().__init__(batch[:cut], (*batch[cut:], *event), validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    def expand(self, batch_shape: Any) -> Any:
        new = super().expand(batch_shape)
        new.base_dist = self.base_dist.expand((*batch_shape, *self.event_shape[: self.reinterpreted_batch_ndims]))
        return new

    def sample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """A value of one of the components, which `mixture_distribution`, a `Categorical`, chooses.

    The components are the last axis of the batch of `component_distribution`.
    Raises ValueError for another kind of choice, and if the shapes do not fit.

    >>> import minigrad as torch
    >>> D = torch.distributions
    >>> choice, parts = D.Categorical(torch.ones(2)), D.Normal(torch.tensor([-1.0, 1.0]), 1.0)
    >>> D.MixtureSameFamily(choice, parts).log_prob(torch.tensor(0.0))
    tensor(-1.4189)
    """

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(f"the mixture distribution must be a Categorical, got {mixture_distribution}")
        if not isinstance(component_distribution, Distribution):
            raise ValueError(f"the component distribution must be a Distribution, got {component_distribution}")
        *batch, components = component_distribution.batch_shape
        chosen = mixture_distribution.batch_shape
        if any(1 not in pair and len(set(pair)) == 2 for pair in zip(chosen[::-1], batch[::-1], strict=False)):
            shapes = f"({chosen}) is not compatible with `component_distribution.batch_shape[:-1]` ({batch})"
            raise ValueError(f"`mixture_distribution.batch_shape` {shapes}")
        if mixture_distribution.param_shape[-1] != components:
            given = f"({mixture_distribution.param_shape[-1]}) does not equal the last axis of the components' batch"
            raise ValueError(f"`mixture_distribution component` {given} ({components})")
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        self._axis = -1 - len(component_distribution.event_shape)  # that of the components
        super().__init__(batch, component_distribution.event_shape, validate_args)

    def expand(self, batch_shape: Any) -> Any:
        new = super().expand(batch_shape)
        components = self.component_distribution.batch_shape[-1]
        new.component_distribution = self.component_distribution.expand((*batch_shape, components))
        new.mixture_distribution = self.mixture_distribution.expand(batch_shape)
        return new

    @property
    def mean(self) -> Any:
        """The mean of the components' means."""
        return (self._weights() * self.component_distribution.mean).sum(self._axis)  # type: ignore[attr-defined]

    @property
    def variance(self) -> Any:
        """The mean of the components' variances, and the variance of their means."""
        parts: Any = self.component_distribution
        apart = (parts.mean - self.mean.unsqueeze(self._axis)).pow(2)
        return (self._weights() * parts.variance).sum(self._axis) + (self._weights() * apart).sum(self._axis)

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            chosen = self.mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            values = self.component_distribution.sample(sample_shape)
            index = chosen.reshape(*chosen.shape, *[1] * -self._axis)  # (*samples, *batch, 1, *ones)
            index = index.expand(*chosen.shape, 1, *self.event_shape)
            return values.gather(chosen.ndim, index).squeeze(chosen.ndim)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        parts = self.component_distribution.log_prob(value.unsqueeze(self._axis))
        return logsumexp(parts + self.mixture_distribution.logits.log_softmax(-1), -1)

    def cdf(self, value: Any) -> Any:
        """The probability of a value up to `value`.

        >>> import minigrad as torch
        >>> D = torch.distributions
        >>> choice, parts = D.Categorical(torch.ones(2)), D.Normal(torch.tensor([-1.0, 1.0]), 1.0)
        >>> D.MixtureSameFamily(choice, parts).cdf(torch.tensor(0.0))
        tensor(0.5000)
        """
        parts: Any = self.component_distribution
        return (parts.cdf(value.unsqueeze(self._axis)) * self.mixture_distribution.probs).sum(-1)

    def _weights(self) -> Any:
        chances = self.mixture_distribution.probs
        return chances.reshape((*chances.shape, *[1] * len(self.event_shape)))

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
