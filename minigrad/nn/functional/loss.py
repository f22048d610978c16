"""Regression losses: how far predictions are from targets. Classification losses stand in `classification.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.messages import check_same_library
from minigrad.autograd.modes import is_grad_enabled
from minigrad.nn.functional.checks import require_floats
from minigrad.nn.functional.reduction import loss, reduce_losses
from minigrad.ops import loss as ops
from minigrad.ops.arguments import require_kind, shapes_do_not_broadcast
from minigrad.ops.copies import cast
from minigrad.ops.functions import abs
from minigrad.ops.shape import broadcast_tensors
from minigrad.tensor import Tensor


@loss
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
    input, target = _match_pair("mse_loss", input, target, weight)
    if weight is None:
        return ops.mse(input, target, reduction=reduction)
    difference = input - target
    return _weigh(difference * difference, weight, reduction)


@loss
def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:  # fmt: skip
    """``|input - target|``, its mean or its sum. Warns when shapes that differ broadcast.

    >>> import minigrad as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    _check_pair("l1_loss", input, target, weight)
    return _weigh(abs(input - target), weight, reduction)


@loss
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
    if not beta >= 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    input, target = _match_pair("smooth_l1_loss", input, target)
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
    if not delta > 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    _check_pair("huber_loss", input, target, weight)
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


# ---- checks --------------------------------------------------------------------------------------
def _weigh(losses: Any, weight: Any, reduction: str) -> Tensor:
    """The losses times their weights, reduced; the mean is the weighted mean."""
    if weight is None:
        return reduce_losses(losses, reduction)
    if reduction == "mean":
        return (losses * weight).sum() / weight.sum()
    return reduce_losses(losses * weight, reduction)


def _check_pair(name: str, input: Any, target: Any, weight: Tensor | None) -> None:
    """Raises for shapes that do not fit, and warns about shapes that broadcast."""
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
        warn(text)


def _match_pair(name: str, input: Any, target: Any, weight: Tensor | None = None) -> tuple[Any, Any]:
    """Both operands broadcast to one shape and promoted to one dtype. Raises NotImplementedError for integers."""
    a, b = input.array, target.array
    if weight is None and a.dtype is b.dtype and a.dtype.kind == "f" and a.shape == b.shape:  # the usual case
        return input, target
    _check_pair(name, input, target, weight)
    if a.dtype is not b.dtype:
        input, target = to_common_dtype(input, target)
    require_kind(name, input.array.dtype)
    return (input, target) if a.shape == b.shape else broadcast_tensors(input, target)


def to_common_dtype(input: Any, target: Any) -> tuple[Any, Any]:
    """Both operands in their common dtype."""
    check_same_library("loss", (input.array, target.array))
    common = dtypes.result_type([input.array, target.array])
    return cast(input, common), cast(target, common)


def wrong_dtype(found: Any, expected: Any) -> RuntimeError:
    """The error for a target of another dtype than the input."""
    return RuntimeError(f"Found dtype {found.dtype} but expected {expected.dtype}; write target.to(input.dtype)")


def does_not_hold(result: Any, wanted: Any, name: str, hint: str = "convert it with .float()") -> RuntimeError:
    """The error for an option that the dtype of the result cannot hold."""
    types = f"{dtypes.from_numpy(result)} can't be cast to the desired output type {dtypes.from_numpy(wanted)}"
    return RuntimeError(f"result type {types}: {name} got an integer or bool tensor; {hint}")
