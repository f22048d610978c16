"""Linear systems: `solve`, inverse, Cholesky factor.

The rules use the operations of this file, so they are differentiable to any order. Source of the rules:
M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2008.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.backend import Array
from minigrad.ops.arguments import require_tensor, takes_out
from minigrad.ops.composed import recorded_as
from minigrad.ops.diagonal import tril, triu
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.matrices import Matrix, attempt, check_matrix, constant_like, hold_nan, in_columns, lay_columns, mT
from minigrad.ops.shape import squeeze, unsqueeze
from minigrad.ops.unsolvable import holds_factors, refuse_factor, refuse_inverse, refuse_system


def _spread_nan(function: Callable[..., Array], x: Array, *others: Array) -> Array:
    """``function(x, ...)``, and NaN for matrices that hold NaN, which would be called singular."""
    unknown = hold_nan(x)[..., None, None]
    if not unknown.any():
        return function(x, *others)
    found = function(np.where(unknown, constant_like(x, np.eye(x.shape[-1])), x), *others)
    return np.where(unknown, math.nan, found)


# ---- operations -----------------------------------------------------------------------------------
invert: Any = operation(
    "linalg_inv_ex", lambda x: lay_columns(_spread_nan(np.linalg.inv, x)), lambda g, out: -(mT(out) @ g @ mT(out))
)
_solve: Any = operation(
    "linalg_solve_ex",
    lambda a, b: lay_columns(_spread_nan(np.linalg.solve, a, b)),
    lambda g, a, out: -(_solve(mT(a), g) @ mT(out)),
    lambda g, a: _solve(mT(a), g),
)


def _cholesky_slope(g: Any, out: Any) -> Any:
    n = out.shape[-1]
    half = constant_like(out, np.tril(np.ones((n, n))) - np.eye(n) / 2)  # the lower triangle, its diagonal halved
    inner = (mT(out) @ g) * half
    flat = mT(_solve(mT(out), mT(_solve(mT(out), inner))))  # L^-T inner L^-1
    return (flat + mT(flat)) / 2


def _cholesky_forward(x: Array) -> Array:
    factor = np.linalg.cholesky(x)
    if not holds_factors(factor):
        raise np.linalg.LinAlgError("not finite")
    return lay_columns(factor)


_cholesky: Any = operation("linalg_cholesky_ex", _cholesky_forward, _cholesky_slope)


# ---- functions ------------------------------------------------------------------------------------
@takes_out
def inv(A: Matrix) -> Tensor:
    """The inverse of each square matrix. Gradient: ``-A^-T g A^-T``. Raises LinAlgError for singular ones.

    >>> import minigrad as torch
    >>> torch.linalg.inv(torch.tensor([[4.0, 2.0], [-5.0, -3.0]]))
    tensor([[ 1.5000,  1.0000],
            [-2.5000, -2.0000]])
    """
    check_matrix("linalg.inv", A)
    return attempt("linalg.inv", refuse_inverse, invert, A)


@takes_out
def solve(A: Matrix, B: Matrix, *, left: bool = True) -> Tensor:
    """X with ``A X = B`` (``X A = B`` with `left=False`). Raises LinAlgError for a singular A.

    Shapes: A (..., n, n); B (..., n, k), or (..., n) for one right side each.

    >>> import minigrad as torch
    >>> torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    check_matrix("linalg.solve", A)
    require_tensor("linalg.solve", "B", 2, B)
    if not holds_vectors(A, B):
        return _solve_systems("linalg.solve", A, B, left)
    solution = squeeze(_solve_systems("linalg.solve", A, unsqueeze(B, -1), left), -1)
    return name_last_call(solution, "LinalgSolveExBackward0")


def holds_vectors(A: Any, B: Any) -> bool:
    """Whether `B` holds one right side for each of the matrices, rather than matrices of them."""
    a, b = A.array, B.array
    return b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])


def _solve_systems(name: str, A: Any, B: Any, left: bool) -> Any:
    """X with ``A X = B`` or ``X A = B``, for matrices B: (..., n, k) or (..., k, n)."""
    a, b = A.array, B.array
    if not b.ndim:
        raise RuntimeError(f"{name}: The input tensor B must have at least 1 dimension, got a 0-d tensor")
    if b.dtype != a.dtype:
        raise RuntimeError(f"{name}: Expected A and B to have the same dtype, got {a.dtype} and {b.dtype}")
    if b.shape[-2 if left else -1] != a.shape[-1]:
        equation = "AX = B" if left else "XA = B"
        shapes = " and ".join(f"{m}x{n}" for *_, m, n in (a.shape, b.shape))
        raise RuntimeError(f"{name}: Incompatible shapes of A and B for the equation {equation} ({shapes})")
    if left:
        return attempt(f"torch.{name}", refuse_system, _solve, A, B)
    solution = attempt(f"torch.{name}", refuse_system, _solve, mT(A), mT(B))
    return name_last_call(mT(solution), "LinalgSolveExBackward0")


@takes_out
@recorded_as("LinalgSolveTriangularBackward0")
def solve_triangular(A: Matrix, B: Matrix, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """X with ``A X = B``, where only the upper (or lower) triangle of A is read.

    >>> import minigrad as torch
    >>> A = torch.tensor([[2.0, 9.0], [0.0, 4.0]])
    >>> torch.linalg.solve_triangular(A, torch.tensor([[11.0], [4.0]]), upper=True)
    tensor([[1.],
            [1.]])
    """
    check_matrix("linalg.solve_triangular", A)
    require_tensor("linalg.solve_triangular", "B", 2, B)
    if B.array.ndim < 2:
        got = f"got shape {tuple(B.array.shape)}; B.unsqueeze(-1) is a column"
        raise RuntimeError(f"linalg.solve_triangular: The input tensor B must have at least 2 dimensions, {got}")
    off = 1 if unitriangular else 0  # how far from the diagonal the part that is read begins
    part = triu(A, off) if upper else tril(A, -off)
    if unitriangular:
        part = part + constant_like(A, np.eye(A.array.shape[-1]))
    solution = _solve_systems("linalg.solve_triangular", part, B, left)
    return solution if left else in_columns(solution)


@takes_out
def cholesky(A: Matrix, *, upper: bool = False) -> Tensor:
    """Lower triangular L with ``A = L L^T``, or its transpose. Raises LinAlgError unless A is positive definite.

    >>> import minigrad as torch
    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return factor("linalg.cholesky", A, upper)


def factor(name: str, A: Matrix, upper: bool) -> Tensor:
    """The Cholesky factors for a function of this name."""
    check_matrix(name, A)
    found = attempt(name, refuse_factor, _cholesky, mT(A) if upper else A)  # of A only this triangle is read
    return name_last_call(in_columns(mT(found)), "LinalgCholeskyExBackward0") if upper else found
