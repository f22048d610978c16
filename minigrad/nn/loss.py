"""Regression losses as layers, called as ``loss(input, target)``; `reduction` is "mean", "sum" or "none".

`classification.py` and `distance.py` have the other losses.
"""

from __future__ import annotations

from typing import Any

from minigrad.nn.functional.loss import huber_loss, l1_loss, mse_loss, reduction_of, smooth_l1_loss
from minigrad.nn.module import Layer
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import require_number
from minigrad.tensor import Tensor


class Loss(Layer):
    """The base class of all losses: `reduction` is 'mean', 'sum' or 'none'.

    `size_average` and `reduce` are the flags that PyTorch used for it before 2018.
    """

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction
        if size_average is not None or reduce is not None:
            self.reduction = reduction_of(size_average, reduce, reduction)


class FunctionLoss(Stateless, Loss, shown=()):
    """A loss whose options are those of its function in `nn.functional`."""

    def _complete(self) -> None:
        average, reduce = [vars(self).get(name) for name in ("size_average", "reduce")]
        if average is not None or reduce is not None:
            vars(self).update(reduction=reduction_of(average, reduce, "mean"), size_average=None, reduce=None)


class MSELoss(Loss):
    """(input - target)^2: the mean of all, their sum with ``reduction="sum"``, each with ``"none"``.

    Shapes: input and target of the same shape, any. The result has shape (), or that of the input with ``"none"``.
    Raises `ValueError` for different shapes, because they would broadcast silently. As `torch.nn.MSELoss`.

    >>> import minigrad as torch
    >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """|input - target|.

    >>> import minigrad as torch
    >>> torch.nn.L1Loss()(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(2.5000)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(FunctionLoss, function=smooth_l1_loss):
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2.

    >>> import minigrad as torch
    >>> torch.nn.SmoothL1Loss()(torch.tensor([0.5, 4.0]), torch.zeros(2))
    tensor(1.8125)
    """


class HuberLoss(FunctionLoss, function=huber_loss):
    """d^2 / 2 where d = |input - target| < delta, else delta (d - delta / 2).

    >>> import minigrad as torch
    >>> torch.nn.HuberLoss(delta=2.0)(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(3.2500)
    """

    reduction: str = "mean"
    delta: float = 1.0

    def _complete(self) -> None:
        super()._complete()
        require_number("HuberLoss", "delta", self.delta)
