"""Dropout layers: they set random elements to zero in training, and do nothing in evaluation."""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.functional.dropouts import check_chance
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import as_number
from minigrad.tensor import Tensor


class AnyDropout(Stateless):
    """The base class of all dropout layers; a program finds the plain ones by `isinstance(layer, nn.Dropout)`."""

    p: float = 0.5
    inplace: bool = False

    def _complete(self) -> None:
        as_number("Dropout", "p", self.p)
        check_chance(self.p)

    def forward(self, input: Tensor) -> Any:
        return self._function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(AnyDropout, function=F.dropout):
    """In training, zeroes each element with probability `p` and scales the rest by 1 / (1 - p).

    In evaluation it returns its input. Raises `ValueError` unless 0 <= p <= 1. As
    `torch.nn.Dropout`.

    >>> import minigrad as torch
    >>> torch.nn.Dropout(0.5).eval()(torch.ones(2))
    tensor([1., 1.])
    """


class Dropout1d(AnyDropout, function=F.dropout1d):
    """`Dropout` of whole channels of (N, C, L) or (C, L).

    >>> import minigrad as torch
    >>> torch.nn.Dropout1d(0.5).eval()(torch.ones(1, 1, 2))
    tensor([[[1., 1.]]])
    """


class Dropout2d(AnyDropout, function=F.dropout2d):
    """`Dropout` of whole channels of (N, C, H, W), because neighbouring pixels are strongly correlated.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    >>> import minigrad as torch
    >>> torch.nn.Dropout2d(0.5).eval()(torch.ones(1, 1, 1, 2))
    tensor([[[[1., 1.]]]])
    """


class Dropout3d(AnyDropout, function=F.dropout3d):
    """`Dropout` of whole channels of volumes (N, C, D, H, W); see `Dropout2d`.

    >>> import minigrad as torch
    >>> torch.nn.Dropout3d(0.5).eval()(torch.ones(1, 1, 1, 1, 2))
    tensor([[[[[1., 1.]]]]])
    """


class AlphaDropout(AnyDropout, function=F.alpha_dropout):
    """`Dropout` that keeps mean 0 and variance 1, for networks of `SELU`.

    Dropped elements get the limit of SELU at -inf; then all are scaled and shifted.
    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    >>> import minigrad as torch
    >>> torch.nn.AlphaDropout(0.5).eval()(torch.ones(2))
    tensor([1., 1.])
    """


class FeatureAlphaDropout(AnyDropout, function=F.feature_alpha_dropout):
    """`AlphaDropout` of whole channels of (N, C, ...).

    >>> import minigrad as torch
    >>> torch.nn.FeatureAlphaDropout(0.5).eval()(torch.ones(1, 1, 2))
    tensor([[[1., 1.]]])
    """
