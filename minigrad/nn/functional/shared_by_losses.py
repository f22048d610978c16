"""What all losses share: checks of their arguments, the reduction to one number, and errors of dtypes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.core import TensorBase, plain_classes
from minigrad.autograd.failed_calls import FAILURES, check_same_library, explain_failure
from minigrad.autograd.overriding import ask
from minigrad.dtypes import SCALAR_TYPES
from minigrad.nn import functional
from minigrad.ops.arguments import common_shape, require_kind
from minigrad.ops.complaints import as_flag, cannot_be_cast, not_a_tensor
from minigrad.ops.precision import cast_to_keep
from minigrad.ops.shape import broadcast_tensors
from minigrad.shown_values import shorten
from minigrad.size import Size
from minigrad.tensor import Tensor

P = ParamSpec("P")
T = TypeVar("T")
REDUCTIONS = ("mean", "sum", "none")
_TENSORS = ("Tensor", "Tensor | None")


def loss(function: Callable[P, T], reductions: tuple[str, ...] = REDUCTIONS) -> Callable[P, T]:
    """Decorates a loss: checks its tensors, and translates ``size_average`` and ``reduce`` into `reduction`.

    Raises TypeError for arguments that should be Tensors, ValueError unless reduction is one of `reductions`.
    """
    signature = inspect.signature(function)
    names = list(signature.parameters)
    first = min([names.index(n) for n in ("size_average", "reduce", "reduction") if n in names])
    parameters = enumerate(signature.parameters.values())
    operands = [(place, p.name, p.default) for place, p in parameters if p.annotation in _TENSORS]

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for place, name, default in operands:
            x = args[place] if place < len(args) else kwargs.get(name, default)
            if x.__class__ in plain_classes or x is default:
                continue
            answer = ask(getattr(functional, function.__name__, call), args, kwargs)
            if answer is not NotImplemented:
                return answer
            if not isinstance(x, TensorBase):
                raise not_a_tensor(function.__name__, name, place + 1, x)
        if len(args) > first or kwargs.get("size_average") is not None or kwargs.get("reduce") is not None:
            given = signature.bind(*args, **kwargs)
            options = given.arguments
            flags = options.pop("size_average", None), options.pop("reduce", None)
            options["reduction"] = reduction_of(*flags, options.get("reduction", "mean"), reductions)
            args, kwargs = given.args, given.kwargs  # type: ignore[assignment]
        else:
            reduction = kwargs.get("reduction", "mean")
            if reduction.__class__ is not str or reduction not in reductions:
                raise _no_reduction(reduction, reductions)
        try:
            return function(*args, **kwargs)
        except FAILURES as refused:
            explain_failure(refused, function)
            raise

    return call


def reduction_of(size_average: Any, reduce: Any, reduction: Any, known: tuple[str, ...] = REDUCTIONS) -> str:
    """`reduction`, checked, or translated from the two flags of older programs."""
    if size_average is not None or reduce is not None:
        average = size_average is None or as_flag("loss", "size_average", size_average)
        kept = reduce is not None and not as_flag("loss", "reduce", reduce)
        warn("size_average and reduce are deprecated: write reduction='mean', 'sum' or 'none' instead")
        if kept:
            return "none"
        return "mean" if average else "sum"
    if not isinstance(reduction, str) or reduction not in known:
        raise _no_reduction(reduction, known)
    return reduction


def _no_reduction(reduction: Any, known: tuple[str, ...]) -> ValueError:
    wanted = ", ".join(map(repr, known))
    return ValueError(f"{shorten(reduction, str)} is not a valid value for reduction; use one of {wanted}")


def reduce_losses(losses: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of the losses, or the losses themselves."""
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


def weigh(losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """The losses times their weights, reduced; the mean is the weighted mean."""
    if weight is None:
        return reduce_losses(losses, reduction)
    if reduction == "mean":
        return (losses * weight).sum() / weight.sum()
    return reduce_losses(losses * weight, reduction)


def check_pair(name: str, input: Tensor, target: Tensor, weight: Tensor | None, may_broadcast: bool = True) -> None:
    """Raises for shapes that do not fit, and warns about shapes that broadcast, or raises."""
    a, b = input.array.shape, target.array.shape
    if weight is not None and weight.array.shape != a:
        raise ValueError(f"{name}: Inputs and weight must have the same size, got {a} and {weight.array.shape}.")
    if a != b:
        common_shape(name, a, b)
        text = (
            f"Using a target size ({Size(b)}) that is different to the input size ({Size(a)}). This will likely lead "
            f"to incorrect results due to broadcasting. Please ensure they have the same size: {name} compares numbers "
            "that belong together, write for example target.reshape(input.shape)"
        )
        if not may_broadcast:
            raise ValueError(text)
        warn(text)


def match_pair(
    name: str, input: Tensor, target: Tensor, weight: Tensor | None = None, may_broadcast: bool = True
) -> tuple[Tensor, Tensor]:
    """Both operands broadcast to one shape and promoted to one dtype. Raises NotImplementedError for integers."""
    a, b = input.array, target.array
    if weight is None and a.dtype is b.dtype and a.dtype.kind == "f" and a.shape == b.shape:  # the usual case
        return input, target
    check_pair(name, input, target, weight, may_broadcast)
    if a.shape != b.shape:  # first, so that a 0-d tensor counts as one with axes
        input, target = broadcast_tensors(input, target)
    if a.dtype is not b.dtype:
        input, target = to_common_dtype(input, target)
    require_kind(name, input.array.dtype)
    return input, target


def to_common_dtype(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both operands in their common dtype."""
    check_same_library("loss", (input.array, target.array))
    common = dtypes.result_type([input.array, target.array])
    return cast_to_keep(input, common), cast_to_keep(target, common)


def wrong_dtype(found: Tensor, expected: Tensor) -> RuntimeError:
    """The error for a target of another dtype than the input."""
    kinds = [SCALAR_TYPES[x.array.dtype.name] for x in (found, expected)]
    return RuntimeError(f"Found dtype {kinds[0]} but expected {kinds[1]}; write target.to(input.dtype)")


def does_not_hold(result: Any, wanted: Any, name: str, hint: str = "convert it with .float()") -> RuntimeError:
    """The error for an option that the dtype of the result cannot hold."""
    return cannot_be_cast(result, wanted, f"{name} got an integer or bool tensor; {hint}")
