"""Linear systems: `solve`, inverse, Cholesky factor, pseudo-inverse.

The rules use the operations of this file, so they are differentiable to any order. Source of the rules:
M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2008;
of the pseudo-inverse: G. H. Golub and V. Pereyra, 1973.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase, value_of, wrap
from minigrad.autograd.modes import is_grad_enabled
from minigrad.autograd.recording import operation
from minigrad.autograd.views import is_in_graph
from minigrad.backend import Array, array_module
from minigrad.beside import constant_beside
from minigrad.ops.arguments import require_number, require_tensor, takes_out
from minigrad.ops.complaints import shapes_do_not_broadcast
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import in_rows
from minigrad.ops.diagonal import tril, triu
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.shape import squeeze, unsqueeze


class LinAlgError(RuntimeError):
    """The error for a matrix that is singular, or not positive definite, or does not converge.

    >>> import minigrad as torch
    >>> issubclass(torch.linalg.LinAlgError, RuntimeError)
    True
    """


Matrix: TypeAlias = Tensor  # one matrix or a batch of them, which `check_matrix` reads: its refusals say more


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


def attempt(name: str, why: str, function: Callable[..., Any], *operands: Any) -> Any:
    """Calls `function(*operands)`; if NumPy raises, the LinAlgError says `why`."""
    try:
        with _errors_raised(operands[0]):
            return function(*operands)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"{name}: {why}") from None


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


def hold_nan(x: Array) -> Array:
    """Which matrices hold NaN, which LAPACK takes for 0 in the place of a pivot."""
    return np.isnan(x).any((-2, -1))


def _spread_nan(function: Callable[..., Array], x: Array, *others: Array) -> Array:
    """``function(x, ...)``, and NaN for matrices that hold NaN, which would be called singular."""
    unknown = hold_nan(x)[..., None, None]
    if not unknown.any():
        return function(x, *others)
    found = function(np.where(unknown, constant_like(x, np.eye(x.shape[-1])), x), *others)
    return np.where(unknown, math.nan, found)


# ---- operations -----------------------------------------------------------------------------------
in_columns: Any = operation("clone", lay_columns, lambda g: g)
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
    if np.isnan(factor).any():  # from infinities or NaN, for which LAPACK reports no error
        raise np.linalg.LinAlgError("not finite")
    return lay_columns(factor)


_cholesky: Any = operation("linalg_cholesky_ex", _cholesky_forward, _cholesky_slope)


def _pinv_slope(g: Any, x: Any, out: Any) -> Any:
    p, pt = out, mT(out)
    m, n = x.shape[-2:]
    left, right = constant_like(x, np.eye(m)) - x @ p, constant_like(x, np.eye(n)) - p @ x
    return -(pt @ g @ pt) + left @ mT(g) @ p @ pt + pt @ p @ mT(g) @ right


def read_tolerances(name: str, A: Matrix, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Both tolerances with their defaults, as numbers or as arrays (..., 1) that fit the singular values."""
    for part, x in (("atol", atol), ("rtol", rtol)):
        if x is not None:
            require_number(name, part, x)
        try:
            np.broadcast_shapes(np.shape(value_of(x)), A.array.shape[:-2])
        except ValueError:
            raise shapes_do_not_broadcast(f"{part} and the batch of {name}", x, A.array.shape[:-2]) from None
    given = [x.array[..., None] if isinstance(x, TensorBase) else x for x in (atol, rtol)]
    least, share = [float(x) if isinstance(x, (int, float)) else x for x in given]
    if share is None:
        share = max(A.array.shape[-2:]) * float(np.finfo(A.array.dtype).eps)
        share = share if least is None else share - share * (least > 0)
    return 0.0 if least is None else least, share


def find_large(s: Array, atol: Any, rtol: Any) -> Array:
    """Which singular values, in falling order, exceed ``max(atol, rtol * the largest)``."""
    return s > np.maximum(atol, rtol * s[..., :1])


def _pinv_forward(x: Array, *, atol: Any, rtol: Any) -> Array:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    large = find_large(s, atol, rtol)
    return mT(vh) @ ((large / np.where(large, s, 1)).astype(x.dtype)[..., None] * mT(u))


_pinv: Any = operation("linalg_pinv", _pinv_forward, _pinv_slope)

# The symmetric matrix with the lower triangle of x. As in PyTorch its gradient is g, as if all of x were read.
mirror: Any = operation("mirror", lambda x: np.tril(x) + mT(np.tril(x, -1)), lambda g: g)

NOT_FINITE = "the algorithm failed to converge because the input matrix contained non-finite values"
SINGULAR = "the input matrix is singular, so the computation could not be completed"


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
    return attempt("linalg.inv", SINGULAR, invert, A)


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
    if b.dtype != a.dtype:
        raise RuntimeError(f"{name}: Expected A and B to have the same dtype, got {a.dtype} and {b.dtype}")
    if b.shape[-2 if left else -1] != a.shape[-1]:
        equation, shapes = "AX = B" if left else "XA = B", f"{tuple(a.shape)} and {tuple(b.shape)}"
        raise RuntimeError(f"{name}: Incompatible shapes of A and B for the equation {equation}: {shapes}")
    if left:
        return attempt(name, SINGULAR, _solve, A, B)
    return name_last_call(mT(attempt(name, SINGULAR, _solve, mT(A), mT(B))), "LinalgSolveExBackward0")


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
    part = triu(A, 1 if unitriangular else 0) if upper else tril(A, -1 if unitriangular else 0)
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
    check_matrix("linalg.cholesky", A)
    why = "the factorization could not be completed because the input is not positive-definite"
    found = attempt("linalg.cholesky", why, _cholesky, A)
    return name_last_call(in_columns(mT(found)), "LinalgCholeskyExBackward0") if upper else found


@takes_out(cast=True)
def pinv(
    A: Matrix, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:  # fmt: skip
    """The pseudo-inverse (Moore, Penrose) of each matrix; small singular values count as 0.

    These are the ones up to ``max(atol, rtol * the largest)``. Both may be tensors, a number for each matrix; `rcond`
    is NumPy's name for `rtol`. For a `hermitian` (symmetric) matrix only the lower triangle is read.

    >>> import minigrad as torch
    >>> torch.linalg.pinv(torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    check_matrix("linalg.pinv", A, square=hermitian)
    A = mirror(A) if hermitian else A
    rtol = rcond if rtol is None else rtol
    for part, x in (("atol", atol), ("rtol", rtol)):
        if is_in_graph(x) and is_grad_enabled():
            raise RuntimeError(f"linalg.pinv is not differentiable with respect to {part}; write {part}.detach()")
    least, share = read_tolerances("linalg.pinv", A, atol, rtol)
    return attempt("linalg.pinv", NOT_FINITE, lambda x: _pinv(x, atol=least, rtol=share), A)
