"""Reductions: many numbers become few, and the gradient is spread back over them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import wrap
from minigrad.autograd.operation import operation
from minigrad.backend import on_its_gpu, quiet
from minigrad.ops.arithmetic import mul, true_divide
from minigrad.ops.axes import axes, axis, numpy_names
from minigrad.ops.elementwise import titled, twin_of
from minigrad.ops.join import cat, stack
from minigrad.ops.shape import cast, reshape


# ---- what all reductions share -------------------------------------------------------------------
def kept(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> tuple[int, ...]:
    """`shape` with length 1 along the axes `dim`: what the result has with keepdim=True."""
    return tuple([1 if dim is None or i in dim else n for i, n in enumerate(shape)])


def _spread(g: Any, x_shape: tuple[int, ...], dim: tuple[int, ...] | None) -> Any:
    """A reduced gradient, repeated over the axes that were reduced: a view, not a copy."""
    if dim is None and isinstance(g, (np.ndarray, np.generic)):
        # one number under every index: what broadcast_to makes, ten times quicker
        return np.ndarray(x_shape, g.dtype, g if g.__class__ is np.ndarray else np.asarray(g), 0, (0,) * len(x_shape))
    return np.broadcast_to(g.reshape(kept(x_shape, dim)), x_shape)


def _count(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> int:
    """How many elements become one."""
    return math.prod(shape if dim is None else [shape[i] for i in dim])


def real(name: str, input: Any, dtype: Any = None) -> Any:
    """`input` converted to `dtype`. Raises RuntimeError unless that is a floating-point type."""
    wanted = input.array.dtype if dtype is None else dtypes.as_numpy(dtype)
    if wanted.kind != "f":
        whose = "Input" if dtype is None else "Optional"
        told = f"{whose} dtype must be either a floating point or complex dtype. Got: {wanted}; convert with .float()"
        raise RuntimeError(f"{name}(): could not infer output dtype. {told}")
    return cast(input, wanted)


def _summable(input: Any, dtype: Any) -> Any:
    """`input` in the type it is summed in: `dtype`, int64 for integers and bools, or its own."""
    if dtype is not None:
        return cast(input, dtypes.as_numpy(dtype))
    return input if input.array.dtype.kind == "f" else cast(input, np.dtype(np.int64))


# ---- sums ----------------------------------------------------------------------------------------
_add_up: Any = np.add.reduce


def _total(x: Any, *, dim: Any, keepdim: bool) -> Any:
    if x.dtype.char == "e":  # float16 is summed in float32, and rounded once
        return quiet(_add_up, x, axis=dim, keepdims=keepdim, dtype=np.float32).astype(x.dtype)
    return quiet(_add_up, x, dim, None, None, keepdim)


def _average(x: Any, *, dim: Any, keepdim: bool) -> Any:
    wide = np.float32 if x.dtype == np.float16 else None
    average = quiet(lambda: _add_up(x, axis=dim, keepdims=keepdim, dtype=wide) / _count(x.shape, dim))
    return average.astype(x.dtype) if wide else average


_sum = operation("sum", _total, _spread)
_mean = operation("mean", _average, lambda g, x_shape, dim: _spread(g / _count(x_shape, dim), x_shape, dim))


@twin_of(np.sum)
@numpy_names
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum over the dimensions `dim`, or over all. Sums of integers and bools are int64.

    >>> import minigrad as torch
    >>> torch.sum(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])
    """
    x = _summable(input, dtype)
    return _sum(x, dim=None if dim is None else axes(dim, x.array.ndim), keepdim=keepdim)


@twin_of(np.mean)
@numpy_names
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean over the dimensions `dim`, or over all: the sum divided by the number of elements.

    Raises RuntimeError for integers: convert with ``.float()``.

    >>> import minigrad as torch
    >>> torch.mean(torch.tensor([[1.0, 3.0], [5.0, 7.0]]), dim=1)
    tensor([2., 6.])
    """
    x = real("mean", input, dtype)
    return _mean(x, dim=axes(dim, x.array.ndim), keepdim=keepdim)


@numpy_names
def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """``sum((x - mean(x))^2) / (n - correction)``; the correction is 1, 0 if not `unbiased`.

    >>> import minigrad as torch
    >>> x = torch.tensor([1.0, 2.0, 3.0])
    >>> x.var(), x.var(correction=0)
    (tensor(1.), tensor(0.6667))
    """
    if isinstance(dim, bool):  # var(x, False): PyTorch's older form
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    x = real("var", input)
    half = x.array.dtype == np.float16
    x = cast(x, np.dtype(np.float32)) if half else x
    over = axes(dim, x.array.ndim)
    off = x - mean(x, over, True)
    squares = _sum(mul(off, off), dim=over, keepdim=keepdim)
    spread = true_divide(squares, max(_count(x.array.shape, over) - correction, 0))
    return cast(spread, np.dtype(np.float16)) if half else spread


def _slope_of_root(g: Any, out: Any) -> Any:
    zero = np.equal(out, 0)
    return np.where(zero, 0.0, g / np.where(zero, 1.0, 2 * out))


_root = operation("std", lambda x: quiet(np.sqrt, x), _slope_of_root)


@numpy_names
def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The square root of `var`; its gradient is 0 where it is 0.

    >>> import minigrad as torch
    >>> torch.std(torch.tensor([1.0, 3.0, 5.0]))
    tensor(2.)
    """
    return _root(var(input, dim, unbiased, keepdim, correction=correction))


def _logsumexp(x: Any, *, dim: Any, keepdim: bool) -> Any:
    top: Any = 0.0  # of no elements: their exponentials add up to 0, and its logarithm is -inf
    if x.size:
        top = x.max(axis=dim, keepdims=True)
        top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    total = np.log(np.add.reduce(np.exp(x - top), axis=dim, keepdims=True)) + top
    return total if keepdim else total.squeeze(dim)


_log_sum_exp = operation(
    "logsumexp",
    lambda x, *, dim, keepdim: quiet(_logsumexp, x, dim=dim, keepdim=keepdim),
    lambda g, x, out, dim: _spread(g, x.shape, dim) * np.exp(x - out.reshape(kept(x.shape, dim))),
)


@numpy_names
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """``log(sum(exp(x)))`` over the dimensions `dim`, without overflow.

    >>> import minigrad as torch
    >>> torch.logsumexp(torch.zeros(2, 3), dim=1)
    tensor([1.0986, 1.0986])
    """
    x = input if input.array.dtype.kind == "f" else cast(input, dtypes.get_default_dtype().numpy)
    return _log_sum_exp(x, dim=axes(dim, x.array.ndim), keepdim=keepdim)


# The gradient of a sum from the front is the sum from the back.
def _running(x: Any, *, dim: int) -> Any:
    wide = np.float32 if x.dtype == np.float16 else x.dtype
    return quiet(np.cumsum, x, axis=dim, dtype=wide).astype(x.dtype, copy=False)


_cumsum = operation("cumsum", _running, lambda g, dim: _cumsum_back(g, dim=dim))
_cumsum_back: Any = operation(
    "cumsum", lambda x, *, dim: np.flip(_running(np.flip(x, dim), dim=dim), dim), lambda g, dim: _cumsum(g, dim=dim)
)


@twin_of(np.cumsum)
@numpy_names
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The sums of the first 1, 2, 3, ... elements along the dimension `dim`.

    >>> import minigrad as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    x = _summable(input, dtype)
    d = axis(dim, x.array.ndim)
    return _cumsum(x, dim=d) if x.array.ndim else x.clone()


# ---- products ------------------------------------------------------------------------------------
# The rule holds for at most one factor: for a gradient, more are multiplied in pairs.
_product = operation(
    "prod", lambda x, *, dim, keepdim: quiet(np.multiply.reduce, x, axis=dim, keepdims=keepdim, dtype=x.dtype), _spread
)


@numpy_names
def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product over the dimension `dim`, or over all elements.

    For a gradient the product is taken in pairs, so that zeros among the factors do no harm.

    >>> import minigrad as torch
    >>> torch.prod(torch.tensor([2, 3, 4]))
    tensor(24)
    """
    x = _summable(input, dtype)
    over = axes(dim, x.array.ndim)
    if x.node is None or _count(x.array.shape, over) < 2:
        return _product(x, dim=over, keepdim=keepdim)
    shape = kept(x.array.shape, over)
    x = reshape(x, -1) if over is None else x.movedim(over[0], 0)
    while len(x.array) > 1:
        half = len(x.array) // 2
        pairs = mul(x[:half], x[half : 2 * half])
        x = pairs if len(x.array) == 2 * half else cat((pairs, x[2 * half :]))
    return reshape(x, shape if keepdim else () if over is None else [*shape[: over[0]], *shape[over[0] + 1 :]])


# ---- extremes ------------------------------------------------------------------------------------
def _to_extremes(g: Any, x: Any, out: Any, dim: Any) -> Any:
    """The gradient goes to the elements that are the extreme, in equal shares."""
    shape = kept(x.shape, dim)
    hit = np.equal(x, out.reshape(shape))
    return g.reshape(shape) * hit / np.sum(hit, axis=dim, keepdims=True)


def check_not_empty(name: str, input: Any, over: tuple[int, ...] | None) -> None:
    """Refuse to look for an extreme among no elements."""
    if input.array.size:
        return
    shape = tuple(input.array.shape)
    if over is None:
        told = "Expected reduction dim to be specified for input.numel() == 0"
        raise RuntimeError(f"{name}(): {told}. Give the axis with the 'dim' argument (shape {shape})")
    for d in over:
        if not shape[d]:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size. (shape {shape})")


def _extreme(name: str, reduce: Callable[..., Any], text: str) -> Callable[..., Any]:
    made = operation(name, lambda x, *, dim, keepdim: reduce(x, axis=dim, keepdims=keepdim), _to_extremes)

    def call(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
        over = axes(dim, input.array.ndim)
        check_not_empty(name, input, over)
        return made(input, dim=over, keepdim=keepdim)

    return twin_of(reduce)(numpy_names(titled(call, name, text)))


amax = _extreme("amax", np.amax, "The greatest element over the dimensions `dim`, or of all; ties share the gradient.")
amin = _extreme("amin", np.amin, "The least element over the dimensions `dim`, or of all; ties share the gradient.")


# ---- truth and counting --------------------------------------------------------------------------
def _truth(name: str) -> Callable[..., Any]:
    @on_its_gpu
    def call(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        reduce = getattr(input.array, name)
        found = reduce(axis=axes(dim, input.array.ndim), keepdims=keepdim)
        # PyTorch answers bytes with a byte
        return wrap(found.astype(np.uint8) if input.array.dtype == np.uint8 else found)

    text = f"True where {name} elements over the dimensions `dim`, or of the tensor, are not 0."
    return numpy_names(titled(call, name, text))


all = _truth("all")
any = _truth("any")


@numpy_names
@on_its_gpu
def count_nonzero(input: Any, dim: Any = None) -> Any:
    """How many elements over the dimensions `dim`, or of all, are not 0.

    >>> import minigrad as torch
    >>> torch.count_nonzero(torch.tensor([0, 1, 2]))
    tensor(2)
    """
    return wrap(np.add.reduce(input.array != 0, axis=axes(dim, input.array.ndim), dtype=np.int64))


@numpy_names
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The products of the first 1, 2, 3, ... elements along the dimension `dim`.

    >>> import minigrad as torch
    >>> torch.cumprod(torch.tensor([1, 2, 3]), dim=0)
    tensor([1, 2, 6])
    """
    x = _summable(input, dtype)
    return stack(list(accumulate(x.unbind(dim), mul)), dim) if x.array.size and x.array.ndim else x.clone()
