"""`householder_product`: an orthogonal matrix from the Householder reflections in which LAPACK stores it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.ops.arguments import require_tensor, takes_out
from minigrad.ops.diagonal import tril
from minigrad.ops.matrices import check_matrix, constant_like, in_columns, mT


@takes_out(cast=True)
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of ``H_1 H_2 ... H_k`` with ``H_i = I - tau_i v_i v_i^T``, v_i under the diagonal of column i.

    Shapes: input (..., m, n) with m >= n; tau (..., k) with k <= n. Element i of v_i is 1, and those above are 0.
    Raises RuntimeError for other shapes, and where the types differ. Source: LAPACK's `orgqr`.

    >>> import minigrad as torch
    >>> torch.linalg.householder_product(torch.zeros(2, 2), torch.tensor([2.0, 2.0]))
    tensor([[-1.,  0.],
            [ 0., -1.]])
    """
    check_matrix("linalg.householder_product", input, "input", square=False)
    require_tensor("linalg.householder_product", "tau", 2, tau)
    (m, n), count = input.array.shape[-2:], tau.array.shape[-1] if tau.array.ndim else 0
    if m < n or n < count:
        got = f"got {tuple(input.array.shape)} and {tuple(tau.array.shape)}"
        raise RuntimeError(f"householder_product: input.shape[-2] >= input.shape[-1] >= tau.shape[-1] is due, {got}")
    if tau.array.dtype != input.array.dtype:
        raise RuntimeError(f"householder_product: tau dtype {tau.dtype} does not match input dtype {input.dtype}")
    if tau.array.shape[:-1] != input.array.shape[:-2]:
        got = f"got {tuple(input.array.shape)} and {tuple(tau.array.shape)}"
        raise RuntimeError(f"householder_product: the batches of input and tau must be equal, {got}")
    ones = constant_like(input, np.eye(m, n))
    vectors: Any = tril(input, -1) + ones
    product: Any = input * 0 + ones
    for i in reversed(range(count)):
        v = vectors[..., i : i + 1]  # (..., m, 1)
        product = product - tau[..., i, None, None] * (v @ (mT(v) @ product))
    return cast(Tensor, in_columns(product))
