"""Decompositions: QR, singular values, eigenvalues of symmetric matrices.

A decomposition into several factors is one operation, whose result holds the factors one below the other. Rules:
J. Townsend, "Differentiating the singular value decomposition", 2016; M. Seeger et al., "Auto-differentiating
linear algebra", 2017. Gradients through the vectors are infinite where two singular values or eigenvalues are equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.backend import Array
from minigrad.ops.arguments import takes_out
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import clone
from minigrad.ops.diagonal import triu
from minigrad.ops.error_function import for_either
from minigrad.ops.join import cat
from minigrad.ops.matrices import (
    Matrix,
    attempt,
    check_matrix,
    constant_like,
    in_columns,
    lay_columns,
    make_empty,
    mT,
    singular_values,
)
from minigrad.ops.return_types import make_return_type
from minigrad.ops.solve import inv
from minigrad.ops.unsolvable import refuse_values
from minigrad.shown_values import shorten

_QR = make_return_type("linalg_qr", "Q", "R")
_SVD = make_return_type("linalg_svd", "U", "S", "Vh")
_Eigh = make_return_type("linalg_eigh", "eigenvalues", "eigenvectors")


# ---- QR -------------------------------------------------------------------------------------------
def _qr_slope(g: Any, out: Any, x_shape: tuple[int, ...]) -> Any:
    """(g_Q + Q copy(M)) R^-T with M = R g_R^T - g_Q^T Q; copy mirrors the lower triangle."""
    rows, n = x_shape[-2:]
    q, r, gq, gr = out[..., :rows, :], out[..., rows:, :], g[..., :rows, :], g[..., rows:, :]
    inner = r @ mT(gr) - mT(gq) @ q
    lower, strict = [constant_like(out, np.tril(np.ones((n, n)), k)) for k in (0, -1)]
    return (gq + q @ (inner * lower + mT(inner * strict))) @ mT(for_either(inv, np.linalg.inv)(r))


# (..., m, n) with m >= n -> Q with R below it, (..., m + n, n)
_qr: Any = operation("linalg_qr", lambda x: np.concatenate(np.linalg.qr(x), -2), _qr_slope)


def _complete_qr(x: Array) -> tuple[Array, Array]:
    q, r = np.linalg.qr(x, "complete")
    return lay_columns(q), lay_columns(r)


@takes_out
@recorded_as("LinalgQrBackward0")
def qr(A: Matrix, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and upper triangular R, ``A = Q R``; `mode` "reduced", "complete" or "r".

    There are gradients in mode "reduced"; in "complete" with more rows than columns they are not defined.

    >>> import minigrad as torch
    >>> torch.linalg.qr(torch.eye(2)).R.abs()
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_matrix("linalg.qr", A, square=False)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode {shorten(mode)} but expected one of 'reduced', 'r', or 'complete'"
        )
    rows, columns = A.array.shape[-2:]
    if mode == "complete" and rows > columns:
        if A.node is not None:
            detail = "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
            raise RuntimeError(f"linalg.qr: {detail}; use mode='reduced'")
        return _QR(*compute(_complete_qr, A))
    if rows >= columns:
        both = _qr(A)
        q, r = in_columns(both[..., :rows, :]), in_columns(both[..., rows:, :])
    else:  # Q comes from the first square part of A, and R is Q^T A
        q = qr(A[..., :rows]).Q
        r = in_columns(triu(mT(q) @ A))
    return _QR(make_empty(A, A.array.dtype) if mode == "r" else q, r)


# ---- singular values ------------------------------------------------------------------------------
def _svd_forward(x: Array) -> Array:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], mT(vh)], -2)  # (m + 1 + n, k)


def _divide_by_gaps(x: Any, gaps: Any) -> Any:
    """``x / gaps``, and 0 for 0 / 0: equal values have gradients, as long as no gradient of their vectors arrives."""
    return x / np.where(np.logical_and(np.equal(x, 0), np.equal(gaps, 0)), 1.0, gaps)


def _svd_slope(g: Any, out: Any, x_shape: tuple[int, ...]) -> Any:
    # Source: J. Townsend, Differentiating the singular value decomposition, 2016
    m = x_shape[-2]
    u, s, v = out[..., :m, :], out[..., m : m + 1, :], out[..., m + 1 :, :]
    gu, gs, gv = g[..., :m, :], g[..., m : m + 1, :], g[..., m + 1 :, :]
    k = out.shape[-1]
    unit = constant_like(out, np.eye(k))
    gaps = s * s - mT(s) * mT(s) + unit  # s_j^2 - s_i^2, and 1 on the diagonal
    a, b = mT(u) @ gu, mT(v) @ gv
    inner = _divide_by_gaps(a - mT(a), gaps) * s + mT(s) * _divide_by_gaps(b - mT(b), gaps) + unit * gs
    slope = u @ inner @ mT(v)
    if m > k:
        slope = slope + _divide_by_gaps(gu - u @ a, s) @ mT(v)
    if x_shape[-1] > k:
        slope = slope + u @ mT(_divide_by_gaps(gv - v @ b, s))
    return slope


_svd: Any = operation("linalg_svd", _svd_forward, _svd_slope)


def _svdvals_slope(g: Any, x: Any) -> Any:
    m = x.shape[-2]
    parts = _svd(x)
    return (parts[..., :m, :] * g[..., None, :]) @ mT(parts[..., m + 1 :, :])


_svdvals: Any = operation("linalg_svdvals", singular_values, _svdvals_slope, shown="LinalgSvdBackward0")


@takes_out
@recorded_as("LinalgSvdBackward0")
def svd(A: Matrix, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """``A = U diag(S) Vh``, singular values in descending order; `full_matrices` completes U and Vh to square ones.

    >>> import minigrad as torch
    >>> torch.linalg.svd(torch.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    check_matrix("linalg.svd", A, square=False)
    rows, columns = A.array.shape[-2:]
    parts = attempt("linalg.svd", refuse_values, _svd, A)
    u, s, vh = parts[..., :rows, :], parts[..., rows, :], mT(parts[..., rows + 1 :, :])
    if full_matrices and rows != columns:  # the completing vectors are not unique and have no gradient
        whole_u, _, whole_vh = compute(np.linalg.svd, A)
        k = min(rows, columns)
        u, vh = cat([u, whole_u[..., k:]], -1), cat([vh, whole_vh[..., k:, :]], -2)
    return _SVD(in_columns(u), clone(s), in_columns(vh))


@takes_out
def svdvals(A: Matrix, *, driver: str | None = None) -> Tensor:
    """The singular values of each matrix, in descending order. Gradient: ``U diag(g) Vh``.

    >>> import minigrad as torch
    >>> torch.linalg.svdvals(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    check_matrix("linalg.svdvals", A, square=False)
    return attempt("linalg.svd", refuse_values, _svdvals, A)


# ---- symmetric matrices ---------------------------------------------------------------------------
def _eigh_forward(x: Array, *, UPLO: str) -> Array:
    values, vectors = np.linalg.eigh(x, "U" if UPLO == "U" else "L")
    return np.concatenate([vectors, values[..., None, :]], -2)  # (n + 1, n)


def _eigh_slope(g: Any, out: Any) -> Any:
    # Source: M. Giles, An extended collection of matrix derivative results, 2008, section 3.1
    n = out.shape[-1]
    v, w, gv, gw = out[..., :n, :], out[..., n:, :], g[..., :n, :], g[..., n:, :]
    unit = constant_like(out, np.eye(n))
    gaps = w - mT(w) + unit  # w_j - w_i, and 1 on the diagonal
    inner = _divide_by_gaps((mT(v) @ gv) * (1 - unit), gaps) + unit * gw
    slope = v @ inner @ mT(v)
    return (slope + mT(slope)) / 2  # the gradient of a symmetric matrix is symmetric


_eigh: Any = operation("linalg_eigh", _eigh_forward, _eigh_slope)


def _eigvalsh_slope(g: Any, x: Any, UPLO: str) -> Any:
    v = _eigh(x, UPLO=UPLO)[..., : x.shape[-1], :]
    return (v * g[..., None, :]) @ mT(v)


_eigvalsh: Any = operation(
    "linalg_eigvalsh", lambda x, *, UPLO: np.linalg.eigvalsh(x, UPLO), _eigvalsh_slope, shown="LinalgEighBackward0"
)


@takes_out
@recorded_as("LinalgEighBackward0")
def eigh(A: Matrix, UPLO: str = "L") -> Any:
    """Eigenvalues in ascending order and eigenvectors, as columns, of each symmetric matrix; one triangle is read.

    >>> import minigrad as torch
    >>> torch.linalg.eigh(torch.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    check_matrix("linalg.eigh", A)
    triangle, n = _read_triangle(UPLO), A.array.shape[-1]
    both = attempt("linalg.eigh", refuse_values, lambda x: _eigh(x, UPLO=triangle), A)
    return _Eigh(clone(both[..., n, :]), in_columns(both[..., :n, :]))


@takes_out
def eigvalsh(A: Matrix, UPLO: str = "L") -> Tensor:
    """The eigenvalues of each symmetric matrix, in ascending order. Gradient: ``V diag(g) V^T``.

    >>> import minigrad as torch
    >>> torch.linalg.eigvalsh(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])
    """
    check_matrix("linalg.eigvalsh", A)
    triangle = _read_triangle(UPLO)
    return attempt("linalg.eigh", refuse_values, lambda x: _eigvalsh(x, UPLO=triangle), A)


def _read_triangle(UPLO: Any) -> str:
    if str(UPLO).upper() not in ("U", "L"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {shorten(UPLO, str)}")
    return str(UPLO).upper()
