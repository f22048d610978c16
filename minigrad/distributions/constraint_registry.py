"""`biject_to` and `transform_to`: the transform from all real numbers to a set, for optimizing what is constrained.

A bijection keeps the density of its values, as a sampler needs it; `transform_to` may be simpler, as softmax is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.distributions import constraints
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.joined_transforms import CatTransform, StackTransform
from minigrad.distributions.simplex_transforms import (
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    StickBreakingTransform,
)
from minigrad.distributions.transform import Transform
from minigrad.distributions.transforms import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    IndependentTransform,
    SigmoidTransform,
    SoftmaxTransform,
    identity_transform,
)
from minigrad.missing import explain_missing
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], Transform]


class ConstraintRegistry:
    """For each class of sets, what makes the transform to a set of this class.

    >>> import minigrad as torch
    >>> D = torch.distributions
    >>> D.transform_to(D.Normal.arg_constraints["scale"])(torch.tensor(0.0))
    tensor(1.)
    """

    def __init__(self) -> None:
        self._registry: dict[type[Constraint], Factory] = {}

    def register(self, constraint: Any, factory: Factory | None = None) -> Any:
        """Makes `factory` the one for the class of `constraint`; without it, what is decorated.

        Raises TypeError for what is no set and no class of sets.

        >>> from minigrad.distributions import biject_to, constraints, transforms
        >>> class Even(constraints.Constraint):
        ...     pass
        >>> factory = biject_to.register(Even, lambda constraint: transforms.AffineTransform(0.0, 2.0))
        >>> biject_to(Even())(3.0)
        6.0
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, Constraint):
            wanted = "Expected constraint to be either a Constraint subclass or instance"
            raise TypeError(f"{wanted}, but got {shorten(constraint)}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Transform:
        """The transform to the set. Raises NotImplementedError where none is registered."""
        if type(constraint) not in self._registry:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return self._registry[type(constraint)](constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _to_interval(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if not isinstance(low, Tensor) and not isinstance(high, Tensor) and (low, high) == (0, 1):
        return SigmoidTransform()
    return ComposeTransform([SigmoidTransform(), AffineTransform(low, high - low)])


def _register_parts(registry: ConstraintRegistry) -> None:
    """The transforms to sets that are made of others."""
    registry.register(
        constraints.independent,
        lambda c: IndependentTransform(registry(c.base_constraint), c.reinterpreted_batch_ndims),
    )
    registry.register(constraints.cat, lambda c: CatTransform([registry(part) for part in c.cseq], c.dim, c.lengths))
    registry.register(constraints.stack, lambda c: StackTransform([registry(part) for part in c.cseq], c.dim))


for _registry in (biject_to, transform_to):
    _registry.register(constraints.real, lambda c: identity_transform)
    for _kind in (constraints.greater_than, constraints.greater_than_eq):
        _registry.register(_kind, lambda c: ComposeTransform([ExpTransform(), AffineTransform(c.lower_bound, 1)]))
    _registry.register(
        constraints.less_than, lambda c: ComposeTransform([ExpTransform(), AffineTransform(c.upper_bound, -1)])
    )
    for _range in (constraints.interval, constraints.half_open_interval):
        _registry.register(_range, _to_interval)
    _registry.register(constraints.corr_cholesky, lambda c: CorrCholeskyTransform())
    _register_parts(_registry)
biject_to.register(constraints.simplex, lambda c: StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: LowerCholeskyTransform())
for _set in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_set, lambda c: PositiveDefiniteTransform())

explain_missing("torch.distributions.constraint_registry", globals())
