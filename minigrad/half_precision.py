"""Half precision: float16 is computed in float32 and rounded once, as in PyTorch.

An operation declares it, ``operation(..., in_float32=True)``: then its forward is called by `round_once`, and its rules
by `widened` (the walk rounds all gradients to their operands' types). Where PyTorch's gradient is made of functions
that each round, the forward alone is called so: ``operation(name, round_once(forward), rule)``. Sums within a function
are made in `sum_type`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import unwrap
from types import FunctionType
from typing import Any

import numpy as np

HALF = np.dtype(np.float16)
FLOAT32 = np.dtype(np.float32)  # the dtype of nearly all tensors


def widen(x: Any) -> Any:
    """An array or a Tensor of float16 as float32, also within a list (a rule's `others`); anything else as it is."""
    if type(x) is list:
        return [*map(widen, x)]
    return x.astype(np.float32) if getattr(getattr(x, "dtype", None), "name", "") == "float16" else x


def sum_type(x: Any) -> Any:
    """The dtype in which the elements of an array are added up: float32 for float16, else its own."""
    return np.float32 if x.dtype.char == "e" else x.dtype


def widened(function: Callable[..., Any], rounds: bool = False) -> Callable[..., Any]:
    """`function` of arrays or Tensors, which computes in float32 where the first of them is of float16; with `rounds`,
    an array that it makes of arrays is rounded to float16.
    """

    @wraps(function)
    def compute(*operands: Any, **options: Any) -> Any:
        dtype = operands[0].dtype
        if dtype is FLOAT32 or dtype.itemsize != HALF.itemsize:
            return function(*operands, **options)
        made = function(*map(widen, operands), **options)
        return made.astype(HALF) if rounds and dtype == HALF else made

    return compute


def round_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """`widened`, with the result rounded to float16."""
    return widened(function, rounds=True)


def is_wide(function: Any) -> bool:
    """Whether `function` was made by `widened` or `round_once`."""
    return isinstance(function, FunctionType) and function.__code__ is _WIDE


_WIDE = widened(widen).__code__  # the same for every function that `widened` makes


def as_usual(function: Any) -> Any:
    """A function of an operation as it is called for other types than float16: not by `widened`."""
    return function.__wrapped__ if is_wide(function) else function


def round_result(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of an operation for a kernel, which rounds in its last step what `widened` leaves to the walk."""
    return round_once(unwrap(function)) if is_wide(function) else function
