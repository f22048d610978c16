"""Filling a tensor with random numbers, number for number as PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import TensorBase, wrap
from minigrad.backend import CPU, device_of, to_device
from minigrad.ops.arguments import as_int, as_number, of_tensors
from minigrad.ops.inplace import assign
from minigrad.random import source_of

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


def _fill(tensor: Any, name: str, draw: Callable[[tuple[int, ...]], Any]) -> Tensor:
    """Write `draw(shape)` into `tensor` in the order of its memory: a transpose by column."""
    array = tensor.array
    if array.flags.c_contiguous:
        drawn = draw(array.shape)
    else:
        order = np.argsort([-abs(stride) for stride in array.strides], kind="stable")
        drawn = draw(tuple(array.shape[axis] for axis in order))
        # (axes in memory order) -> (axes in their own order)
        drawn = drawn.transpose(np.argsort(order))
    drawn = to_device(drawn.astype(array.dtype, copy=False), device_of(array))
    return assign(tensor, wrap(drawn), name)


def _parameters(name: str, *numbers: Any) -> list[Any]:
    """The parameters of a distribution as Python numbers. Raises TypeError for what is no number."""
    return [as_number(name, "parameter", x) for x in numbers]


@of_tensors
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Indices drawn with chances in proportion to the rows of `input`: (num_samples,) or (rows, num_samples).

    Raises RuntimeError for negative or infinite weights, for rows of zeros, and where more are
    drawn without replacement than there are.

    >>> import minigrad as torch
    >>> torch.multinomial(torch.tensor([0.0, 3.0]), 4, replacement=True)
    tensor([1, 1, 1, 1])
    """
    weights, source = to_device(input.array, CPU), source_of(generator)
    if weights.dtype.kind != "f" or weights.ndim not in (1, 2):
        what = f"got {weights.dtype} of shape {weights.shape}"
        raise RuntimeError(f"multinomial expects floating-point weights of shape (n,) or (rows, n), {what}")
    if as_int(num_samples, "num_samples") < 1:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > weights.shape[-1]:
        what = f"{num_samples} of {weights.shape[-1]}; give replacement=True"
        raise RuntimeError(f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: {what}")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise RuntimeError("invalid multinomial distribution: probability tensor contains either `inf`, `nan` or < 0")
    if not (weights.sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if replacement and num_samples > 1:
        below = np.cumsum(weights, axis=-1) / weights.sum(-1, keepdims=True, dtype=weights.dtype)
        below[..., -1] = 1
        chances = source.uniform((*weights.shape[:-1], num_samples), np.float64)
        rows = zip(below.reshape(-1, below.shape[-1]), chances.reshape(-1, num_samples), strict=True)
        drawn = np.array([np.searchsorted(row, chance) for row, chance in rows]).reshape(chances.shape)
    else:  # the first to arrive, at rates that are the weights
        arrival = weights / source.exponential(weights.shape, weights.dtype)
        drawn = np.argsort(-arrival, axis=-1, kind="stable")[..., :num_samples]
    return wrap(to_device(drawn.astype(np.int64), device_of(input.array)))


class RandomMethods(TensorBase):
    """In-place draws, and `bernoulli`."""

    __slots__ = ()

    def uniform_(self, from_: float = 0.0, to: float = 1.0, *, generator: Any = None, **named: Any) -> Tensor:
        """Fill with numbers from U[from, to). Raises RuntimeError where from > to.

        >>> import minigrad as torch
        >>> bool(torch.empty(9).uniform_(2, 3).min() >= 2)
        True
        """
        low, to = _parameters("uniform_", _from(named, from_, "uniform_"), to)
        source = source_of(generator)
        return _fill(self, "uniform_", lambda s: source.uniform(s, self.array.dtype, low, to))

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers from N(mean, std^2). Raises RuntimeError where std < 0.

        >>> import minigrad as torch
        >>> torch.empty(9).normal_(std=0.01).shape
        minigrad.Size([9])
        """
        mean, std = _parameters("normal_", mean, std)
        source, array = source_of(generator), self.array
        pairs = not array.flags.c_contiguous
        return _fill(self, "normal_", lambda s: source.normal(s, array.dtype, mean, std, pairs=pairs))

    def random_(self, *bounds: int | None, generator: Any = None, **named: Any) -> Tensor:
        """Fill with integers from [0, to) or [from, to), or without bounds all the type holds.

        >>> import minigrad as torch
        >>> bool((torch.empty(9).random_(5) < 5).all())
        True
        """
        low, to = (None, *bounds) if len(bounds) == 1 else bounds or (None, None)
        to = named.pop("to", to)
        low = _from(named, low, "random_")
        low, to = [x if x is None else as_int(x, f"random_(): '{n}'") for n, x in (("from", low), ("to", to))]
        source, dtype = source_of(generator), self.array.dtype
        if low is None and to is None:
            return _fill(self, "random_", lambda s: source.random(s, dtype))
        return _fill(self, "random_", lambda s: source.randint(low or 0, to, s, dtype))

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """Fill with ones of probability `p`, a number or a tensor, and zeros.

        >>> import minigrad as torch
        >>> torch.empty(2).bernoulli_(1.0)
        tensor([1., 1.])
        """
        source = source_of(generator)
        if not isinstance(p, TensorBase):
            p = as_number("bernoulli_", "p", p)
            return _fill(self, "bernoulli_", lambda s: source.bernoulli(p, s))
        chances = to_device(p.array, CPU)
        try:
            drawn = source.bernoulli(np.broadcast_to(chances, self.array.shape)).astype(self.array.dtype)
        except ValueError:
            detail = f"shape {chances.shape} do not broadcast to the tensor's shape {self.array.shape}"
            raise RuntimeError(f"bernoulli_: chances of {detail}") from None
        return assign(self, wrap(to_device(drawn, device_of(self.array))), "bernoulli_")

    def bernoulli(self, p: float | None = None, *, generator: Any = None) -> Tensor:
        """A new tensor of ones and zeros: ones with the probability each element says, or `p`.

        >>> import minigrad as torch
        >>> torch.tensor([0.0, 1.0]).bernoulli()
        tensor([0., 1.])
        """
        source, array = source_of(generator), self.array
        drawn = source.bernoulli(to_device(array, CPU)) if p is None else source.bernoulli(p, array.shape)
        return wrap(to_device(drawn.astype(array.dtype), device_of(array)))

    multinomial = multinomial


def _from(named: dict[str, Any], default: Any, name: str) -> Any:
    """PyTorch's keyword `from`, which is no name in Python."""
    value = named.pop("from", default)
    if named:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(named))!r}")
    return value


@of_tensors
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None) -> Tensor:
    """Ones and zeros: ones with the probability that each element of `input` says, or `p`.

    >>> import minigrad as torch
    >>> torch.bernoulli(torch.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    drawn: Tensor = input.bernoulli(p, generator=generator)
    return drawn
