"""What every loss shares: one number from many, by `reduction` or by the flags that it was before 2018."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
REDUCTIONS = ("mean", "sum", "none")


def loss(function: Callable[P, T]) -> Callable[P, T]:
    """A loss whose body sees `reduction` alone: ``size_average`` and ``reduce`` are translated before.

    Raises ValueError for a reduction that is none of 'none', 'mean' and 'sum'.
    """
    signature = inspect.signature(function)
    names = list(signature.parameters)
    first = min([names.index(n) for n in ("size_average", "reduce", "reduction") if n in names])
    known = (*REDUCTIONS, "batchmean") if function.__name__ == "kl_div" else REDUCTIONS

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
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
    """The checked `reduction`, which older programs write as two flags."""
    if reduce is False:
        return "none"
    if size_average is not None or reduce is not None:
        return "sum" if size_average is False else "mean"
    if reduction not in known:
        raise _no_reduction(reduction, known)
    chosen: str = reduction
    return chosen


def _no_reduction(reduction: Any, known: tuple[str, ...]) -> ValueError:
    wanted = ", ".join(map(repr, known))
    return ValueError(f"{reduction} is not a valid value for reduction; use one of {wanted}")


def reduce_losses(losses: Any, reduction: str) -> Any:
    """The mean of the losses, their sum, or all of them."""
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
