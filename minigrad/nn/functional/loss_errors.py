"""The errors for operands of a loss whose dtypes do not fit one another."""

from __future__ import annotations

from typing import Any

from minigrad import dtypes


def wrong_dtype(found: Any, expected: Any) -> RuntimeError:
    """The error for a target of another dtype than the input."""
    return RuntimeError(f"Found dtype {found.dtype} but expected {expected.dtype}; write target.to(input.dtype)")


def does_not_hold(result: Any, wanted: Any, name: str, hint: str = "convert it with .float()") -> RuntimeError:
    """The error for an option that the dtype of the result cannot hold."""
    types = f"{dtypes.from_numpy(result)} can't be cast to the desired output type {dtypes.from_numpy(wanted)}"
    return RuntimeError(f"result type {types}: {name} got an integer or bool tensor; {hint}")
