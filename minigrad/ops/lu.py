"""LU decomposition with exchanged rows: ``A = P L U``, and what is solved with its factors.

L and U are packed in one matrix, as LAPACK packs them: U on and above the diagonal, L below it (its diagonal is 1).
Source: Golub and Van Loan, "Matrix Computations", section 3.4.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import Array, array_module, on_gpu_of, quiet, to_device
from minigrad.devices import CPU
from minigrad.ops.arguments import require_tensor, takes_out
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.composed import read_from
from minigrad.ops.diagonal import tril, triu
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.matrices import Matrix, attempt, constant_like, eliminate, mT
from minigrad.ops.return_types import make_return_type
from minigrad.ops.solve import solve, solve_triangular
from minigrad.ops.unsolvable import SINGULAR

_LU = make_return_type("linalg_lu", "P", "L", "U")
_Unpacked = make_return_type("lu_unpack", "P", "L", "U")
_Factor = make_return_type("linalg_lu_factor", "LU", "pivots")
_FactorEx = make_return_type("linalg_lu_factor_ex", "LU", "pivots", "info")


# ---- elimination ----------------------------------------------------------------------------------
def _permutation(pivots: Array, m: int, dtype: Any) -> Array:
    """The matrices P of the exchanges `pivots`: (..., k) -> (..., m, m)."""
    xp, flat = array_module(pivots), pivots.reshape(prod(pivots.shape[:-1]), pivots.shape[-1])
    if xp is np and len(flat) < m:
        order = np.array([_order_rows(row, m) for row in flat.tolist()], np.int64).reshape(len(flat), m)
    else:
        each, order = xp.arange(len(flat)), np.tile(xp.arange(m), (len(flat), 1))
        for j in range(flat.shape[-1]):
            order[each, flat[:, j] - 1], order[:, j] = order[:, j].copy(), order[each, flat[:, j] - 1]
    return mT(xp.eye(m, dtype=dtype)[order]).copy().reshape(*pivots.shape[:-1], m, m)


def _order_rows(pivots: list[int], m: int) -> list[int]:
    """The rows of one matrix after its exchanges."""
    order = [*range(m)]
    for j, row in enumerate(pivots):
        order[j], order[row - 1] = order[row - 1], order[j]
    return order


def _masks(x: Any) -> tuple[Any, Any]:
    """Ones below the diagonal of the square matrices `x`; ones on and above it."""
    lower = np.tri(x.shape[-1], k=-1)
    return constant_like(x, lower), constant_like(x, 1 - lower)


def _slope(g: Any, P: Any, out: Any) -> Any:
    """With M = L^-1 P^T dA U^-1 of the leading square part: dL = L tril(M, -1) and dU = triu(M) U, so

    gM = tril(L^T gL - gU2 U2^T, -1) + triu(gU U^T - L2^T gL2), gA = P (L^-T gM U^-T), where U2 are the columns and L2
    the rows beyond that part: gA2 = P L^-T gU2, and P gL2 U^-T.
    """
    m, n = out.shape[-2:]
    k = min(m, n)
    square, beside = out[..., :k, :k], g[..., :k, :k]
    below, above = _masks(square)
    lower, upper = square * below + constant_like(out, np.eye(k)), square * above
    left, right = mT(lower) @ (beside * below), (beside * above) @ mT(upper)
    if n > k:
        left = left - g[..., :k, k:] @ mT(out[..., :k, k:])
    if m > k:
        right = right - mT(out[..., k:, :k]) @ g[..., k:, :k]
    inner = mT(_divide(upper, mT(left * below + right * above)))
    slope = _divide(mT(lower), np.concatenate([inner, g[..., :k, k:]], -1))
    if m > k:
        slope = np.concatenate([slope, mT(_divide(upper, mT(g[..., k:, :k])))], -2)
    return P @ slope


def _divide(a: Any, b: Any) -> Any:
    """``a^-1 b`` for arrays and Tensors. Raises LinAlgError for a zero on the diagonal of U."""
    return attempt("linalg.lu backward", SINGULAR, solve if isinstance(a, TensorBase) else np.linalg.solve, a, b)


_packed: Any = operation("linalg_lu_factor_ex", lambda x, P, *, packed: packed, _slope, None)


def factor(name: str, A: Any, pivot: bool) -> tuple[Any, Any, Any]:
    """The packed factors, with a gradient; the exchanges; the place of a zero."""
    require_tensor(name, "A", 1, A)
    if A.array.ndim < 2:
        shape = list(A.array.shape)
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: {shape} instead")
    if A.array.dtype.char not in "fd":
        raise not_implemented_for("lu", A.array.dtype, takes_floats=True)
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU; rows are exchanged")
    packed, pivots, info = compute(eliminate, A)
    P = compute(_permutation, pivots, A.array.shape[-2], A.array.dtype)
    packed = _packed(A, P, packed=packed.array)
    return read_from(packed, "LinalgLuFactorExBackward0", pivots), pivots, info


def _unpack(packed: Any, shown: str) -> tuple[Any, Any]:
    """L and U as matrices of their own."""
    m, n = packed.array.shape[-2:]
    k = min(m, n)
    lower = tril(packed[..., :k], -1) + constant_like(packed, np.eye(m, k))  # (..., m, k)
    return name_last_call((lower, triu(packed[..., :k, :])), shown)


# ---- public functions -----------------------------------------------------------------------------
@takes_out
def lu(A: Matrix, *, pivot: bool = True) -> Any:
    """``A = P L U``: P exchanges rows, L has ones on its diagonal and zeros above it, U zeros below it.

    Shapes: A (..., m, n), P (..., m, m), L (..., m, k), U (..., k, n) with k = min(m, n). Raises RuntimeError for
    ``pivot=False`` and fewer than two axes, NotImplementedError for other dtypes than float32 and float64.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu.html

    >>> import minigrad as torch
    >>> P, L, U = torch.linalg.lu(torch.tensor([[1.0, 2.0], [2.0, 6.0]]))
    >>> U
    tensor([[ 2.,  6.],
            [ 0., -1.]])
    """
    packed, pivots, _ = factor("linalg.lu", A, pivot)
    return _LU(compute(_permutation, pivots, A.array.shape[-2], A.array.dtype), *_unpack(packed, "LinalgLuBackward0"))


@takes_out
def lu_factor(A: Matrix, *, pivot: bool = True) -> Any:
    """L and U of `lu` packed in one matrix, and the row, counted from 1, that each row was exchanged with.

    Shapes: A and LU (..., m, n), pivots (..., k) with k = min(m, n).
    Raises RuntimeError if U has a zero on its diagonal; `lu_factor_ex` returns its place instead.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_factor.html

    >>> import minigrad as torch
    >>> torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 6.0]])).pivots
    tensor([2, 2], dtype=minigrad.int32)
    """
    packed, pivots, info = factor("linalg.lu_factor", A, pivot)
    _check_regular("torch.linalg.lu_factor", info)
    return _Factor(packed, pivots)


@takes_out
def lu_factor_ex(A: Matrix, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """As `lu_factor`, and `info`: the place, counted from 1, of the first zero on U's diagonal, or 0.

    Shapes: as for `lu_factor`, and info (...). Raises RuntimeError for a zero only with `check_errors`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_factor_ex.html

    >>> import minigrad as torch
    >>> torch.linalg.lu_factor_ex(torch.zeros(2, 2)).info
    tensor(1, dtype=minigrad.int32)
    """
    packed, pivots, info = factor("linalg.lu_factor_ex", A, pivot)
    if check_errors:
        _check_regular("torch.linalg.lu_factor_ex", info)
    return _FactorEx(packed, pivots, info)


def _check_regular(name: str, info: Any) -> None:
    places = to_device(info.array, CPU).reshape(-1)
    if places.any():
        which = int(places.astype(bool).argmax())
        place, batch = int(places[which]), f"(Batch element {which}): " if info.array.ndim else ""
        raise RuntimeError(
            f"{name}: {batch}U[{place},{place}] is zero and using it on lu_solve would result in a division by zero. "
            "If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
            "linalg.lu_factor_ex(A, pivot)"
        )


@takes_out
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """P, L and U from what `linalg.lu_factor` returned; without `unpack_data`, `unpack_pivots` these are empty.

    Raises RuntimeError for pivots that are not int32 or beyond the matrix.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.lu_unpack.html

    >>> import minigrad as torch
    >>> torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 6.0]]))).P
    tensor([[0., 1.],
            [1., 0.]])
    """
    shape, dtype = LU_data.array.shape, LU_data.array.dtype
    if len(shape) < 2:
        detail = f"Expected tensor with 2 or more dimensions. Got size: {list(shape)} instead"
        raise RuntimeError(f"torch.lu_unpack: {detail}")
    lu = LU_data.array
    P, L, U = [wrap(on_gpu_of(lu, array_module(lu).zeros, 0, dtype)) for _ in range(3)]
    if unpack_pivots:
        _check_pivots(
            "torch.lu_unpack", LU_pivots, "LU_pivots is expected to be a contiguous tensor of torch.int32 dtype"
        )
        p = LU_pivots.array
        if p.size and not 1 <= int(quiet(np.min, p)) <= int(quiet(np.max, p)) <= shape[-2]:
            hint = "Did you properly pass the result of lu_factor?"
            raise RuntimeError(f"pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive. {hint}")
        P = compute(_permutation, LU_pivots, shape[-2], dtype)
    if unpack_data:
        L, U = _unpack(LU_data, "LuUnpackBackward0")
    return _Unpacked(P, L, U)


def _check_pivots(name: str, pivots: Any, detail: str) -> None:
    if pivots.array.dtype != np.int32:
        raise RuntimeError(f"{name}: {detail}, got {pivots.dtype}")


@takes_out
def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """X with ``A X = B``, or with ``X A = B`` if not `left`, for the A that `lu_factor` took apart; `adjoint`: for A^T.

    Raises RuntimeError for shapes, dtypes and pivots that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_solve.html

    >>> import minigrad as torch
    >>> factors = torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 6.0]]))
    >>> torch.linalg.lu_solve(*factors, torch.tensor([[3.0], [8.0]]))
    tensor([[1.],
            [1.]])
    """
    a, b = LU.array, B.array
    for name, x in (("LU", a), ("B", b)):
        if x.ndim < 2:
            raise RuntimeError(f"linalg.lu_solve: The input tensor {name} must have at least 2 dimensions.")
    _check_pivots("linalg.lu_solve", pivots, "pivots should be a Tensor of scalar type torch.int32")
    if a.dtype != b.dtype:
        types = f"but found LU of type {LU.dtype} and B of type {B.dtype} instead"
        raise RuntimeError(f"linalg.lu_solve: Expected LU and B to have the same dtype, {types}")
    if a.shape[-1] != a.shape[-2]:
        shape = f"they are {a.shape[-2]} by {a.shape[-1]} matrices"
        raise RuntimeError(f"linalg.lu_solve: LU must be batches of square matrices, but {shape}")
    if b.shape[-2 if left else -1] != a.shape[-1]:
        equation = "AX = B" if left else "XA = B"
        shapes = f"{a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]}"
        raise RuntimeError(f"linalg.lu_solve: Incompatible shapes of A and B for the equation {equation} ({shapes})")
    P = compute(_permutation, pivots, a.shape[-1], a.dtype)
    X = _solve_packed(LU, P, B, adjoint) if left else mT(_solve_packed(LU, P, mT(B), not adjoint))
    return read_from(X, "LinalgLuSolveBackward0", pivots)


def _solve_packed(packed: Any, P: Any, B: Any, adjoint: bool) -> Any:
    """X with ``P L U X = B``, or with the transposed matrix if `adjoint`."""
    if adjoint:  # U^T L^T P^T X = B
        inner = solve_triangular(mT(packed), B, upper=False)
        return P @ solve_triangular(mT(packed), inner, upper=True, unitriangular=True)
    inner = solve_triangular(packed, mT(P) @ B, upper=False, unitriangular=True)
    return solve_triangular(packed, inner, upper=True)
