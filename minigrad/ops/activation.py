"""The activation functions of a first lesson: relu and softmax. Others stand in `activation_variants.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import Operation, operation
from minigrad.ops.arguments import axis, takes_out
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.copies import cast, in_rows
from minigrad.ops.elementwise import SAME, unary
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.piecewise import gate
from minigrad.ops.shape import reshape
from minigrad.passes import keep_where, map_slices

# ---- relu: the gradient is selected ---------------------------------------------------------------
_FEW = 1000  # elements: below, the time of a call decides, not that of its elements
_ZERO = {np.dtype(char): np.zeros((), char) for char in "efd"}  # Python's 0 would double NumPy's overhead per call


def _positive(x: Any) -> Any:
    """``max(0, x)``, in this order: of two zeros x86 takes the second, so -0 stays -0, as in PyTorch."""
    if type(x) is np.ndarray and x.size <= _FEW:
        return np.maximum(_ZERO.get(x.dtype, 0), x)
    if type(x) is not np.ndarray or not x.flags.c_contiguous:
        return np.maximum(0, x)
    zeros = np.empty_like(x)
    zeros.fill(0)  # NumPy's loop over two arrays takes half the time of the one over a number and an array
    return np.maximum(zeros, x, out=zeros)


def _above_zero(x: Any) -> Any:
    """True above 0 and at NaN, where the gradient passes. A value that a hook unpacked may also be below 0."""
    below = x <= 0
    return np.logical_not(below, out=below) if type(below) is np.ndarray else ~below


def _relu_rule(g: Any, out: Any) -> Any:
    if type(g) is np.ndarray and g.size <= _FEW:
        kept = g.copy()
        np.putmask(kept, out <= _ZERO[g.dtype], 0)
        return kept
    if type(g) is np.ndarray:
        return keep_where(_above_zero(out), g)
    return gate(g, out, is_open=_above_zero)


# The gradient needs only the sign of the result, so nothing else is kept.
relu = unary(
    "relu", _positive, _relu_rule, "max(0, input)", "[-1.0, 2.0] -> [0., 2.]",
    result=SAME, refuses="b", gradient="g where out > 0, else 0",
)  # fmt: skip


# ---- softmax --------------------------------------------------------------------------------------
def _softmax_forward(x: Any, *, dim: int) -> Any:
    e = x - x.max(axis=dim, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(axis=dim, keepdims=True)
    return e


def _log_softmax_forward(x: Any, *, dim: int) -> Any:
    shifted = x - x.max(axis=dim, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return shifted


def _softmax_rule(g: Any, out: Any, dim: int) -> Any:
    return (g - (g * out).sum(axis=dim, keepdims=True)) * out


def _log_softmax_rule(g: Any, out: Any, dim: int) -> Any:
    return g - np.exp(out) * g.sum(axis=dim, keepdims=True)


def _make_along(name: str, forward: Callable[..., Any], rule: Callable[..., Any]) -> Operation:
    """Makes an operation along `dim`, which large arrays compute in parts."""
    return operation(
        name,
        lambda x, *, dim: in_rows(map_slices(partial(forward, dim=dim), (dim,), x)) if x.size else x.copy(),
        lambda g, out, dim: map_slices(partial(rule, dim=dim), (dim,), g, out),
        in_float32=True,
    )


softmax_operation = _make_along("softmax", _softmax_forward, _softmax_rule)
log_softmax_operation = _make_along("log_softmax", _log_softmax_forward, _log_softmax_rule)


def _call_along(made: Any, input: Any, dim: Any, dtype: Any) -> Any:
    """Calls `made`, softmax or log_softmax, along `dim` of a tensor with any number of axes, in `dtype`."""
    x: Any = input if dtype is None else cast(input, dtypes.as_numpy(dtype))
    position = axis(dim, x.array.ndim)  # a wrong dim is reported before a wrong type
    if x.array.dtype.kind != "f" and x.array.size:
        raise not_implemented_for(f"{made.name}_lastdim_kernel_impl", x.array.dtype)
    if x.array.ndim:
        return made.call((x,), (x.array,), {"dim": position})
    return name_last_call(reshape(made(reshape(x, 1), dim=0), ()), made.backward_name)


@takes_out
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along `dim`: positive numbers that sum to 1.

    `input` is first converted to `dtype`. Raises IndexError for a `dim` that is out of range, and
    NotImplementedError for integers.

    >>> import minigrad as torch
    >>> torch.softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _call_along(softmax_operation, input, dim, dtype)


@takes_out
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """``x - log(sum(exp(x)))`` along `dim`: the logarithm of `softmax`, without overflow.

    Options and errors as for `softmax`.

    >>> import minigrad as torch
    >>> torch.log_softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    return _call_along(log_softmax_operation, input, dim, dtype)
