"""The sets of values that parameters, samples and transforms have: ``check`` says which values lie inside."""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad.ops.comparison import isclose
from minigrad.ops.diagonal import tril
from minigrad.ops.matrices import LinAlgError
from minigrad.ops.solve import cholesky

__all__ = [
    "Constraint", "boolean", "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval",
    "interval", "less_than", "lower_cholesky", "multinomial", "nonnegative", "nonnegative_integer", "one_hot",
    "positive", "positive_definite", "real", "real_vector", "simplex", "unit_interval",
]  # fmt: skip


class Constraint:
    """A set of values, each of `event_dim` axes.

    >>> import minigrad as torch
    >>> torch.distributions.constraints.positive
    GreaterThan(lower_bound=0.0)
    """

    is_discrete = False
    event_dim = 0
    bounds: ClassVar[tuple[str, ...]] = ()  # the names of the attributes that `repr` shows

    def check(self, value: Any) -> Any:
        """A bool for each value: whether it lies in the set.

        >>> import minigrad as torch
        >>> torch.distributions.constraints.unit_interval.check(torch.tensor([0.5, 2.0]))
        tensor([ True, False])
        """
        raise NotImplementedError(f"{type(self).__name__} has no check")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)}" for name in self.bounds)
        return f"{type(self).__name__.strip('_')}({shown})"


class _Above(Constraint):
    bounds = ("lower_bound",)

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound


class GreaterThan(_Above):
    """Numbers above a bound.

    >>> from minigrad.distributions.constraints import GreaterThan
    >>> GreaterThan(2.0)
    GreaterThan(lower_bound=2.0)
    """

    def check(self, value: Any) -> Any:
        return value > self.lower_bound


class GreaterThanEq(_Above):
    """Numbers that are at least the bound.

    >>> from minigrad.distributions.constraints import GreaterThanEq
    >>> GreaterThanEq(2.0)
    GreaterThanEq(lower_bound=2.0)
    """

    def check(self, value: Any) -> Any:
        return value >= self.lower_bound


class _IntegerGreaterThan(_Above):
    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value % 1 == 0) & (value >= self.lower_bound)


class LessThan(Constraint):
    """Numbers below a bound.

    >>> from minigrad.distributions.constraints import LessThan
    >>> LessThan(2.0)
    LessThan(upper_bound=2.0)
    """

    bounds = ("upper_bound",)

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Any:
        return value < self.upper_bound


class Interval(Constraint):
    """Numbers between two bounds, which belong to the set.

    >>> from minigrad.distributions.constraints import Interval
    >>> Interval(0.0, 2.0)
    Interval(lower_bound=0.0, upper_bound=2.0)
    """

    bounds = ("lower_bound", "upper_bound")

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value: Any) -> Any:
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class _HalfOpenInterval(Interval):
    """Numbers from the lower bound on and below the upper one."""

    def check(self, value: Any) -> Any:
        return (value >= self.lower_bound) & (value < self.upper_bound)


class _IntegerInterval(Interval):
    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value % 1 == 0) & super().check(value)


class _IndependentConstraint(Constraint):
    """Values all of whose parts along the last axes lie in `base_constraint`."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: Any) -> Any:
        inside = self.base_constraint.check(value)
        return inside.reshape((*inside.shape[: inside.ndim - self.reinterpreted_batch_ndims], -1)).all(-1)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint}, {self.reinterpreted_batch_ndims})"


class _Real(Constraint):
    def check(self, value: Any) -> Any:
        return value == value  # no NaN


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value == 0) | (value == 1)


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value: Any) -> Any:
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(Constraint):
    """Counts of outcomes along the last axis, together at most `upper_bound`.

    >>> import minigrad as torch
    >>> torch.distributions.constraints.multinomial(2).check(torch.tensor([[1.0, 1.0], [1.0, 2.0]]))
    tensor([ True, False])
    """

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: int) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


class _PositiveDefinite(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        try:
            cholesky(value.detach())
        except LinAlgError:  # of one of the matrices: all are refused
            return value.new_zeros(value.shape[:-2]).bool()
        return isclose(value, value.mT, atol=1e-6).all(-1).all(-1)


class _LowerCholesky(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        return (tril(value) == value).all(-1).all(-1) & (value.diagonal(0, -2, -1) > 0).all(-1)


independent = _IndependentConstraint
greater_than, greater_than_eq, less_than = GreaterThan, GreaterThanEq, LessThan
interval, integer_interval, half_open_interval = Interval, _IntegerInterval, _HalfOpenInterval
multinomial = _Multinomial
real, boolean, one_hot, simplex = _Real(), _Boolean(), _OneHot(), _Simplex()
real_vector = independent(real, 1)
positive, nonnegative = GreaterThan(0.0), GreaterThanEq(0.0)
nonnegative_integer, unit_interval = _IntegerGreaterThan(0), Interval(0.0, 1.0)
positive_definite, lower_cholesky = _PositiveDefinite(), _LowerCholesky()
