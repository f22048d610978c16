"""Decompositions: QR, singular values, eigenvalues of symmetric matrices; and rank, matrix norms, least squares.

A decomposition into several factors is one operation, whose result holds the factors one below the other. Rules:
J. Townsend, "Differentiating the singular value decomposition", 2016; M. Seeger et al., "Auto-differentiating
linear algebra", 2017. Gradients through the vectors are infinite where two singular values or eigenvalues are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.backend import Array, quiet
from minigrad.ops.arguments import axes, read_tensors, require_tensor, takes_out
from minigrad.ops.comparison import gt
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast, clone
from minigrad.ops.diagonal import triu
from minigrad.ops.error_function import for_either
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import cat
from minigrad.ops.masks import masked_fill
from minigrad.ops.order import return_type
from minigrad.ops.rearranging import movedim
from minigrad.ops.reduce import sum
from minigrad.ops.reduce_variants import amax, amin
from minigrad.ops.shape import squeeze, unsqueeze
from minigrad.ops.solve import (
    NOT_FINITE,
    Matrix,
    attempt,
    check_matrix,
    constant_like,
    find_large,
    in_columns,
    inv,
    lay_columns,
    mirror,
    mT,
    pinv,
    read_tolerances,
    singular_values,
)
from minigrad.ops.solve_with_info import inv_ex
from minigrad.ops.unary import abs

_QR = return_type("linalg_qr", "Q", "R")
_SVD = return_type("linalg_svd", "U", "S", "Vh")
_Eigh = return_type("linalg_eigh", "eigenvalues", "eigenvectors")
_Lstsq = return_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")


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
        raise RuntimeError(f"qr received unrecognized mode {mode!r} but expected one of 'reduced', 'r', or 'complete'")
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
    return _QR(_make_empty(A, A.array.dtype) if mode == "r" else q, r)


def _make_empty(beside: Tensor, dtype: Any) -> Any:
    """A tensor without elements on the device of `beside`, for a part of the result that was not asked for."""
    return compute(lambda x: np.empty_like(x, dtype, shape=(0,)), beside)


# ---- singular values ------------------------------------------------------------------------------
def _svd_forward(x: Array) -> Array:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], mT(vh)], -2)  # (m + 1 + n, k)


def _divide_by_gaps(x: Any, gaps: Any) -> Any:
    """``x / gaps``, and 0 for 0 / 0: equal values have gradients, as long as no gradient of their vectors arrives."""
    return x / np.where(np.logical_and(np.equal(x, 0), np.equal(gaps, 0)), 1.0, gaps)


def _svd_slope(g: Any, out: Any, x_shape: tuple[int, ...]) -> Any:
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


def _of_values(g: Any, x: Any) -> Any:
    m = x.shape[-2]
    parts = _svd(x)
    return (parts[..., :m, :] * g[..., None, :]) @ mT(parts[..., m + 1 :, :])


_svdvals: Any = operation("linalg_svdvals", singular_values, _of_values, shown="LinalgSvdBackward0")


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
    parts = attempt("linalg.svd", NOT_FINITE, _svd, A)
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
    return attempt("linalg.svd", NOT_FINITE, _svdvals, A)


# ---- symmetric matrices ---------------------------------------------------------------------------
def _eigh_forward(x: Array, *, UPLO: str) -> Array:
    values, vectors = np.linalg.eigh(x, "U" if UPLO == "U" else "L")
    return np.concatenate([vectors, values[..., None, :]], -2)  # (n + 1, n)


def _eigh_slope(g: Any, out: Any) -> Any:
    n = out.shape[-1]
    v, w, gv, gw = out[..., :n, :], out[..., n:, :], g[..., :n, :], g[..., n:, :]
    unit = constant_like(out, np.eye(n))
    gaps = w - mT(w) + unit  # w_j - w_i, and 1 on the diagonal
    inner = _divide_by_gaps((mT(v) @ gv) * (1 - unit), gaps) + unit * gw
    slope = v @ inner @ mT(v)
    return (slope + mT(slope)) / 2  # the gradient of a symmetric matrix is symmetric


_eigh: Any = operation("linalg_eigh", _eigh_forward, _eigh_slope)


def _of_eigenvalues(g: Any, x: Any, UPLO: str) -> Any:
    v = _eigh(x, UPLO=UPLO)[..., : x.shape[-1], :]
    return (v * g[..., None, :]) @ mT(v)


_eigvalsh: Any = operation(
    "linalg_eigvalsh", lambda x, *, UPLO: np.linalg.eigvalsh(x, UPLO), _of_eigenvalues, shown="LinalgEighBackward0"
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
    both = attempt("linalg.eigh", NOT_FINITE, lambda x: _eigh(x, UPLO=triangle), A)
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
    return attempt("linalg.eigh", NOT_FINITE, lambda x: _eigvalsh(x, UPLO=triangle), A)


def _read_triangle(UPLO: Any) -> str:
    if str(UPLO).upper() not in ("U", "L"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return str(UPLO).upper()


# ---- built on these decompositions ----------------------------------------------------------------
@takes_out(cast=True)
def matrix_rank(
    A: Matrix, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:  # fmt: skip
    """How many singular values of each matrix exceed ``max(atol, rtol * the largest)``.

    >>> import minigrad as torch
    >>> torch.linalg.matrix_rank(torch.ones(2, 2))
    tensor(1)
    """
    check_matrix("linalg.matrix_rank", A, square=hermitian)
    A = mirror(A) if hermitian else A
    bounds = read_tolerances("linalg.matrix_rank", A, *((atol, rtol) if tol is None else (tol, 0.0)))
    return attempt("linalg.svd", NOT_FINITE, lambda x: compute(_count_rank, x, *bounds), A)


def _count_rank(x: Array, atol: Any, rtol: Any) -> Array:
    return find_large(singular_values(x), atol, rtol).sum(-1).astype(np.int64)


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@takes_out
def lstsq(A: Matrix, B: Matrix, rcond: Any = None, *, driver: str | None = None) -> Any:
    """X that minimizes ``|A X - B|``, by the pseudo-inverse of A, and the rank of A.

    `driver` selects no algorithm here, but the parts of the result: residuals with "gels", "gelsd" and "gelss",
    singular values with the last two, the rank with all except "gels".

    >>> import minigrad as torch
    >>> A = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> torch.linalg.lstsq(A, torch.tensor([[1.0], [3.0], [5.0]])).solution
    tensor([[1.0000],
            [2.0000]])
    """
    check_matrix("torch.linalg.lstsq", A, square=False)
    require_tensor("torch.linalg.lstsq", "B", 2, B)
    if driver not in (None, *_DRIVERS):
        raise RuntimeError(f"torch.linalg.lstsq: parameter `driver` should be one of {_DRIVERS}, got {driver!r}")
    vector = B.array.ndim == A.array.ndim - 1
    rhs = unsqueeze(B, -1) if vector else B
    if rhs.array.shape[-2] != A.array.shape[-2]:
        detail = f"input.size(-2) should match other.size(-2), got {tuple(A.array.shape)} and {tuple(B.array.shape)}"
        raise RuntimeError(f"torch.linalg.lstsq: {detail}")
    solution = in_columns(pinv(A, rtol=rcond) @ rhs)
    rank, (rows, columns) = matrix_rank(A), A.array.shape[-2:]
    whole = (
        driver in ("gels", "gelsd", "gelss")
        and rows > columns
        and bool(quiet(lambda r: (r == columns).all(), rank.array))
    )
    residuals = sum((A @ solution - rhs) ** 2, -2) if whole else _make_empty(A, A.array.dtype)
    asked = driver in ("gelsd", "gelss")
    values = compute(singular_values, A) if asked else _make_empty(A, A.array.dtype)
    rank = _make_empty(A, np.int64) if driver == "gels" else rank
    return _Lstsq(solution[..., 0] if vector else solution, residuals, rank, values)


@takes_out
def matrix_norm(
    A: Matrix, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A norm of each matrix: "fro", "nuc", or 1, -1, inf, -inf (sums of columns, rows), 2, -2 (singular values).

    >>> import minigrad as torch
    >>> torch.linalg.matrix_norm(torch.tensor([[1.0, -2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    from minigrad.ops.norm import norm

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
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    rows, columns = over
    added, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
    found = _extreme(sum(abs(A), added, True), compared, ord, True)
    return found if keepdim else name_last_call(squeeze(found, over), "AmaxBackward0" if ord > 0 else "AminBackward0")


def _extreme(magnitudes: Any, dim: int, ord: float, keepdim: bool = False) -> Any:
    """The largest one along `dim`, or for an `ord` below 0 the smallest one. Of no elements the largest one is 0."""
    if ord > 0 and not magnitudes.array.shape[dim]:
        return sum(magnitudes, dim, keepdim)
    return (amax if ord > 0 else amin)(magnitudes, dim, keepdim)


@takes_out(cast=True)
def cond(A: Matrix, p: Any = None) -> Tensor:
    """The condition number of each matrix: its norm times that of its inverse, or the ratio of singular values.

    For singular matrices it is inf.

    >>> import minigrad as torch
    >>> torch.linalg.cond(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor(2.)
    """
    by_values = p in (None, 2, -2)
    check_matrix("linalg.cond", A, square=not by_values)
    if by_values:
        s = svdvals(A)
        if not s.array.shape[-1]:
            return sum(s, -1)  # 0, as all norms of no elements are
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    inverse, info = inv_ex(A)
    found = masked_fill(matrix_norm(A, p) * matrix_norm(inverse, p), gt(info, 0), math.inf)
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
