"""Regression losses as layers, called as ``loss(input, target)``; `reduction` is "mean", "sum" or "none".

The options of a layer are those of its function in `nn.functional.loss`. `classification.py` and `distance.py` have
the other losses.
"""

from __future__ import annotations

from typing import Any

from minigrad.nn.functional.loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from minigrad.nn.functional.reduction import reduction_of
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import require_number
from minigrad.tensor import Tensor


class Loss(Stateless, shown=()):
    """The base class of all losses: `reduction` is 'mean', 'sum' or 'none'.

    `size_average` and `reduce` are the flags that PyTorch used for it before 2018.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls._options:  # a user's own loss, without a function: it only stores `reduction`
            cls._options, cls.__signature__ = MSELoss._options, MSELoss.__signature__

    def _complete(self) -> None:
        average, reduce = [vars(self).get(name) for name in ("size_average", "reduce")]
        if average is not None or reduce is not None:
            vars(self).update(reduction=reduction_of(average, reduce, "mean"), size_average=None, reduce=None)


class WeightedLoss(Loss):
    """The base class of losses with a `weight`, which is a buffer; PyTorch's `_WeightedLoss`.

    >>> import minigrad as torch
    >>> list(torch.nn.modules.loss._WeightedLoss(torch.ones(2)).state_dict())
    ['weight']
    """

    weight: Tensor | None = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class MSELoss(Loss, function=mse_loss):
    """(input - target)^2.

    Raises `ValueError` for different shapes, because they would broadcast silently.

    >>> import minigrad as torch
    >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss, function=l1_loss):
    """|input - target|.

    >>> import minigrad as torch
    >>> torch.nn.L1Loss()(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(2.5000)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class SmoothL1Loss(Loss, function=smooth_l1_loss):
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2.

    >>> import minigrad as torch
    >>> torch.nn.SmoothL1Loss()(torch.tensor([0.5, 4.0]), torch.zeros(2))
    tensor(1.8125)
    """


class HuberLoss(Loss, function=huber_loss):
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
