"""Losses: how far predictions are from targets, as one number."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.operation import operation
from minigrad.nn.functional.activation import logsigmoid
from minigrad.nn.functional.checks import floats, tensors
from minigrad.ops.elementwise import not_implemented_for, shapes_do_not_broadcast
from minigrad.ops.select import where
from minigrad.ops.shape import broadcast_tensors
from minigrad.tensor import Tensor


def _mse_forward(x: Any, y: Any, *, mean: bool) -> Any:
    difference = (x - y).reshape(-1)
    total = difference @ difference
    return np.true_divide(total, x.dtype.type(x.size)) if mean else total


def _mse_slope(g: Any, x: Any, y: Any, mean: bool) -> Any:
    return (x - y) * (g * (2 / max(prod(x.shape), 1) if mean else 2))


# The squared error in one pass: neither the square nor the difference is kept.
_mse = operation("mse_loss", _mse_forward, _mse_slope, lambda g, x, y, mean: _mse_slope(g, y, x, mean))


def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", weight: Any = None
) -> Tensor:  # fmt: skip
    """``(input - target)**2``, its mean or its sum.

    Shapes: input and target alike. Raises ValueError for shapes that would broadcast, because a
    (8,) against a (8, 1) would silently compare every pair.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html

    >>> import minigrad as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    reduction = _check_pair("mse_loss", input, target, weight, size_average, reduce, reduction)
    a, b = input.array, target.array
    if a.dtype.kind != "f" and (reduction != "none" or b.dtype.kind != "f"):
        raise not_implemented_for("mse_loss", a.dtype)
    if weight is None and reduction != "none" and a.dtype is b.dtype and type(a) is type(b):
        return _mse(input, target, mean=reduction == "mean")
    difference = input - target
    return _weighted(difference * difference, weight, reduction)


def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", weight: Any = None
) -> Tensor:  # fmt: skip
    """``|input - target|``, its mean or its sum. Warns when shapes that differ broadcast.

    >>> import minigrad as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    reduction = _check_pair("l1_loss", input, target, weight, size_average, reduce, reduction)
    return _weighted((input - target).abs(), weight, reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", beta: float = 1.0
) -> Tensor:  # fmt: skip
    """With ``d = |input - target|``: ``d**2 / (2 beta)`` where d < beta, ``d - beta / 2`` elsewhere.

    Raises RuntimeError for a negative beta. Source: Girshick, "Fast R-CNN", 2015.

    >>> import minigrad as torch
    >>> torch.nn.functional.smooth_l1_loss(torch.tensor([3.0]), torch.tensor([0.0]))
    tensor(2.5000)
    """
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    reduction = _check_pair("smooth_l1_loss", input, target, None, size_average, reduce, reduction)
    return _huber("smooth_l1_loss", input, target, None, reduction, beta, 1.0)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Tensor:
    """With ``d = |input - target|``: ``d**2 / 2`` where d < delta, ``delta (d - delta / 2)`` elsewhere.

    Raises RuntimeError unless delta is positive. Source: Huber, 1964.

    >>> import minigrad as torch
    >>> torch.nn.functional.huber_loss(torch.tensor([3.0]), torch.tensor([0.0]))
    tensor(2.5000)
    """
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    reduction = _check_pair("huber_loss", input, target, weight, None, None, reduction)
    return _huber("huber_loss", input, target, weight, reduction, delta, delta)


def _huber(name: str, input: Any, target: Any, weight: Any, reduction: str, bend: float, slope: float) -> Any:
    """A parabola up to `bend` and a line of slope `slope` beyond."""
    floats(name, input)
    distance = (input - target).abs()
    parabola = distance * distance * (0.5 * slope / bend) if bend else distance
    loss = where(distance < bend, parabola, (distance - 0.5 * bend) * slope)
    return reduced(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``-(target log(p) + (1 - target) log(1 - p))`` for probabilities p; logarithms are cut at -100.

    Raises ValueError for shapes that differ, RuntimeError for numbers outside [0, 1].

    >>> import minigrad as torch
    >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = _check_targets("binary_cross_entropy", input, target, size_average, reduce, reduction)
    p = input.array
    if target.array.dtype != p.dtype:
        raise RuntimeError(f"Found dtype {target.dtype} but expected {input.dtype}; write target.to(input.dtype)")
    if type(p) is np.ndarray and p.size and not (float(p.min()) >= 0 and float(p.max()) <= 1):
        raise RuntimeError(
            "all elements of input should be between 0 and 1; apply a sigmoid, or use binary_cross_entropy_with_logits"
        )
    logs, others = input.log().clamp(min=-100), (1 - input).log().clamp(min=-100)
    loss = -(target * logs + (1 - target) * others)
    return reduced(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", pos_weight: Any = None
) -> Tensor:  # fmt: skip
    """`binary_cross_entropy` of ``sigmoid(input)``, without overflow.

    `pos_weight` multiplies the positive part. Raises ValueError for shapes that differ.

    >>> import minigrad as torch
    >>> x, y = torch.tensor([0.0]), torch.tensor([1.0])
    >>> torch.nn.functional.binary_cross_entropy_with_logits(x, y)
    tensor(0.6931)
    """
    reduction = _check_targets("binary_cross_entropy_with_logits", input, target, size_average, reduce, reduction)
    positive = logsigmoid(input)
    if pos_weight is not None:
        positive = positive * (1 + (pos_weight - 1) * target)
    loss = (1 - target) * input - positive
    return reduced(loss if weight is None else loss * weight, reduction)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``<x1, x2> / (|x1| |x2|)`` along `dim`; lengths below `eps` count as `eps`.

    >>> import minigrad as torch
    >>> torch.nn.functional.cosine_similarity(torch.ones(2), torch.tensor([1.0, 0.0]), dim=0)
    tensor(0.7071)
    """
    tensors("cosine_similarity", "x1 x2", x1, x2)
    pair = broadcast_tensors(x1, x2)
    a, b = [x / x.norm(2, dim, keepdim=True).clamp(min=eps) for x in pair]
    return (a * b).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``|x1 - x2 + eps|``, the p-norm along the last axis.

    >>> import minigrad as torch
    >>> torch.nn.functional.pairwise_distance(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """
    tensors("pairwise_distance", "x1 x2", x1, x2)
    return (x1 - x2 + eps).norm(p, -1, keepdim)


# ---- checks and reductions ------------------------------------------------------------------------
def reduction_of(size_average: Any, reduce: Any, reduction: str) -> str:
    """The checked `reduction`, which older programs write as two flags."""
    if reduce is False:
        return "none"
    if size_average is not None or reduce is not None:
        return "sum" if size_average is False else "mean"
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction; use 'none', 'mean' or 'sum'")
    return reduction


def reduced(loss: Any, reduction: str) -> Any:
    """The mean of the losses, their sum, or all of them."""
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _weighted(loss: Any, weight: Any, reduction: str) -> Any:
    """The losses times their weights, reduced; their mean is weighted."""
    if weight is None:
        return reduced(loss, reduction)
    return (loss * weight).sum() / weight.sum() if reduction == "mean" else reduced(loss * weight, reduction)


def _check_pair(name: str, input: Any, target: Any, weight: Any, size_average: Any, reduce: Any, reduction: str) -> str:
    """Refuse what is no tensor, and shapes that do not fit together; the reduction's name.

    Warns of shapes that differ and broadcast.
    """
    tensors(name, "input target weight?", input, target, weight)
    a, b = input.array.shape, target.array.shape
    if weight is not None and weight.array.shape != a:
        raise ValueError(f"{name}: Inputs and weight must have the same size, got {a} and {weight.array.shape}.")
    if a != b:
        try:
            np.broadcast_shapes(a, b)
        except ValueError:
            raise shapes_do_not_broadcast(name, input.array, target.array) from None
        text = (
            f"{name}: Using a target size ({b}) that is different to the input size ({a}): broadcasting compares "
            "numbers that do not belong together. Ensure that they have the same size, for example "
            "target.reshape(input.shape)"
        )
        if name == "mse_loss":
            raise ValueError(text)
        warnings.warn(text, stacklevel=3)
    return reduction_of(size_average, reduce, reduction)


def _check_targets(name: str, input: Any, target: Any, size_average: Any, reduce: Any, reduction: str) -> str:
    """Refuse what is no tensor or no float, and shapes that differ; the reduction's name."""
    tensors(name, "input target", input, target)
    floats(name, input)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"{name}: Target size ({list(target.array.shape)}) must be the same as input size "
            f"({list(input.array.shape)}): make them so, for example with target.reshape(input.shape)"
        )
    return reduction_of(size_average, reduce, reduction)
