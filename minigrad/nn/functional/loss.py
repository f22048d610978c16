"""Losses: how far predictions are from targets, as one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.operation import operation
from minigrad.backend import array_module, quiet
from minigrad.nn.functional.activation import log_softmax, logsigmoid
from minigrad.ops.elementwise import not_a_tensor
from minigrad.ops.index import pick, stray
from minigrad.ops.select import where
from minigrad.tensor import Tensor


def _mse_forward(x: Any, y: Any, *, mean: bool) -> Any:
    difference = (x - y).reshape(-1)
    total = difference @ difference
    return np.true_divide(total, x.dtype.type(x.size)) if mean else total


def _mse_slope(g: Any, x: Any, y: Any, mean: bool) -> Any:
    return (x - y) * (g * (2 / max(x.size if not isinstance(x, TensorBase) else x.array.size, 1) if mean else 2))


# The squared error in one pass: neither the square nor the difference is kept.
_mse = operation(
    "mse_loss",
    lambda x, y, *, mean: quiet(_mse_forward, x, y, mean=mean),
    lambda g, x, y, mean: _mse_slope(g, x, y, mean),
    lambda g, x, y, mean: _mse_slope(g, y, x, mean),
)


def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Tensor:
    """``(input - target)**2``, its mean or its sum.

    Shapes: input and target alike. Raises ValueError for shapes that would broadcast, because a (8,) against
    a (8, 1) would silently compare every pair.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html

    >>> import minigrad as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    _check_pair("mse_loss", input, target, weight)
    a, b = input.array, target.array
    if weight is None and reduction != "none" and a.dtype is b.dtype and a.dtype.kind == "f" and type(a) is type(b):
        _check_reduction(reduction)
        return _mse(input, target, mean=reduction == "mean")  # type: ignore[no-any-return]
    difference = input - target
    return _weighted(difference * difference, weight, reduction)


def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Tensor:
    """``|input - target|``, its mean or its sum. Shapes must be alike, as for `mse_loss`."""
    _check_pair("l1_loss", input, target, weight)
    return _weighted((input - target).abs(), weight, reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """With ``d = |input - target|``: ``d**2 / (2 beta)`` where d < beta, ``d - beta / 2`` elsewhere."""
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return huber_loss(input, target, reduction, delta=beta, _name="smooth_l1_loss", _scale=1 / beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Any = None, *,
    _name: str = "huber_loss", _scale: float = 1.0,
) -> Tensor:
    """With ``d = |input - target|``: ``d**2 / 2`` where d < delta, ``delta (d - delta / 2)`` elsewhere."""
    if delta <= 0:
        raise RuntimeError(f"{_name} does not support non-positive values for delta, got {delta}")
    _check_pair(_name, input, target, weight)
    distance = (input - target).abs()
    loss = where(distance < delta, distance * distance * (0.5 * _scale), (distance - 0.5 * delta) * (delta * _scale))
    return _weighted(loss, weight, reduction)


def kl_div(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """``target * (log(target) - input)``, where `input` holds logarithms; 0 where the target is 0."""
    if log_target:
        loss = target.exp() * (target - input)
    else:
        positive = target > 0
        loss = where(positive, target * where(positive, target, 1.0).log(), 0.0) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.array.shape[0]
    return _reduced(loss, reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``-(target log(p) + (1 - target) log(1 - p))`` for probabilities p; logarithms are cut at -100.

    Raises ValueError for shapes that differ, RuntimeError for numbers outside [0, 1].
    """
    _check_alike("binary_cross_entropy", input, target, "Using a target size ({1}) that is different to the input size ({0}) is deprecated.")
    p = input.array
    if type(p) is np.ndarray and p.size and not (float(p.min()) >= 0 and float(p.max()) <= 1):
        raise RuntimeError("all elements of input should be between 0 and 1; apply a sigmoid, or use binary_cross_entropy_with_logits")
    loss = -(target * input.log().clamp(min=-100) + (1 - target) * (1 - input).log().clamp(min=-100))
    return _reduced(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """`binary_cross_entropy` of ``sigmoid(input)``, without overflow; `pos_weight` multiplies the positive part."""
    _check_alike("binary_cross_entropy_with_logits", input, target, "Target size ({1}) must be the same as input size ({0})")
    if pos_weight is None:
        loss = (1 - target) * input - logsigmoid(input)
    else:
        loss = (1 - target) * input - (1 + (pos_weight - 1) * target) * logsigmoid(input)
    return _reduced(loss if weight is None else loss * weight, reduction)


# ---- classes --------------------------------------------------------------------------------------
def _places(target: Any) -> tuple[Any, ...]:
    """The key that reads the target's class of every sample: (N, C, ...) at (n, target, ...)."""
    xp = array_module(target)
    grids = [xp.arange(n).reshape([-1 if i == j else 1 for j in range(target.ndim)]) for i, n in enumerate(target.shape)]
    return (grids[0], target, *grids[1:])


def nll_loss(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None, ignore_index: int = -100, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``-input[n, target[n]]``, the mean weighted by the classes' weights; `ignore_index` counts for nothing.

    Shapes: input (N, C), (C,) or (N, C, ...) of log-probabilities, target (N,), () or (N, ...) of classes.
    Raises IndexError for classes out of range, ValueError or RuntimeError for shapes that do not fit.
    """
    _check_tensors("nll_loss", input, target)
    if input.array.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if input.array.ndim == 1:
        lone = nll_loss(input.unsqueeze(0), target.unsqueeze(0), weight, ignore_index=ignore_index, reduction=reduction)
        return lone.squeeze(0) if reduction == "none" else lone  # type: ignore[no-any-return]
    classes = input.array.shape[1]
    _check_classes("nll_loss", input, target, weight)
    kept = target.array != ignore_index
    labels = array_module(target.array).where(kept, target.array, 0).astype(np.int64)
    bad = stray(labels, classes)
    if bad is not None:
        raise IndexError(f"Target {bad} is out of bounds: there are {classes} classes, 0 to {classes - 1}.")
    factors = kept.astype(input.array.dtype) if weight is None else weight.array[labels] * kept
    losses = -pick(input, key=_places(labels)) * wrap(factors)
    if reduction == "none":
        return losses
    _check_reduction(reduction)
    total = losses.sum()
    return total if reduction == "sum" else total / wrap(factors.sum())


def cross_entropy(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None, ignore_index: int = -100, reduce: Any = None,
    reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:
    """``-log softmax(input)[target]``: classification from raw scores.

    Shapes: input (N, C), (C,) or (N, C, ...); target classes (N,), () or (N, ...), or probabilities like the input.
    `label_smoothing` moves that share of every target to all classes alike.
    Raises as `nll_loss`, and RuntimeError for a label_smoothing outside [0, 1].

    >>> import minigrad as torch
    >>> torch.nn.functional.cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """
    _check_tensors("cross_entropy", input, target)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 0 if input.array.ndim == 1 else 1
    if input.array.shape == target.array.shape and target.array.dtype.kind == "f":
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing, dim)
    if target.array.dtype.kind == "f":
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, of the input's shape {tuple(input.array.shape)}, or "
            f"classes as integers; got {target.array.dtype} of shape {tuple(target.array.shape)}. For classes, write target.long()"
        )
    logs = log_softmax(input, dim)
    plain = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return plain
    classes = input.array.shape[dim]
    kept = wrap((target.array != ignore_index).astype(logs.array.dtype))
    spread = -(logs if weight is None else logs * _by_class(weight, logs, dim)).sum(dim) * kept
    if reduction == "mean":
        labels = np.where(target.array == ignore_index, 0, target.array)
        total = kept.sum() if weight is None else (wrap(weight.array[labels]) * kept).sum()
        spread = spread.sum() / total
    elif reduction == "sum":
        spread = spread.sum()
    return plain * (1 - label_smoothing) + spread * (label_smoothing / classes)


def _by_class(weight: Any, like: Any, dim: int) -> Any:
    return weight.reshape([-1 if d == dim else 1 for d in range(like.array.ndim)])


def _soft_cross_entropy(input: Any, target: Any, weight: Any, reduction: str, smoothing: float, dim: int) -> Tensor:
    """Cross-entropy against probabilities."""
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.array.shape[dim]
    terms = log_softmax(input, dim) * target
    losses = -(terms if weight is None else terms * _by_class(weight, terms, dim)).sum(dim)
    if reduction == "mean":
        return losses.sum() / max(input.array.size // max(input.array.shape[dim], 1), 1)  # type: ignore[no-any-return]
    return _reduced(losses, reduction)


# ---- similarity -----------------------------------------------------------------------------------
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``<x1, x2> / (|x1| |x2|)`` along `dim`; lengths below `eps` count as `eps`."""
    _check_tensors("cosine_similarity", x1, x2)
    a, b = [x / x.norm(2, dim, keepdim=True).clamp(min=eps) for x in (x1, x2)]
    return (a * b).sum(dim)  # type: ignore[no-any-return]


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``|x1 - x2 + eps|``, the p-norm along the last axis."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)  # type: ignore[no-any-return]


# ---- checks and reductions ------------------------------------------------------------------------
def _reduced(loss: Any, reduction: str) -> Any:
    _check_reduction(reduction)
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _weighted(loss: Any, weight: Any, reduction: str) -> Any:
    if weight is None:
        return _reduced(loss, reduction)
    weighted = loss * weight
    return weighted.sum() / weight.sum() if reduction == "mean" else _reduced(weighted, reduction)


def _check_reduction(reduction: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction; use 'none', 'mean' or 'sum'")


def _check_tensors(name: str, input: Any, target: Any) -> None:
    for position, (parameter, x) in enumerate((("input", input), ("target", target)), 1):
        if not isinstance(x, TensorBase):
            raise not_a_tensor(name, parameter, position, x)


def _check_pair(name: str, input: Any, target: Any, weight: Any) -> None:
    """Refuse targets that would broadcast against the input."""
    _check_tensors(name, input, target)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"{name}: input has shape {tuple(input.array.shape)} and target {tuple(target.array.shape)}. They must be "
            "alike: otherwise broadcasting would compare numbers that do not belong together. Reshape one, for example "
            "target.reshape(input.shape)"
        )
    if weight is not None and weight.array.shape != input.array.shape:
        raise ValueError(f"Inputs and weight must have the same size: {tuple(weight.array.shape)} and {tuple(input.array.shape)}.")


def _check_alike(name: str, input: Any, target: Any, text: str) -> None:
    _check_tensors(name, input, target)
    if input.array.shape != target.array.shape:
        sizes = [list(x.array.shape) for x in (input, target)]
        raise ValueError(text.format(*sizes) + f" Make them the same size, for example {name}(input, target.reshape(input.shape)).")


def _check_classes(name: str, input: Any, target: Any, weight: Any) -> None:
    have, wanted = tuple(target.array.shape), (input.array.shape[0], *input.array.shape[2:])
    if target.array.dtype.kind not in "iu":
        raise RuntimeError(f"expected scalar type Long but found {target.array.dtype}: {name} takes classes as integers, target.long()")
    if have[:1] != wanted[:1]:
        raise ValueError(f"Expected input batch_size ({wanted[0]}) to match target batch_size ({have[0] if have else 'none'}).")
    if have != wanted:
        raise RuntimeError(f"size mismatch (got input: {list(input.array.shape)} , target: {list(have)}): the target needs shape {list(wanted)}")
    if weight is not None and weight.array.shape != (input.array.shape[1],):
        raise RuntimeError(
            f"weight tensor should be defined either for all {input.array.shape[1]} classes or no classes but got weight tensor of "
            f"shape: {list(weight.array.shape)}"
        )
