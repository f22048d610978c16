"""What linear algebra shares: checks of matrices, errors, transposes, and results stored as LAPACK leaves them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from math import prod
from typing import Any, TypeAlias

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase, value_of, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import Array, array_module
from minigrad.ops.arguments import require_tensor
from minigrad.ops.copies import in_rows
from minigrad.placement import constant_beside

Matrix: TypeAlias = Tensor  # one matrix or a batch of them, which `check_matrix` reads: its refusals say more


class LinAlgError(RuntimeError):
    """The error for a matrix that is singular, or not positive definite, or does not converge.

    >>> import minigrad as torch
    >>> issubclass(torch.linalg.LinAlgError, RuntimeError)
    True
    """

    __module__ = "minigrad.linalg"  # the public module, shown by tracebacks


def check_matrix(name: str, x: Any, parameter: str = "A", square: bool = True, halves: bool = False) -> None:
    """Raises unless `A` is a matrix, or a batch of matrices, of float32 or float64, or with `halves` of float16."""
    require_tensor(name, parameter, 1, x)
    shape = tuple(x.array.shape)
    if len(shape) < 2:
        raise RuntimeError(f"{name}: The input tensor {parameter} must have at least 2 dimensions, got shape {shape}")
    if x.array.dtype.kind != "f" or (x.array.dtype == np.float16 and not halves):
        hint = "convert it, for example with .float()"
        raise RuntimeError(f"{name}: Expected a tensor of float32 or float64, got {x.array.dtype}; {hint}")
    if square and shape[-1] != shape[-2]:
        matrices = f"they are {shape[-2]} by {shape[-1]} matrices"
        raise RuntimeError(f"{name}: {parameter} must be batches of square matrices, but {matrices}")


def attempt(name: str, why: str | Callable[[Array], str], function: Callable[..., Any], *operands: Any) -> Any:
    """Calls `function(*operands)`; if NumPy raises, the LinAlgError says `why`, which may look at the first operand."""
    try:
        with _errors_raised(operands[0]):
            return function(*operands)
    except np.linalg.LinAlgError:
        reason = why if isinstance(why, str) else why(value_of(operands[0]))
        raise LinAlgError(f"{name}: {reason}") from None


def _errors_raised(x: Any) -> AbstractContextManager[object]:
    """A context in which CuPy raises LinAlgError for a singular matrix, as NumPy does."""
    if array_module(value_of(x)) is np:
        return nullcontext()
    return import_module("cupyx").errstate(linalg="raise")


def mT(x: Any) -> Any:  # noqa: N802 - as PyTorch names it
    """Each matrix transposed, for arrays and Tensors."""
    return np.swapaxes(x, -1, -2)


def constant_like(x: Any, constant: Array) -> Any:
    """A NumPy constant as an array in the dtype and library of `x`, or a Tensor if `x` is one."""
    array = value_of(x)
    there = constant_beside(array, constant.astype(array.dtype))
    return wrap(there) if isinstance(x, TensorBase) else there


def singular_values(x: Array) -> Array:
    """The singular values of each matrix, in falling order."""
    return np.linalg.svd(x, compute_uv=False)


def lay_columns(x: Array) -> Array:
    """Each matrix stored column by column, as LAPACK leaves it and PyTorch returns it."""
    rows = in_rows(mT(x))
    return mT(rows.reshape(-1).reshape(rows.shape))  # with their usual strides along axes of 0 and 1, too


_NARROW = 16  # columns that are eliminated one by one


def _eliminate_columns(lu: Array, each: Array, pivots: Array, span: tuple[int, int], narrow: int) -> None:
    """Factors the columns of a span, of all matrices (batch, m, n); exchanges whole rows.

    Of more than `narrow` columns first the left half; what that means to the right one is a product of matrices.
    """
    start, stop = span
    if stop - start > narrow:
        middle = (start + stop) // 2
        _eliminate_columns(lu, each, pivots, (start, middle), narrow)
        _carry_over(lu, start, middle, stop)
        _eliminate_columns(lu, each, pivots, (middle, stop), narrow)
        return
    for j in range(start, min(stop, pivots.shape[1])):
        largest = np.abs(lu[:, j:, j]).argmax(-1) + j
        lu[each, largest], lu[:, j] = lu[:, j].copy(), lu[each, largest]
        divisor = lu[:, j, None, j]
        lu[:, j + 1 :, j] /= np.where(divisor == 0, 1, divisor)
        lu[:, j + 1 :, j + 1 : stop] -= lu[:, j + 1 :, j, None] * lu[:, None, j, j + 1 : stop]
        pivots[:, j] = largest + 1


def _carry_over(lu: Array, start: int, middle: int, stop: int) -> None:
    """Applies the factors of the columns from `start` to `middle` to those from `middle` to `stop`."""
    square = lu[:, start:middle, start:middle]
    lower = np.tril(square, -1) + np.eye(middle - start, dtype=lu.dtype)
    above = np.linalg.solve(lower, lu[:, start:middle, middle:stop])
    lu[:, start:middle, middle:stop] = above
    lu[:, middle:, middle:stop] -= lu[:, middle:, start:middle] @ above


def eliminate(x: Array) -> tuple[Array, Array, Array]:
    """The packed factors, the row (from 1) that each was exchanged with, and the place of U's first zero, or 0."""
    (*batch, m, n), xp = x.shape, array_module(x)
    lu, k = x.reshape(prod(batch), m, n).copy(), min(m, n)
    each, pivots = xp.arange(len(lu)), xp.zeros((len(lu), k), np.int32)
    halves = xp is np and bool(np.isfinite(lu).all())  # infinities would make a factor singular
    _eliminate_columns(lu, each, pivots, (0, k if halves else n), _NARROW if halves else n)
    if halves and n > k > 0:
        _carry_over(lu, 0, k, n)
    zeros = np.diagonal(lu, 0, -2, -1) == 0  # (matrices, k)
    first = np.where(zeros.any(-1), zeros.argmax(-1) + 1, 0) if k else xp.zeros(len(lu))
    return lay_columns(lu.reshape(x.shape)), pivots.reshape(*batch, k), first.astype(np.int32).reshape(batch)


def hold_nan(x: Array) -> Array:
    """Which matrices hold NaN, which LAPACK takes for 0 in the place of a pivot."""
    return np.isnan(x).any((-2, -1))


in_columns: Any = operation("clone", lay_columns, lambda g: g)

# The symmetric matrix with the lower triangle of x. As in PyTorch its gradient is g, as if all of x were read.
mirror: Any = operation("mirror", lambda x: np.tril(x) + mT(np.tril(x, -1)), lambda g: g)


def make_empty(beside: Tensor, dtype: Any) -> Any:
    """A tensor without elements on the device of `beside`, for a part of the result that was not asked for."""
    return compute(lambda x: np.empty_like(x, dtype, shape=(0,)), beside)
