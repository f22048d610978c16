"""Losses that are negative log-likelihoods: binary cross-entropy, Poisson and Gaussian; and `kl_div`."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from minigrad.advice import advise, is_wanted, warn
from minigrad.autograd.core import TensorBase
from minigrad.autograd.modes import no_grad
from minigrad.nn.functional.shared_by_losses import (
    REDUCTIONS,
    does_not_hold,
    loss,
    reduce_losses,
    to_common_dtype,
    wrong_dtype,
)
from minigrad.ops import likelihood as ops
from minigrad.ops.arguments import require_bools, require_floats
from minigrad.ops.complaints import shapes_do_not_broadcast
from minigrad.ops.masks import where
from minigrad.ops.unary import exp, log, sigmoid
from minigrad.size import Size, broadcasts
from minigrad.tensor import Tensor

OUTSIDE = "targets outside 0 and 1"  # the name of an advice


@loss
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``-(target log(p) + (1 - target) log(1 - p))`` for probabilities p; logarithms are clamped at -100.

    The gradient of p is ``(p - target) / max(p (1 - p), 1e-12)``, finite where a sigmoid is exactly 0 or 1.
    Raises ValueError for shapes that differ, RuntimeError for numbers outside [0, 1] in input or target.

    >>> import minigrad as torch
    >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([1.0]))
    tensor(0.6931)
    """
    name = "binary_cross_entropy"
    words = (
        "Using a target size ({}) that is different to the input size ({}) is deprecated. Please ensure they have the"
    )
    _check_targets(name, f"{words} same size", input, target, weight)
    if target.array.dtype != input.array.dtype:
        raise wrong_dtype(target, input)
    _check_probabilities("input", input, "apply a sigmoid, or use binary_cross_entropy_with_logits")
    _check_probabilities("target", target, "divide a mask of 0 and 255 by 255; classes count from 0")
    return ops.binary_cross_entropy(input, target, weight, reduction=reduction)


@loss
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", pos_weight: Tensor | None = None
) -> Tensor:  # fmt: skip
    """`binary_cross_entropy` of ``sigmoid(input)``, without overflow.

    `pos_weight` multiplies the positive part. The loss has the target's dtype. Raises ValueError for shapes that
    differ, RuntimeError for a target of integers.

    >>> import minigrad as torch
    >>> x, y = torch.tensor([0.0]), torch.tensor([1.0])
    >>> torch.nn.functional.binary_cross_entropy_with_logits(x, y)
    tensor(0.6931)
    """
    name = "binary_cross_entropy_with_logits"
    _check_targets(name, "Target size ({}) must be the same as input size ({})", input, target, weight, pos_weight)
    if target.array.dtype.kind != "f":
        raise does_not_hold(input.array.dtype, target.array.dtype, name, "write target.to(input.dtype)")
    _advise_of_sigmoid(input)
    compute, dtype = ops.binary_cross_entropy_with_logits, target.array.dtype
    if all(x is None or x.array.dtype == dtype for x in (input, weight, pos_weight)):
        losses = compute(input, target, weight, pos_weight, reduction=reduction)
    else:
        terms = compute(*to_common_dtype(input, target), weight, pos_weight, reduction="none")
        losses = reduce_losses(terms.to(target.dtype), reduction)
    if is_wanted(OUTSIDE):
        _advise_of_targets(losses, target)
    return losses


def _advise_of_targets(losses: Tensor, target: Tensor) -> None:
    """Gives advice if a loss is negative because of targets outside [0, 1]; not on a GPU."""
    found, wanted = losses.array, target.array
    if type(found) is np.ndarray and found.size and found.min() < 0 and (wanted.min() < 0 or wanted.max() > 1):
        advise(
            OUTSIDE,
            f"binary_cross_entropy_with_logits is negative ({found.min():.4g}): its targets are probabilities, 0 to 1, "
            f"and these go from {wanted.min():g} to {wanted.max():g}, so the loss falls without end. Divide a mask of "
            "0 and 255 by 255, and write classes -1 and 1, or 1 and 2, as 0 and 1",
        )


def _advise_of_sigmoid(input: Tensor) -> None:
    """Gives advice if `input` is the result of a sigmoid, which the loss applies itself."""
    plan = getattr(input.node, "plan", None)
    if plan is not None and plan.operation is sigmoid.operation:
        advise(
            "sigmoid before binary_cross_entropy_with_logits",
            "the input of binary_cross_entropy_with_logits comes from a sigmoid, and it applies one itself: of numbers "
            "between 0 and 1 that makes probabilities between 0.5 and 0.73, so the loss stays high. Leave the sigmoid "
            "out of the model, or take binary_cross_entropy",
        )


@partial(loss, reductions=(*REDUCTIONS, "batchmean"))
def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", log_target: bool = False
) -> Tensor:  # fmt: skip
    """``target (log(target) - input)``: the Kullback-Leibler divergence, with `input` a log-probability.

    With `log_target` the target is one too. ``reduction="batchmean"`` divides the sum by the batch size, which is
    the mathematical definition; "mean" divides by the number of elements, and warns. Raises RuntimeError for integers.
    Source: Kullback and Leibler, "On Information and Sufficiency", 1951.

    >>> import minigrad as torch
    >>> p = torch.tensor([[0.5, 0.5]])
    >>> torch.nn.functional.kl_div(p.log(), torch.tensor([[1.0, 0.0]]), reduction="batchmean")
    tensor(0.6931)
    """
    if input.array.dtype.kind != "f" or target.array.dtype.kind != "f":
        got = f"{input.dtype} and {target.dtype}"
        raise RuntimeError(f"kl_div: Integral inputs not supported. Got {got}; convert them with .float()")
    require_bools("kl_div", log_target=log_target)
    if reduction == "mean":
        detail = "'batchmean' divides only by the batch size, and aligns with the KL math definition."
        warn(f"reduction: 'mean' divides the total loss by both the batch size and the support size. {detail}")
    if log_target:
        losses = exp(target) * (target - input)
    else:
        certain = target == 0
        losses = target * log(where(certain, 1.0, target)) - target * input  # 0 log 0 is 0
    if reduction == "batchmean":
        total = losses.sum()
        return total / input.size(0) if input.ndim else total
    return reduce_losses(losses, reduction)


@loss
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``exp(input) - target input``: counts against a Poisson distribution whose log rate is `input`.

    Without `log_input` the input is the rate: ``input - target log(input + eps)``. `full` adds Stirling's
    approximation of log(target!) where target > 1.

    >>> import minigrad as torch
    >>> torch.nn.functional.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]))
    tensor(1.)
    """
    require_bools("poisson_nll_loss", log_input=log_input, full=full)
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        stirling = target * log(target) - target + 0.5 * log(2 * math.pi * target)
        losses = losses + where(target <= 1, 0.0, stirling)
    return reduce_losses(losses, reduction)


@loss
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """``(log(var) + (input - target)**2 / var) / 2`` with `var` at least `eps`; `full` adds ``log(2 pi) / 2``.

    Shapes: var like the input, or with one length of 1, or without the last axis.
    Raises ValueError for other shapes and a negative variance.
    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    >>> import minigrad as torch
    >>> torch.nn.functional.gaussian_nll_loss(torch.tensor([2.0]), torch.tensor([0.0]), torch.tensor([4.0]))
    tensor(1.1931)
    """
    variance = var if isinstance(var, TensorBase) else input.detach() * 0 + var
    if variance.shape != input.shape:
        differing = [n for n, m in zip(variance.shape, input.shape, strict=False) if n != m]
        if tuple(input.shape[:-1]) == tuple(variance.shape):
            variance = variance.unsqueeze(-1)
        elif variance.ndim != input.ndim or differing != [1]:
            raise ValueError(f"var is of incorrect size: {list(variance.shape)} for an input of {list(input.shape)}")
    if type(variance.array) is np.ndarray and (variance.array < 0).any():
        raise ValueError("var has negative entry/entries")
    variance = variance.clone()
    with no_grad():
        variance.clamp_(min=eps)  # for the value alone: the gradient of `var` is that of the formula
    losses = 0.5 * (log(variance) + (input - target) ** 2 / variance)
    return reduce_losses(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _check_targets(name: str, words: str, input: Tensor, target: Tensor, *weights: Tensor | None) -> None:
    """Raises unless all are floats, shapes agree (else in PyTorch's `words` for both sizes), and weights broadcast."""
    require_floats(name, input)
    have, wanted = Size(target.array.shape), Size(input.array.shape)
    if have != wanted:
        hint = f"{name} compares number with number, write for example target.reshape(input.shape)"
        raise ValueError(f"{words.format(have, wanted)}: {hint}")
    for weight in weights:
        if weight is not None and not broadcasts(weight.array.shape, input.array.shape):
            raise shapes_do_not_broadcast(name, weight, input)


def _check_probabilities(what: str, x: Tensor, hint: str) -> None:
    """Raises for numbers outside [0, 1]; not checked on a GPU, which would mean waiting."""
    p = x.array
    if type(p) is np.ndarray and p.size and not (p.min() >= 0 and p.max() <= 1):
        outside = p[~((p >= 0) & (p <= 1))][0]
        raise RuntimeError(f"all elements of {what} should be between 0 and 1, got {outside:g}; {hint}")
