"""The gamma distribution and what is made of it: chi-squared, beta, Dirichlet. Draws are PyTorch's for the same seed.

Their values are drawn by trial and rejection; `implicit.py` gives them their gradients.
Source of means, variances and entropies: https://docs.pytorch.org/docs/stable/distributions.html
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad.backend import device_of, to_device
from minigrad.creation import as_tensor
from minigrad.devices import CPU
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.implicit import draw_dirichlet, draw_gamma
from minigrad.ops.arguments import require_tensors
from minigrad.ops.gamma import digamma, lgamma
from minigrad.ops.incomplete_gamma import igamma
from minigrad.ops.join import stack
from minigrad.ops.masks import where
from minigrad.ops.special import xlogy
from minigrad.ops.unary import log
from minigrad.random import source_of
from minigrad.tensor import Tensor
from minigrad.type_limits import finfo


def _draw(concentration: Tensor) -> Any:
    """An array of float64 numbers on the CPU, one for each concentration."""
    return source_of(None).gamma(to_device(concentration.array, CPU))


def _adopt(drawn: Any, like: Tensor) -> Any:
    """Drawn numbers with the dtype and on the device of a tensor."""
    return to_device(np.asarray(drawn, like.array.dtype), device_of(like.array))


class Gamma(Distribution):
    """``p(x) = rate^c x^(c - 1) exp(-rate x) / Gamma(c)``, c the `concentration`.

    Raises ValueError for parameters that are not positive.

    >>> import minigrad as torch
    >>> torch.distributions.Gamma(2.0, 1.0).log_prob(torch.tensor(1.0))
    tensor(-1.)
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = as_parameters(concentration, rate)
        super().__init__(self.concentration.shape, (), validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate.pow(2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        c = self.concentration.expand(self._extended_shape(sample_shape))
        least = finfo(c.dtype).tiny * np.maximum(1.0, to_device(self.rate.array, CPU))  # after the division: tiny
        return draw_gamma(c, drawn=_adopt(np.maximum(_draw(c), least), c)) / self.rate

    def log_prob(self, value: Any) -> Any:
        return super().log_prob(as_tensor(value, dtype=self.rate.dtype, device=self.rate.device))  # a number, too

    def _log_prob(self, value: Any) -> Any:
        c = self.concentration
        return xlogy(c, self.rate) + xlogy(c - 1, value) - self.rate * value - lgamma(c)

    def _cdf(self, value: Any) -> Any:
        return igamma(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        c = self.concentration
        return c - log(self.rate) + lgamma(c) + (1.0 - c) * digamma(c)


class Chi2(Gamma):
    """The sum of `df` squared normal numbers: the gamma distribution of ``df / 2`` and 1/2.

    >>> import minigrad as torch
    >>> torch.distributions.Chi2(3.0).mean
    tensor(3.)
    """

    arg_constraints: ClassVar[Any] = {"df": constraints.positive}
    _given = ()

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args)
        self._check_parameter("df", constraints.positive)

    df = property(lambda self: self.concentration * 2)


class Dirichlet(Distribution):
    """Chances that sum to 1 along the last axis: ``p(x)`` is in proportion to the product of ``x^(concentration - 1)``.

    Raises ValueError for a number, and for concentrations that are not positive.

    >>> import minigrad as torch
    >>> torch.distributions.Dirichlet(torch.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        require_tensors("Dirichlet", "concentration", concentration)
        if not concentration.ndim:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    mean = property(lambda self: self.concentration / self.concentration.sum(-1, True))

    @property
    def mode(self) -> Any:
        """``concentration - 1``, at least 0, scaled to sum 1; a one at the largest where all are 1 or less."""
        above = (self.concentration - 1).clamp(min=0.0)
        largest = self.concentration == self.concentration.max(-1, True)[0]
        return where((self.concentration < 1).all(-1, True), largest.to(above.dtype), above / above.sum(-1, True))

    @property
    def variance(self) -> Any:
        """``c (s - c) / (s^2 (s + 1))``, s the sum of the concentrations c."""
        c, s = self.concentration, self.concentration.sum(-1, True)
        return c * (s - c) / (s.pow(2) * (s + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        c, limits = self.concentration.expand(self._extended_shape(sample_shape)), finfo(self.concentration.dtype)
        drawn = _draw(c)
        chances = (drawn / drawn.sum(-1, keepdims=True)).clip(limits.tiny, 1 - limits.eps / 2)
        return draw_dirichlet(c, drawn=_adopt(chances, c))

    def _log_prob(self, value: Any) -> Any:
        c = self.concentration
        return xlogy(c - 1.0, value).sum(-1) + lgamma(c.sum(-1)) - lgamma(c).sum(-1)

    def entropy(self) -> Any:
        c, s = self.concentration, self.concentration.sum(-1)
        rest = (c.shape[-1] - s) * digamma(s) + ((c - 1.0) * digamma(c)).sum(-1)
        return lgamma(c).sum(-1) - lgamma(s) - rest


class Beta(Distribution):
    """A chance x: ``p(x)`` is in proportion to ``x^(concentration1 - 1) (1 - x)^(concentration0 - 1)``.

    Raises ValueError for concentrations that are not positive.

    >>> import minigrad as torch
    >>> torch.distributions.Beta(1.0, 3.0).mean
    tensor(0.2500)
    """

    arg_constraints: ClassVar[Any] = {
        "concentration1": constraints.positive, "concentration0": constraints.positive
    }  # fmt: skip
    support = constraints.unit_interval
    has_rsample = True
    _given = ()  # `Dirichlet` checks them

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self._dirichlet = Dirichlet(stack(list(as_parameters(concentration1, concentration0)), -1), validate_args)
        super().__init__(self._dirichlet.batch_shape, (), validate_args)

    concentration1 = property(lambda self: self._dirichlet.concentration[..., 0])
    concentration0 = property(lambda self: self._dirichlet.concentration[..., 1])
    mean = property(lambda self: self._dirichlet.mean[..., 0])
    mode = property(lambda self: self._dirichlet.mode[..., 0])
    variance = property(lambda self: self._dirichlet.variance[..., 0])

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def _log_prob(self, value: Any) -> Any:
        return self._dirichlet.log_prob(stack([value, 1.0 - value], -1))

    def entropy(self) -> Any:
        return self._dirichlet.entropy()
