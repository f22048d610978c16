"""Losses of regression: the absolute error, parabolas around 0, and the squared error of unusual arguments."""

from __future__ import annotations

from minigrad.autograd.modes import is_grad_enabled
from minigrad.nn.functional.shared_by_losses import (
    check_pair,
    does_not_hold,
    loss,
    match_pair,
    reduce_losses,
    weigh,
    wrong_dtype,
)
from minigrad.ops import regression as ops
from minigrad.ops.arguments import as_number, require_floats
from minigrad.ops.copies import cast
from minigrad.ops.loss import mse
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.unary import abs
from minigrad.tensor import Tensor


@loss
def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:  # fmt: skip
    """`mse_loss` of `loss.py` with weights, with the flags of older programs, or for operands that do not fit."""
    input, target = match_pair("mse_loss", input, target, weight, may_broadcast=False)
    if weight is None:
        return mse(input, target, reduction=reduction)
    difference = input - target
    return weigh(difference * difference, weight, reduction)


@loss
def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:  # fmt: skip
    """``|input - target|``, its mean or its sum. Warns when shapes that differ broadcast.

    >>> import minigrad as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    check_pair("l1_loss", input, target, weight)
    if input.array.shape != target.array.shape:  # a 0-d tensor counts as one with axes
        input, target = broadcast_tensors(input, target)
    return weigh(abs(input - target), weight, reduction)


@loss
def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0
) -> Tensor:  # fmt: skip
    """With ``d = |input - target|``: ``d**2 / (2 beta)`` where d < beta, ``d - beta / 2`` elsewhere.

    Raises RuntimeError for a negative beta. Source: Girshick, "Fast R-CNN", 2015.

    >>> import minigrad as torch
    >>> torch.nn.functional.smooth_l1_loss(torch.tensor([3.0]), torch.tensor([0.0]))
    tensor(2.5000)
    """
    if not as_number("smooth_l1_loss", "beta", beta) >= 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    input, target = match_pair("smooth_l1_loss", input, target)
    return ops.smooth_l1(input, target, reduction=reduction, options=(float(beta),))


@loss
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """With ``d = |input - target|``: ``d**2 / 2`` where d < delta, ``delta (d - delta / 2)`` elsewhere.

    Raises RuntimeError unless delta is positive, and for a target of another dtype when a gradient is wanted.
    Source: Huber, 1964.

    >>> import minigrad as torch
    >>> torch.nn.functional.huber_loss(torch.tensor([3.0]), torch.tensor([0.0]))
    tensor(2.5000)
    """
    if not as_number("huber_loss", "delta", delta) > 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    check_pair("huber_loss", input, target, weight)
    wanted, found = input.array.dtype, target.array.dtype
    if found != wanted:
        if wanted.kind != "f" and found.kind == "f":
            raise does_not_hold(found, wanted, "huber_loss")
        if is_grad_enabled() and (input.requires_grad or target.requires_grad):
            raise wrong_dtype(target, input)
        target = cast(target, wanted)
    require_floats("huber_loss", input)
    input, target = broadcast_tensors(input, target)
    kind = reduction if weight is None else "none"
    terms = ops.huber(input, target, reduction=kind, options=(float(delta),))
    return terms if weight is None else reduce_losses(terms * weight, reduction)
