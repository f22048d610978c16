"""What functions share that are composed of several operations: precision, name in the graph, casts and divisions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.messages import name_option
from minigrad.autograd.recording import operation
from minigrad.half_precision import FLOAT32, HALF
from minigrad.ops.copies import cast, clone
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.keys import watch
from minigrad.ops.shape import reshape

F = TypeVar("F", bound=Callable[..., Any])


def in_float32(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function` of tensors: if the first is of float16, all of float16 are cast to float32, and the result back.

    A single operation declares this instead, ``operation(..., in_float32=True)``.
    """

    @wraps(function)
    def compute(input: Tensor, *others: Any, **options: Any) -> Tensor:
        if input.array.dtype != HALF:
            return function(input, *others, **options)
        halves = [isinstance(x, TensorBase) and x.array.dtype == HALF for x in (input, *others)]
        wide = [cast_to_keep(x, FLOAT32) if half else x for half, x in zip(halves, (input, *others), strict=True)]
        return cast(function(*wide, **options), HALF)

    return compute


def cast_to_keep(x: Any, dtype: Any) -> Any:
    """`x` cast for a rule that keeps it: the copy counts the writes to `x`, as PyTorch keeps `x` itself."""
    return share_writes(x, cast(x, dtype))


def share_writes(x: Any, converted: Any) -> Any:
    """`converted`, made from `x` for a rule that keeps it, with the count of writes to `x`."""
    converted.writes = x.writes
    return converted


def recorded_as(shown: str) -> Callable[[F], F]:
    """A function of several operations whose result has one name in ``grad_fn=<...>``, and memory of its own."""

    def decorate(function: F) -> F:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                result = function(*args, **kwargs)
            except TypeError as refused:
                name_option(refused, function)
                raise
            given = [x for x in (*args, *kwargs.values()) if isinstance(x, TensorBase)]
            shares_memory = isinstance(result, TensorBase) and any(x.writes is result.writes for x in given)
            return name_last_call(clone(result) if shares_memory else result, shown)

        return call  # type: ignore[return-value]

    return decorate


_read_from = operation("read_from", lambda x, *, key: x, lambda g, key: g)


def read_from(result: Any, shown: str, *sources: Any) -> Any:
    """`result` under the name `shown`: backward through it is refused once one of the tensors `sources` was written to.

    For a function whose parts keep converted copies, as its gradient would be that of values which are no more.
    """
    if result.node is None:
        result.view_of = None  # of an intermediate result, which no caller can reach
        return result
    made = _read_from(result, key=watch((), *sources))
    made.writes = result.writes  # one memory
    return name_last_call(made, shown)


def as_float(input: Any) -> Any:
    """Integers and bools cast to the default float type; floats unchanged."""
    return input if input.array.dtype.kind == "f" else cast(input, dtypes.get_default_dtype().numpy)


def reshape_along(x: Any, dim: int, ndim: int) -> Any:
    """Reshapes a vector so that it broadcasts along axis `dim` of `ndim`: (n,) -> (1, ..., n, ..., 1)."""
    shape = [-1 if d == dim else 1 for d in range(ndim)]
    return reshape(x, shape) if isinstance(x, TensorBase) else x.reshape(shape)  # type: ignore[arg-type]


def divide_or_zero(x: Any, y: Any) -> Any:
    """``x / y``, and 0 where y is 0, for arrays and Tensors."""
    zero = np.equal(y, 0)
    return np.where(zero, 0.0, x / np.where(zero, 1.0, y))
