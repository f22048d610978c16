"""Losses: how far predictions are from targets, as one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import operation
from minigrad.ops.elementwise import not_a_tensor
from minigrad.tensor import Tensor


def _mse_forward(x: Any, y: Any) -> Any:
    difference = x - y
    return np.vdot(difference, difference) / difference.size if difference.size else difference.sum() / 0


# The mean squared error in one pass: no square and no difference is kept.
_mse = operation(
    "mse_loss",
    _mse_forward,
    lambda g, x, y: (x - y) * (g * (2 / x.size)),
    lambda g, x, y: (y - x) * (g * (2 / x.size)),
)


def mse_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None) -> Tensor:
    """``(input - target)**2``, its mean or its sum.

    Shapes: input and target alike; shapes that would broadcast are refused with a ValueError, because a
    (8,) against a (8, 1) would silently compare every pair.

    >>> import minigrad as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    for position, (name, x) in enumerate((("input", input), ("target", target)), 1):
        if not isinstance(x, TensorBase):
            raise not_a_tensor("mse_loss", name, position, x)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"mse_loss: input has shape {tuple(input.array.shape)} and target {tuple(target.array.shape)}. They "
            "must be alike: otherwise broadcasting would compare numbers that do not belong together. "
            "Reshape one, for example target.reshape(input.shape)"
        )
    if reduction == "none":
        return (input - target) ** 2
    if reduction == "sum":
        return ((input - target) ** 2).sum()
    if reduction != "mean":
        raise ValueError(f"{reduction} is not a valid value for reduction; use 'none', 'mean' or 'sum'")
    return ((input - target) ** 2).mean()
