"""Functions of matrices: powers, the exponential, norms, the condition number, products of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.failed_calls import names_options
from minigrad.backend import quiet
from minigrad.layout import contiguous_format
from minigrad.ops.arguments import as_int, axes, read_tensors, takes_out
from minigrad.ops.copies import cast, clone
from minigrad.ops.decompositions import svdvals
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.masks import where
from minigrad.ops.matrices import Matrix, check_matrix, constant_like
from minigrad.ops.norm import norm
from minigrad.ops.rearranging import movedim
from minigrad.ops.reduce import sum
from minigrad.ops.reduce_variants import amax, amin
from minigrad.ops.shape import squeeze, unsqueeze
from minigrad.ops.solve import inv
from minigrad.ops.solve_with_info import inv_ex
from minigrad.ops.special import nan_to_num
from minigrad.ops.unary import abs, exp
from minigrad.shown_values import shorten


@takes_out
def matrix_power(A: Matrix, n: int) -> Tensor:
    """Each square matrix to the power `n`; a negative one of the inverse.

    >>> import minigrad as torch
    >>> torch.linalg.matrix_power(torch.tensor([[2.0]]), 3)
    tensor([[8.]])
    """
    if not isinstance(A, TensorBase) or A.array.ndim < 2 or A.array.shape[-1] != A.array.shape[-2]:
        check_matrix("linalg.matrix_power", A)
    n = as_int(n, "linalg.matrix_power(): argument 'n'")
    if n < 0:
        check_matrix("linalg.matrix_power", A)
        return inv(A) if n == -1 else matrix_power(inv(A), -n)
    if n == 0:
        return name_last_call(_make_unit(A), "CopyBackwards")
    if n == 1:
        return clone(A, memory_format=contiguous_format)
    result: Any = None
    while n:
        if n & 1:
            result = A if result is None else result @ A
        n >>= 1
        A = A @ A if n else A
    return result


def _make_unit(A: Any) -> Tensor:
    """The unit matrix for each matrix of A: a result of A, whose gradient is 0."""
    unit = constant_like(A, np.broadcast_to(np.eye(A.array.shape[-1]), A.array.shape))
    return where(compute(lambda x: np.ones_like(x, dtype=np.bool_), A), unit, A)


@names_options
def matrix_exp(A: Matrix) -> Tensor:
    """``sum over k of A^k / k!`` of each square matrix: 18 terms of A / 2^s, whose norm is at most 1, squared s times.

    Each matrix has an s of its own, because every squaring doubles the rounding errors.

    Source: Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited", 2005.

    >>> import minigrad as torch
    >>> torch.linalg.matrix_exp(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    check_matrix("linalg.matrix_exp", A)
    if not A.array.size:
        return clone(A)
    if A.array.shape[-1] == 1:
        return name_last_call(exp(A), "LinalgMatrixExpBackward0")
    halvings = compute(_count_halvings, A)
    scaled, unit = A * 2.0**-halvings, constant_like(A, np.eye(A.array.shape[-1]))
    total = unit + scaled / 18
    for k in range(17, 0, -1):
        total = unit + scaled @ total / k
    for done in range(int(quiet(np.max, halvings.array))):
        total = where(halvings > done, total @ total, total)
    return name_last_call(total, "LinalgMatrixExpBackward0")


def _count_halvings(x: Any) -> Any:
    """How often each matrix is halved until its norm is at most 1, (..., 1, 1)."""
    size = np.abs(x).sum(-2, keepdims=True).max(-1, keepdims=True)
    return np.where((size > 1) & np.isfinite(size), np.ceil(np.log2(size)), 0).astype(x.dtype)


@takes_out
def matrix_norm(
    A: Matrix, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A norm of each matrix: "fro", "nuc", or 1, -1, inf, -inf (sums of columns, rows), 2, -2 (singular values).

    >>> import minigrad as torch
    >>> torch.linalg.matrix_norm(torch.tensor([[1.0, -2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    if dtype is not None:
        A = cast(A, dtypes.as_numpy(dtype))
    check_matrix("linalg.matrix_norm", A, square=False, halves=ord not in (2, -2, "nuc"))
    if not isinstance(dim, (tuple, list)):
        raise TypeError(f"linalg.matrix_norm(): argument 'dim' must be a tuple of two ints, not {type(dim).__name__}")
    over = axes(dim, A.array.ndim)
    if over is None or len(over) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple of different dimensions. Got {dim}")
    if ord in ("fro", "nuc"):
        return norm(A, ord, over, keepdim)
    if ord in (2, -2):
        s = svdvals(movedim(A, over, (-2, -1)))
        found = _extreme(s, -1, ord)
        return unsqueeze(unsqueeze(found, min(over)), max(over)) if keepdim else found
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {shorten(ord, str)} not supported.")
    rows, columns = over
    added, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
    found = _extreme(sum(abs(A), added, True), compared, ord, True)
    if keepdim:
        return found
    return name_last_call(squeeze(found, over), "AmaxBackward0" if ord > 0 else "AminBackward0")


def _extreme(magnitudes: Any, dim: int, ord: float, keepdim: bool = False) -> Any:
    """The largest one along `dim`, or for an `ord` below 0 the smallest one. Of no elements the largest one is 0."""
    if ord > 0 and not magnitudes.array.shape[dim]:
        return sum(magnitudes, dim, keepdim)
    return (amax if ord > 0 else amin)(magnitudes, dim, keepdim)


@takes_out(cast=True)
def cond(A: Matrix, p: Any = None) -> Tensor:
    """The condition number of each matrix: its norm times that of its inverse, or the ratio of singular values.

    For singular matrices it is inf, and where a norm other than 2 and -2 gives NaN.

    >>> import minigrad as torch
    >>> torch.linalg.cond(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor(2.)
    """
    check_matrix("linalg.cond", A, square=isinstance(p, str))
    if not A.array.size:
        return sum(A, (-2, -1))  # 0, as all norms of no elements are
    if p in (None, 2, -2):
        s = svdvals(A)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    check_matrix("linalg.cond", A)
    found = nan_to_num(matrix_norm(A, p) * matrix_norm(inv_ex(A).inverse, p), math.inf, math.inf, -math.inf)
    return name_last_call(found, "NanToNumBackward0")


@takes_out
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of matrices (and of vectors at the ends); the largest inner length is summed over first.

    >>> import minigrad as torch
    >>> torch.linalg.multi_dot([torch.ones(2, 3), torch.ones(3, 1), torch.ones(1, 2)]).shape
    minigrad.Size([2, 2])
    """
    given = read_tensors("multi_dot", (tensors,))
    if len(given) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(given)}")
    for i, x in enumerate(given):
        if x.array.ndim != 2 and not (x.array.ndim == 1 and i in (0, len(given) - 1)):
            kinds = "1D or 2D" if i in (0, len(given) - 1) else "2D"
            raise RuntimeError(f"multi_dot(): tensor {i} must be {kinds} but got {x.array.ndim}D")
    while len(given) > 2:  # the largest inner length would appear in every later product
        at = max(range(1, len(given)), key=lambda i: given[i].array.shape[0])
        given[at - 1 : at + 1] = [given[at - 1] @ given[at]]
    return name_last_call(given[0] @ given[1], "ViewBackward0") if len(tensors) > 2 else given[0] @ given[1]
