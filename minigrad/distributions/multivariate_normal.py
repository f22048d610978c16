"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any

from minigrad.creation import empty
from minigrad.distributions.distribution import Distribution
from minigrad.ops.comparison import isclose
from minigrad.ops.diagonal import tril
from minigrad.ops.reduce import sum
from minigrad.ops.shape import broadcast_shapes
from minigrad.ops.solve import LinAlgError, cholesky, inv, solve_triangular
from minigrad.ops.unary import log


def _check_definite(name: str, matrix: Any) -> None:
    """Raises ValueError unless the matrices are symmetric and positive definite."""
    if matrix.ndim < 2:
        raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
    try:
        factor = cholesky(matrix.detach())
    except LinAlgError:
        factor = None
    if factor is None or not isclose(matrix, matrix.mT, atol=1e-6).all():
        raise _refusal(name, matrix, "PositiveDefinite()")


def _check_factor(matrix: Any) -> None:
    """Raises ValueError unless the matrices are lower triangular with a positive diagonal."""
    if matrix.ndim < 2:
        raise ValueError("scale_tril matrix must be at least two-dimensional, with optional leading batch dimensions")
    if not bool((tril(matrix) == matrix).all()) or not bool((matrix.diagonal(0, -2, -1) > 0).all()):
        raise _refusal("scale_tril", matrix, "LowerCholesky()")


def _refusal(name: str, matrix: Any, constraint: str) -> ValueError:
    return ValueError(
        f"Expected parameter {name} (Tensor of shape {tuple(matrix.shape)}) of distribution MultivariateNormal to "
        f"satisfy the constraint {constraint}, but found invalid values:\n{matrix}"
    )


class MultivariateNormal(Distribution):
    """``p(x) = exp(-d^2 / 2) / sqrt((2 pi)^n det C)``, d the distance of x from `loc` in units of the covariance C.

    C is given as `covariance_matrix`, by its inverse (`precision_matrix`), or by its Cholesky factor (`scale_tril`).
    Shapes: loc (..., n), matrices (..., n, n); values (..., n).
    Raises ValueError unless exactly one of the three is given, and unless it is symmetric and positive definite.

    >>> import minigrad as torch
    >>> normal = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    >>> normal.log_prob(torch.zeros(2))
    tensor(-1.8379)
    """

    has_rsample = True

    def __init__(
        self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        named = [name for name, value in given.items() if value is not None]
        if len(named) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        if not loc.ndim:
            raise ValueError("loc must be at least one-dimensional.")
        if scale_tril is None:
            matrix = given[named[0]]
            if validate_args is not False:
                _check_definite(named[0], matrix)
            scale_tril = cholesky(matrix if precision_matrix is None else inv(matrix))
        elif validate_args is not False:
            _check_factor(scale_tril)
        self.parameters = ("loc", named[0])  # type: ignore[misc]
        batch = broadcast_shapes(loc.shape[:-1], scale_tril.shape[:-2])
        self.loc, self.scale_tril = loc.expand(*batch, -1), scale_tril.expand(*batch, -1, -1)
        super().__init__(batch, loc.shape[-1:], validate_args)

    def _check_parameters(self) -> None:
        self._expect(self.loc == self.loc, "loc must be numbers, not NaN")

    @property
    def covariance_matrix(self) -> Any:
        """C."""
        return self.scale_tril @ self.scale_tril.mT

    @property
    def precision_matrix(self) -> Any:
        """The inverse of C."""
        return inv(self.covariance_matrix)

    @property
    def mean(self) -> Any:
        """`loc`."""
        return self.loc

    @property
    def variance(self) -> Any:
        """The diagonal of C."""
        return sum(self.scale_tril**2, -1).expand(self._extended_shape())

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = empty(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device).normal_()
        return self.loc + (self.scale_tril @ drawn.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Any) -> Any:
        self._check_value(value)
        off = solve_triangular(self.scale_tril, (value - self.loc).unsqueeze(-1), upper=False).squeeze(-1)
        return -0.5 * (self.event_shape[0] * math.log(2 * math.pi) + sum(off**2, -1)) - self.half_log_det()

    def half_log_det(self) -> Any:
        """Half the logarithm of the determinant of C.

        >>> import minigrad as torch
        >>> torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)).half_log_det()
        tensor(0.)
        """
        return sum(log(self.scale_tril.diagonal(0, -2, -1)), -1)

    def entropy(self) -> Any:
        return 0.5 * self.event_shape[0] * (1 + math.log(2 * math.pi)) + self.half_log_det()
