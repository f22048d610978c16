"""What all losses share (their reduction to one number), and the losses of regression.

`classification.py`, `distance.py` and `likelihood.py` have the others.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.core import TensorBase
from minigrad.autograd.messages import check_same_library
from minigrad.autograd.modes import is_grad_enabled
from minigrad.nn.functional.checks import require_floats
from minigrad.ops import loss as ops
from minigrad.ops.arguments import common_shape, not_a_tensor, require_kind
from minigrad.ops.copies import cast
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.unary import abs
from minigrad.tensor import Tensor

P = ParamSpec("P")
T = TypeVar("T")
REDUCTIONS = ("mean", "sum", "none")
_TENSORS = ("Tensor", "Tensor | None")


def loss(function: Callable[P, T]) -> Callable[P, T]:
    """Decorates a loss: checks its tensors, and translates ``size_average`` and ``reduce`` into `reduction`.

    Raises TypeError for arguments that should be Tensors, ValueError unless reduction is 'none', 'mean' or 'sum'.
    """
    signature = inspect.signature(function)
    names = list(signature.parameters)
    first = min([names.index(n) for n in ("size_average", "reduce", "reduction") if n in names])
    known = (*REDUCTIONS, "batchmean") if function.__name__ == "kl_div" else REDUCTIONS
    parameters = enumerate(signature.parameters.values())
    operands = [(place, p.name, p.default) for place, p in parameters if p.annotation in _TENSORS]

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for place, name, default in operands:
            x = args[place] if place < len(args) else kwargs.get(name, default)
            if x is not default and not isinstance(x, TensorBase):
                raise not_a_tensor(function.__name__, name, place + 1, x)
        if len(args) > first or kwargs.get("size_average") is not None or kwargs.get("reduce") is not None:
            given = signature.bind(*args, **kwargs)
            options = given.arguments
            options["reduction"] = reduction_of(
                options.pop("size_average", None), options.pop("reduce", None), options.get("reduction", "mean"), known
            )
            return function(*given.args, **given.kwargs)
        if "reduction" in kwargs and kwargs["reduction"] not in known:
            raise _no_reduction(kwargs["reduction"], known)
        return function(*args, **kwargs)

    return call


def reduction_of(size_average: Any, reduce: Any, reduction: Any, known: tuple[str, ...] = REDUCTIONS) -> str:
    """`reduction`, checked, or translated from the two flags of older programs."""
    if size_average is not None or reduce is not None:
        average, kept = size_average is None or bool(size_average), reduce is not None and not reduce
        warn("size_average and reduce are deprecated: write reduction='mean', 'sum' or 'none' instead")
        return "none" if kept else "mean" if average else "sum"
    if reduction not in known:
        raise _no_reduction(reduction, known)
    return reduction


def _no_reduction(reduction: Any, known: tuple[str, ...]) -> ValueError:
    wanted = ", ".join(map(repr, known))
    return ValueError(f"{reduction} is not a valid value for reduction; use one of {wanted}")


def reduce_losses(losses: Any, reduction: str) -> Any:
    """The mean or the sum of the losses, or the losses themselves."""
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


# ---- regression ----------------------------------------------------------------------------------
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
        common_shape(name, a, b)
        text = (
            f"{name}: Using a target size {b} that is different to the input size {a}: broadcasting compares "
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
