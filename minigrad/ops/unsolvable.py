"""Matrices without an inverse, a solution, a Cholesky factor or singular values: which one of a batch it is, and why.

The words are PyTorch's. A matrix is singular if a pivot of LAPACK's elimination is 0; its determinant may be 0 for
another reason: that of 1e-30 times the unit matrix is too small for float32.
"""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array, array_module, quiet
from minigrad.ops.matrices import eliminate, hold_nan

SINGULAR = "The solver failed because the input matrix is singular"


def find_zero_pivots(x: Array) -> Array:
    """The first pivot of each matrix that is 0, from 1, or 0 if it has none or holds NaN: (..., n, n) -> (...)."""
    singular = np.logical_and(np.linalg.slogdet(x)[0] == 0, ~hold_nan(x))
    if not singular.any():
        return singular.astype(np.int32)
    pivots = eliminate(x)[2]
    pivots = np.where(pivots == 0, x.shape[-1], pivots)  # LAPACK may round to 0 where we do not
    return np.where(singular, pivots, 0).astype(np.int32)


def find_bad_minors(x: Array) -> Array:
    """The order of the first leading minor of each matrix that is not positive, else 0: (..., n, n) -> (...)."""
    orders = np.zeros(x.shape[:-2], np.int32)
    for place in np.ndindex(orders.shape):
        if not _is_definite(x[place]):
            orders[place] = _find_bad_minor(x[place])
    return array_module(x).asarray(orders)


def _find_bad_minor(matrix: Array) -> int:
    return next(k for k in range(1, len(matrix) + 1) if not _is_definite(matrix[:k, :k]))


def _is_definite(matrix: Array) -> bool:
    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return holds_factors(factor)


def holds_factors(found: Array) -> bool:
    """Whether what LAPACK or CuPy gave are Cholesky factors: they report no error for infinities, nor for NaN."""
    pivots = np.diagonal(found, 0, -2, -1)
    return not bool(np.isnan(found).any() or np.isinf(pivots[..., :-1]).any())


# ---- why it is refused ----------------------------------------------------------------------------
def refuse_system(x: Array) -> str:
    """Why `solve` refuses the matrices."""
    return f"{_name_first(quiet(find_zero_pivots, x))[0]}{SINGULAR}."


def refuse_inverse(x: Array) -> str:
    """Why `inv` refuses them."""
    place, pivot = _name_first(quiet(find_zero_pivots, x))
    why = "the inversion could not be completed because the input matrix is singular"
    return f"{place}The diagonal element {pivot} is zero, {why}."


def refuse_factor(x: Array) -> str:
    """Why `cholesky` refuses them."""
    place, order = _name_first(quiet(find_bad_minors, x))
    why = f"is not positive-definite (the leading minor of order {order} is not positive-definite)"
    return f"{place}The factorization could not be completed because the input {why}."


def refuse_values(x: Array) -> str:
    """Why singular values and eigenvalues of the matrices are refused."""
    place = _name_first(~quiet(np.isfinite, x).all((-2, -1)))[0]
    return f"{place}The algorithm failed to converge because the input matrix contained non-finite values."


def _name_first(info: Array) -> tuple[str, int]:
    """The first matrix of a batch whose info is not 0, in words, and this info."""
    first = int((info.reshape(-1) != 0).argmax())
    return f"(Batch element {first}): " if info.ndim else "", int(info.reshape(-1)[first])
