"""Transforms to vectors and matrices with conditions: chances that sum to 1, Cholesky factors, positive definite ones.

Source: Stan Development Team, "Stan Reference Manual", the chapter on constraint transforms.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.distributions import constraints
from minigrad.distributions.transform import Compared
from minigrad.distributions.utils import tril_matrix_to_vec, vec_to_tril_matrix
from minigrad.nn.functional.activation_variants import logsigmoid, softplus
from minigrad.nn.functional.padding import pad
from minigrad.ops.cumulative import cumprod, cumsum
from minigrad.ops.diagonal import diag_embed, tril
from minigrad.ops.matrices import constant_like
from minigrad.ops.reduce import sum
from minigrad.ops.solve import cholesky
from minigrad.ops.unary import exp, log, log1p, sqrt
from minigrad.type_limits import finfo


class StickBreakingTransform(Compared):
    """Breaks a stick of length 1: each part is the share sigmoid(x) of what those before it left; the last is the rest.

    Shapes: (..., n) -> (..., n + 1). For x = 0 all parts are equal.

    >>> import minigrad as torch
    >>> torch.distributions.StickBreakingTransform()(torch.zeros(3))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = True

    def _call(self, x: Any) -> Any:
        limits = finfo(x.dtype)
        share = (x - _count_down(x, x.shape[-1])).sigmoid().clamp(min=limits.tiny, max=1 - limits.eps)
        return pad(share, (0, 1), value=1.0) * pad(cumprod(1 - share, -1), (1, 0), value=1.0)

    def _inverse(self, y: Any) -> Any:
        parts = y[..., :-1]
        rest = (1 - cumsum(parts, -1)).clamp(min=finfo(y.dtype).tiny)
        return log(parts) - log(rest) + _count_down(y, parts.shape[-1])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - _count_down(x, x.shape[-1])
        return sum(-x + logsigmoid(x) + log(y[..., :-1]), -1)

    def forward_shape(self, shape: Any) -> Any:
        return (*_lead(shape), shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        return (*_lead(shape), shape[-1] - 1)


def _lead(shape: Any) -> Any:
    if not len(shape):
        raise ValueError("Too few dimensions on input: 0, the numbers of a vector need an axis")
    return shape[:-1]


def _count_down(beside: Any, count: int) -> Any:
    """The logarithms of count, ..., 2, 1, beside a tensor."""
    return log(constant_like(beside, np.arange(count, 0, -1.0)))


class LowerCholeskyTransform(Compared):
    """The lower triangle of x, with the exponentials of its diagonal: a Cholesky factor.

    >>> import minigrad as torch
    >>> torch.distributions.LowerCholeskyTransform()(torch.ones(2, 2))
    tensor([[2.7183, 0.0000],
            [1.0000, 2.7183]])
    """

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return tril(x, -1) + diag_embed(exp(x.diagonal(0, -2, -1)))

    def _inverse(self, y: Any) -> Any:
        return tril(y, -1) + diag_embed(log(y.diagonal(0, -2, -1)))


class PositiveDefiniteTransform(Compared):
    """``L L^T`` with L of `LowerCholeskyTransform`: a symmetric, positive definite matrix.

    >>> import minigrad as torch
    >>> torch.distributions.PositiveDefiniteTransform()(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain = constraints.independent(constraints.real, 2), constraints.positive_definite

    def _call(self, x: Any) -> Any:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(cholesky(y))


class CorrCholeskyTransform(Compared):
    """Vectors of n (n - 1) / 2 numbers as Cholesky factors of n x n correlation matrices: each row has length 1.

    Row by row, tanh(x) is the share, with a sign, that an element takes of what the elements before it left.

    >>> import minigrad as torch
    >>> torch.distributions.CorrCholeskyTransform()(torch.zeros(1))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain = constraints.real_vector, constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        edge = 1 - finfo(x.dtype).eps
        share = vec_to_tril_matrix(x.tanh().clamp(min=-edge, max=edge), -1)
        left = cumprod(sqrt(1 - share**2), -1)[..., :-1]
        return (share + constant_like(share, np.eye(share.shape[-1]))) * pad(left, (1, 0), value=1.0)

    def _inverse(self, y: Any) -> Any:
        left = pad(1 - cumsum(y * y, -1)[..., :-1], (1, 0), value=1.0)
        share = tril_matrix_to_vec(y, -1) / sqrt(tril_matrix_to_vec(left, -1))
        return (log1p(share) - log1p(-share)) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``log |dy/dx|``, y being the elements below the diagonal."""
        left = tril_matrix_to_vec(1 - cumsum(y * y, -1), -2)
        return 0.5 * sum(log(left), -1) - 2 * sum(x + softplus(-2 * x) - math.log(2), -1)

    def forward_shape(self, shape: Any) -> Any:
        lead, count = _lead(shape), shape[-1]
        n = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != count:
            raise ValueError(f"Input is not a flattened lower-diagonal number: {count} is not n (n - 1) / 2")
        return (*lead, n, n)

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError(f"Input is not square: {tuple(shape)}")
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)
