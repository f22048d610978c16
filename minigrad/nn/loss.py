"""Loss functions as layers: ``loss(input, target)``, and its mean, its sum, or all of it."""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.functional.loss import reduction_of
from minigrad.nn.stateless import Stateless
from minigrad.tensor import Tensor


class Loss(Stateless, shown=()):
    """What the losses share: `reduction` is 'mean', 'sum' or 'none'.

    `size_average` and `reduce` are how PyTorch spelled it before 2018.
    """

    def _complete(self) -> None:
        average, reduce = [vars(self).get(name) for name in ("size_average", "reduce")]
        if average is not None or reduce is not None:
            vars(self).update(reduction=reduction_of(average, reduce, "mean"), size_average=None, reduce=None)


class Difference(Loss):
    """What the losses of numbers against numbers share."""

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class MSELoss(Difference):
    """(input - target)^2.

    Raises `ValueError` for shapes that differ: they would broadcast silently.

    >>> import minigrad as torch
    >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Difference, function="l1_loss"):
    """|input - target|.

    >>> import minigrad as torch
    >>> torch.nn.L1Loss()(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(2.5000)
    """


class SmoothL1Loss(Difference, function="smooth_l1_loss"):
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2.

    >>> import minigrad as torch
    >>> torch.nn.SmoothL1Loss()(torch.tensor([0.5, 4.0]), torch.zeros(2))
    tensor(1.8125)
    """

    beta: float = 1.0


class HuberLoss(Loss, function="huber_loss"):
    """d^2 / 2 where d = |input - target| < delta, else delta (d - delta / 2).

    >>> import minigrad as torch
    >>> torch.nn.HuberLoss(delta=2.0)(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(3.2500)
    """

    reduction: str = "mean"
    delta: float = 1.0


class CrossEntropyLoss(Loss, function="cross_entropy"):
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


class NLLLoss(Loss, function="nll_loss"):
    """-input[target], over axis 1: log-probabilities (N, C, *), target (N, *) class numbers.

    >>> import minigrad as torch
    >>> torch.nn.NLLLoss()(torch.tensor([[-0.5, -1.0]]), torch.tensor([1]))
    tensor(1.)
    """

    weight: Tensor | None = None
    size_average: Any = None
    ignore_index: int = -100
    reduce: Any = None
    reduction: str = "mean"


class BCELoss(Loss, function="binary_cross_entropy"):
    """-(target log(input) + (1 - target) log(1 - input)), the logarithms at least -100.

    >>> import minigrad as torch
    >>> torch.nn.BCELoss()(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """

    weight: Tensor | None = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class BCEWithLogitsLoss(BCELoss, function="binary_cross_entropy_with_logits"):
    """`BCELoss` of sigmoid(input), computed without overflow; `pos_weight` weighs the positives.

    >>> import minigrad as torch
    >>> torch.nn.BCEWithLogitsLoss()(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """

    pos_weight: Tensor | None = None


class CosineSimilarity(Stateless, function="cosine_similarity", shown=()):
    """x1 . x2 / max(|x1| |x2|, eps) along axis `dim`.

    >>> import minigrad as torch
    >>> torch.nn.CosineSimilarity(dim=0)(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 2.0]))
    tensor(1.0000)
    """

    dim: int = 1
    eps: float = 1e-8
