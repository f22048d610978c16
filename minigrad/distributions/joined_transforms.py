"""Transforms of parts of a tensor, side by side along an axis; and the cdf of a distribution as a transform."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from minigrad.distributions import constraints
from minigrad.distributions.transform import Transform, sum_rightmost
from minigrad.ops.join import cat, stack


class _SideBySide(Transform):
    """Transforms of parts of a tensor along the axis `dim`."""

    transforms: list[Transform]
    dim: int

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size)
        self.transforms, self.dim = [t.with_cache(cache_size) if cache_size else t for t in tseq], dim

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether all of them are."""
        return all(t.bijective for t in self.transforms)

    def _check(self, x: Any, length: int) -> None:
        """Raises AssertionError, as PyTorch does, unless `x` has an axis `dim` of this length."""
        if not -x.ndim <= self.dim < x.ndim:
            raise AssertionError(f"dim {self.dim} out of range for tensor with {x.ndim} dimensions")
        if x.shape[self.dim] != length:
            raise AssertionError(f"x.size({self.dim}) = {x.shape[self.dim]} must equal length {length}")


class CatTransform(_SideBySide):
    """The transforms `tseq` of consecutive parts of the axis `dim`, of these `lengths`, by default of 1 each.

    >>> import minigrad as torch
    >>> D = torch.distributions
    >>> D.CatTransform([D.ExpTransform(), D.identity_transform], lengths=[1, 2])(torch.zeros(3))
    tensor([1., 0., 0.])
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    @property
    def event_dim(self) -> int:
        """The most axes that one of them transforms together."""
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The length of the whole axis."""
        return sum(self.lengths)

    domain = property(lambda self: constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths))
    codomain = property(lambda self: constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths))

    def with_cache(self, cache_size: int = 1) -> Transform:
        if cache_size == self._cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _cut(self, x: Any) -> list[Any]:
        self._check(x, self.length)
        starts = accumulate(self.lengths, initial=0)
        return [x.narrow(self.dim, start, n) for start, n in zip(starts, self.lengths, strict=False)]

    def _call(self, x: Any) -> Any:
        return cat([t(part) for t, part in zip(self.transforms, self._cut(x), strict=True)], self.dim)

    def _inverse(self, y: Any) -> Any:
        return cat([t.inv(part) for t, part in zip(self.transforms, self._cut(y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        terms = [
            sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim)
            for t, a, b in zip(self.transforms, self._cut(x), self._cut(y), strict=True)
        ]
        dim = (self.dim if self.dim < 0 else self.dim - x.ndim) + self.event_dim
        return cat(terms, dim) if dim < 0 else sum(terms)  # a sum if the parts are parts of one value


class StackTransform(_SideBySide):
    """The transforms `tseq`, one for each entry of the axis `dim`.

    >>> import minigrad as torch
    >>> D = torch.distributions
    >>> D.StackTransform([D.ExpTransform(), D.identity_transform])(torch.zeros(2))
    tensor([1., 0.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)

    domain = property(lambda self: constraints.stack([t.domain for t in self.transforms], self.dim))
    codomain = property(lambda self: constraints.stack([t.codomain for t in self.transforms], self.dim))

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if cache_size == self._cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _cut(self, x: Any) -> Any:
        self._check(x, len(self.transforms))
        return x.unbind(self.dim)

    def _call(self, x: Any) -> Any:
        return stack([t(part) for t, part in zip(self.transforms, self._cut(x), strict=True)], self.dim)

    def _inverse(self, y: Any) -> Any:
        return stack([t.inv(part) for t, part in zip(self.transforms, self._cut(y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        parts = zip(self.transforms, self._cut(x), self._cut(y), strict=True)
        return stack([t.log_abs_det_jacobian(a, b) for t, a, b in parts], self.dim)


class CumulativeDistributionTransform(Transform):
    """``y = distribution.cdf(x)``, which is uniform if x has this distribution: what copulas are made of.

    >>> import minigrad as torch
    >>> D = torch.distributions
    >>> D.CumulativeDistributionTransform(D.Normal(0.0, 1.0))(torch.tensor(0.0))
    tensor(0.5000)
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = +1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    domain = property(lambda self: self.distribution.support)

    def with_cache(self, cache_size: int = 1) -> Transform:
        same = cache_size == self._cache_size
        return self if same else CumulativeDistributionTransform(self.distribution, cache_size)

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return self.distribution.log_prob(x)
