"""Half precision: float16 is computed in float32 and rounded once, as in PyTorch.

An operation declares it, ``operation(..., in_float32=True)``, and the engine calls its forward by `round_once` and its
rules by `widened` (it rounds all gradients to their operands' types). Sums within a function are made in `sum_type`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.backend import KERNELS

HALF = np.dtype(np.float16)


def widen(x: Any) -> Any:
    """An array of float16 as float32; anything else as it is."""
    return x.astype(np.float32) if getattr(x, "dtype", None) == HALF else x


def sum_type(x: Any) -> Any:
    """The dtype in which the elements of an array are added up: float32 for float16, else its own."""
    return np.float32 if x.dtype.char == "e" else x.dtype


def widened(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of arrays, which computes in float32 where the first of them is of float16."""

    def compute(*operands: Any, **options: Any) -> Any:
        if operands[0].dtype.char != "e":
            return function(*operands, **options)
        return function(*map(widen, operands), **options)

    return compute


def round_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """`widened`, with the result rounded to float16."""

    def compute(*operands: Any, **options: Any) -> Any:
        if operands[0].dtype.char != "e":
            return function(*operands, **options)
        return function(*map(widen, operands), **options).astype(HALF)

    return compute


def find_wide(operation: Any) -> list[Callable[..., Any]]:
    """The forward and the rules of an operation, as far as they compute float16 in float32."""
    rules = operation.rules if operation.in_float32 is True else ()
    return [function for function in (operation.forward, *rules) if function and operation.in_float32]


def serve_halves(operation: Any) -> None:
    """Registers what a GPU runs for these functions, unless there is a kernel of ours."""
    for function in find_wide(operation):
        KERNELS.setdefault(function, (round_once if function is operation.forward else widened)(function))
