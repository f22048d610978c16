"""Linear algebra under PyTorch's older names, such as `torch.inverse`; `minigrad.linalg` has the newer ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import Tensor
from minigrad.ops import decompositions, determinant, matrix_functions, pseudo_inverse
from minigrad.ops import lu as lu_decomposition
from minigrad.ops import solve as solving
from minigrad.ops.arguments import takes_out
from minigrad.ops.composed import recorded_as
from minigrad.ops.determinant import logdet
from minigrad.ops.matrices import check_matrix, constant_like, mT
from minigrad.ops.return_types import make_return_type

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "lu", "lu_solve", "matrix_exp",
    "matrix_power", "pinverse", "qr", "slogdet", "svd",
]  # fmt: skip


_QR = make_return_type("qr", "Q", "R")
_LUInfo = make_return_type("_lu_with_info", "LU", "pivots", "info")
_SVD = make_return_type("svd", "U", "S", "V")
_Slogdet = make_return_type("slogdet", "sign", "logabsdet")


@takes_out
def inverse(input: Tensor) -> Tensor:
    """The inverse of each square matrix: `linalg.inv`.

    >>> import minigrad as torch
    >>> torch.inverse(torch.tensor([[4.0, 2.0], [-5.0, -3.0]]))
    tensor([[ 1.5000,  1.0000],
            [-2.5000, -2.0000]])
    """
    return solving.inv(input)


def det(input: Tensor) -> Tensor:
    """The determinant of each square matrix: `linalg.det`.

    >>> import minigrad as torch
    >>> torch.det(torch.tensor([[2.0, 1.0], [0.0, 3.0]]))
    tensor(6.)
    """
    return determinant.det(input)


def slogdet(input: Tensor) -> Any:
    """Sign and logarithm of the absolute value of each determinant: `linalg.slogdet`.

    >>> import minigrad as torch
    >>> torch.slogdet(torch.tensor([[0.0, 1.0], [1.0, 0.0]])).sign
    tensor(-1.)
    """
    return _Slogdet(*determinant.slogdet(input))


@takes_out
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Each square matrix to the power `n`; a negative one of the inverse: `linalg.matrix_power`.

    >>> import minigrad as torch
    >>> torch.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    return matrix_functions.matrix_power(input, n)


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of each square matrix: `linalg.matrix_exp`.

    >>> import minigrad as torch
    >>> torch.matrix_exp(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return matrix_functions.matrix_exp(input)


@takes_out
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse of each matrix: `linalg.pinv`, singular values up to `rcond` of the largest counting as 0.

    >>> import minigrad as torch
    >>> torch.pinverse(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    return pseudo_inverse.pinv(input, rtol=rcond)


@takes_out(cast=True)
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Lower triangular L with ``input = L L^T``, or its transpose: `linalg.cholesky`.

    >>> import minigrad as torch
    >>> torch.cholesky(torch.tensor([[4.0]]))
    tensor([[2.]])
    """
    return solving.factor("cholesky", input, upper)


@takes_out
@recorded_as("CholeskySolveBackward0")
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """X with ``A X = input``, where ``A = L L^T`` is known by its Cholesky factor L, `input2`, or by L^T if `upper`.

    Shapes: (..., n, k), (..., n, n) -> (..., n, k). Only the triangle of the factor is read.
    Raises RuntimeError for other shapes and types, LinAlgError for a zero on the diagonal.

    >>> import minigrad as torch
    >>> torch.cholesky_solve(torch.tensor([[8.0]]), torch.tensor([[2.0]]))
    tensor([[2.]])
    """
    check_matrix("cholesky_solve", input2)
    if input.array.ndim < 2:
        raise RuntimeError(
            f"cholesky_solve: b should have at least 2 dimensions, but has {input.array.ndim} dimensions"
        )
    lower = mT(input2) if upper else input2
    inner = solving.solve_triangular(lower, input, upper=False)
    return solving.solve_triangular(mT(lower), inner, upper=True)


@takes_out
@recorded_as("CholeskyInverseBackward0")
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of ``A = L L^T`` from its Cholesky factor L, or from L^T if `upper`. Errors: `cholesky_solve`.

    >>> import minigrad as torch
    >>> torch.cholesky_inverse(torch.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    check_matrix("cholesky_inverse", input)
    return cholesky_solve(constant_like(input, np.eye(input.array.shape[-1])), input, upper)


@takes_out
def qr(input: Tensor, some: bool = True) -> Any:
    """``input = Q R``: `linalg.qr`, complete unless `some`.

    >>> import minigrad as torch
    >>> torch.qr(torch.eye(2)).R.abs()
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_matrix("qr", input, "input", square=False)
    return _QR(*decompositions.qr(input, "reduced" if some else "complete"))


@takes_out
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """``input = U diag(S) V^T``: V itself, where `linalg.svd` gives its transpose.

    >>> import minigrad as torch
    >>> torch.svd(torch.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    check_matrix("svd", input, "input", square=False)
    if not compute_uv:
        *batch, rows, columns = input.array.shape
        u, v = [constant_like(input, np.zeros((*batch, n, n))) for n in (rows, columns)]
        return _SVD(u, decompositions.svdvals(input), v)
    u, s, vh = decompositions.svd(input, full_matrices=not some)
    return _SVD(u, s, mT(vh))


@takes_out
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """(LU, pivots) of `linalg.lu_factor_ex`, and its info with `get_infos`; a warning names the new function.

    >>> import minigrad as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.lu(torch.eye(2))[1]
    tensor([1, 2], dtype=minigrad.int32)
    """
    warn("torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex")
    found = lu_decomposition.factor("linalg.lu_factor", A, pivot)
    return _LUInfo(*found) if get_infos else found[:2]


@takes_out
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """``linalg.lu_solve(LU_data, LU_pivots, b)``; a warning names the new function.

    >>> import minigrad as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.lu_solve(torch.ones(2, 1), *torch.linalg.lu_factor(torch.eye(2) * 2))
    tensor([[0.5000],
            [0.5000]])
    """
    warn("torch.lu_solve is deprecated in favor of torch.linalg.lu_solve")
    return lu_decomposition.lu_solve(LU_data, LU_pivots, b)
