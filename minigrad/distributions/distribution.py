"""`Distribution`: the base class. It declares what a distribution has, checks parameters and values, and expands."""

from __future__ import annotations

from copy import copy
from numbers import Number
from typing import Any, ClassVar

from minigrad.autograd.modes import no_grad
from minigrad.creation import scalar_tensor
from minigrad.distributions.constraints import Constraint
from minigrad.ops.complaints import how_to_give_a_tensor
from minigrad.ops.shape import broadcast_tensors
from minigrad.shown_values import shorten, show_value
from minigrad.size import Size
from minigrad.tensor import Tensor


class Distribution:
    """A batch of `batch_shape` independent distributions, each over values of shape `event_shape`.

    A distribution of your own declares the sets of its parameters and of its values, `arg_constraints` and `support`,
    and has the methods `log_prob` and `sample` or `rsample`. `validate_args=False` skips the checks of both, which
    raise ValueError.

    >>> import minigrad as torch
    >>> torch.distributions.Normal(torch.zeros(3), 1.0).batch_shape
    minigrad.Size([3])
    """

    arg_constraints: ClassVar[Any] = {}  # name of a parameter -> the set in which it must lie
    support: Any = None  # the set of values; None: they are not checked
    _given: tuple[str, ...] | None = None  # the names of the parameters that are checked and printed; None: all
    _validate_args = True
    has_rsample = False
    has_enumerate_support = False

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._given is None:
            self._given = tuple(self.arg_constraints)
        for name in self._given:
            self._check_parameter(name, self.arg_constraints[name])

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether later distributions check their parameters and values unless `validate_args` says it.

        Raises ValueError for what is no bool.

        >>> import minigrad as torch
        >>> torch.distributions.Distribution.set_default_validate_args(False)
        >>> torch.distributions.Normal(0.0, -1.0)
        Normal(loc: 0.0, scale: -1.0)
        >>> torch.distributions.Distribution.set_default_validate_args(True)
        """
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args() takes a bool, got {value!r}")
        Distribution._validate_args = bool(value)

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
    def mean(self) -> Any:
        """The expected value.

        >>> import minigrad as torch
        >>> torch.distributions.Exponential(2.0).mean
        tensor(0.5000)
        """
        raise self._lacks("mean")

    @property
    def mode(self) -> Any:
        """The most likely value.

        >>> import minigrad as torch
        >>> torch.distributions.Categorical(torch.tensor([1.0, 3.0])).mode
        tensor(1)
        """
        raise self._lacks("mode")

    @property
    def variance(self) -> Any:
        """The expected squared distance from the mean.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(0.0, 2.0).variance
        tensor(4.)
        """
        raise self._lacks("variance")

    @property
    def stddev(self) -> Any:
        """The standard deviation: the root of the variance.

        >>> import minigrad as torch
        >>> torch.distributions.Exponential(2.0).stddev
        tensor(0.5000)
        """
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values of shape (*sample_shape, *batch_shape, *event_shape), outside the graph.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(torch.zeros(3), 1.0).sample((2,)).shape
        minigrad.Size([2, 3])
        """
        with no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Any:
        """``sample((n,))``, by its old name.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(torch.zeros(3), 1.0).sample_n(2).shape
        minigrad.Size([2, 3])
        """
        return self.sample((n,))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values that are differentiable in the parameters. Raises NotImplementedError if that is not possible.

        >>> import minigrad as torch
        >>> mean = torch.zeros(3, requires_grad=True)
        >>> torch.distributions.Normal(mean, 1.0).rsample().requires_grad
        True
        """
        raise self._lacks("rsample: its values do not move with its parameters")

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, of `value`.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(0.0))
        tensor(-0.9189)
        """
        self._validate_sample(value)
        return self._log_prob(value)

    def _log_prob(self, value: Any) -> Any:
        """`log_prob` of a value that was checked."""
        raise self._lacks("log_prob")

    def cdf(self, value: Any) -> Any:
        """The probability of a value up to `value`.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(0.0))
        tensor(0.5000)
        """
        if type(self)._cdf is not Distribution._cdf:  # else no value would do
            self._validate_sample(value)
        return self._cdf(value)

    def _cdf(self, value: Any) -> Any:
        """`cdf` of a value that was checked."""
        raise self._lacks("cdf")

    def icdf(self, value: Any) -> Any:
        """The value below which a share `value` of all values lies.

        >>> import minigrad as torch
        >>> torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5))
        tensor(0.)
        """
        raise self._lacks("icdf")

    def entropy(self) -> Any:
        """The expected ``-log_prob`` of a value.

        >>> import minigrad as torch
        >>> torch.distributions.Bernoulli(0.5).entropy()
        tensor(0.6931)
        """
        raise self._lacks("entropy")

    def perplexity(self) -> Any:
        """``exp(entropy)``: how many values that are as likely as one another are as uncertain.

        >>> import minigrad as torch
        >>> torch.distributions.Categorical(torch.ones(4)).perplexity()
        tensor(4.)
        """
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values, along a first axis, expanded to the batch unless `expand` is False.

        Raises NotImplementedError for distributions with too many values.

        >>> import minigrad as torch
        >>> torch.distributions.Categorical(torch.ones(3)).enumerate_support()
        tensor([0, 1, 2])
        """
        if not self.has_enumerate_support:
            raise self._lacks("enumerate_support: it has too many values")
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
        new, axes = copy(self), len(self._batch_shape)
        new._batch_shape = Size(batch_shape)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):  # (*batch, ...) -> (*batch_shape, ...)
                setattr(new, name, value.expand((*batch_shape, *value.shape[axes:])))
            elif isinstance(value, Distribution):  # of which this one is made
                setattr(new, name, value.expand((*batch_shape, *value.batch_shape[axes:])))
        return new

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        if not isinstance(sample_shape, (tuple, list)):
            raise TypeError(f"sample_shape must be a shape, such as (2,), got {show_value(sample_shape)}")
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _check_parameter(self, name: str, constraint: Constraint) -> None:
        value = getattr(self, name)
        if self._validate_args and not bool(constraint.check(value).all()):
            raise ValueError(
                f"Expected parameter {name} ({_describe(value)}) of distribution {self} to satisfy the constraint "
                f"{constraint}, but found invalid values:\n{value}"
            )

    def _validate_sample(self, value: Any) -> None:
        """Raises ValueError for no tensor, a shape that does not fit, and values that the distribution cannot have."""
        if not self._validate_args:
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
        if self.support is not None and not bool(self.support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({_describe(value)}) to be within the support ({self.support}) "
                f"of the distribution {self}, but found invalid values:\n{value}"
            )

    def _lacks(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {what}")

    def __repr__(self) -> str:
        shown = []
        for name in self._given or ():
            value = getattr(self, name)
            if value.numel() != 1:  # the shape in place of the numbers
                value = value.size()
            shown.append(f"{name}: {value.item() if isinstance(value, Tensor) and not value.ndim else value}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _describe(value: Any) -> str:
    return f"{type(value).__name__} of shape {tuple(value.shape)}"


def as_parameters(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors, broadcast to one shape. Beside a tensor, numbers have its dtype and device."""
    for value in values:
        if not isinstance(value, (Tensor, Number)):
            words = f"Input arguments must all be instances of Number or Tensor, got {type(value).__name__}"
            raise ValueError(f"{words} {shorten(value)}; {how_to_give_a_tensor(value)}")
    like = next((v for v in values if isinstance(v, Tensor)), None)
    kind: dict[str, Any] = {} if like is None else {"dtype": like.dtype, "device": like.device}
    return broadcast_tensors(*[v if isinstance(v, Tensor) else scalar_tensor(v, **kind) for v in values])
