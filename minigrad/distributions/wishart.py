"""The Wishart distribution: sums of squared normal vectors, as matrices."""

from __future__ import annotations

import math
from typing import Any

from minigrad.advice import warn
from minigrad.creation import arange, empty, tril_indices, zeros
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.gamma import Chi2
from minigrad.distributions.kl import register_kl
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.ops.determinant import slogdet
from minigrad.ops.diagonal import diag_embed
from minigrad.ops.gamma import digamma, mvlgamma
from minigrad.ops.linear_algebra import cholesky_solve
from minigrad.ops.reduce import sum
from minigrad.ops.shape import broadcast_shapes
from minigrad.ops.solve import solve_triangular
from minigrad.ops.unary import sqrt
from minigrad.type_limits import finfo


class Wishart(Distribution):
    """The sum of ``x x^T`` over `df` normal vectors x with mean 0 and covariance C; `df` may be a fraction.

    C is given as `covariance_matrix`, by its inverse (`precision_matrix`), or by its Cholesky factor (`scale_tril`).
    Shapes: df (...), matrices and values (..., n, n). Raises AssertionError unless exactly one of the three is given,
    ValueError unless it is symmetric and positive definite, and for df <= n - 1; warns for df < n, where values may be
    singular.
    Source: J. Wishart, "The generalised product moment distribution in samples from a normal multivariate population",
    1928; drawn as by M. S. Bartlett, 1933.

    >>> import minigrad as torch
    >>> torch.distributions.Wishart(3.0, torch.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = (covariance_matrix, precision_matrix, scale_tril)
        if [x is None for x in given].count(False) != 1:  # AssertionError, as in PyTorch, for this class alone
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        matrix: Any = next((x for x in given if x is not None), None)
        n = matrix.shape[-1] if hasattr(matrix, "shape") and len(matrix.shape) else 1
        law = MultivariateNormal(zeros(n, dtype=getattr(matrix, "dtype", None)), *given, validate_args)
        (df, _) = as_parameters(df, matrix.reshape(-1)[0])
        batch = broadcast_shapes(df.shape, law.batch_shape)
        self.df, self._law = df.expand(batch), law.expand(batch)
        if bool((df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if bool((df < n).any()):
            warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.")
        self._given = (law._form, "df")
        super().__init__(batch, (n, n), validate_args)
        self._chi2 = Chi2(self.df.unsqueeze(-1) - arange(n, dtype=df.dtype, device=df.device), validate_args)

    @property
    def arg_constraints(self) -> Any:
        """Those of the matrices, and that df is above n - 1."""
        df = constraints.greater_than(self._event_shape[-1] - 1)
        return {**MultivariateNormal.arg_constraints, "df": df}

    scale_tril = property(lambda self: self._law.scale_tril)
    covariance_matrix = property(lambda self: self._law.covariance_matrix)
    precision_matrix = property(lambda self: self._law.precision_matrix)
    mean = property(lambda self: self.df[..., None, None] * self.covariance_matrix)

    @property
    def mode(self) -> Any:
        """``(df - n - 1) C``, NaN where that is not positive."""
        factor = self.df - self._event_shape[-1] - 1
        return factor.masked_fill(factor <= 0, math.nan)[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Any:
        """``df (C_ij^2 + C_ii C_jj)`` for each element."""
        diagonal = self.covariance_matrix.diagonal(0, -2, -1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df[..., None, None] * (self.covariance_matrix**2 + products)

    def _draw(self, sample_shape: Any) -> Any:
        """Values by Bartlett's decomposition: chi numbers on a diagonal, normal ones below it."""
        n = self._event_shape[-1]
        chi = sqrt(self._chi2.rsample(sample_shape))
        noise = diag_embed(chi.clamp(min=finfo(chi.dtype).eps))
        rows, columns = tril_indices(n, n, -1)
        shape = (*sample_shape, *self._batch_shape, n * (n - 1) // 2)
        noise[..., rows, columns] = empty(shape, dtype=chi.dtype, device=chi.device).normal_()
        factor = self.scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values that are differentiable in the parameters: those of the second draw, as in PyTorch 2.13.

        It replaces the first draw where that is positive definite, and later ones where they are not, ten at most.
        """
        self._extended_shape(sample_shape)  # refuses what is no shape
        drawn = self._draw(sample_shape)
        batch = tuple(range(-len(self._batch_shape), 0))
        again = self._is_definite(drawn)
        again = again.any(batch) if batch else again
        for _ in range(10):
            if not bool(again.any()):
                break
            new = self._draw((int(again.sum()),))
            drawn[again] = new
            again[again.clone()] = ~self._is_definite(new).reshape(len(new), -1).all(-1)
        return drawn

    def _is_definite(self, matrices: Any) -> Any:
        return self.support.check(matrices)

    def _log_prob(self, value: Any) -> Any:
        df, n = self.df, self._event_shape[-1]
        within = sum(cholesky_solve(value, self.scale_tril).diagonal(0, -2, -1), -1)  # the trace of C^-1 value
        height = -df * (n * math.log(2) / 2 + self._law.half_log_det()) - mvlgamma(df / 2, n)
        return height + (df - n - 1) / 2 * slogdet(value)[1] - within / 2

    def entropy(self) -> Any:
        df, n = self.df, self._event_shape[-1]
        sizes = (n + 1) * (n * math.log(2) / 2 + self._law.half_log_det())
        return sizes + mvlgamma(df / 2, n) - (df - n - 1) / 2 * mean_of_log_det(df / 2, n) + df * n / 2


def mean_of_log_det(x: Any, n: int) -> Any:
    """The derivative of ``mvlgamma(x, n)``: the sum of digamma(x - i / 2).

    >>> import minigrad as torch
    >>> from minigrad.distributions.wishart import mean_of_log_det
    >>> mean_of_log_det(torch.tensor(2.0), 1)
    tensor(0.4228)
    """
    return sum(digamma(x.unsqueeze(-1) - arange(n, dtype=x.dtype, device=x.device) / 2), -1)


@register_kl(Wishart, Wishart)
def _wishart(p: Wishart, q: Wishart) -> Any:
    n = p.event_shape[-1]
    ratio = solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    trace, log_ratio = sum(ratio**2, (-2, -1)), 2 * (p._law.half_log_det() - q._law.half_log_det())
    sizes = mvlgamma(q.df / 2, n) - mvlgamma(p.df / 2, n) + (p.df - q.df) / 2 * mean_of_log_det(p.df / 2, n)
    return p.df / 2 * (trace - n) - q.df / 2 * log_ratio + sizes
