"""What small singular values decide: the pseudo-inverse, the rank, and least squares.

Source of the rule: G. H. Golub and V. Pereyra, 1973.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase, value_of
from minigrad.autograd.modes import is_grad_enabled
from minigrad.autograd.recording import operation
from minigrad.autograd.views import is_in_graph
from minigrad.backend import Array, quiet
from minigrad.ops.arguments import require_number, require_tensor, takes_out
from minigrad.ops.complaints import shapes_do_not_broadcast
from minigrad.ops.matrices import (
    Matrix,
    attempt,
    check_matrix,
    constant_like,
    in_columns,
    make_empty,
    mirror,
    mT,
    singular_values,
)
from minigrad.ops.reduce import sum
from minigrad.ops.return_types import make_return_type
from minigrad.ops.shape import unsqueeze
from minigrad.ops.unsolvable import refuse_values
from minigrad.shown_values import shorten

_Lstsq = make_return_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _pinv_slope(g: Any, x: Any, out: Any) -> Any:
    # From dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P. Source: Golub and Pereyra, The differentiation of
    # pseudo-inverses and nonlinear least squares problems whose variables separate, 1973
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
        if isinstance(least, float):
            share = 0.0 if least > 0 else share
        elif least is not None:
            share = np.where(least > 0, 0.0, share)  # (..., 1)
    return 0.0 if least is None else least, share


def find_large(s: Array, atol: Any, rtol: Any) -> Array:
    """Which singular values, in falling order, exceed ``max(atol, rtol * the largest)``."""
    return s > np.maximum(atol, rtol * s[..., :1])


def _pinv_forward(x: Array, *, atol: Any, rtol: Any) -> Array:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    large = find_large(s, atol, rtol)
    return mT(vh) @ ((large / np.where(large, s, 1)).astype(x.dtype)[..., None] * mT(u))


_pinv: Any = operation("linalg_pinv", _pinv_forward, _pinv_slope)


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
    return attempt("linalg.svd", refuse_values, lambda x: _pinv(x, atol=least, rtol=share), A)


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
    if tol is not None:
        atol, rtol = tol, 0.0
    bounds = read_tolerances("linalg.matrix_rank", A, atol, rtol)
    return attempt("linalg.svd", refuse_values, lambda x: compute(_count_rank, x, *bounds), A)


def _count_rank(x: Array, atol: Any, rtol: Any) -> Array:
    return find_large(singular_values(x), atol, rtol).sum(-1).astype(np.int64)


@takes_out(spellings={"b": "B"})
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
        raise RuntimeError(f"torch.linalg.lstsq: parameter `driver` should be one of {_DRIVERS}, got {shorten(driver)}")
    if not B.array.ndim:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension, got a 0-d tensor")
    vector = B.array.ndim == A.array.ndim - 1
    rhs = unsqueeze(B, -1) if vector else B
    if rhs.array.shape[-2] != A.array.shape[-2]:
        detail = f"input.size(-2) should match other.size(-2), got {tuple(A.array.shape)} and {tuple(B.array.shape)}"
        raise RuntimeError(f"torch.linalg.lstsq: {detail}")
    solution = in_columns(pinv(A, rtol=rcond) @ rhs)
    rank, (rows, columns) = matrix_rank(A), A.array.shape[-2:]
    leaves_rest = driver in ("gels", "gelsd", "gelss") and rows > columns
    residuals, values = make_empty(A, A.array.dtype), make_empty(A, A.array.dtype)
    if leaves_rest and quiet(lambda r: (r == columns).all(), rank.array):
        residuals = sum((A @ solution - rhs) ** 2, -2)
    if driver in ("gelsd", "gelss"):
        values = compute(singular_values, A)
    rank = make_empty(A, np.int64) if driver == "gels" else rank
    return _Lstsq(solution[..., 0] if vector else solution, residuals, rank, values)
