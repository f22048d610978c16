"""What every function checks before it computes, so that errors speak of its own arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops.elementwise import not_a_tensor, not_implemented_for
from minigrad.ops.shape import cast

F = TypeVar("F", bound=Callable[..., Any])
AXES = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)"}


def tensors(name: str, parameters: str, *values: Any) -> None:
    """Raise TypeError unless the values are Tensors; a parameter written `bias?` may be None."""
    for position, (parameter, x) in enumerate(zip(parameters.split(), values, strict=True), 1):
        if not isinstance(x, TensorBase) and not (x is None and parameter.endswith("?")):
            raise not_a_tensor(name, parameter.rstrip("?"), position, x)


def floats(name: str, input: Any, also: tuple[Any, ...] = ()) -> None:
    """Raise NotImplementedError for a tensor that holds neither floats nor a type in `also`."""
    if input.array.dtype.kind != "f" and input.array.dtype not in also:
        raise not_implemented_for(name, input.array.dtype)


def numbers(name: str, parameter: str, given: Any, count: int, least: int) -> tuple[int, ...]:
    """`given` as `count` ints, one for each spatial axis.

    Raises TypeError for other types, RuntimeError for a wrong count or numbers below `least`.
    """
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if not all(hasattr(v, "__index__") and not isinstance(v, bool) for v in values):
        raise TypeError(
            f"{name}(): argument '{parameter}' must be an int or a tuple of {count} ints, not "
            f"{type(given).__name__} {given!r}"
        )
    if len(values) == 1:
        values *= count
    if len(values) != count:
        raise RuntimeError(
            f"{name}: expected {parameter} to be a single integer value or a list of {count} "
            f"values, one for each spatial axis, got {parameter}={given!r}"
        )
    if min(values) < least:
        kind = "negative" if least == 0 else "non-positive"
        raise RuntimeError(
            f"{name}: {kind} {parameter} is not supported, got {parameter}={given!r}; give {least} or more"
        )
    return tuple([int(v) for v in values])


def in_single(function: F) -> F:
    """Compute a first operand of float16 in float32 and round once at the end, as PyTorch does."""
    half, single = np.dtype(np.float16), np.dtype(np.float32)

    def widened(x: Any) -> Any:
        return cast(x, single) if isinstance(x, TensorBase) and x.array.dtype == half else x

    @functools.wraps(function)
    def call(input: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(input, TensorBase) or input.array.dtype != half:
            return function(input, *args, **kwargs)
        result = function(widened(input), *map(widened, args), **kwargs)
        return cast(result, half)

    return call  # type: ignore[return-value]
