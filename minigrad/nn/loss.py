"""Loss functions as layers: ``loss(input, target)``, and its mean, its sum, or all of it."""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.stateless import Stateless
from minigrad.tensor import Tensor


class Loss(Stateless, shown=()):
    """What the losses share: `reduction` is 'mean', 'sum' or 'none'.

    `size_average` and `reduce` are how PyTorch spelled it before 2018.
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"

    def _complete(self) -> None:
        if self.size_average is not None or self.reduce is not None:
            average = "sum" if self.size_average is False else "mean"
            self.reduction = "none" if self.reduce is False else average
            self.size_average = self.reduce = None


class MSELoss(Loss):
    """(input - target)^2.

    Raises `ValueError` for shapes that differ: they would broadcast silently.

    >>> import minigrad as torch
    >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss, function="l1_loss"):
    """|input - target|."""


class SmoothL1Loss(Loss, function="smooth_l1_loss"):
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2."""

    beta: float = 1.0


class HuberLoss(Stateless, function="huber_loss", shown=()):
    """d^2 / 2 where d = |input - target| < delta, else delta (d - delta / 2)."""

    reduction: str = "mean"
    delta: float = 1.0


class CrossEntropyLoss(Stateless, function="cross_entropy", shown=()):
    """-log softmax(input)[target], over axis 1: input (N, C, *), target (N, *) class numbers.

    `target` may also hold class probabilities (N, C, *). `weight` (C,) weighs the classes, targets
    equal to `ignore_index` do not count, `label_smoothing` mixes the uniform distribution in. As
    `torch.nn.CrossEntropyLoss`.

    >>> import minigrad as torch
    >>> torch.nn.CrossEntropyLoss()(torch.zeros(2, 4), torch.tensor([0, 3]))
    tensor(1.3863)
    """

    weight: Tensor | None = None
    size_average: Any = None
    ignore_index: int = -100
    reduce: Any = None
    reduction: str = "mean"
    label_smoothing: float = 0.0
    _complete = Loss._complete


class NLLLoss(Stateless, function="nll_loss", shown=()):
    """-input[target], over axis 1: log-probabilities (N, C, *), target (N, *) class numbers."""

    weight: Tensor | None = None
    size_average: Any = None
    ignore_index: int = -100
    reduce: Any = None
    reduction: str = "mean"
    _complete = Loss._complete


class BCELoss(Stateless, function="binary_cross_entropy", shown=()):
    """-(target log(input) + (1 - target) log(1 - input)), the logarithms at least -100."""

    weight: Tensor | None = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
    _complete = Loss._complete


class BCEWithLogitsLoss(BCELoss, function="binary_cross_entropy_with_logits"):
    """`BCELoss` of sigmoid(input), computed without overflow; `pos_weight` weighs the positives."""

    pos_weight: Tensor | None = None


class CosineSimilarity(Stateless, function="cosine_similarity", shown=()):
    """x1 . x2 / max(|x1| |x2|, eps) along axis `dim`.

    >>> import minigrad as torch
    >>> torch.nn.CosineSimilarity(dim=0)(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 2.0]))
    tensor(1.0000)
    """

    dim: int = 1
    eps: float = 1e-8
