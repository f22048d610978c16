"""`MixtureSameFamily`: a value of one of several components, which differ by their parameters alone."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.modes import no_grad
from minigrad.distributions.discrete import Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.ops.reduce_variants import logsumexp
from minigrad.shown_values import shorten


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
            raise ValueError(
                f"the mixture distribution must be a Categorical, got {shorten(mixture_distribution, str)}"
            )
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

    @property
    def mean(self) -> Any:
        """The mean of the components' means."""
        return (self._weights() * self.component_distribution.mean).sum(self._axis)

    @property
    def variance(self) -> Any:
        """The mean of the components' variances, and the variance of their means."""
        parts = self.component_distribution
        apart = (parts.mean - self.mean.unsqueeze(self._axis)).pow(2)
        return (self._weights() * parts.variance).sum(self._axis) + (self._weights() * apart).sum(self._axis)

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            chosen = self.mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            values = self.component_distribution.sample(sample_shape)
            index = chosen.reshape(*chosen.shape, *[1] * -self._axis)  # (*samples, *batch, 1, *ones)
            index = index.expand(*chosen.shape, 1, *self.event_shape)
            return values.gather(chosen.ndim, index).squeeze(chosen.ndim)

    def _log_prob(self, value: Any) -> Any:
        parts = self.component_distribution.log_prob(value.unsqueeze(self._axis))
        return logsumexp(parts + self.mixture_distribution.logits.log_softmax(-1), -1)

    def _cdf(self, value: Any) -> Any:
        parts = self.component_distribution.cdf(value.unsqueeze(self._axis))
        return (parts * self.mixture_distribution.probs).sum(-1)

    def _weights(self) -> Any:
        chances = self.mixture_distribution.probs
        return chances.reshape((*chances.shape, *[1] * len(self.event_shape)))

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
