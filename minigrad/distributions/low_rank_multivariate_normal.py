"""The multivariate normal distribution with a covariance of low rank beside a diagonal.

With W the factor and D the diagonal, ``C = W W^T + D`` is never inverted: only the small ``K = I + W^T D^-1 W`` is
(Woodbury's identity), and ``det C = det K det D``.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from minigrad.creation import empty
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.kl import divergence_of_normals, register_kl
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.ops.arguments import require_tensors
from minigrad.ops.diagonal import diag_embed
from minigrad.ops.matrices import constant_like
from minigrad.ops.reduce import sum
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.solve import cholesky, solve_triangular
from minigrad.ops.unary import log, sqrt


class LowRankMultivariateNormal(Distribution):
    """A normal distribution with the covariance ``cov_factor cov_factor^T + diag(cov_diag)``.

    Shapes: loc and cov_diag (..., n), cov_factor (..., n, rank); values (..., n).
    Raises ValueError for other shapes, and for a `cov_diag` that is not positive.
    Source: M. A. Woodbury, "Inverting modified matrices", 1950.

    >>> import minigrad as torch
    >>> W = torch.tensor([[1.0], [2.0]])
    >>> torch.distributions.LowRankMultivariateNormal(torch.zeros(2), W, torch.ones(2)).covariance_matrix
    tensor([[2., 2.],
            [2., 5.]])
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        require_tensors("LowRankMultivariateNormal", "loc cov_factor cov_diag", loc, cov_factor, cov_diag)
        _check_shapes(loc.shape, cov_factor.shape, cov_diag.shape)
        try:
            columns = broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError:
            shapes = f"loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            raise ValueError(f"Incompatible batch shapes: {shapes}") from None
        self.loc, self.cov_factor, self.cov_diag = columns[0][..., 0], columns[1], columns[2][..., 0]
        super().__init__(self.loc.shape[:-1], self.loc.shape[-1:], validate_args)
        scaled = cov_factor.mT / cov_diag.unsqueeze(-2)  # W^T D^-1
        small = scaled @ cov_factor
        factor = cholesky(small + constant_like(small, np.eye(cov_factor.shape[-1])))  # of K
        self._small = factor.expand(*self._batch_shape, -1, -1)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: sum(self.cov_factor**2, -1) + self.cov_diag)
    covariance_matrix = property(lambda self: self.cov_factor @ self.cov_factor.mT + diag_embed(self.cov_diag))

    @property
    def scale_tril(self) -> Any:
        """The Cholesky factor of C."""
        root = sqrt(self.cov_diag).unsqueeze(-1)
        scaled = self.cov_factor / root
        inner = scaled @ scaled.mT
        return root * cholesky(inner + constant_like(inner, np.eye(inner.shape[-1])))

    def _whiten(self, matrix: Any) -> Any:
        """``A B``, where ``D^-1 - A^T A`` is the inverse of C and B the `matrix`."""
        scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        return solve_triangular(self._small, scaled @ matrix, upper=False)

    @property
    def precision_matrix(self) -> Any:
        """The inverse of C."""
        part = self._whiten(diag_embed(self.cov_diag * 0 + 1))
        return diag_embed(self.cov_diag.reciprocal()) - part.mT @ part

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        like: dict[str, Any] = {"dtype": self.loc.dtype, "device": self.loc.device}
        small = empty((*shape[:-1], self.cov_factor.shape[-1]), **like).normal_()
        own = empty(shape, **like).normal_()
        return self.loc + (self.cov_factor @ small.unsqueeze(-1)).squeeze(-1) + sqrt(self.cov_diag) * own

    def _log_prob(self, value: Any) -> Any:
        off = value - self.loc
        distance = sum(off**2 / self.cov_diag, -1) - sum(self._whiten(off.unsqueeze(-1)) ** 2, (-2, -1))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - self.half_log_det()

    def half_log_det(self) -> Any:
        """Half the logarithm of the determinant of C.

        >>> import minigrad as torch
        >>> law = torch.distributions.LowRankMultivariateNormal(torch.zeros(1), torch.zeros(1, 1), torch.ones(1))
        >>> law.half_log_det()
        tensor(0.)
        """
        return sum(log(self._small.diagonal(0, -2, -1)), -1) + 0.5 * sum(log(self.cov_diag), -1)

    def entropy(self) -> Any:
        return 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + self.half_log_det()


def _check_shapes(loc: Any, factor: Any, diagonal: Any) -> None:
    """Raises ValueError unless the shapes end in (n,), (n, rank) and (n,)."""
    if not loc:
        raise ValueError("loc must be at least one-dimensional.")
    if len(factor) < 2:
        raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
    if factor[-2] != loc[-1]:
        raise ValueError(f"cov_factor must be a batch of matrices with shape {loc[-1]} x m, got {tuple(factor)}")
    if tuple(diagonal[-1:]) != tuple(loc[-1:]):
        raise ValueError(f"cov_diag must be a batch of vectors with shape {tuple(loc[-1:])}, got {tuple(diagonal)}")


for pair in (
    (LowRankMultivariateNormal, LowRankMultivariateNormal),
    (MultivariateNormal, LowRankMultivariateNormal),
    (LowRankMultivariateNormal, MultivariateNormal),
):
    register_kl(*pair)(divergence_of_normals)
