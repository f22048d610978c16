"""Powers and the exponential of square matrices, made of products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.layout import contiguous_format
from minigrad.ops.arguments import as_int, takes_out
from minigrad.ops.copies import clone
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.masks import where
from minigrad.ops.solve import Matrix, check_matrix, constant_like, inv


@takes_out
def matrix_power(A: Matrix, n: int) -> Tensor:
    """Each square matrix to the power `n`; a negative one of the inverse.

    >>> import minigrad as torch
    >>> torch.linalg.matrix_power(torch.tensor([[2.0]]), 3)
    tensor([[8.]])
    """
    if not isinstance(A, TensorBase) or A.array.ndim < 2 or A.array.shape[-1] != A.array.shape[-2]:
        check_matrix("linalg.matrix_power", A)
    if (n := as_int(n, "linalg.matrix_power(): argument 'n'")) < 0:
        check_matrix("linalg.matrix_power", A)
        return inv(A) if n == -1 else matrix_power(inv(A), -n)
    if n < 2:
        return name_last_call(_make_unit(A), "CopyBackwards") if n == 0 else clone(A, memory_format=contiguous_format)
    result: Any = None
    while n:
        if n & 1:
            result = A if result is None else result @ A
        n >>= 1
        A = A @ A if n else A
    return result


def _make_unit(A: Any) -> Tensor:
    """The unit matrix for each matrix of A: a result of A, whose gradient is 0."""
    unit = constant_like(A, np.broadcast_to(np.eye(A.array.shape[-1]), A.array.shape))
    return where(compute(lambda x: np.ones_like(x, dtype=np.bool_), A), unit, A)


def matrix_exp(A: Matrix) -> Tensor:
    """``sum over k of A^k / k!`` of each square matrix: 18 terms of A / 2^s, whose norm is at most 1, squared s times.

    Source: Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited", 2005.

    >>> import minigrad as torch
    >>> torch.linalg.matrix_exp(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    check_matrix("linalg.matrix_exp", A)
    norm = float(compute(lambda x: np.linalg.norm(x, 1, (-2, -1)).max(), A).array) if A.array.size else 0.0
    halvings = max(0, math.ceil(math.log2(norm))) if 0 < norm < math.inf else 0
    scaled, unit = A / 2.0**halvings, constant_like(A, np.eye(A.array.shape[-1]))
    total = unit + scaled / 18
    for k in range(17, 0, -1):
        total = unit + scaled @ total / k
    for _ in range(halvings):
        total = total @ total
    return name_last_call(total, "LinalgMatrixExpBackward0")
