"""The sets of values that parameters, samples and transforms have: ``check`` says which values lie inside."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, ClassVar

from minigrad.ops import join
from minigrad.ops.comparison import isclose
from minigrad.ops.decompositions import eigvalsh
from minigrad.ops.diagonal import tril
from minigrad.ops.solve_with_info import cholesky_ex
from minigrad.type_limits import finfo

__all__ = [
    "Constraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property", "greater_than",
    "greater_than_eq", "half_open_interval", "independent", "integer_interval", "interval", "is_dependent", "less_than",
    "lower_cholesky", "lower_triangular", "multinomial", "nonnegative", "nonnegative_integer", "one_hot", "positive",
    "positive_definite", "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square",
    "stack", "symmetric", "unit_interval",
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
        if inside.ndim < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.ndim}")
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


class _Square(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        return value.new_ones(value.shape[:-2]).bool() & (value.shape[-2] == value.shape[-1])


class _Symmetric(_Square):
    def check(self, value: Any) -> Any:
        if value.shape[-2] != value.shape[-1]:
            return super().check(value)
        return isclose(value, value.mT, atol=1e-6).all(-1).all(-1)


class _PositiveSemidefinite(_Symmetric):
    def check(self, value: Any) -> Any:
        is_symmetric = super().check(value)
        if value.shape[-2] != value.shape[-1]:
            return is_symmetric
        known = value.detach().masked_fill(~is_symmetric[..., None, None], 0.0)  # NaN has no eigenvalues
        return is_symmetric & (eigvalsh(known) >= 0).all(-1)


class _PositiveDefinite(_Symmetric):
    def check(self, value: Any) -> Any:
        is_symmetric = super().check(value)
        if value.shape[-2] != value.shape[-1]:
            return is_symmetric
        return is_symmetric & (cholesky_ex(value.detach()).info == 0)


class _LowerTriangular(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        return (tril(value) == value).all(-1).all(-1)


class _LowerCholesky(_LowerTriangular):
    def check(self, value: Any) -> Any:
        return super().check(value) & (value.diagonal(0, -2, -1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """Cholesky factors of correlation matrices: each row has the length 1."""

    def check(self, value: Any) -> Any:
        off = (value.square().sum(-1) - 1).abs()
        return super().check(value) & (off < 10 * value.shape[-1] * finfo(value.dtype).eps).all(-1)


# ---- sets of what consists of parts --------------------------------------------------------------
class _Joined(Constraint):
    """Tensors whose parts along the axis `dim` lie in the sets `cseq`."""

    cseq: list[Constraint]
    dim: int

    def __init__(self, cseq: Any, dim: int) -> None:
        if not all(isinstance(part, Constraint) for part in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.cseq, self.dim = list(cseq), dim
        self.is_discrete = any(part.is_discrete for part in self.cseq)
        self.event_dim = max(part.event_dim for part in self.cseq)

    def _check_axis(self, value: Any) -> None:
        if not -value.ndim <= self.dim < value.ndim:
            raise AssertionError(f"dim {self.dim} out of range for value with {value.ndim} dimensions")


class _Cat(_Joined):
    """Tensors of consecutive parts along `dim`, of these `lengths` (by default of 1 each): each part in its set.

    >>> import minigrad as torch
    >>> c = torch.distributions.constraints
    >>> c.cat([c.positive, c.real], lengths=[1, 2]).check(torch.tensor([-1.0, -1.0, 0.0]))
    tensor([False,  True,  True])
    """

    def __init__(self, cseq: Any, dim: int = 0, lengths: Any = None) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def check(self, value: Any) -> Any:
        self._check_axis(value)
        starts = accumulate(self.lengths, initial=0)
        parts = [value.narrow(self.dim, start, n) for start, n in zip(starts, self.lengths, strict=False)]
        return join.cat([c.check(part) for c, part in zip(self.cseq, parts, strict=True)], self.dim)


class _Stack(_Joined):
    """Tensors whose entries along `dim` lie each in its set.

    >>> import minigrad as torch
    >>> c = torch.distributions.constraints
    >>> c.stack([c.positive, c.real]).check(torch.tensor([-1.0, -1.0]))
    tensor([False,  True])
    """

    def __init__(self, cseq: Any, dim: int = 0) -> None:
        super().__init__(cseq, dim)
        self.event_dim += self.dim + self.event_dim < 0

    def check(self, value: Any) -> Any:
        self._check_axis(value)
        parts = zip(self.cseq, value.unbind(self.dim), strict=False)  # as PyTorch: what has no partner is left out
        return join.stack([c.check(part) for c, part in parts], self.dim)


# ---- sets that depend on other parameters -----------------------------------------------------------
class _Dependent(Constraint):
    """A set that is known only beside the other parameters, so nothing can be checked."""

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> None:
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> _Dependent:
        discrete = self._is_discrete if is_discrete is NotImplemented else is_discrete
        return _Dependent(is_discrete=discrete, event_dim=self._event_dim if event_dim is NotImplemented else event_dim)

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self._known(".is_discrete", self._is_discrete)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self._known(".event_dim", self._event_dim)

    @staticmethod
    def _known(name: str, value: Any) -> Any:
        if value is NotImplemented:
            raise NotImplementedError(f"{name} cannot be determined statically")
        return value

    def check(self, value: Any) -> Any:
        raise ValueError("Cannot determine validity of dependent constraint")


class _DependentProperty(property, _Dependent):
    """A property whose value is a set, and which stands for a dependent one in the class.

    >>> from minigrad.distributions import constraints
    >>> class Below:
    ...     @constraints.dependent_property(is_discrete=False, event_dim=0)
    ...     def support(self):
    ...         return constraints.less_than(3.0)
    >>> Below().support, Below.support.event_dim
    (LessThan(upper_bound=3.0), 0)
    """

    def __init__(self, fn: Any = None, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> None:
        property.__init__(self, fn)
        _Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Any) -> _DependentProperty:  # type: ignore[override]
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


def is_dependent(constraint: Any) -> bool:
    """Whether a set depends on other parameters.

    >>> from minigrad.distributions import constraints
    >>> constraints.is_dependent(constraints.dependent), constraints.is_dependent(constraints.real)
    (True, False)
    """
    return isinstance(constraint, _Dependent)


dependent, dependent_property = _Dependent(), _DependentProperty
independent = _IndependentConstraint
greater_than, greater_than_eq, less_than = GreaterThan, GreaterThanEq, LessThan
interval, integer_interval, half_open_interval = Interval, _IntegerInterval, _HalfOpenInterval
multinomial = _Multinomial
real, boolean, one_hot, simplex = _Real(), _Boolean(), _OneHot(), _Simplex()
real_vector = independent(real, 1)
positive, nonnegative = GreaterThan(0.0), GreaterThanEq(0.0)
nonnegative_integer, positive_integer = _IntegerGreaterThan(0), _IntegerGreaterThan(1)
unit_interval = Interval(0.0, 1.0)
square, symmetric = _Square(), _Symmetric()
positive_semidefinite, positive_definite = _PositiveSemidefinite(), _PositiveDefinite()
lower_triangular, lower_cholesky, corr_cholesky = _LowerTriangular(), _LowerCholesky(), _CorrCholesky()
cat, stack = _Cat, _Stack
