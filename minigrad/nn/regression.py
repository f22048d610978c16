"""Losses of regression beside `MSELoss` as layers, and the base class of losses that are a function with options."""

from __future__ import annotations

from minigrad.nn.functional.regression import huber_loss, l1_loss, smooth_l1_loss
from minigrad.nn.functional.shared_by_losses import reduction_of
from minigrad.nn.loss import Loss
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import require_number
from minigrad.tensor import Tensor


class FunctionLoss(Stateless, Loss, shown=()):
    """A loss whose options are those of its function in `nn.functional`."""

    def _complete(self) -> None:
        average, reduce = [vars(self).get(name) for name in ("size_average", "reduce")]
        if average is not None or reduce is not None:
            vars(self).update(reduction=reduction_of(average, reduce, "mean"), size_average=None, reduce=None)


class L1Loss(Loss):
    """|input - target|: the mean of all, their sum with ``reduction="sum"``, each with ``"none"``.

    Shapes: input and target of one shape, any; the result has shape (), or theirs with ``"none"``. Warns where
    different shapes broadcast. As `torch.nn.L1Loss`.

    >>> import minigrad as torch
    >>> torch.nn.L1Loss()(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(2.5000)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(FunctionLoss, function=smooth_l1_loss):
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2; reduced as in `L1Loss`.

    A parabola near 0, a line further out, so that outliers pull less than in `MSELoss`. Shapes as in `L1Loss`. Raises
    RuntimeError for a negative beta. As `torch.nn.SmoothL1Loss`.

    >>> import minigrad as torch
    >>> torch.nn.SmoothL1Loss()(torch.tensor([0.5, 4.0]), torch.zeros(2))
    tensor(1.8125)
    """


class HuberLoss(FunctionLoss, function=huber_loss):
    """d^2 / 2 where d = |input - target| < delta, else delta (d - delta / 2); reduced as in `L1Loss`.

    It is delta times `SmoothL1Loss` with beta = delta. Shapes as in `L1Loss`. Raises RuntimeError unless delta is
    positive. As `torch.nn.HuberLoss`.

    >>> import minigrad as torch
    >>> torch.nn.HuberLoss(delta=2.0)(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(3.2500)
    """

    reduction: str = "mean"
    delta: float = 1.0

    def _complete(self) -> None:
        super()._complete()
        require_number("HuberLoss", "delta", self.delta)
