"""Inverses, solutions and Cholesky factors with an `info` in the place of an error, which is not 0 where there is none.

Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.inv_ex.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor
from minigrad.backend import quiet
from minigrad.ops.arguments import require_tensor, takes_out
from minigrad.ops.comparison import ne
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.masks import masked_fill, where
from minigrad.ops.matrices import LinAlgError, Matrix, attempt, check_matrix, constant_like, mT
from minigrad.ops.return_types import make_return_type
from minigrad.ops.shape import unsqueeze
from minigrad.ops.solve import cholesky, holds_vectors, inv, invert, solve
from minigrad.ops.unsolvable import find_bad_minors, find_zero_pivots, refuse_factor, refuse_inverse, refuse_system

_Inverse = make_return_type("linalg_inv_ex", "inverse", "info")
_Solution = make_return_type("linalg_solve_ex", "result", "info")
_Factor = make_return_type("linalg_cholesky_ex", "L", "info")


@takes_out
def inv_ex(A: Matrix, *, check_errors: bool = False) -> Any:
    """The inverse of each square matrix, inf for singular ones, and `info`: the first pivot that is 0, or 0.

    With `check_errors` it raises as `inv` does.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.inv_ex.html

    >>> import minigrad as torch
    >>> torch.linalg.inv_ex(torch.zeros(1, 1)).info.item()
    1
    """
    check_matrix("linalg.inv_ex", A)
    info = compute(find_zero_pivots, A)
    if check_errors or not quiet(np.any, info.array):
        return _Inverse(attempt("linalg.inv_ex", refuse_inverse, invert, A), info)
    singular = ne(info, 0)
    return _Inverse(masked_fill(inv(_replace(singular, A)), _beside_matrices(singular), math.inf), info)


@takes_out
def solve_ex(A: Matrix, B: Matrix, *, left: bool = True, check_errors: bool = False) -> Any:
    """`solve`, inf for singular matrices, and `info`: the first pivot that is 0, or 0 where a matrix is regular.

    With `check_errors` it raises LinAlgError for singular ones.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve_ex.html

    >>> import minigrad as torch
    >>> torch.linalg.solve_ex(torch.zeros(2, 2), torch.ones(2)).info.item()
    1
    """
    check_matrix("linalg.solve_ex", A)
    require_tensor("linalg.solve_ex", "B", 2, B)
    info = compute(find_zero_pivots, A)
    if not quiet(np.any, info.array):
        return _Solution(solve(A, B, left=left), info)
    if check_errors:
        raise LinAlgError(f"torch.linalg.solve_ex: {refuse_system(A.array)}")
    singular = ne(info, 0)
    found = solve(_replace(singular, A), B, left=left)
    mask = unsqueeze(singular, -1) if holds_vectors(A, B) else _beside_matrices(singular)
    return _Solution(masked_fill(found, mask, math.inf), info)


@takes_out
def cholesky_ex(A: Matrix, *, upper: bool = False, check_errors: bool = False) -> Any:
    """`cholesky`, NaN for matrices that are not positive definite, and `info`: the order of their first bad minor.

    The leading minor of order k is the determinant of the first k rows and columns. `info` is 0 for good matrices. With
    `check_errors` it raises LinAlgError for bad ones.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.cholesky_ex.html

    >>> import minigrad as torch
    >>> torch.linalg.cholesky_ex(torch.tensor([[1.0, 2.0], [2.0, 1.0]])).info.item()
    2
    """
    check_matrix("linalg.cholesky_ex", A)
    info = compute(lambda x: find_bad_minors(mT(x) if upper else x), A)  # of A only one triangle is read
    if not quiet(np.any, info.array):
        return _Factor(cholesky(A, upper=upper), info)
    if check_errors:
        raise LinAlgError(f"linalg.cholesky_ex: {refuse_factor(mT(A.array) if upper else A.array)}")
    bad = ne(info, 0)
    found = masked_fill(cholesky(_replace(bad, A), upper=upper), _beside_matrices(bad), math.nan)
    return _Factor(name_last_call(found, "LinalgCholeskyExBackward0"), info)


def _replace(bad: Tensor, A: Matrix) -> Any:
    """The matrices, with the unit matrix for `bad` ones, so that the others can be computed."""
    return where(_beside_matrices(bad), constant_like(A, np.eye(A.array.shape[-1])), A)


def _beside_matrices(mask: Tensor) -> Any:
    return unsqueeze(unsqueeze(mask, -1), -1)  # (...) -> (..., 1, 1)
