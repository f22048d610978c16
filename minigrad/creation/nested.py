"""Nested lists of numbers as one NumPy array, for `tensor([[1, 2], [3, 4]])`.

Python's floats have the default dtype, its ints int64. Lists that hold anything else, or do not fit together, are for
`mixed_lists.py`.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from minigrad import dtypes

_LISTS, _NUMBERS = {list, tuple}, {bool, int, float}
DEEPEST = 64  # lists within lists: NumPy's arrays have no more axes, and `mixed_lists.py` refuses others
_INT64, _BOOL = np.dtype(np.int64), np.dtype(np.bool_)


def read_numbers(data: Any, numpy_dtype: Any = None) -> Any:
    """The array of a number, or of nested lists of numbers, arrays and tensors of one element.

    `numpy_dtype` is the type to have; where it is None, the one that holds all. Raises ValueError for
    ragged lists and tensors of several elements, TypeError for a list beside a number, RuntimeError
    for what is no number or does not fit into the type.
    """
    shape, numbers = _flatten(data)
    kinds = set(map(type, numbers))
    if not kinds <= _NUMBERS:
        from minigrad.creation.mixed_lists import read_mixed

        return read_mixed(data, numpy_dtype)
    if numpy_dtype is None:
        has_floats = float in kinds or not kinds
        numpy_dtype = dtypes.get_default_dtype().numpy if has_floats else _INT64 if int in kinds else _BOOL
    elements = as_elements(numbers, numpy_dtype)
    return elements if len(shape) == 1 else elements.reshape(shape)


def _flatten(data: Any) -> tuple[list[int], list[Any]]:
    """The shape of nested lists, and what they hold, in order: lists too, where others beside them end sooner."""
    is_list = data.__class__ in _LISTS
    shape, inside = ([len(data)], data) if is_list else ([], [data])
    while inside and len(shape) < DEEPEST and _LISTS.issuperset(map(type, inside)) and len(set(map(len, inside))) == 1:
        shape.append(len(inside[0]))
        inside = [*chain.from_iterable(inside)]
    return shape, inside


def as_elements(numbers: list[Any], numpy_dtype: Any) -> Any:
    """Python numbers as a flat array of `numpy_dtype`, which must hold them."""
    if numpy_dtype.kind in "fb":
        try:
            values = np.array(numbers, np.float64 if numpy_dtype.kind == "f" else np.bool_)
        except OverflowError:
            raise OverflowError("int too large to convert to float") from None
        return dtypes.convert(values, numpy_dtype)
    exact = [x if isinstance(x, int) else _truncate(x, numpy_dtype) for x in numbers]
    try:
        values = np.array(exact, np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long: an integer does not fit into int64") from None
    if values.size and numpy_dtype != np.int64:
        dtypes.check_fits(int(values.min()), int(values.max()), numpy_dtype)
    return values.astype(numpy_dtype, copy=False)


def _truncate(value: float, numpy_dtype: Any) -> int:
    """A float without its fractional part."""
    dtypes.check_fits(value, value, numpy_dtype)
    return int(value)
