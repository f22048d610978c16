"""Lengths of a shape, or along several axes, as of a kernel, that are given as anything but a tuple of ints."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import TensorBase
from minigrad.shown_values import LONGEST, shorten, show_value
from minigrad.size import is_index


def read_lengths(name: str, parameter: str, given: Any, count: int) -> tuple[int, ...]:
    """`given` as `count` ints. Raises TypeError for other types, RuntimeError for a wrong count."""
    values = tuple(given) if is_sequence(given) else (given,)
    # As in PyTorch, only the first value is checked for being a bool.
    if not all(type(v) is int or is_length(v) or (i and v.__class__ is bool) for i, v in enumerate(values)):
        detail = f"argument '{parameter}' must be an int or a tuple of {count} ints, not {show_value(given)}"
        raise TypeError(f"{name}(): {detail}")
    numbers = tuple([int(v) for v in values])
    if len(numbers) not in (1, count):
        raise RuntimeError(
            f"{name}: expected {parameter} to be a single integer value or a list of {count} values, one for each "
            f"spatial axis, got {parameter}={shorten(given)}"
        )
    return numbers if len(numbers) == count else numbers * count


def too_small(name: str, parameter: str, given: Any, least: int) -> RuntimeError:
    """The error for an argument that is, or holds, a number below `least`."""
    kind = "negative" if least == 0 else "non-positive"
    got = f"{parameter}={given!r}"
    return RuntimeError(f"{kind} {parameter} is not supported, got {got}; give {least} or more ({name})")


def is_length(value: Any) -> bool:
    """Whether a value may be one of the lengths of a window or an image: an integer, or a tensor of one integer."""
    array = value.array if isinstance(value, TensorBase) else None
    return is_index(value) or (array is not None and array.size == 1 and array.dtype.kind in "iu")


def is_sequence(given: Any) -> bool:
    """Whether lengths were given one by one: in a tuple, a list, a range, or a row of an array or a tensor."""
    return isinstance(given, (tuple, list, range)) or getattr(given, "ndim", 0) == 1


def no_lengths(name: str) -> TypeError:
    """The error for a function of lengths that is called without any."""
    given = f"{name}(2, 3) or {name}((2, 3)); {name}(()) says that there are none"
    return TypeError(f"{name}() needs ints, such as {given}")


def not_lengths(name: str, shape: tuple[Any, ...], parameter: str) -> TypeError:
    """The error for a shape, given as `parameter`, with lengths that are no ints, or a first one that is a bool."""
    wrong = shape[0] if shape[0].__class__ is bool else next(n for n in shape if not isinstance(n, int))
    where = f" in {shape!r}" if len(shape) > 1 and len(repr(shape)) <= LONGEST else ""
    if isinstance(wrong, TensorBase) and wrong.array.ndim:
        where = "; the sizes of a tensor are x.shape"
    return TypeError(f"{name}(): argument '{parameter}' must be tuple of ints, not {show_value(wrong)}{where}")
