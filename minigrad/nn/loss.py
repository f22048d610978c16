"""The squared error as a layer, called as ``loss(input, target)``; `reduction` is "mean", "sum" or "none".

`regression.py`, `classification.py` and `distance.py` have the other losses.
"""

from __future__ import annotations

from minigrad.nn.functional.loss import mse_loss
from minigrad.nn.module import Layer
from minigrad.tensor import Tensor


class Loss(Layer):
    """The base class of all losses: `reduction` is 'mean', 'sum' or 'none'.

    `size_average` and `reduce` are the flags that PyTorch used for it before 2018.
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction
        if size_average is not None or reduce is not None:
            from minigrad.nn.functional.shared_by_losses import reduction_of

            self.reduction = reduction_of(size_average, reduce, reduction)


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
