"""The distribution of Lewandowski, Kurowicka and Joe: random correlation matrices, by their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from minigrad.autograd.modes import no_grad
from minigrad.creation import arange, empty
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.distributions.gamma import Beta
from minigrad.ops.diagonal import diag_embed, tril
from minigrad.ops.gamma import lgamma, mvlgamma
from minigrad.ops.join import cat
from minigrad.ops.reduce import sum
from minigrad.ops.unary import log, sqrt
from minigrad.type_limits import finfo


class LKJCholesky(Distribution):
    """Cholesky factors of `dim` x `dim` correlation matrices C, whose density is in proportion to det(C)^(c - 1).

    c is the `concentration`: for 1 all correlation matrices are equally likely. Raises ValueError for a dim below 2.
    Source: D. Lewandowski, D. Kurowicka and H. Joe, "Generating random correlation matrices based on vines and
    extended onion method", 2009.

    >>> import minigrad as torch
    >>> factor = torch.distributions.LKJCholesky(3, 0.5).sample()
    >>> torch.allclose((factor @ factor.mT).diagonal(), torch.ones(3))
    True
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = as_parameters(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)
        like = {"dtype": self.concentration.dtype, "device": self.concentration.device}
        rows = arange(dim - 1, **like)  # how many numbers before the diagonal each row has, less one
        rows = cat([rows[:1] * 0, rows])
        above = self.concentration.unsqueeze(-1) + 0.5 * (dim - 2) - 0.5 * rows
        self._beta = Beta(rows + 0.5, above, validate_args)  # of the squared length of each row before the diagonal

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            squares = self._beta.sample(sample_shape).unsqueeze(-1)
            drawn = empty(self._extended_shape(sample_shape), dtype=squares.dtype, device=squares.device).normal_()
            directions = tril(drawn, -1)
            directions = directions / directions.norm(dim=-1, keepdim=True)
            directions[..., 0, :] = 0.0  # the first row has none
            before = sqrt(squares) * directions
            diagonal = sqrt((1 - sum(before**2, -1)).clamp(min=finfo(before.dtype).tiny))
            return before + diag_embed(diagonal)

    def _log_prob(self, value: Any) -> Any:
        c, dim = self.concentration, self.dim
        powers = 2 * (c - 1).unsqueeze(-1) + dim - arange(2, dim + 1, device=c.device)
        found = sum(powers * log(value.diagonal(0, -2, -1)[..., 1:]), -1)
        count, alpha = dim - 1, c + 0.5 * (dim - 1)
        constant = 0.5 * count * math.log(math.pi) + mvlgamma(alpha - 0.5, count) - count * lgamma(alpha)
        return found - constant
