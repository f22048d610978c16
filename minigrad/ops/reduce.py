"""Reductions: many numbers become few, and the gradient is spread back over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import operation
from minigrad.backend import quiet
from minigrad.ops.axes import axes, numpy_names
from minigrad.ops.elementwise import not_a_tensor, twin_of


def _spread(g: Any, shape: tuple[int, ...], dim: tuple[int, ...] | None, keepdim: bool) -> Any:
    """A reduced gradient, repeated over the axes that were reduced: a view, not a copy."""
    if dim is None or len(dim) == len(shape):
        kept = (1,) * len(shape)
    else:
        kept = tuple([1 if i in dim else n for i, n in enumerate(shape)])
    return np.broadcast_to(g.reshape(kept), shape)


def _sum_forward(x: Any, *, dim: Any, keepdim: bool) -> Any:
    return quiet(np.add.reduce, x, axis=dim, keepdims=keepdim)


_sum = operation(
    "sum", _sum_forward, lambda g, x_shape, dim, keepdim: _spread(g, x_shape, dim, keepdim)
)


@twin_of(np.sum)
@numpy_names
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum over the dimensions `dim`, or over all. Sums of integers and bools are int64.

    >>> import minigrad as torch
    >>> torch.sum(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])
    """
    return _reduced(_sum, "sum", input, dim, keepdim, dtype)


def _reduced(made: Any, name: str, input: Any, dim: Any, keepdim: bool, dtype: Any) -> Any:
    if not isinstance(input, TensorBase):
        raise not_a_tensor(name, "input", 1, input)
    array = input.array
    if dtype is not None:
        input = input.astype(dtypes.as_numpy(dtype))
    elif array.dtype.kind != "f" and array.dtype != np.int64:
        input = input.astype(np.dtype(np.int64))
    return made(input, dim=None if dim is None else axes(dim, array.ndim), keepdim=keepdim)


@twin_of(np.mean)
@numpy_names
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean over the dimensions `dim`, or over all: the sum divided by the number of elements."""
    total = sum(input, dim, keepdim, dtype=dtype)
    return total * (total.array.size / input.array.size if input.array.size else float("nan"))
