"""Classification losses and losses of probability distributions, each as one operation, as in `loss.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.recording import Operation, operation
from minigrad.backend import array_module
from minigrad.half_precision import sum_type
from minigrad.ops.activation_variants import log_of_sigmoid, logsigmoid, sigmoid_of
from minigrad.ops.elementwise import elementwise
from minigrad.ops.error_function import for_either
from minigrad.ops.keys import first_out_of_range
from minigrad.ops.loss import gradient_of_terms, reduce_terms
from minigrad.ops.piecewise import zeros_of
from minigrad.passes import keep_where

# ---- of probabilities and of logits against probabilities ----------------------------------------
_LEAST = float(np.float32(1e-12))  # PyTorch's lower bound for p (1 - p) in the denominator, a float32


def _weigh_curvature(g: Any, p: Any, target: Any) -> Any:
    """``(p^2 - 2 p t + t) / (p (1 - p))^2``, and 0 instead of a huge number where p equals t and is 0 or 1."""
    return g * (p * p - 2 * p * target + target) / ((p + _LEAST) * (1 - p + _LEAST)) ** 2


_bce_slope = elementwise(
    "binary_cross_entropy_backward",
    lambda p, target: (p - target) / np.clip(p * (1 - p), _LEAST, None),
    _weigh_curvature,
    lambda g, p: -g / np.clip(p * (1 - p), _LEAST, None),
    in_float32=True,
)


def _bce_terms(p: Any, target: Any) -> Any:
    """``-(target log(p) + (1 - target) log(1 - p))`` for arrays and Tensors, with logarithms of at least -100."""
    return (target - 1) * np.clip(np.log1p(-p), -100.0, None) - target * np.clip(np.log(p), -100.0, None)


def _bce_forward(p: Any, target: Any, weight: Any, *, reduction: str) -> Any:
    terms = _bce_terms(p, target)
    return reduce_terms(terms if weight is None else terms * weight, reduction)


def _gradient_before_weight(g: Any, shape: Any, weight: Any, reduction: str) -> Any:
    """`gradient_of_terms` before their weight is applied: times the weight."""
    part = gradient_of_terms(g, shape, reduction)
    return part if weight is None else part * weight


binary_cross_entropy = operation(
    "binary_cross_entropy",
    _bce_forward,
    lambda g, p, target, weight, reduction: (
        _gradient_before_weight(g, p.shape, weight, reduction) * _bce_slope(p, target)
    ),
    lambda g, p, weight, reduction: _gradient_before_weight(g, p.shape, weight, reduction) * (np.log1p(-p) - np.log(p)),
    lambda g, p, target, reduction: gradient_of_terms(g, p.shape, reduction) * _bce_terms(p, target),
)


_log_sigmoid = for_either(logsigmoid, log_of_sigmoid)  # -log(1 + exp(-z)) for arrays and Tensors


def _bce_terms_of_logits(x: Any, target: Any, positive: Any) -> Any:
    """`_bce_terms` of sigmoid(x), with the term of the positive class times `positive`; for arrays and Tensors."""
    log = _log_sigmoid(x)
    if positive is not None:
        log = log * ((positive - 1) * target + 1)
    return (1 - target) * x - log


def _bce_with_logits_forward(x: Any, target: Any, weight: Any, positive: Any, *, reduction: str) -> Any:
    terms = _bce_terms_of_logits(x, target, positive)
    return reduce_terms(terms if weight is None else terms * weight, reduction)


def _slope_of_logits(x: Any, target: Any, positive: Any) -> Any:
    """d/dx of `_bce_terms_of_logits`: ``sigmoid(x) - target``, where nothing is weighted by `positive`."""
    if positive is None:
        return sigmoid_of(x) - target
    weighted = positive * target
    return (weighted + 1 - target) * sigmoid_of(x) - weighted


def _slope_of_targets(x: Any, positive: Any) -> Any:
    """d/dtarget of `_bce_terms_of_logits`: ``log(1 - sigmoid(x)) - positive log(sigmoid(x))``."""
    return -x if positive is None else _log_sigmoid(-x) - positive * _log_sigmoid(x)


binary_cross_entropy_with_logits = operation(
    "binary_cross_entropy_with_logits",
    _bce_with_logits_forward,
    lambda g, x, target, weight, positive, reduction: (
        _gradient_before_weight(g, x.shape, weight, reduction) * _slope_of_logits(x, target, positive)
    ),
    lambda g, x, weight, positive, reduction: (
        _gradient_before_weight(g, x.shape, weight, reduction) * _slope_of_targets(x, positive)
    ),
    lambda g, x, target, positive, reduction: (
        gradient_of_terms(g, x.shape, reduction) * _bce_terms_of_logits(x, target, positive)
    ),
    lambda g, x, target, weight, reduction: (
        _gradient_before_weight(g, x.shape, weight, reduction) * (-target * _log_sigmoid(x))
    ),
)


# ---- of log-probabilities against class numbers --------------------------------------------------
def read_labels(labels: Any, classes: int, ignore_index: int) -> tuple[Any, Any]:
    """Labels that are valid indices, and a mask of those that count, or None if all do.

    Raises IndexError for numbers that are no class.
    """
    all_valid = first_out_of_range(labels, classes) is None and type(labels) is np.ndarray
    if all_valid and not 0 <= ignore_index < classes:
        return labels, None
    kept = labels != ignore_index  # (no test on a GPU, which would mean waiting)
    labels = array_module(labels).where(kept, labels, 0)
    bad = first_out_of_range(labels, classes)
    if bad is not None:
        raise IndexError(f"Target {bad} is out of bounds: there are {classes} classes, 0 to {classes - 1}.")
    return labels, kept


def count_labels(labels: Any, kept: Any, weight: Any, dtype: Any) -> Any:
    """The weight of each label in the mean; None if all are 1."""
    if weight is not None:
        return weight[labels] if kept is None else keep_where(kept, weight[labels])
    return None if kept is None else kept.astype(dtype)


def _place_of(labels: Any) -> tuple[Any, ...]:
    """The index of (N, C, ...) at (n, labels, ...); of (C,) at the label, 0-d."""
    xp = array_module(labels)
    if labels.ndim == 1:
        return xp.arange(len(labels)), labels
    grids = [xp.arange(n).reshape(n, *[1] * (labels.ndim - 1 - i)) for i, n in enumerate(labels.shape)]
    return *grids[:1], labels, *grids[1:]


def _nll_forward(x: Any, target: Any, weight: Any, *, ignore_index: int, reduction: str) -> Any:
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]  # (N, C, ...) or (C,)
    labels, kept = read_labels(target, classes, ignore_index)
    counts = count_labels(labels, kept, weight, x.dtype)
    terms = -x[_place_of(labels)]
    if kept is not None:
        terms = keep_where(kept, terms)  # ignored terms give 0, even if they are inf or NaN
    if weight is not None:
        terms = terms * counts
    if reduction == "mean" and counts is not None:
        return (terms.sum(dtype=sum_type(x)) / counts.sum(dtype=sum_type(x))).astype(x.dtype)
    return reduce_terms(terms, reduction)


def _nll_backward(g: Any, x: Any, target: Any, weight: Any, *, ignore_index: int, reduction: str) -> Any:
    labels, kept = target, target != ignore_index  # the forward has checked the labels
    if type(labels) is np.ndarray and kept.all():
        kept = None
    else:
        labels = array_module(labels).where(kept, labels, 0)
    counts = count_labels(labels, kept, weight, x.dtype)
    if reduction == "mean" and counts is not None:
        g = (g / counts.sum(dtype=sum_type(x))).astype(x.dtype)
    elif reduction == "mean":
        g = gradient_of_terms(g, labels.shape, reduction)
    slope = -g if weight is None else -g * counts
    if kept is not None:
        slope = keep_where(kept, np.broadcast_to(slope, labels.shape))
    whole = array_module(x).zeros(x.shape, x.dtype)
    whole[_place_of(labels)] = slope
    return whole


def _make_nll(name: str, shown: str) -> Operation:
    """Makes the loss: the negative entries at the classes `target`, weighted and reduced. It is linear."""
    backward: Any = operation(
        f"{name}_backward",
        _nll_backward,
        lambda g, target, weight, ignore_index, reduction: made(
            g, target, weight, ignore_index=ignore_index, reduction=reduction
        ),
        lambda g, x: zeros_of(x),
        None,
        None,
    )
    made = operation(
        name,
        _nll_forward,
        lambda g, x, target, weight, ignore_index, reduction: backward(
            g, x, target, weight, ignore_index=ignore_index, reduction=reduction
        ),
        None,
        None,
        shown=shown,
    )
    return made


nll = _make_nll("nll_loss", "NllLossBackward0")
nll_of_pixels = _make_nll("nll_loss2d", "NllLoss2DBackward0")
