"""The squared error; `regression.py` takes unusual arguments, `shared_by_losses.py` has what all losses share."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import plain_classes
from minigrad.ops import loss as ops
from minigrad.tensor import Tensor


def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:  # fmt: skip
    """``(input - target)**2``, its mean or its sum.

    Shapes: input and target have the same shape. Raises ValueError for shapes that would broadcast, because
    (8,) with (8, 1) would silently compare every pair.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html

    >>> import minigrad as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    if weight is size_average is reduce is None and {input.__class__, target.__class__} <= plain_classes:
        a, b = input.array, target.array
        known = reduction.__class__ is str and reduction in ("mean", "sum", "none")
        alike = a.shape == b.shape and a.dtype is b.dtype and a.__class__ is b.__class__
        if known and alike and a.dtype.kind == "f":
            return ops.mse.call((input, target), (a, b), {"reduction": reduction})
    from minigrad.nn.functional import regression

    return regression.mse_loss(input, target, size_average, reduce, reduction, weight)
