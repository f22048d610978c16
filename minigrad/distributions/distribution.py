"""`Distribution`: the base class, with shapes, argument checks, and `sample`, which is `rsample` without a graph."""

from __future__ import annotations

import math
from copy import copy
from typing import Any, ClassVar

from minigrad.autograd.modes import no_grad
from minigrad.creation import scalar_tensor
from minigrad.ops.reduce import sum
from minigrad.ops.reduce_variants import logsumexp
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.unary import log
from minigrad.size import Size
from minigrad.tensor import Tensor
from minigrad.type_limits import finfo


class Distribution:
    """A batch of `batch_shape` independent distributions, each over values of shape `event_shape`.

    `validate_args=False` skips the checks of parameters and values, which raise ValueError.

    >>> import minigrad as torch
    >>> torch.distributions.Normal(torch.zeros(3), 1.0).batch_shape
    minigrad.Size([3])
    """

    parameters: ClassVar[tuple[str, ...]] = ()  # the names of the attributes that `repr` shows
    has_rsample = False
    has_enumerate_support = False
    possible = "the value must be a number, not NaN"  # what `_is_possible` asks of values, in words

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        self._checks = validate_args is not False
        if self._checks:
            self._check_parameters()

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(torch.zeros(3), 1.0).batch_shape
        minigrad.Size([3])
        """
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one value.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(torch.zeros(3), 1.0).event_shape
        minigrad.Size([])
        """
        return self._event_shape

    @property
    def stddev(self) -> Any:
        """The standard deviation: the root of the variance.

        >>> import minigrad as torch
        >>> torch.distributions.Exponential(2.0).stddev
        tensor(0.5000)
        """
        return self.variance.sqrt()  # type: ignore[attr-defined]

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values of shape (*sample_shape, *batch_shape, *event_shape), outside the graph.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(torch.zeros(3), 1.0).sample((2,)).shape
        minigrad.Size([2, 3])
        """
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values that are differentiable in the parameters. Raises NotImplementedError if that is not possible.

        >>> import minigrad as torch
        >>> mean = torch.zeros(3, requires_grad=True)
        >>> torch.distributions.Normal(mean, 1.0).rsample().requires_grad
        True
        """
        raise NotImplementedError(f"{type(self).__name__} has no rsample: its values do not move with its parameters")

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, of `value`.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(0.0))
        tensor(-0.9189)
        """
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def entropy(self) -> Any:
        """The expected ``-log_prob`` of a value.

        >>> import minigrad as torch
        >>> torch.distributions.Bernoulli(0.5).entropy()
        tensor(0.6931)
        """
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values, along a first axis, expanded to the batch unless `expand` is False.

        Raises NotImplementedError for distributions with too many values.

        >>> import minigrad as torch
        >>> torch.distributions.Categorical(torch.ones(3)).enumerate_support()
        tensor([0, 1, 2])
        """
        if not self.has_enumerate_support:
            raise NotImplementedError(f"{type(self).__name__} has no enumerate_support: it has too many values")
        values = self._values()
        values = values.reshape(-1, *[1] * len(self._batch_shape), *self._event_shape)
        return values.expand(-1, *self._batch_shape, *self._event_shape) if expand else values

    def _values(self) -> Any:
        """All values, along a first axis."""

    def expand(self, batch_shape: Any) -> Any:
        """The same distribution with the batch shape `batch_shape`; its parameters are expanded views.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(0.0, 1.0).expand((2, 3)).sample().shape
        minigrad.Size([2, 3])
        """
        new = copy(self)
        new._batch_shape, axes = Size(batch_shape), len(self._batch_shape)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):  # (*batch, ...) -> (*batch_shape, ...)
                setattr(new, name, value.expand((*batch_shape, *value.shape[axes:])))
        return new

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _check_parameters(self) -> None:
        """Raises ValueError for parameters outside of their range."""

    def _check_value(self, value: Any) -> None:
        """Raises ValueError for no tensor, a shape that does not fit, and values that the distribution cannot have."""
        if not self._checks:
            return
        if not isinstance(value, Tensor):
            hint = f"got {value.__class__.__name__}; write minigrad.tensor(...) around it"
            raise ValueError(f"The value argument to log_prob must be a Tensor, {hint}")
        shape, own = tuple(value.shape), (*self._batch_shape, *self._event_shape)
        axes = len(self._event_shape)
        if len(shape) < axes or shape[len(shape) - axes :] != tuple(self._event_shape):
            sizes = f"{shape} does not end with event_shape {tuple(self._event_shape)}"
            raise ValueError(f"{self}: The right-most size of value must match event_shape: {sizes}")
        if any(m != n and 1 not in (m, n) for m, n in zip(reversed(shape), reversed(own), strict=False)):
            raise ValueError(f"{self}: Value is not broadcastable with batch_shape+event_shape: {shape} vs {own}")
        if not _is_all(self._is_possible(value)):
            raise ValueError(f"{self}: {self.possible}")

    def _is_possible(self, value: Any) -> Any:
        """Which values the distribution can have."""
        return value == value

    def _expect(self, holds: Any, what: str) -> None:
        """Raises ValueError unless all of `holds` are True."""
        if self._checks and not _is_all(holds):
            raise ValueError(f"{self}: {what}")

    def __repr__(self) -> str:
        shown = []
        for name in self.parameters:
            value = getattr(self, name)
            shown.append(f"{name}: {value.size() if value.numel() != 1 else value if value.ndim else value.item()}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _is_all(holds: Any) -> bool:
    return bool(holds.all() if isinstance(holds, Tensor) else holds)


def as_parameters(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors, broadcast to one shape. Beside a tensor, numbers have its dtype and device."""
    like = next((v for v in values if isinstance(v, Tensor)), None)
    kind: dict[str, Any] = {} if like is None else {"dtype": like.dtype, "device": like.device}
    return broadcast_tensors(*[v if isinstance(v, Tensor) else scalar_tensor(v, **kind) for v in values])


def probs_or_logits(name: str, probs: Any, logits: Any) -> bool:
    """True when `probs` is given. Raises ValueError unless one of the two is."""
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: either `probs` or `logits` must be specified, but not both")
    return probs is not None


def scale_chances(name: str, probs: Any, logits: Any, validate_args: bool | None) -> tuple[Any, Any]:
    """Probabilities, scaled to sum 1 along the last axis, and their logarithms, computed from `probs` or `logits`."""
    by_chance = probs_or_logits(name, probs, logits)
    given = probs if by_chance else logits
    if not given.ndim:
        raise ValueError(f"{name}: `{'probs' if by_chance else 'logits'}` must be at least one-dimensional.")
    if not by_chance:
        logits = logits - logsumexp(logits, -1, keepdim=True)
        if validate_args is not False and not bool((logits == logits).all()):
            raise ValueError(f"{name}: the logits must be numbers, not NaN, nor all -inf, got {given}")
        return logits.softmax(-1), logits
    total = sum(probs, -1, keepdim=True)
    if validate_args is not False and not bool((probs >= 0).all() & ((total > 0) & (total < math.inf)).all()):
        raise ValueError(f"{name}: the chances must be numbers >= 0, and not all 0, got {probs}")
    probs = probs / total
    return probs, log(keep_inside(probs))


def keep_inside(probs: Any) -> Any:
    """Probabilities away from 0 and 1 by the dtype's `eps`, so that their logarithms are finite, as in PyTorch."""
    least = finfo(probs.dtype).eps
    return probs.clamp(least, 1 - least)
