"""Losses of classification: scores against class numbers, or against probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.autograd.operation import check_same_library
from minigrad.backend import array_module, on_its_gpu, quiet
from minigrad.dtypes import from_numpy
from minigrad.nn.functional.activation import log_softmax
from minigrad.nn.functional.checks import floats, in_single, matches, tensors
from minigrad.nn.functional.linear import one_hot
from minigrad.nn.functional.loss import reduced, reduction_of
from minigrad.ops.index import pick, stray
from minigrad.tensor import Tensor


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
    reduction = reduction_of(size_average, reduce, reduction)
    _check_classes("nll_loss", input, target, weight)
    if input.array.ndim > 1:
        return _picked(input, target, weight, ignore_index, reduction)
    lone = _picked(input.unsqueeze(0), target.unsqueeze(0), weight, ignore_index, reduction)
    return lone.squeeze(0) if reduction == "none" else lone


@in_single
@on_its_gpu
def _picked(input: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """The negative entries at the classes `target`, weighted, then reduced."""
    labels, kept = _labels(target.array, input.array.shape[1], ignore_index)
    xp = array_module(labels)
    grids = [xp.arange(n).reshape(n, *[1] * (labels.ndim - 1 - i)) for i, n in enumerate(labels.shape)]
    losses = -pick(input, key=(grids[0], labels, *grids[1:]))  # (N, C, ...) at (n, labels, ...)
    counts = _counts(labels, kept, weight, input)
    return _mean(losses if counts is None else losses * wrap(counts), counts, reduction)


def _labels(labels: Any, classes: int, ignore_index: int) -> tuple[Any, Any]:
    """Class numbers that can be read at, and which of them count; None when all do."""
    kept = None
    if stray(labels, classes) is not None or 0 <= ignore_index < classes or type(labels) is not np.ndarray:
        kept = labels != ignore_index  # (a GPU is not asked whether all do)
        labels = array_module(labels).where(kept, labels, 0)
    bad = stray(labels, classes)
    if bad is not None:
        raise IndexError(f"Target {bad} is out of bounds: there are {classes} classes, 0 to {classes - 1}.")
    return labels, kept


def _counts(labels: Any, kept: Any, weight: Any, input: Any) -> Any:
    """How much each sample counts in the mean; None when all count alike."""
    if weight is not None:
        return weight.array[labels] * (True if kept is None else kept)
    return None if kept is None else kept.astype(input.array.dtype)


def _mean(losses: Any, counts: Any, reduction: str) -> Any:
    """The reduced losses, of which a mean is their sum over the sum of `counts`."""
    if counts is None or reduction != "mean":
        return reduced(losses, reduction)
    total = counts.sum()
    mean = losses.sum() / wrap(total + (total == 0))
    return mean + wrap(quiet(np.divide, 0 * total, total))  # of nothing: NaN, but its gradients are zeros


@on_its_gpu
def cross_entropy(
    input: Tensor, target: Tensor, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean", label_smoothing: float = 0.0
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
    reduction = reduction_of(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 0 if input.array.ndim == 1 else 1
    soft = input.array.shape == target.array.shape and target.array.dtype.kind == "f"
    if soft and ignore_index >= 0:
        raise RuntimeError(
            "ignore_index is not supported for floating point target: probabilities ignore a class by being 0; got "
            f"ignore_index={ignore_index}"
        )
    if not soft:
        _check_classes("cross_entropy", input, target, weight)
    logs = log_softmax(input, dim)
    if not soft and not label_smoothing:
        return nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    classes = input.array.shape[dim]
    counts = kept = None
    if not soft:
        labels, kept = _labels(target.array, classes, ignore_index)
        counts = _counts(labels, kept, weight, input)
        target = one_hot(wrap(labels.astype(np.int64)), classes).movedim(-1, dim).to(input.dtype)
    terms = -logs * (target * (1 - label_smoothing) + label_smoothing / classes)
    if weight is not None:
        terms = terms * weight.reshape([-1 if d == dim else 1 for d in range(terms.array.ndim)])
    losses: Any = terms.sum(dim)
    return _mean(losses if kept is None else losses * wrap(kept), counts, reduction)


def _check_classes(name: str, input: Any, target: Any, weight: Any) -> None:
    """Refuse scores and classes whose types or shapes do not fit each other."""
    tensors(name, "input target weight?", input, target, weight)
    floats(name, input)
    check_same_library(name, [t.array for t in (input, target, weight) if t is not None])
    shape, have = tuple(input.array.shape), tuple(target.array.shape)
    if not shape:
        raise ValueError(f"{name}: Expected 1 or more dimensions (got 0), (N, C) or (C,)")
    wanted = (shape[0], *shape[2:]) if len(shape) > 1 else ()
    if target.array.dtype not in (np.int64, np.uint8):
        soft = f"; or give probabilities of shape {shape}" if name == "cross_entropy" else ""
        raise RuntimeError(
            f"expected scalar type Long but found {from_numpy(target.array.dtype).name}: {name} takes classes as int64 "
            f"of shape {wanted}, write target.long(){soft}"
        )
    if have[:1] != wanted[:1]:
        raise ValueError(
            f"Expected input batch_size ({wanted[0] if wanted else 'none'}) to match target batch_size "
            f"({have[0] if have else 'none'}): {name} got {shape} and {have}."
        )
    if have != wanted:
        raise RuntimeError(
            f"size mismatch (got input: {list(shape)} , target: {list(have)}): {name} needs a target of shape "
            f"{list(wanted)}"
        )
    classes = shape[min(len(shape) - 1, 1)]
    matches(name, input, (classes,), f"one number for each of all {classes} classes", weight=weight)
