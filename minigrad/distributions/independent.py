"""`Independent`: axes of a batch count as parts of one value."""

from __future__ import annotations

from typing import Any

from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.transform import sum_rightmost


class Independent(Distribution):
    """`base_distribution`, whose last `reinterpreted_batch_ndims` axes of the batch are parts of one value.

    `log_prob` and `entropy` of the parts are added up.

    Raises ValueError if the batch has fewer axes.

    >>> import minigrad as torch
    >>> D = torch.distributions
    >>> D.Independent(D.Normal(torch.zeros(3), 1.0), 1).log_prob(torch.zeros(3))
    tensor(-2.7568)
    """

    def __init__(
        self, base_distribution: Any, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        batch, event = base_distribution.batch_shape, base_distribution.event_shape
        if reinterpreted_batch_ndims > len(batch):
            asked = f"actual {reinterpreted_batch_ndims} vs {len(batch)}"
            raise ValueError(f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), {asked}")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        cut = len(batch) - reinterpreted_batch_ndims
        super().__init__(batch[:cut], (*batch[cut:], *event), validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    @property
    def support(self) -> Any:
        """That of the base, for each of the parts."""
        base = self.base_dist.support
        return base and constraints.independent(base, self.reinterpreted_batch_ndims)

    def sample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"
