"""Shared by all losses: checks of the operands, and the reduction to one number by `reduction` or the older flags."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase
from minigrad.ops.arguments import not_a_tensor

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
