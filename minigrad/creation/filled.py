"""Tensors filled with one number, or with none: `zeros`, `ones`, `full`, `empty`."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from minigrad import dtypes
from minigrad.creation.options import as_list, creates, read_size
from minigrad.layout import contiguous_format, invert, order_axes
from minigrad.ops.arguments import as_number


@creates
def zeros(*size: Any, xp: Any, dtype: Any) -> Any:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``.

    Raises RuntimeError for negative sizes, TypeError for sizes that are no ints.

    >>> import minigrad as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return xp.zeros(read_size("zeros", size, dtype), dtype)


@creates
def ones(*size: Any, xp: Any, dtype: Any) -> Any:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``.

    >>> import minigrad as torch
    >>> torch.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return xp.ones(read_size("ones", size, dtype), dtype)


@creates
def empty(*size: Any, memory_format: Any = contiguous_format, xp: Any, dtype: Any) -> Any:
    """An uninitialized tensor: ``empty(2, 3)`` or ``empty((2, 3))``.

    >>> import minigrad as torch
    >>> torch.empty(2, 3).shape
    minigrad.Size([2, 3])
    """
    shape = read_size("empty", size, dtype)
    if memory_format is contiguous_format:
        return xp.empty(shape, dtype)
    return empty_in_order(xp, shape, order_axes("empty", memory_format, len(shape)), dtype)


def empty_in_order(xp: Any, shape: Any, order: Any, numpy_dtype: Any) -> Any:
    """An uninitialized array of `shape` with its axes in memory in the order `order`, the outermost first."""
    array = xp.empty([shape[axis] for axis in order], numpy_dtype)  # axes in memory order
    return array.transpose(invert(order))  # axes in their own order


@partial(creates, usual=lambda: None)  # that of the number
def full(size: Any, fill_value: Any, *, xp: Any, dtype: Any) -> Any:
    """A tensor of `size` filled with one number, of that number's type unless `dtype` is given.

    >>> import minigrad as torch
    >>> torch.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    value = as_number("full", "fill_value", fill_value)
    dtype = dtypes.result_type([value]) if dtype is None else dtype
    shape = read_size("full", (as_list("full", size),), dtype)
    return xp.full(shape, dtypes.scalar(value, dtype, round_to_infinity=math.prod(shape) == 1), dtype)
