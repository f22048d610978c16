"""Transforms y = t(x) with ``log |dy/dx|``, of which `TransformedDistribution` and normalizing flows are made.

Source: D. Rezende and S. Mohamed, "Variational Inference with Normalizing Flows", 2015, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from typing import Any, ClassVar

from minigrad.creation import zeros_like
from minigrad.distributions import constraints
from minigrad.distributions.constraints import Constraint
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor


class Transform:
    """A function of tensors, its inverse and the logarithm of its volume change.

    A transform of your own has `domain` and `codomain`, and the methods `_call`, `_inverse` and `log_abs_det_jacobian`.
    `cache_size=1` keeps the last pair, so that ``t.inv(t(x))`` is x itself. Raises ValueError unless it is 0 or 1.

    >>> from minigrad.distributions.transforms import ExpTransform
    >>> import minigrad as torch
    >>> ExpTransform().inv(torch.tensor(1.0))
    tensor(0.)
    """

    bijective = False
    domain: Any
    codomain: Any
    _inv: Any
    _pair: tuple[Any, Any]  # the last x and y

    def __init__(self, cache_size: int = 0) -> None:
        self._start_cache(cache_size)
        super().__init__()  # of a user's other base class, such as nn.Module

    @property
    def event_dim(self) -> int:
        """How many of the last axes are transformed together. Raises ValueError if x and y differ in that."""
        if self.domain.event_dim != self.codomain.event_dim:
            raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")
        return self.domain.event_dim

    @property
    def sign(self) -> Any:
        """+1 where y grows with x, -1 where it falls. Raises NotImplementedError if that is not known."""
        raise NotImplementedError(f"{type(self).__name__} has no sign")

    @property
    def inv(self) -> Transform:
        """The inverse transform, x of y."""
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same transform with another `cache_size`.

        >>> from minigrad.distributions.transforms import ExpTransform
        >>> import minigrad as torch
        >>> t, x = ExpTransform().with_cache(), torch.tensor(2.0)
        >>> t.inv(t(x)) is x
        True
        """
        if cache_size == self._cache_size:
            return self
        new = copy(self)
        new._start_cache(cache_size)
        return new

    def _start_cache(self, cache_size: int) -> None:
        if cache_size not in (0, 1):
            raise ValueError(f"cache_size must be 0 or 1, got {shorten(cache_size)}")
        self._cache_size, self._inv, self._pair = cache_size, None, (None, None)

    def __call__(self, x: Any) -> Any:
        """The y of x."""
        if self._cache_size and x is self._pair[0]:
            return self._pair[1]
        return self._remember(x, self._call(x))[1]

    def _inv_call(self, y: Any) -> Any:
        """The x of y."""
        if self._cache_size and y is self._pair[1]:
            return self._pair[0]
        return self._remember(self._inverse(y), y)[0]

    def _remember(self, x: Any, y: Any) -> tuple[Any, Any]:
        if self._cache_size:
            self._pair = x, y
        return x, y

    def _call(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _call")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _inverse")

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``log |det dy/dx|``, where y = t(x).

        >>> from minigrad.distributions.transforms import ExpTransform
        >>> import minigrad as torch
        >>> x = torch.tensor(2.0)
        >>> ExpTransform().log_abs_det_jacobian(x, x.exp())
        tensor(2.)
        """
        raise NotImplementedError(f"{type(self).__name__} has no log_abs_det_jacobian")

    def forward_shape(self, shape: Any) -> Any:
        """The shape of y for an x of `shape`.

        >>> from minigrad.distributions.transforms import ReshapeTransform
        >>> ReshapeTransform((2, 3), (6,)).forward_shape((5, 2, 3))
        minigrad.Size([5, 6])
        """
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of x for a y of `shape`.

        >>> from minigrad.distributions.transforms import ReshapeTransform
        >>> ReshapeTransform((2, 3), (6,)).inverse_shape((5, 6))
        minigrad.Size([5, 2, 3])
        """
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Compared(Transform):
    """A transform that is equal to those of its class with equal `parameters`, which are names of attributes.

    >>> from minigrad.distributions.transforms import AffineTransform
    >>> AffineTransform(1.0, 2.0) == AffineTransform(1.0, 2.0)
    True
    """

    parameters: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        pairs = [(getattr(self, name), getattr(other, name)) for name in self.parameters]
        return all(_are_equal(a, b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]


def _are_equal(a: Any, b: Any) -> bool:
    """Whether two parameters, numbers, tensors or others, are equal in all elements."""
    same = a == b
    return bool(same.all()) if isinstance(same, Tensor) else same


class _InverseTransform(Compared):
    """The inverse of a transform: it computes x from y."""

    parameters = ("_inv",)

    def __init__(self, transform: Transform) -> None:
        super().__init__(transform._cache_size)
        self._inv = transform

    domain = property(lambda self: self._inv.codomain)
    codomain = property(lambda self: self._inv.domain)
    bijective = property(lambda self: self._inv.bijective)
    sign = property(lambda self: self._inv.sign)

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self._inv.with_cache(cache_size).inv

    def __call__(self, x: Any) -> Any:
        return self._inv._inv_call(x)

    def _inv_call(self, y: Any) -> Any:
        return self._inv(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Any:
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._inv.forward_shape(shape)

    def __repr__(self) -> str:
        return f"_InverseTransform({self._inv})"


def sum_rightmost(values: Any, axes: int) -> Any:
    """The sums over the last `axes` axes: what independent values give together.

    >>> import minigrad as torch
    >>> from minigrad.distributions.transform import sum_rightmost
    >>> sum_rightmost(torch.ones(2, 3), 1)
    tensor([3., 3.])
    """
    return values.reshape(*values.shape[:-axes], -1).sum(-1) if axes else values


def _widen(parts: Sequence[Transform], last: str, first: str) -> Constraint:
    """The set of what goes into the first of `parts`: it spans as many axes as any of them needs.

    For what comes out of the last, `parts` are in reverse, and the names of the two sets are exchanged.
    """
    if not parts:
        return constraints.real
    event_dim = getattr(parts[-1], last).event_dim
    for part in reversed(parts):
        needed = getattr(part, first).event_dim
        event_dim = max(event_dim + needed - getattr(part, last).event_dim, needed)
    own = getattr(parts[0], first)
    return constraints.independent(own, event_dim - own.event_dim) if event_dim > own.event_dim else own


class ComposeTransform(Compared):
    """The transforms `parts`, one after another.

    >>> from minigrad.distributions.transforms import AffineTransform, ComposeTransform, ExpTransform
    >>> import minigrad as torch
    >>> ComposeTransform([ExpTransform(), AffineTransform(1, 2)])(torch.tensor(0.0))
    tensor(3.)
    """

    parameters = ("parts",)

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else parts

    domain = property(lambda self: _widen(self.parts, "codomain", "domain"))
    codomain = property(lambda self: _widen(self.parts[::-1], "domain", "codomain"))
    bijective = property(lambda self: all(part.bijective for part in self.parts))
    sign = property(lambda self: math.prod(part.sign for part in self.parts))

    @property
    def inv(self) -> Transform:
        if self._inv is None:
            self._inv = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if cache_size == self._cache_size else ComposeTransform(self.parts, cache_size)

    def __call__(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        total, event_dim = None, self.domain.event_dim
        for k, part in enumerate(self.parts):
            after = part(x) if k < len(self.parts) - 1 else y
            term = sum_rightmost(part.log_abs_det_jacobian(x, after), event_dim - part.domain.event_dim)
            total = term if total is None else total + term
            event_dim += part.codomain.event_dim - part.domain.event_dim
            x = after
        return zeros_like(x) if total is None else total

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        return "ComposeTransform(\n    " + ",\n    ".join(map(repr, self.parts)) + "\n)"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """`base_transform`, whose last `reinterpreted_batch_ndims` axes of the batch count as parts of a value.

    >>> from minigrad.distributions.transforms import ExpTransform, IndependentTransform
    >>> import minigrad as torch
    >>> x = torch.ones(2, 3)
    >>> IndependentTransform(ExpTransform(), 1).log_abs_det_jacobian(x, x.exp())
    tensor([3., 3.])
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    domain = property(lambda self: constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims))
    codomain = property(
        lambda self: constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)
    )
    bijective = property(lambda self: self.base_transform.bijective)
    sign = property(lambda self: self.base_transform.sign)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if cache_size == self._cache_size:
            return self
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size)

    def _call(self, x: Any) -> Any:
        if x.ndim < self.domain.event_dim:
            raise ValueError(f"Too few dimensions on input: {x.ndim}, expected at least {self.domain.event_dim}")
        return self.base_transform(x)

    def _inverse(self, y: Any) -> Any:
        if y.ndim < self.codomain.event_dim:
            raise ValueError(f"Too few dimensions on input: {y.ndim}, expected at least {self.codomain.event_dim}")
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Any:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"
