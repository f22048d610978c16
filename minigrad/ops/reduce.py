"""Reductions: `sum` and `mean`; the gradient is broadcast back over the reduced axes."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import GRAD, Tensor, mode
from minigrad.autograd.recording import operation
from minigrad.autograd.views import is_in_graph
from minigrad.half_precision import FLOAT32
from minigrad.ops.arguments import Dims, axes, takes_out
from minigrad.ops.copies import cast, in_rows
from minigrad.ops.elementwise import twin_of
from minigrad.ops.grad_fn_names import shown_as
from minigrad.passes import add_up


# ---- what all reductions share -------------------------------------------------------------------
@lru_cache(maxsize=1024)
def keepdim_shape(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> tuple[int, ...]:
    """`shape` with length 1 along the axes `dim`: what the result has with keepdim=True."""
    return tuple([1 if dim is None or i in dim else n for i, n in enumerate(shape)])


_FEW = 4096  # elements that are copied as quickly as a view of them is made


def spread_gradient(g: Any, x_shape: tuple[int, ...], dim: tuple[int, ...] | None) -> Any:
    """Repeats a gradient over the reduced axes: as a view, or as a copy for few elements, which is as quick."""
    if isinstance(g, (np.ndarray, np.generic)):
        if count_reduced(x_shape, None) <= _FEW:
            whole = np.empty(x_shape, g.dtype)
            whole[...] = g if dim is None else g.reshape(keepdim_shape(x_shape, dim))
            return whole
        if dim is None:  # a view of one number with strides 0: as broadcast_to, ten times quicker
            return np.ndarray(x_shape, g.dtype, np.asarray(g), 0, (0,) * len(x_shape))
    return np.broadcast_to(g.reshape(keepdim_shape(x_shape, dim)), x_shape)


def arrange(found: Any, keepdim: bool) -> Any:
    """A reduced array in row-major order; with `keepdim` in the order of the operand, beside which it is broadcast."""
    return found if keepdim else in_rows(found)


@lru_cache(maxsize=1024)
def count_reduced(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> int:
    """The number of elements that are reduced to one."""
    return math.prod(shape if dim is None else [shape[i] for i in dim])


def as_real(name: str, input: Any, dtype: Any = None) -> Any:
    """`input` converted to `dtype`. Raises RuntimeError unless that is a floating-point type."""
    wanted = input.array.dtype if dtype is None else dtypes.as_numpy(dtype)
    if wanted.kind != "f":
        whose = "Input" if dtype is None else "Optional"
        hint = f"{whose} dtype must be either a floating point or complex dtype. Got: {wanted}; convert with .float()"
        raise RuntimeError(f"{name}(): could not infer output dtype. {hint}")
    return cast(input, wanted)


def as_summable(input: Any, dtype: Any) -> Any:
    """`input` in the dtype of its sum: `dtype`, int64 for integers and bools, or its own.

    Raises RuntimeError if `input` needs a gradient and `dtype` is an integer type.
    """
    if dtype is None:
        return input if input.array.dtype.kind == "f" else cast(input, np.dtype(np.int64))
    wanted = dtypes.as_numpy(dtype)
    if wanted.kind != "f" and mode.get() & GRAD and is_in_graph(input):
        hint = "a tensor that requires grad cannot be reduced in integers; detach() it"
        raise RuntimeError(f"Autograd not support dtype: {wanted}: {hint}")
    return cast(input, wanted)


# ---- sums ----------------------------------------------------------------------------------------
def _add_all(x: Any) -> Any:
    dtype = x.dtype
    return add_up(x, None, None if dtype is FLOAT32 or dtype.kind == "f" else dtype)  # NumPy would widen integers


def _add_over(x: Any, *, dim: Any, keepdim: bool) -> Any:
    return arrange(add_up(x, dim, None if x.dtype.kind == "f" else x.dtype, keepdim), keepdim)


def _average_forward(x: Any, *, dim: Any, keepdim: bool) -> Any:
    total = add_up(x, dim, None, keepdim)
    total /= _divisor_of(x.shape, dim, total.dtype) if total.__class__ is np.ndarray else count_reduced(x.shape, dim)
    return total if dim is None else arrange(total, keepdim)


@lru_cache(maxsize=1024)
def _divisor_of(shape: tuple[int, ...], dim: tuple[int, ...] | None, dtype: Any) -> Any:
    """The number of elements that are reduced to one, as an array of 0 dimensions: NumPy divides an array by it sooner
    than by a number, a number later.
    """
    return np.asarray(count_reduced(shape, dim), dtype)


def _average_rule(g: Any, x_shape: Any, dim: Any) -> Any:
    return spread_gradient(g / count_reduced(x_shape, dim), x_shape, dim)


# PyTorch prints other `grad_fn` names for reductions over given dimensions than over all.
sum_all = operation("sum", _add_all, lambda g, x_shape: spread_gradient(g, x_shape, None))
sum_over = operation("sum", _add_over, spread_gradient, shown="SumBackward1")
average = operation("mean", _average_forward, _average_rule, in_float32=True)
_mean_over = shown_as(average, "MeanBackward1")


@twin_of(np.sum)
@takes_out(typed_by_out="buif")
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over the dimensions `dim`, or over all. Sums of integers and bools are int64.

    >>> import minigrad as torch
    >>> torch.sum(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])
    """
    x = input if dtype is None and input.array.dtype is FLOAT32 else as_summable(input, dtype)
    if dim is None and not keepdim:
        return sum_all.call((x,), (x.array,), {})
    return sum_over.call((x,), (x.array,), {"dim": axes(dim, x.array.ndim), "keepdim": keepdim})


@twin_of(np.mean)
@takes_out(typed_by_out="f")
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over the dimensions `dim`, or over all: the sum divided by the number of elements.

    Raises RuntimeError for integers: convert with ``.float()``.

    >>> import minigrad as torch
    >>> torch.mean(torch.tensor([[1.0, 3.0], [5.0, 7.0]]), dim=1)
    tensor([2., 6.])
    """
    x = input if dtype is None and input.array.dtype is FLOAT32 else as_real("mean", input, dtype)
    options = {"dim": dim if dim is None else axes(dim, x.array.ndim), "keepdim": keepdim}
    return (_mean_over if keepdim or dim is not None else average).call((x,), (x.array,), options)
