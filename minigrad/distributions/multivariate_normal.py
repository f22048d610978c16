"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from minigrad.creation import empty
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.ops.arguments import require_tensors
from minigrad.ops.reduce import sum
from minigrad.ops.shape import broadcast_shapes
from minigrad.ops.solve import cholesky, inv, solve_triangular
from minigrad.ops.unary import log


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

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky,
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        named = [name for name, value in given.items() if value is not None]
        if len(named) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        require_tensors("MultivariateNormal", f"loc {named[0]}", loc, given[named[0]])
        if not loc.ndim:
            raise ValueError("loc must be at least one-dimensional.")
        (self._form,), matrix = named, given[named[0]]
        if matrix.ndim < 2:
            raise ValueError(f"{self._form} must be at least two-dimensional, with optional leading batch dimensions")
        batch = broadcast_shapes(loc.shape[:-1], matrix.shape[:-2])
        self.loc, self._matrix, self._given = loc.expand(*batch, -1), matrix.expand(*batch, -1, -1), ("loc", self._form)
        super().__init__(batch, loc.shape[-1:], validate_args)
        if scale_tril is None:
            self._factor = cholesky(matrix if precision_matrix is None else inv(matrix)).expand(*batch, -1, -1)

    @property
    def scale_tril(self) -> Any:
        """The Cholesky factor of C."""
        return self._matrix if self._form == "scale_tril" else self._factor

    @property
    def covariance_matrix(self) -> Any:
        """C."""
        return self._matrix if self._form == "covariance_matrix" else self.scale_tril @ self.scale_tril.mT

    @property
    def precision_matrix(self) -> Any:
        """The inverse of C."""
        return self._matrix if self._form == "precision_matrix" else inv(self.covariance_matrix)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: sum(self.scale_tril**2, -1).expand(self._extended_shape()))

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = empty(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device).normal_()
        return self.loc + (self.scale_tril @ drawn.unsqueeze(-1)).squeeze(-1)

    def _log_prob(self, value: Any) -> Any:
        apart = (value - self.loc).type_as(self.loc)  # a solver takes one dtype
        off = solve_triangular(self.scale_tril, apart.unsqueeze(-1), upper=False).squeeze(-1)
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
