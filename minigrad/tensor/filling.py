"""Filling a tensor with one number or with drawn ones, and new tensors after the model of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import arange_beside, array_module, device_of, on_gpu_of, to_device
from minigrad.devices import CPU
from minigrad.generator import Generator
from minigrad.ops.arguments import as_int, as_number, of_tensors
from minigrad.ops.arithmetic import no_slope
from minigrad.ops.copies import cast
from minigrad.ops.inplace import assign
from minigrad.random import source_of

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

_fill = operation("fill", lambda x, value: np.full_like(x, value), lambda g: no_slope(g), lambda g: g)


@of_tensors
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like `input` filled with one number, which may be a 0-d tensor.

    >>> import minigrad as torch
    >>> torch.fill(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    if isinstance(value, TensorBase):
        if value.array.ndim:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got {value.array.ndim} dimensions.")
        value = cast(value, input.array.dtype)
    else:
        number = as_number("fill_", "value", value)
        value = wrap(dtypes.scalar(number, input.array.dtype, round_to_infinity=input.array.size == 1))
        if type(input.array) is not np.ndarray:
            value.array = to_device(value.array, device_of(input.array))
    return _fill(input, value)


def _make_like(tensor: Any, make: str, *args: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """``creation.<make>(*args)`` of the dtype and on the device of `tensor`, where not given."""
    from minigrad import creation

    dtype = tensor.dtype if dtype is None else dtype
    device = tensor.device if device is None else device
    made: Tensor = getattr(creation, make)(*args, dtype=dtype, device=device, requires_grad=requires_grad)
    return made


# ---- random numbers, number for number as PyTorch ------------------------------------------------
def draw_in_order(array: Any, draw: Callable[[Generator, tuple[int, ...]], Any], generator: Any = None) -> Any:
    """`draw(source, shape)` for `array`, where it lives, in the order of its memory: for a transpose by column."""
    contiguous = array.flags.c_contiguous
    order = range(array.ndim) if contiguous else np.argsort([-abs(n) for n in array.strides], kind="stable").tolist()

    def run() -> Any:
        drawn = draw(source_of(generator, array_module(array)), tuple([array.shape[axis] for axis in order]))
        return drawn.astype(array.dtype, copy=False)

    drawn = on_gpu_of(array, run)
    if not contiguous:  # (axes in memory order) -> (axes in their own order)
        drawn = drawn.transpose(np.argsort(order).tolist())
    return to_device(drawn, device_of(array))


def _fill_in_order(tensor: Any, name: str, draw: Callable[[Generator, tuple[int, ...]], Any], generator: Any) -> Tensor:
    """Write `draw(source, shape)` into `tensor` in the order of its memory."""
    return assign(tensor, wrap(draw_in_order(tensor.array, draw, generator)), name)


def _draw_by_chances(chances: Any, dtype: Any, generator: Any) -> Any:
    """1 where a draw is below the chance of an element, else 0."""

    def run() -> Any:
        source = source_of(generator, array_module(chances))
        return source.bernoulli(to_device(chances, CPU) if source.device.type == "cpu" else chances).astype(dtype)

    return to_device(on_gpu_of(chances, run), device_of(chances))


def _read_parameters(name: str, *numbers: Any) -> list[Any]:
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
    weights = to_device(input.array, CPU)
    source = source_of(generator, np if generator is None else array_module(input.array))
    _check_multinomial(weights, num_samples, replacement)
    if replacement and num_samples > 1:
        below = np.cumsum(weights, axis=-1) / weights.sum(-1, keepdims=True, dtype=weights.dtype)
        below[..., -1] = 1
        chances = to_device(source.uniform((*weights.shape[:-1], num_samples), np.float64), CPU)
        rows = zip(below.reshape(-1, below.shape[-1]), chances.reshape(-1, num_samples), strict=True)
        drawn = np.array([np.searchsorted(row, chance) for row, chance in rows]).reshape(chances.shape)
    else:  # the first to arrive, at rates that are the weights
        arrival = weights / to_device(source.exponential(weights.shape, weights.dtype), CPU)
        drawn = np.argsort(-arrival, axis=-1, kind="stable")[..., :num_samples]
    return wrap(to_device(drawn.astype(np.int64), device_of(input.array)))


def _check_multinomial(weights: Any, num_samples: Any, replacement: bool) -> None:
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


def _pop_from(named: dict[str, Any], default: Any, name: str) -> Any:
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


class FillingMethods(TensorBase):
    """Writing numbers into the tensor, and new tensors of its kind."""

    __slots__ = ()

    def fill_(self: Any, value: Any) -> Tensor:
        """Fill with one number.

        >>> import minigrad as torch
        >>> torch.zeros(2).fill_(7)
        tensor([7., 7.])
        """
        return assign(self, fill(self, value), "fill_", one_number=True)

    def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Tensor:
        """Fill the main diagonal, of a tall matrix with `wrap` again and again, one row left out each time.

        Raises RuntimeError for fewer than 2 axes, and for more of different lengths.

        >>> import minigrad as torch
        >>> torch.zeros(2, 2).fill_diagonal_(1)
        tensor([[1., 0.],
                [0., 1.]])
        """
        shape = self.array.shape
        if len(shape) < 2:
            raise RuntimeError(f"dimensions must larger than 1: fill_diagonal_ got shape {tuple(shape)}")
        if len(shape) > 2:
            if len(set(shape)) > 1:
                raise RuntimeError(f"all dimensions of input must be of equal length, got shape {tuple(shape)}")
            self[(arange_beside(self.array, shape[0]),) * len(shape)] = fill_value
            return self
        height, width = shape
        for start in range(0, height if wrap else 1, width + 1):
            self[start : start + width].diagonal().fill_(fill_value)
        return self

    def zero_(self: Any) -> Tensor:
        """Fill with zeros.

        >>> import minigrad as torch
        >>> torch.ones(2).zero_()
        tensor([0., 0.])
        """
        return assign(self, fill(self, 0), "zero_", one_number=True)

    # ---- with random numbers --------------------------------------------------------------------
    def uniform_(self, from_: float = 0.0, to: float = 1.0, *, generator: Any = None, **named: Any) -> Tensor:
        """Fill with numbers from U[from, to). Raises RuntimeError where from > to.

        >>> import minigrad as torch
        >>> bool(torch.empty(9).uniform_(2, 3).min() >= 2)
        True
        """
        low, to = _read_parameters("uniform_", _pop_from(named, from_, "uniform_"), to)
        dtype = self.array.dtype
        return _fill_in_order(self, "uniform_", lambda source, s: source.uniform(s, dtype, low, to), generator)

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers from N(mean, std^2). Raises RuntimeError where std < 0.

        >>> import minigrad as torch
        >>> torch.empty(9).normal_(std=0.01).shape
        minigrad.Size([9])
        """
        mean, std = _read_parameters("normal_", mean, std)
        dtype, pairs = self.array.dtype, not self.array.flags.c_contiguous
        return _fill_in_order(
            self, "normal_", lambda source, s: source.normal(s, dtype, mean, std, pairs=pairs), generator
        )

    def random_(self, *bounds: int | None, generator: Any = None, **named: Any) -> Tensor:
        """Fill with integers from [0, to) or [from, to), or without bounds all the type holds.

        >>> import minigrad as torch
        >>> bool((torch.empty(9).random_(5) < 5).all())
        True
        """
        low, to = (None, *bounds) if len(bounds) == 1 else bounds or (None, None)
        to = named.pop("to", to)
        low = _pop_from(named, low, "random_")
        low, to = [x if x is None else as_int(x, f"random_(): '{n}'") for n, x in (("from", low), ("to", to))]
        dtype = self.array.dtype
        if low is None and to is None:
            return _fill_in_order(self, "random_", lambda source, s: source.random(s, dtype), generator)
        return _fill_in_order(self, "random_", lambda source, s: source.randint(low or 0, to, s, dtype), generator)

    def exponential_(self, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers whose density is ``lambd exp(-lambd x)``. Raises RuntimeError unless lambd > 0.

        >>> import minigrad as torch
        >>> bool((torch.empty(9).exponential_() >= 0).all())
        True
        """
        (rate,), dtype = _read_parameters("exponential_", lambd), self.array.dtype
        return _fill_in_order(self, "exponential_", lambda source, s: source.exponential(s, dtype, rate), generator)

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """Fill with ones of probability `p`, a number or a tensor, and zeros.

        >>> import minigrad as torch
        >>> torch.empty(2).bernoulli_(1.0)
        tensor([1., 1.])
        """
        dtype = self.array.dtype
        if not isinstance(p, TensorBase):
            p = as_number("bernoulli_", "p", p)
            return _fill_in_order(self, "bernoulli_", lambda source, s: source.bernoulli(p, s, dtype), generator)
        chances = p.array
        try:
            drawn = _draw_by_chances(np.broadcast_to(chances, self.array.shape), dtype, generator)
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
        array = self.array
        if p is None:
            return wrap(_draw_by_chances(array, array.dtype, generator))
        there = array if array.flags.c_contiguous else np.empty_like(array, order="C")
        return wrap(draw_in_order(there, lambda source, s: source.bernoulli(p, s, array.dtype), generator))

    multinomial = multinomial

    # ---- new tensors of this one's dtype and device, where not given -----------------------------
    def new_zeros(
        self: Any, *size: Any,
        dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """Zeros: ``new_zeros(2, 3)`` or ``new_zeros((2, 3))``.

        >>> import minigrad as torch
        >>> torch.ones(1, dtype=torch.int64).new_zeros(2)
        tensor([0, 0])
        """
        return _make_like(self, "zeros", *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self: Any, *size: Any,
        dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """Ones: ``new_ones(2, 3)`` or ``new_ones((2, 3))``.

        >>> import minigrad as torch
        >>> torch.ones(1, dtype=torch.int64).new_ones(2)
        tensor([1, 1])
        """
        return _make_like(self, "ones", *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty(
        self: Any, *size: Any,
        dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """Whatever the memory holds: ``new_empty(2, 3)`` or ``new_empty((2, 3))``.

        >>> import minigrad as torch
        >>> torch.ones(1).new_empty(2, 3).shape
        minigrad.Size([2, 3])
        """
        return _make_like(self, "empty", *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self: Any, size: Any, fill_value: Any, *,
        dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """One number everywhere.

        >>> import minigrad as torch
        >>> torch.ones(1).new_full((2,), 7)
        tensor([7., 7.])
        """
        return _make_like(self, "full", size, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_tensor(
        self: Any, data: Any, *,
        dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """A copy of `data`: numbers, nested lists or arrays.

        >>> import minigrad as torch
        >>> torch.ones(1).new_tensor([1, 2])
        tensor([1., 2.])
        """
        return _make_like(self, "tensor", data, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty_strided(
        self: Any, size: Any, stride: Any, *,
        dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """Whatever the memory holds, neighbours along axis i lying `stride[i]` elements apart.

        >>> import minigrad as torch
        >>> torch.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
        """
        return _make_like(self, "empty_strided", size, stride, dtype=dtype, device=device, requires_grad=requires_grad)

    def new(self: Any, *data: Any) -> Tensor:
        """``new(2, 3)`` is not filled, ``new([1, 2])`` holds these numbers; of this tensor's dtype and device.

        >>> import minigrad as torch
        >>> torch.ones(2).new([1, 2])
        tensor([1., 2.])
        """
        from minigrad.creation import construct

        return construct(data, self.dtype, self.device)
