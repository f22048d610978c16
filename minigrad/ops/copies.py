"""Operations that copy without computing: `clone`, casts, `contiguous`, `flip`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.backend import array_module, copy_array
from minigrad.layout import (
    apply_in_order,
    check_memory_format,
    contiguous_format,
    find_memory_order,
    order_axes,
    preserve_format,
)  # fmt: skip
from minigrad.ops.arguments import axis, of_tensors, sizes
from minigrad.ops.elementwise import elementwise
from minigrad.ops.shape import reshape
from minigrad.shown_values import shorten


def in_rows(array: Any) -> Any:
    """`array` in row-major order, because NumPy's results keep the memory order of transposed operands."""
    return array if array.flags.c_contiguous else array_module(array).ascontiguousarray(array)


def _close_gaps(x: Any, dtype: Any) -> Any:
    """A copy of an expanded `x` as `dtype`, without gaps. The axes keep their order in memory; those that are repeated
    (stride 0) keep their place among them.
    """
    order = find_memory_order(x.shape, [abs(step) for step in x.strides])
    return apply_in_order(lambda x: dtypes.cast_array(x, dtype, "C"), x, order)


# "K": the memory order of the original; "C": row-major
copy_operation = operation(
    "clone",
    lambda x, *, order: x.copy(order) if order == "C" or 0 not in x.strides else _close_gaps(x, x.dtype),
    lambda g: g,
)
# The axes in memory in this order, the outermost first.
_copy_in_order = operation("clone", lambda x, *, order: apply_in_order(copy_array, x, order), lambda g: g)


def _cast_forward(x: Any, *, dtype: Any) -> Any:
    return dtypes.cast_array(x, dtype) if 0 not in x.strides else _close_gaps(x, dtype)


_cast = elementwise("to_copy", _cast_forward, lambda g: g)
# Without a rule: as in PyTorch, even a view that autograd may not read any more is cast to whole numbers.
_cast_to_whole = elementwise("to_copy", _cast_forward, None)


@of_tensors
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy, differentiable.

    >>> import minigrad as torch
    >>> x = torch.tensor([1.0, 2.0])
    >>> torch.clone(x).data_ptr() == x.data_ptr()
    False
    """
    return to_memory_format("clone", copy_operation(input, order="K"), memory_format)


def cast(input: Any, dtype: Any) -> Tensor:
    """The tensor cast to a NumPy dtype; the same tensor if it has that dtype already.

    >>> import minigrad as torch
    >>> import numpy
    >>> torch.ones(2).astype(numpy.int64)
    tensor([1, 1])
    """
    if input.array.dtype == dtype:
        return input
    leaves_graph = input.node is not None and np.dtype(dtype).kind != "f"
    return (_cast_to_whole if leaves_graph else _cast)(input, dtype=dtype)


def to_memory_format(name: str, input: Any, memory_format: Any) -> Tensor:
    """What `name` returns: `input` in `memory_format`, or as it lies for preserve_format and None."""
    if memory_format in (None, preserve_format):
        return input
    return lay_in_order(input, order_axes(name, memory_format, input.array.ndim))


def lay_in_order(input: Any, order: Sequence[int]) -> Tensor:
    """`input` with its axes in memory in this `order`, the outermost first; itself if they lie so already."""
    return input if input.array.transpose(order).flags.c_contiguous else _copy_in_order(input, order=order)


def contiguous(input: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """The tensor in row-major memory, or in `memory_format`; the same tensor if its memory is so already.

    >>> import minigrad as torch
    >>> torch.ones(2, 3).t().contiguous().stride()
    (2, 1)
    """
    if memory_format is contiguous_format:
        return input if input.array.flags.c_contiguous else copy_operation(input, order="C")
    return lay_in_order(input, order_axes("contiguous", memory_format, input.array.ndim))


def is_contiguous(input: Any, memory_format: Any = contiguous_format) -> bool:
    """Whether the memory is in row-major order, or in that of `memory_format`, without gaps.

    >>> import minigrad as torch
    >>> torch.ones(2, 3).t().is_contiguous()
    False
    """
    array: Any = input.array
    if memory_format is not contiguous_format:
        check_memory_format("is_contiguous", memory_format)
        if memory_format.order is not None:
            if array.ndim != len(memory_format.order):
                return False
            array = array.transpose(memory_format.order)
    return bool(array.flags.c_contiguous)


@of_tensors
def ravel(input: Tensor) -> Tensor:
    """All elements as one axis, contiguous in memory.

    >>> import minigrad as torch
    >>> torch.ravel(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return contiguous(reshape(input, -1 if input.array.size else 0))


def _flipped(x: Any, dims: Any) -> Any:
    turned = np.flip(x, dims)
    return turned.copy(order="K") if 0 not in x.strides else _close_gaps(turned, x.dtype)


# Reversing axes is its own adjoint.
turn: Any = operation("flip", lambda x, *, dims: _flipped(x, dims), lambda g, dims: turn(g, dims=dims))


@of_tensors
def flip(input: Tensor, dims: Any) -> Tensor:
    """The entries in reverse order along the axes `dims`, a tuple: a copy.

    >>> import minigrad as torch
    >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), (1,))
    tensor([[2, 1],
            [4, 3]])
    """
    if not isinstance(dims, (tuple, list)):
        raise TypeError(
            f"flip(): argument 'dims' must be a tuple of ints, not {shorten(dims)}; write (0,) for the first axis"
        )
    turned = [axis(d, input.array.ndim) for d in sizes("flip", (dims,), "dims")]
    if len(set(turned)) != len(turned):
        raise RuntimeError(f"dim appears multiple times in the list of dims: {turned}")
    return turn(input, dims=tuple(turned) if input.array.ndim else ())
