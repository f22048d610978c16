"""Losses: how far predictions are from targets, as one number."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.autograd.operation import check_same_library, operation
from minigrad.backend import array_module, on_its_gpu, quiet
from minigrad.dtypes import from_numpy
from minigrad.nn.functional.activation import log_softmax, logsigmoid
from minigrad.nn.functional.checks import floats, in_single, tensors
from minigrad.ops.elementwise import not_implemented_for, shapes_do_not_broadcast
from minigrad.ops.index import pick, stray
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
_mse = operation(
    "mse_loss",
    lambda x, y, *, mean: quiet(_mse_forward, x, y, mean=mean),
    _mse_slope,
    lambda g, x, y, mean: _mse_slope(g, y, x, mean),
)


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
    if a.shape != b.shape:
        _check_broadcast("mse_loss", a, b)
        raise ValueError(
            f"mse_loss: input has shape {tuple(a.shape)} and target {tuple(b.shape)}. They must be "
            "alike: otherwise broadcasting would compare numbers that do not belong together. "
            "Reshape one, for example target.reshape(input.shape)"
        )
    floating = a.dtype.kind == "f"
    if not floating and (reduction != "none" or b.dtype.kind != "f"):
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
    _warn_of_broadcasting("l1_loss", input, target)
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
    _warn_of_broadcasting(name, input, target)
    distance = (input - target).abs()
    parabola = distance * distance * (0.5 * slope / bend) if bend else distance
    loss = where(distance < bend, parabola, (distance - 0.5 * bend) * slope)
    return _reduced(loss if weight is None else loss * weight, reduction)


def kl_div(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", log_target: bool = False
) -> Tensor:  # fmt: skip
    """``target * (log(target) - input)``, where `input` holds logarithms; 0 where the target is 0.

    `reduction` may be "batchmean": the sum over the number of samples.
    """
    tensors("kl_div", "input target", input, target)
    reduction = _legacy(size_average, reduce, reduction)
    if "f" not in (input.array.dtype.kind, target.array.dtype.kind):
        raise RuntimeError("kl_div: Integral inputs not supported; write input.float()")
    if log_target:
        loss = target.exp() * (target - input)
    else:
        positive = target > 0
        entropy = where(positive, target * where(positive, target, 1.0).log(), 0.0)
        loss = entropy - target * input
    if reduction == "batchmean":
        return loss.sum() / input.array.shape[0]
    return _reduced(loss, reduction)


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
    name = "binary_cross_entropy"
    reduction = _check_pair(name, input, target, None, size_average, reduce, reduction)
    _check_alike(
        name, input, target,
        "Using a target size ({1}) that is different to the input size ({0}) is deprecated.",
    )  # fmt: skip
    floats(name, input)
    p = input.array
    if type(p) is np.ndarray and p.size and not (float(p.min()) >= 0 and float(p.max()) <= 1):
        raise RuntimeError(
            "all elements of input should be between 0 and 1; apply a sigmoid, or use binary_cross_entropy_with_logits"
        )
    logs, others = input.log().clamp(min=-100), (1 - input).log().clamp(min=-100)
    loss = -(target * logs + (1 - target) * others)
    return _reduced(loss if weight is None else loss * weight, reduction)


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
    name = "binary_cross_entropy_with_logits"
    reduction = _check_pair(name, input, target, None, size_average, reduce, reduction)
    _check_alike(
        name, input, target, "Target size ({1}) must be the same as input size ({0})"
    )  # fmt: skip
    floats(name, input)
    positive = logsigmoid(input)
    if pos_weight is not None:
        positive = positive * (1 + (pos_weight - 1) * target)
    loss = (1 - target) * input - positive
    return _reduced(loss if weight is None else loss * weight, reduction)


# ---- classes --------------------------------------------------------------------------------------
def _places(target: Any) -> tuple[Any, ...]:
    """The key that reads the target's class of every sample: (N, C, ...) at (n, target, ...)."""
    xp = array_module(target)
    shapes = [[-1 if i == j else 1 for j in range(target.ndim)] for i in range(target.ndim)]
    grids = [xp.arange(n).reshape(s) for n, s in zip(target.shape, shapes, strict=True)]
    return (grids[0], target, *grids[1:])


def nll_loss(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None,
    ignore_index: int = -100, reduce: Any = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``-input[n, target[n]]``, the mean weighted by the classes' weights.

    A target of `ignore_index` counts for nothing.
    Shapes: input (N, C), (C,) or (N, C, ...) of log-probabilities, target (N,), () or (N, ...).
    Raises IndexError for classes out of range, ValueError or RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.nll_loss(torch.tensor([[-0.5, -0.9]]), torch.tensor([1]))
    tensor(0.9000)
    """
    tensors("nll_loss", "input target weight?", input, target, weight)
    reduction = _legacy(size_average, reduce, reduction)
    _check_classes("nll_loss", input, target, weight)
    if input.array.ndim > 1:
        return _picked(input, target, weight, ignore_index, reduction)
    lone = _picked(input.unsqueeze(0), target.unsqueeze(0), weight, ignore_index, reduction)
    return lone.squeeze(0) if reduction == "none" else lone


@in_single
@on_its_gpu
def _picked(input: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """The negative entries at the classes `target`, weighted, then reduced."""
    if input.array.__class__ is not np.ndarray or target.array.__class__ is not np.ndarray:
        check_same_library("nll_loss", [x.array for x in (input, target, weight) if x is not None])
    labels, factors = _labels(input, target, weight, ignore_index)
    losses = -pick(input, key=_places(labels))
    if factors is None:
        return _reduced(losses, reduction)
    if reduction != "mean":
        return _reduced(losses * wrap(factors), reduction)
    total = factors.sum()
    nothing = total == 0  # the mean of nothing is NaN, and its gradients are zeros
    mean = (losses * wrap(factors / (total + nothing))).sum()
    return mean + wrap(quiet(np.divide, 0 * total, total))


def _labels(input: Any, target: Any, weight: Any, ignore_index: int) -> tuple[Any, Any]:
    """The checked classes and how much each sample counts; None when all count alike."""
    classes, labels = input.array.shape[1], target.array
    kept = labels != ignore_index
    whole = stray(labels, classes) is None and not 0 <= ignore_index < classes
    if not whole or type(labels) is not np.ndarray:  # a GPU is not asked
        labels = array_module(labels).where(kept, labels, 0)
    bad = stray(labels, classes)
    if bad is not None:
        raise IndexError(f"Target {bad} is out of bounds: there are {classes} classes, 0 to {classes - 1}.")
    if weight is not None:
        return labels, weight.array[labels] * kept
    plain = whole and type(labels) is np.ndarray
    return labels, None if plain else kept.astype(input.array.dtype)


@on_its_gpu
def cross_entropy(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None,
    ignore_index: int = -100, reduce: Any = None, reduction: str = "mean",
    label_smoothing: float = 0.0
) -> Tensor:  # fmt: skip
    """``-log softmax(input)[target]``: classification from raw scores.

    Shapes: input (N, C), (C,) or (N, C, ...); target classes (N,), () or (N, ...), or probabilities
    like the input. `label_smoothing` moves that share of every target to all classes alike.
    Raises as `nll_loss`, and RuntimeError for a label_smoothing outside [0, 1].

    >>> import minigrad as torch
    >>> torch.nn.functional.cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """
    tensors("cross_entropy", "input target weight?", input, target, weight)
    reduction = _legacy(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 0 if input.array.ndim == 1 else 1
    if input.array.shape == target.array.shape and target.array.dtype.kind == "f":
        if ignore_index >= 0:
            raise RuntimeError(
                "ignore_index is not supported for floating point target: probabilities ignore a class by "
                f"being 0; got ignore_index={ignore_index}"
            )
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing, dim)
    _check_classes("cross_entropy", input, target, weight)
    logs = log_softmax(input, dim)
    plain = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return plain
    classes = input.array.shape[dim]
    kept = wrap((target.array != ignore_index).astype(logs.array.dtype))
    spread = -(logs if weight is None else logs * _by_class(weight, logs, dim)).sum(dim) * kept
    if reduction == "mean":
        labels = array_module(target.array).where(kept.array > 0, target.array, 0)
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
        samples = input.array.size // max(input.array.shape[dim], 1)
        return losses.sum() / max(samples, 1)
    return _reduced(losses, reduction)


# ---- similarity -----------------------------------------------------------------------------------
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
    """``|x1 - x2 + eps|``, the p-norm along the last axis."""
    tensors("pairwise_distance", "x1 x2", x1, x2)
    return (x1 - x2 + eps).norm(p, -1, keepdim)


# ---- checks and reductions ------------------------------------------------------------------------
def _legacy(size_average: Any, reduce: Any, reduction: str) -> str:
    """The checked `reduction`, which older programs write as two flags."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("mean", "sum", "none", "batchmean"):
        raise ValueError(f"{reduction} is not a valid value for reduction; use 'none', 'mean' or 'sum'")
    return reduction


def _reduced(loss: Any, reduction: str) -> Any:
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _weighted(loss: Any, weight: Any, reduction: str) -> Any:
    if weight is None:
        return _reduced(loss, reduction)
    weighted = loss * weight
    return weighted.sum() / weight.sum() if reduction == "mean" else _reduced(weighted, reduction)


def _check_pair(name: str, input: Any, target: Any, weight: Any, size_average: Any, reduce: Any, reduction: str) -> str:
    """Refuse what is no tensor and weights of another size; the reduction's name."""
    tensors(name, "input target weight?", input, target, weight)
    if weight is not None and weight.array.shape != input.array.shape:
        raise ValueError(
            f"{name}: Inputs and weight must have the same size, got {tuple(input.array.shape)} "
            f"and {tuple(weight.array.shape)}."
        )
    return _legacy(size_average, reduce, reduction)


def _check_broadcast(name: str, a: Any, b: Any) -> None:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise shapes_do_not_broadcast(name, a, b) from None


def _warn_of_broadcasting(name: str, input: Any, target: Any) -> None:
    shapes = [tuple(x.array.shape) for x in (input, target)]
    if shapes[0] != shapes[1]:
        _check_broadcast(name, input.array, target.array)
        warnings.warn(
            f"{name}: Using a target size ({shapes[1]}) that is different to the input size "
            f"({shapes[0]}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size, for example target.reshape(input.shape).",
            stacklevel=3 + (name != "l1_loss"),
        )


def _check_alike(name: str, input: Any, target: Any, text: str) -> None:
    if input.array.shape != target.array.shape:
        sizes = [list(x.array.shape) for x in (input, target)]
        raise ValueError(
            f"{text.format(*sizes)} Make them the same size, for example {name}(input, target.reshape(input.shape))."
        )


def _check_classes(name: str, input: Any, target: Any, weight: Any) -> None:
    """Refuse scores and classes whose types or shapes do not fit each other."""
    floats(name, input)
    check_same_library(name, [t.array for t in (input, target, weight) if t is not None])
    shape, have = tuple(input.array.shape), tuple(target.array.shape)
    if not shape:
        raise ValueError(f"{name}: Expected 1 or more dimensions (got 0), (N, C) or (C,)")
    wanted = (shape[0], *shape[2:]) if len(shape) > 1 else ()
    if target.array.dtype.kind == "f":
        raise RuntimeError(
            f"expected scalar type Long but found {from_numpy(target.array.dtype).name}: {name} "
            f"takes classes as integers of shape {wanted}, write target.long()"
            + (f"; or probabilities of shape {shape}" if name == "cross_entropy" else "")
        )
    if target.array.dtype not in (np.int64, np.uint8):
        raise RuntimeError(
            f"expected scalar type Long but found {from_numpy(target.array.dtype).name}: {name} "
            "takes classes as int64, write target.long()"
        )
    if have[:1] != wanted[:1]:
        raise ValueError(
            f"Expected input batch_size ({wanted[0] if wanted else 'none'}) to match target "
            f"batch_size ({have[0] if have else 'none'}): {name} got {shape} and {have}."
        )
    if have != wanted:
        raise RuntimeError(
            f"size mismatch (got input: {list(shape)} , target: {list(have)}): {name} needs a "
            f"target of shape {list(wanted)}"
        )
    classes = shape[min(len(shape) - 1, 1)]
    if weight is not None and weight.array.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but "
            f"got weight tensor of shape: {list(weight.array.shape)} ({name})"
        )
    if weight is not None and weight.array.dtype != input.array.dtype:
        kinds = [from_numpy(x.array.dtype).name for x in (input, weight)]
        raise RuntimeError(
            f"expected scalar type {kinds[0]} but found {kinds[1]}: the weight of {name} must have the "
            "input's dtype, write weight.to(input.dtype)"
        )
