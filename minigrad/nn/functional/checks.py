"""Argument checks shared by the functions of `nn.functional`, so that errors name the function's own arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.half_precision import HALF
from minigrad.ops.complaints import check_same_dtype
from minigrad.size import is_index

Lengths: TypeAlias = int | tuple[int, ...]  # one for all axes, or one for each


def check_parts(
    name: str, input: Any, shape: tuple[int, ...], why: str, singles_too: bool = False, cure: str = "", **parts: Any
) -> None:
    """Raises RuntimeError unless all `parts` have the shape `shape` and the dtype of the input; None is skipped.

    With `singles_too` all parts may be float32 for a float16 input.
    """
    mixed = singles_too and input.array.dtype == HALF
    mixed = mixed and all(x is None or x.array.dtype == np.float32 for x in parts.values())
    for part, x in parts.items():
        if x is not None and x.array.shape != shape:
            what = f"{part} of shape {list(shape)}, {why}, got {list(x.array.shape)}"
            raise RuntimeError(f"{name}: expected {what}{cure and f'; {cure}'}")
        if x is not None and not mixed:
            check_same_dtype(name, input, part, x)


def per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    """`value` repeated for each of `axes` axes, unless it already has one value per axis."""
    several = isinstance(value, Iterable) and not isinstance(value, str) and getattr(value, "ndim", True)
    return tuple(value) if several else (value,) * axes


def as_ints(name: str, parameter: str, given: Any, count: int, least: int) -> tuple[int, ...]:
    """`given` as `count` ints, one for each spatial axis.

    Raises TypeError for other types, RuntimeError for a wrong count or numbers below `least`.
    """
    numbers = (given,) * count if type(given) is int else given
    usual = type(numbers) is tuple and len(numbers) == count and {int}.issuperset(map(type, numbers))
    if usual and min(numbers) >= least:
        return numbers
    numbers = _read_ints(name, parameter, given, count)
    if min(numbers) < least:
        raise too_small(name, parameter, given, least)
    return numbers


def too_small(name: str, parameter: str, given: Any, least: int) -> RuntimeError:
    """The error for an argument that is, or holds, a number below `least`."""
    kind = "negative" if least == 0 else "non-positive"
    got = f"{parameter}={given!r}"
    return RuntimeError(f"{name}: {kind} {parameter} is not supported, got {got}; give {least} or more")


def is_length(value: Any) -> bool:
    """Whether a value may be one of the lengths of a window or an image: an integer, or a tensor of one integer."""
    array = value.array if isinstance(value, TensorBase) else None
    return is_index(value) or (array is not None and array.size == 1 and array.dtype.kind in "iu")


def is_sequence(given: Any) -> bool:
    """Whether lengths were given one by one: in a tuple, a list, a range, or a row of an array or a tensor."""
    return isinstance(given, (tuple, list, range)) or getattr(given, "ndim", 0) == 1


def _read_ints(name: str, parameter: str, given: Any, count: int) -> tuple[int, ...]:
    values = tuple(given) if is_sequence(given) else (given,)
    # As in PyTorch, only the first value is checked for being a bool.
    if not all(type(v) is int or is_length(v) or (i and v.__class__ is bool) for i, v in enumerate(values)):
        from minigrad.ops.complaints import show_value

        detail = f"argument '{parameter}' must be an int or a tuple of {count} ints, not {show_value(given)}"
        raise TypeError(f"{name}(): {detail}")
    numbers = tuple([int(v) for v in values])
    if len(numbers) not in (1, count):
        raise RuntimeError(
            f"{name}: expected {parameter} to be a single integer value or a list of {count} values, one for each "
            f"spatial axis, got {parameter}={given!r}"
        )
    return numbers if len(numbers) == count else numbers * count
