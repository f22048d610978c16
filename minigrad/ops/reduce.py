"""Reductions: `sum`, `mean` and others; the gradient is broadcast back over the reduced axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import GRAD, mode
from minigrad.autograd.recording import operation
from minigrad.autograd.views import is_in_graph
from minigrad.autograd.walk import repeated_axes
from minigrad.ops.arguments import axes, of_tensors, sizes, takes_out
from minigrad.ops.copies import as_float, cast, in_rows
from minigrad.ops.elementwise import rename, twin_of
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.shape import reshape
from minigrad.side_by_side import add_up

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


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
def _total(x: Any, *, dim: Any, keepdim: bool) -> Any:
    # keep small integers, which NumPy would widen
    total = add_up(x, dim, None if x.dtype.kind == "f" else x.dtype, keepdim)
    return total if dim is None else arrange(total, keepdim)


def _average_forward(x: Any, *, dim: Any, keepdim: bool) -> Any:
    found = add_up(x, dim, None, keepdim) / count_reduced(x.shape, dim)
    return found if dim is None else arrange(found, keepdim)


def _average_rule(g: Any, x_shape: Any, dim: Any) -> Any:
    return spread_gradient(g / count_reduced(x_shape, dim), x_shape, dim)


sum_operation = operation("sum", _total, spread_gradient)
average = operation("mean", _average_forward, _average_rule, in_float32=True)


# PyTorch prints other `grad_fn` names for reductions over given dimensions than over all.
_sum_over, _mean_over = shown_as(sum_operation, "SumBackward1"), shown_as(average, "MeanBackward1")


@twin_of(np.sum)
@takes_out(typed_by_out=True)
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over the dimensions `dim`, or over all. Sums of integers and bools are int64.

    >>> import minigrad as torch
    >>> torch.sum(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])
    """
    x = as_summable(input, dtype)
    options = {"dim": axes(dim, x.array.ndim), "keepdim": keepdim}
    return (sum_operation if dim is None else _sum_over).call((x,), (x.array,), options)


@twin_of(np.mean)
@takes_out(cast=True)
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over the dimensions `dim`, or over all: the sum divided by the number of elements.

    Raises RuntimeError for integers: convert with ``.float()``.

    >>> import minigrad as torch
    >>> torch.mean(torch.tensor([[1.0, 3.0], [5.0, 7.0]]), dim=1)
    tensor([2., 6.])
    """
    x = as_real("mean", input, dtype)
    options = {"dim": axes(dim, x.array.ndim), "keepdim": keepdim}
    return (average if dim is None else _mean_over).call((x,), (x.array,), options)


@of_tensors
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Undoes broadcasting: the sum over the axes along which a tensor of `size` would be broadcast to `input`.

    Raises RuntimeError if `size` does not broadcast to the shape of `input`.

    >>> import minigrad as torch
    >>> torch.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape, have = sizes("sum_to_size", size), tuple(input.array.shape)
    over = repeated_axes(shape, have)
    if over is None:
        raise RuntimeError(
            f"size {list(shape)} is not expandable to size {list(have)}: sum_to_size undoes broadcasting"
        )
    return name_last_call(reshape(sum(input, over), shape), "SumBackward1") if over or not shape else input


# ---- logarithms of sums --------------------------------------------------------------------------
def _logsumexp(x: Any, *, dim: Any, keepdim: bool) -> Any:
    top: Any = 0.0  # without elements the sum of exponentials is 0, and its logarithm -inf
    if x.size:
        top = x.max(axis=dim, keepdims=True)
        top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    total = np.log(add_up(np.exp(x - top), dim, keepdims=True)) + top
    return total if keepdim else in_rows(total.squeeze(dim))


_log_sum_exp = operation(
    "logsumexp",
    lambda x, *, dim, keepdim: _logsumexp(x, dim=dim, keepdim=keepdim),
    lambda g, x, out, dim: spread_gradient(g, x.shape, dim) * np.exp(x - out.reshape(keepdim_shape(x.shape, dim))),
)


@takes_out(cast=True)
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """``log(sum(exp(x)))`` over the dimensions `dim`, without overflow.

    >>> import minigrad as torch
    >>> torch.logsumexp(torch.zeros(2, 3), dim=1)
    tensor([1.0986, 1.0986])
    """
    if dim is None:
        raise TypeError("logsumexp(): argument 'dim' (position 2) must be an int or a tuple of ints, not None")
    x = as_float(input)
    return _log_sum_exp(x, dim=axes(dim, x.array.ndim), keepdim=keepdim)


# ---- extremes ------------------------------------------------------------------------------------
def _give_to_extremes(g: Any, x: Any, out: Any, dim: Any) -> Any:
    """The gradient goes to the elements that are the extreme, in equal shares."""
    shape = keepdim_shape(x.shape, dim)
    hit = np.equal(x, out.reshape(shape))
    return g.reshape(shape) * hit / np.sum(hit, axis=dim, keepdims=True)


def check_not_empty(name: str, input: Any, over: tuple[int, ...] | None, error: type[Exception] = RuntimeError) -> None:
    """Raises if there are no elements: IndexError for an empty axis, `error` for an empty tensor."""
    if input.array.size:
        return
    shape = tuple(input.array.shape)
    if over is None:
        detail = "Expected reduction dim to be specified for input.numel() == 0"
        raise error(f"{name}(): {detail}. Give the axis with the 'dim' argument (shape {shape})")
    for d in over:
        if not shape[d]:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size. (shape {shape})")


def _make_extreme(name: str, reduce: Callable[..., Any], text: str, example: str) -> Callable[..., Any]:
    def forward(x: Any, *, dim: Any, keepdim: bool) -> Any:
        return arrange(reduce(x, axis=dim, keepdims=keepdim), keepdim)

    made = operation(name, forward, _give_to_extremes)

    def call(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
        over = axes(dim, input.array.ndim)
        check_not_empty(name, input, over)
        return made(input, dim=over, keepdim=keepdim)

    return twin_of(reduce)(takes_out(rename(call, name, text, example)))


amax = _make_extreme(
    "amax",
    np.amax,
    "The greatest element over the dimensions `dim`, or of all; ties share the gradient.",
    "torch.amax(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([5, 7])",
)
amin = _make_extreme(
    "amin",
    np.amin,
    "The least element over the dimensions `dim`, or of all; ties share the gradient.",
    "torch.amin(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([1, 2])",
)


# ---- any, all and counting --------------------------------------------------------------------------
def _make_truth(name: str, example: str) -> Callable[..., Any]:
    def forward(x: Any, dim: Any, keepdim: bool) -> Any:
        found = x != 0 if dim == () else arrange(getattr(x, name)(axis=dim, keepdims=keepdim), keepdim)
        return found.astype(np.uint8) if x.dtype == np.uint8 else found  # as in PyTorch, uint8 gives uint8

    def call(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        over = () if isinstance(dim, (tuple, list)) and not dim else axes(dim, input.array.ndim)
        return compute(forward, input, over, keepdim)

    text = f"True where {name} elements over the dimensions `dim`, or of the tensor, are not 0."
    return takes_out(rename(call, name, text, example), axis_first=True)


all = _make_truth("all", "torch.all(torch.tensor([[1, 0], [1, 1]]), 1) -> tensor([False,  True])")
any = _make_truth("any", "torch.any(torch.tensor([[1, 0], [0, 0]]), 1) -> tensor([ True, False])")


@of_tensors(axis_first=True)
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """The number of elements that are not 0, over the dimensions `dim` or over all.

    >>> import minigrad as torch
    >>> torch.count_nonzero(torch.tensor([0, 1, 2]))
    tensor(2)
    """
    return compute(_count_nonzero, input, axes(dim, input.array.ndim))


def _count_nonzero(x: Any, dim: Any) -> Any:
    return in_rows(np.add.reduce(x != 0, axis=dim, dtype=np.int64))
