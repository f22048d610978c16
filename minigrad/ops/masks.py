"""Operations with a bool mask: `where`, `masked_fill`, `masked_select`; `nonzero`; and masks of attention."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.computing import compute
from minigrad.autograd.core import GRAD, Tensor, TensorBase, mode, plain_classes, value_of, wrap
from minigrad.autograd.failed_calls import check_same_library
from minigrad.autograd.views import is_in_graph
from minigrad.backend import array_module
from minigrad.ops.arguments import Operand, common_shape, of_tensors, require_number, takes_out
from minigrad.ops.arithmetic import promote
from minigrad.ops.complaints import shapes_do_not_broadcast
from minigrad.ops.copies import cast, contiguous
from minigrad.ops.device import move_scalars
from minigrad.ops.elementwise import elementwise, twin_of
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.index import read_at
from minigrad.ops.keys import watch
from minigrad.ops.shape import expand
from minigrad.placement import as_int64, constant_beside


def number_inside(value: Any) -> Any:
    """The number in a 0-d CPU tensor that needs no gradient; other values unchanged."""
    plain = isinstance(value, TensorBase) and type(value.array) is np.ndarray and not is_in_graph(value)
    return value.array.item() if plain else value


_where = elementwise(
    "where",
    lambda condition, x, y: array_module(condition).where(condition, x, y),
    None,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g),
)


_LEFT_OUT: Any = object()  # None is no number


@twin_of(np.where)
@takes_out
def where(condition: Tensor, input: Operand = _LEFT_OUT, other: Operand = _LEFT_OUT) -> Any:
    """Elements of `input` where `condition` holds, of `other` elsewhere, all broadcast.

    The gradient of each element goes to the operand that it was taken from; the other gets 0 there.
    With the condition alone: the indices where it holds, as `nonzero(as_tuple=True)`.

    >>> import minigrad as torch
    >>> torch.where(torch.tensor([True, False]), 1.0, 0.0)
    tensor([1., 0.])
    """
    if input is _LEFT_OUT and other is _LEFT_OUT:
        return nonzero(condition, as_tuple=True)
    if condition.array.dtype.kind != "b" and condition.array.dtype != np.uint8:
        raise _not_a_mask("where expected condition to be a boolean tensor, but got a tensor", condition)
    if condition.array.dtype == np.uint8:
        warn("where() received a uint8 condition tensor, which is deprecated: write condition.bool()")
    for name, side in (("input", input), ("other", other)):
        if side.__class__ not in plain_classes:
            require_number("where", name, side)
    x, y = _lift_beside(input, other, condition), _lift_beside(other, input, condition)
    if x is None and y is None:
        condition, x, y = _promote_sides(condition, input, other)
    else:
        x, y = input if x is None else x, other if y is None else y
    try:
        return _where(cast(condition, np.dtype(bool)), x, y)
    except ValueError:
        raise shapes_do_not_broadcast("where", condition, x, y) from None


def _lift_beside(number: Any, x: Any, condition: Any) -> Any:
    """A plain number in the dtype of `x`, if that is a tensor of float32 or float64 on the CPU; else None."""
    if type(number) is not float and type(number) is not int:
        return None
    if x.__class__ not in plain_classes or not x.array.__class__ is np.ndarray is condition.array.__class__:
        return None
    usual = dtypes.every_float_holds(number) or number in (math.inf, -math.inf)
    return x.array.dtype.type(number) if usual and x.array.dtype.char in "fd" else None


def _promote_sides(condition: Any, input: Any, other: Any) -> tuple[Any, Any, Any]:
    """The operands of `where`: two sides in their common dtype, on one device with the condition."""
    input, other = map(dtypes.as_python, (input, other))
    sides = [value_of(input), value_of(other)]
    numbers = [x for x in sides if isinstance(x, (int, float))]
    if numbers:
        common = dtypes.result_type(sides)
        # float16 may become infinite
        if common.kind != "f" or (common != np.float16 and not all(map(dtypes.every_float_holds, numbers))):
            dtypes.check_numbers(sides)
    condition, input, other = move_scalars(condition, input, other)
    return condition, *promote("where", input, other)


def _not_a_mask(what: str, mask: Any) -> RuntimeError:
    dtype = dtypes.from_numpy(mask.array.dtype)
    return RuntimeError(f"{what} with dtype {dtype}; compare it, for example mask != 0")


def check_mask(name: str, mask: Tensor, input: Tensor) -> None:
    """Raises unless the tensor `mask` is of bools, and on the device of `input`."""
    if mask.array.dtype.kind != "b":
        raise _not_a_mask(f"{name} only supports boolean masks, but got mask", mask)
    check_same_library(name, (input.array, mask.array))


def check_gradient_can_flow(value: Any, dtype: Any) -> None:
    """Refuse a `value` with a gradient that would be written into elements of `dtype`, integers or bools."""
    if dtype.kind != "f" and mode.get() & GRAD and is_in_graph(value):
        hint = "a gradient of `value` would end in integers; detach() it"
        raise RuntimeError(f"Autograd not support dtype: {dtype}: {hint}")


@of_tensors(in_part=True, read_before="numbers")
def masked_fill(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """The tensor with one number where `mask` holds.

    >>> import minigrad as torch
    >>> x = torch.tensor([1.0, -2.0])
    >>> torch.masked_fill(x, x < 0, 0)
    tensor([1., 0.])
    """
    check_mask("masked_fill", mask, input)
    require_number("masked_fill", "value", value)
    common, fill = input.array.dtype, _fill_with_tensor if isinstance(value, TensorBase) else _fill_with_number
    if isinstance(value, TensorBase) and value.array.ndim:
        raise RuntimeError(f"masked_fill only supports a 0-dimensional value tensor, got {value.array.ndim} dimensions")
    check_gradient_can_flow(value, common)
    value, input = move_scalars(number_inside(value), input)
    value = cast(value, common) if isinstance(value, TensorBase) else dtypes.scalar(value, common)
    try:
        if type(mask.array) is not np.ndarray:  # a GPU's result lies as the first operand does
            mask = contiguous(mask)
        return fill(mask, value, contiguous(input))
    except ValueError:
        raise shapes_do_not_broadcast("masked_fill", input, mask) from None


@takes_out(apart="all")
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where `mask` is True, in one axis; both are broadcast to one shape first.

    Raises RuntimeError for a mask that is not of bools, and for shapes that do not broadcast.

    >>> import minigrad as torch
    >>> x = torch.tensor([1.0, -2.0])
    >>> torch.masked_select(x, x < 0)
    tensor([-2.])
    """
    check_mask("masked_select", mask, input)
    shape = common_shape("masked_select", input.array.shape, mask.array.shape)
    wide = array_module(mask.array).broadcast_to(mask.array, shape)
    return _mask_selected(expand(input, shape), key=watch((wide,), mask))


@takes_out
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: one row each, or one tensor for each axis.

    >>> import minigrad as torch
    >>> torch.nonzero(torch.tensor([0, 5, 6]))
    tensor([[1],
            [2]])
    """
    return compute(_places_of_nonzero if as_tuple else _rows_of_nonzero, input)


def _places_of_nonzero(x: Any) -> tuple[Any, ...]:
    return tuple([as_int64(i).copy() for i in np.nonzero(x if x.ndim else x.reshape(1))])


def _rows_of_nonzero(x: Any) -> Any:
    if x.ndim:
        return as_int64(np.argwhere(x))
    count = 1 if x else 0
    return array_module(x).zeros((count, 0), np.int64)


argwhere = nonzero
_mask_selected = shown_as(read_at, "MaskedSelectBackward0")
_fill_with_number = shown_as(_where, "MaskedFillBackward0")
_fill_with_tensor = shown_as(_where, "MaskedFillBackward1")


# ---- masks of attention, which are added to scores -----------------------------------------------
@lru_cache(maxsize=64)
def _make_causal_once(shape: tuple[int, int], dtype: np.dtype[Any]) -> Any:
    return np.triu(np.full(shape, -np.inf, dtype), 1)


def make_causal(beside: Any, queries: int, keys: int) -> Tensor:
    """The mask that hides from each query the keys after it: (queries, keys), 0 or -inf, in the dtype of `beside`.

    One of at most 64 KB is kept for the next calls, so it must not be written to.
    """
    shape, dtype = (queries, keys), beside.array.dtype
    if math.prod(shape) * dtype.itemsize <= 2**16:
        return wrap(constant_beside(beside.array, _make_causal_once(shape, dtype)))
    return compute(lambda x: np.triu(np.full_like(x, -np.inf, shape=shape), 1), beside)


def find_hidden_rows(mask: Any) -> Any:
    """The rows of an array, (..., L, S) -> (..., L, 1), in which a mask hides every key: by False, or by -inf."""
    if mask.dtype == np.bool_:
        return ~mask.any(axis=-1, keepdims=True)
    return (mask == -np.inf).all(axis=-1, keepdims=True)
