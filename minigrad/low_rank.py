"""A few of the largest singular values of a matrix, by random directions: `svd_lowrank`, `pca_lowrank`.

Source: N. Halko, P.-G. Martinsson and J. Tropp, "Finding structure with randomness", 2009, algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from minigrad.creation import randn
from minigrad.ops.arguments import as_int, of_tensors, require_tensor
from minigrad.ops.decompositions import qr, svd
from minigrad.ops.matmul import matmul
from minigrad.ops.matrices import Matrix, check_matrix
from minigrad.ops.reduce import mean
from minigrad.ops.shape import expand
from minigrad.tensor import Tensor


@of_tensors
def svd_lowrank(
    A: Matrix, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """``(U, S, V)`` with ``A - M`` about ``U diag(S) V^T``: (..., m, n) -> (..., m, k), (..., k), (..., n, k).

    k is `q`, or less where the matrix has fewer rows or columns; `niter` more rounds bring the directions nearer to
    those of the largest singular values. The directions are drawn with the default generator, as PyTorch draws them.
    Raises RuntimeError for a `q` or an `niter` below 0, and for what is no matrix of floats,
    and for an `M` whose shape does not fit.

    >>> import minigrad as torch
    >>> U, S, V = torch.svd_lowrank(torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.0, 2.0]]), q=2)
    >>> S.round(decimals=3)
    tensor([3., 2.])
    """
    check_matrix("svd_lowrank", A, square=False)
    count, rounds = [given if x is None else as_int(x, name) for x, given, name in ((q, 6, "q"), (niter, 2, "niter"))]
    if min(count, rounds) < 0:
        raise RuntimeError(f"svd_lowrank: q and niter must be 0 or more, got q={count} and niter={rounds}")
    matrix = A if M is None else _subtract(A, M)
    is_wide = matrix.array.shape[-2] < matrix.array.shape[-1]
    matrix = matrix.mT if is_wide else matrix
    basis = _find_basis(matrix, count, rounds)
    left, values, right = svd(matmul(basis.mT, matrix), full_matrices=False)
    left, right = matmul(basis, left), right.mT
    return (right, values, left) if is_wide else (left, values, right)


def _subtract(A: Tensor, M: Tensor) -> Tensor:
    """``A - M``, where `M` has the shape of `A` or is repeated to it."""
    require_tensor("svd_lowrank", "M", 4, M)
    try:
        return A - expand(M, tuple(A.array.shape))
    except RuntimeError as error:
        raise RuntimeError(f"svd_lowrank: M does not fit A: {error}") from None


def _find_basis(A: Tensor, count: int, rounds: int) -> Tensor:
    """Orthonormal columns near the left vectors of the largest singular values: (..., m, n) -> (..., m, count)."""
    directions = randn(A.shape[-1], count, dtype=A.dtype, device=A.device)
    basis = qr(matmul(A, directions))[0]
    for _ in range(rounds):
        basis = qr(matmul(A.mT, basis))[0]
        basis = qr(matmul(A, basis))[0]
    return basis


@of_tensors
def pca_lowrank(
    A: Matrix, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Principal components: `svd_lowrank` of the samples `A` (..., m, n) less their mean, if `center`.

    The columns of V are the principal directions, ``S^2 / (m - 1)`` the variances along them, ``A @ V`` the
    projections. By default `q` is the least of 6, m and n. Raises ValueError for a `q` or an `niter` that does not fit.

    >>> import minigrad as torch
    >>> samples = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> U, S, V = torch.pca_lowrank(samples, q=1)
    >>> (S**2 / 2).round(decimals=3)
    tensor([2.])
    """
    check_matrix("pca_lowrank", A, square=False)
    most = min(A.array.shape[-2:])
    count, rounds = min(6, most) if q is None else as_int(q, "q"), as_int(niter, "niter")
    if not 0 <= count <= most:
        raise ValueError(f"q(={count}) must be non-negative integer and not greater than min(m, n)={most}")
    if rounds < 0:
        raise ValueError(f"niter(={rounds}) must be non-negative integer")
    return svd_lowrank(A - mean(A, -2, True) if center else A, count, rounds)
