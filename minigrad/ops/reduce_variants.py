"""Reductions that few programs need: `logsumexp`, `amax`, `amin`, `count_nonzero`, `sum_to_size`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.autograd.walk import repeated_axes
from minigrad.ops.arguments import Dims, axes, of_tensors, sizes, takes_out
from minigrad.ops.copies import in_rows
from minigrad.ops.describe import rename
from minigrad.ops.elementwise import twin_of
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.precision import as_float
from minigrad.ops.reduce import arrange, keepdim_shape, spread_gradient, sum
from minigrad.ops.shape import reshape
from minigrad.passes import add_up


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
def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
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

    def call(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
        over = axes(dim, input.array.ndim)
        check_not_empty(name, input, over)
        return made(input, dim=over, keepdim=keepdim)

    return twin_of(reduce)(takes_out(rename(call, name, text, example)))


# fmt: off
amax = _make_extreme("amax", np.amax,
    "The greatest element over the dimensions `dim`, or of all; ties share the gradient.",
    "torch.amax(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([5, 7])")
amin = _make_extreme("amin", np.amin,
    "The least element over the dimensions `dim`, or of all; ties share the gradient.",
    "torch.amin(torch.tensor([[1, 5], [7, 2]]), 1) -> tensor([1, 2])")
# fmt: on


# ---- counts, and the adjoint of broadcasting ------------------------------------------------------
@of_tensors(axis_first=True)
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """The number of elements that are not 0, over the dimensions `dim` or over all.

    >>> import minigrad as torch
    >>> torch.count_nonzero(torch.tensor([0, 1, 2]))
    tensor(2)
    """
    return compute(_count_nonzero, input, axes(dim, input.array.ndim))


def _count_nonzero(x: Any, dim: Any) -> Any:
    return in_rows(np.add.reduce(x != 0, axis=dim, dtype=np.int64))


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
        detail = "sum_to_size undoes broadcasting"
        raise RuntimeError(f"size {list(shape)} is not expandable to size {list(have)}: {detail}")
    return name_last_call(reshape(sum(input, over), shape), "SumBackward1") if over or not shape else input
