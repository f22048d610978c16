"""Random fills (`normal_`, ...), `bernoulli`, `multinomial` and `poisson`: PyTorch's numbers for the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import array_module, device_of, on_gpu_of, quiet, to_device
from minigrad.box_muller import map_by_libm
from minigrad.creation.drawn import draw_in_order
from minigrad.creation.memory_order import in_memory_order
from minigrad.devices import CPU
from minigrad.generator import Generator
from minigrad.layout import find_memory_order, invert
from minigrad.ops.arguments import as_int, as_number, of_tensors, require_kind, takes_out
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.division import no_derivative
from minigrad.ops.inplace import assign, check_writable
from minigrad.ops.out import require_receiver, write_out
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.writes import check_memory
from minigrad.random import source_of

_LARGEST = 709.0  # math.exp refuses more


def _fill_in_order(
    tensor: Any, name: str, draw: Callable[[Generator, tuple[int, ...]], Any], generator: Generator | None
) -> Tensor:
    """Writes `draw(source, shape)` into `tensor` in its memory order; what may not be written takes no numbers."""
    check_writable(tensor, name)
    check_memory(tensor.array, name)
    drawn = dtypes.convert(draw_in_order(tensor.array, draw, generator), tensor.array.dtype)
    return assign(tensor, wrap(drawn), name)


def _draw_by_chances(chances: Any, dtype: Any, generator: Generator | None) -> Any:
    """1 where a uniform random number is below the probability of an element, else 0."""

    def run() -> Any:
        source = source_of(generator, array_module(chances))
        return source.bernoulli(to_device(chances, CPU) if source.device.type == "cpu" else chances).astype(dtype)

    return to_device(on_gpu_of(chances, run), device_of(chances))


# Random numbers have the gradient 0.
_counted, _tossed = [operation(name, lambda x, *, drawn: drawn, lambda g: g * 0) for name in ("poisson", "bernoulli")]


_by_chance = no_derivative("binomial", "detach() the result, or count and prob before it")
_succeeded = operation("binomial", lambda count, prob, *, drawn: drawn, _by_chance, _by_chance)


@of_tensors
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Random numbers of the Poisson distribution, whose rates are the elements of `input`.

    They are drawn one by one with the CPU's generator. The gradient is zero. Raises NotImplementedError
    for integers, RuntimeError for negative numbers, inf and NaN.

    >>> import minigrad as torch
    >>> torch.poisson(torch.zeros(3))
    tensor([0., 0., 0.])
    """
    require_kind("poisson", input.array.dtype)
    rates = to_device(input.array, CPU)
    if not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative: a count of events is expected")
    if np.isinf(rates).any():
        raise RuntimeError("invalid Poisson rate, expected rate to be finite: no count is expected to be inf")
    drawn = source_of(generator).poisson(rates).astype(rates.dtype)
    return _counted(input, drawn=to_device(drawn, device_of(input.array)))


@of_tensors
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed, each with the chance `prob`: random numbers, one for each element.

    Both broadcast. They are drawn one by one with the CPU's generator. Backward from them is refused, as in PyTorch.
    Raises ValueError for integers, RuntimeError for two dtypes, and for counts that are no numbers of trials: NaN and
    infinity.

    >>> import minigrad as torch
    >>> torch.binomial(torch.tensor([3.0, 3.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 3.])
    """
    for name, x in (("count", count), ("prob", prob)):
        if x.array.dtype.kind != "f":
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {x.dtype}; write .float()")
    if np.float16 in (count.array.dtype, prob.array.dtype):
        raise not_implemented_for("binomial", count.array.dtype, takes_floats=True)
    if count.array.dtype != prob.array.dtype:
        raise RuntimeError(f"binomial(): count and prob must have one dtype, got {count.dtype} and {prob.dtype}")
    trials, chances = [to_device(x.array, CPU) for x in broadcast_tensors(count, prob)]
    if not np.isfinite(trials).all():
        raise RuntimeError("binomial(): count must be finite: it is the number of trials")
    drawn = source_of(generator).binomial(trials, chances).astype(trials.dtype)
    return _succeeded(count, prob, drawn=to_device(drawn, device_of(count.array)))


@takes_out
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Random indices with probabilities in proportion to the rows of `input`: (num_samples,) or (rows, num_samples).

    Raises RuntimeError for negative or infinite weights, for rows of zeros, and where more are
    drawn without replacement than there are.

    >>> import minigrad as torch
    >>> torch.multinomial(torch.tensor([0.0, 3.0]), 4, replacement=True)
    tensor([1, 1, 1, 1])
    """
    weights = to_device(input.array, CPU)
    source = source_of(generator, np if generator is None else array_module(input.array))
    _check_multinomial(weights, num_samples, replacement)
    num_samples = as_int(num_samples, "num_samples")  # of NumPy too, whose products may overflow
    if replacement and num_samples > 1:
        below = np.cumsum(weights, axis=-1) / weights.sum(-1, keepdims=True, dtype=weights.dtype)
        below[..., -1] = 1
        chances = to_device(source.uniform((*weights.shape[:-1], num_samples), np.float64), CPU)
        rows = zip(below.reshape(-1, below.shape[-1]), chances.reshape(-1, num_samples), strict=True)
        drawn = np.array([np.searchsorted(row, chance) for row, chance in rows]).reshape(chances.shape)
    else:  # the smallest of exponential times whose rates are the weights
        times = in_memory_order(weights, lambda shape: to_device(source.exponential(shape, weights.dtype), CPU))
        arrival = weights / times
        drawn = np.argsort(-arrival, axis=-1, kind="stable")[..., :num_samples]
    return wrap(to_device(drawn.astype(np.int64), device_of(input.array)))


def _check_multinomial(weights: Any, num_samples: Any, replacement: bool) -> None:
    if weights.dtype.kind != "f" or weights.ndim not in (1, 2):
        what = f"got {weights.dtype} of shape {weights.shape}"
        raise RuntimeError(f"multinomial expects floating-point weights of shape (n,) or (rows, n), {what}")
    if (num_samples := as_int(num_samples, "num_samples")) < 1:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > weights.shape[-1]:
        what = f"{num_samples} of {weights.shape[-1]}; give replacement=True"
        raise RuntimeError(f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: {what}")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise RuntimeError(
            "probability tensor contains either `inf`, `nan` or element < 0: an invalid multinomial distribution"
        )
    if not (weights.sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


@of_tensors
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Random ones and zeros: 1 with the probability in each element of `input`, or `p`; `out` may have any dtype.

    >>> import minigrad as torch
    >>> torch.bernoulli(torch.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    made = input.bernoulli(p, generator=generator)
    if out is None:
        return made
    require_receiver("bernoulli", out)
    return write_out("bernoulli", out, made.to(out.dtype), (input,))


def _pop_from(named: dict[str, Any], default: Any, name: str) -> Any:
    """Reads PyTorch's keyword `from`, which cannot be a parameter name in Python."""
    value = named.pop("from", default)
    if named:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(named))!r}")
    return value


def _by_libm(function: Callable[[float], float], x: Any) -> Any:
    """``function(x)`` for `math.tan` or `math.exp`: on the CPU with PyTorch's bits, as NumPy's may differ by one."""
    if type(x) is not np.ndarray or x.max(initial=0.0) > _LARGEST:
        return getattr(np, function.__name__)(x)
    return map_by_libm(function, x)


def _read_parameters(name: str, *numbers: Any) -> list[Any]:
    """The parameters of a distribution as Python numbers. Raises TypeError for other values."""
    return [as_number(name, "parameter", x) for x in numbers]


def _require_continuous(distribution: str, dtype: Any) -> None:
    """Raises RuntimeError for a dtype of integers."""
    if dtype.kind != "f":
        detail = f"dtype must be a floating point but you specified {dtype}"
        raise RuntimeError(f"{distribution} distribution is a continuous probability distribution. {detail}")


class DrawingMethods(TensorBase):
    """Methods that fill the tensor with random numbers."""

    __slots__: tuple[()] = ()

    @names_options
    def uniform_(
        self, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None, **named: Any
    ) -> Tensor:
        """Fills the tensor with numbers from U[from, to). Raises RuntimeError where from > to.

        >>> import minigrad as torch
        >>> bool(torch.empty(9).uniform_(2, 3).min() >= 2)
        True
        """
        if named:
            from_ = _pop_from(named, from_, "uniform_")
        low, to = _read_parameters("uniform_", from_, to)
        dtype = self.array.dtype
        return _fill_in_order(self, "uniform_", lambda source, s: source.uniform(s, dtype, low, to), generator)

    @names_options
    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Fills the tensor with numbers from N(mean, std^2). Raises RuntimeError where std < 0.

        >>> import minigrad as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.empty(3).normal_(mean=5.0, std=0.01)
        tensor([5.0154, 4.9971, 4.9782])
        """
        mean, std = _read_parameters("normal_", mean, std)
        dtype, pairs = self.array.dtype, not self.array.flags.c_contiguous
        return _fill_in_order(
            self, "normal_", lambda source, s: source.normal(s, dtype, mean, std, pairs=pairs), generator
        )

    def random_(self, *bounds: int | None, generator: Generator | None = None, **named: Any) -> Tensor:
        """Fills the tensor with integers from [0, to) or [from, to), or without bounds all the type holds.

        >>> import minigrad as torch
        >>> bool((torch.empty(9).random_(5) < 5).all())
        True
        """
        if "to" in named:
            bounds = (*bounds, named.pop("to"))
        if len(bounds) > 2:
            raise TypeError(f"random_() takes two bounds at most, from and to, got {len(bounds)}")
        low = _pop_from(named, bounds[0] if len(bounds) == 2 else None, "random_")
        to = bounds[-1] if bounds else None
        low, to = [x if x is None else as_int(x, f"random_(): '{n}'") for n, x in (("from", low), ("to", to))]
        dtype = self.array.dtype
        if low is None and to is None:
            return _fill_in_order(self, "random_", lambda source, s: source.random(s, dtype), generator)
        return _fill_in_order(self, "random_", lambda source, s: source.randint(low or 0, to, s, dtype), generator)

    def exponential_(self, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Fills the tensor with numbers whose density is ``lambd exp(-lambd x)``.

        Raises RuntimeError unless lambd > 0, and for integers.

        >>> import minigrad as torch
        >>> bool((torch.empty(9).exponential_() >= 0).all())
        True
        """
        (rate,), dtype = _read_parameters("exponential_", lambd), self.array.dtype
        _require_continuous("Exponential", dtype)
        return _fill_in_order(self, "exponential_", lambda source, s: source.exponential(s, dtype, rate), generator)

    def geometric_(self, p: float, *, generator: Generator | None = None) -> Tensor:
        """Fills the tensor with the numbers of trials up to the first success, which has probability `p`.

        Raises RuntimeError unless 0 < p < 1.

        >>> import minigrad as torch
        >>> bool((torch.empty(9).geometric_(0.5) >= 1).all())
        True
        """
        (p,) = _read_parameters("geometric_", p)
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
        require_kind("geometric_", self.array.dtype, "fiu")

        def draw(source: Generator, shape: tuple[int, ...]) -> Any:
            return np.ceil(np.log(source.uniform(shape, np.float64)) / math.log1p(-p))

        return _fill_in_order(self, "geometric_", draw, generator)

    def cauchy_(self, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Fills the tensor with numbers whose density is ``sigma / (pi (sigma^2 + (x - median)^2))``.

        Raises RuntimeError unless sigma > 0, and for integers.

        >>> import minigrad as torch
        >>> torch.empty(9).cauchy_().shape
        minigrad.Size([9])
        """
        median, sigma = _read_parameters("cauchy_", median, sigma)
        if not sigma > 0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
        _require_continuous("Cauchy", self.array.dtype)

        def draw(source: Generator, shape: tuple[int, ...]) -> Any:
            return median + sigma * _by_libm(math.tan, math.pi * (source.uniform(shape, np.float64) - 0.5))

        return _fill_in_order(self, "cauchy_", draw, generator)

    def log_normal_(self, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
        """Fills the tensor with ``exp(x)`` for x from N(mean, std^2). Raises RuntimeError unless std > 0.

        >>> import minigrad as torch
        >>> bool((torch.empty(9).log_normal_() > 0).all())
        True
        """
        mean, std = _read_parameters("log_normal_", mean, std)
        if not std > 0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
        require_kind("log_normal_", self.array.dtype)

        def draw(source: Generator, shape: tuple[int, ...]) -> Any:
            return _by_libm(math.exp, source.normal(shape, np.float64, mean, std, pairs=True))

        return _fill_in_order(self, "log_normal_", draw, generator)

    def bernoulli_(self, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
        """Fills the tensor with ones, each with probability `p`, and zeros.

        `p` is a number, or a tensor that broadcasts to this one. Raises RuntimeError for probabilities outside [0, 1].

        >>> import minigrad as torch
        >>> torch.empty(2).bernoulli_(1.0)
        tensor([1., 1.])
        """
        dtype = self.array.dtype
        if not isinstance(p, TensorBase):
            p = as_number("bernoulli_", "p", p)
            return _fill_in_order(self, "bernoulli_", lambda source, s: source.bernoulli(p, s, dtype), generator)
        chances, order = p.array, find_memory_order(self.array.shape, self.array.strides)
        try:
            chances = np.broadcast_to(chances, self.array.shape).transpose(order)
            drawn = _draw_by_chances(chances, dtype, generator).transpose(invert(order))
        except ValueError:
            detail = f"shape {chances.shape} do not broadcast to the tensor's shape {self.array.shape}"
            raise RuntimeError(f"bernoulli_: chances of {detail}") from None
        return assign(self, wrap(to_device(drawn, device_of(self.array))), "bernoulli_")

    def bernoulli(self, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
        """A new tensor of random ones and zeros: 1 with the probability in each element, or `p`.

        >>> import minigrad as torch
        >>> torch.tensor([0.0, 1.0]).bernoulli()
        tensor([0., 1.])
        """
        array = self.array
        if p is None:
            return _tossed(self, drawn=_draw_by_chances(array, array.dtype, generator))
        chance = as_number("bernoulli", "p", p)
        there = array if array.flags.c_contiguous else quiet(np.empty_like, array, order="C")
        drawn = draw_in_order(there, lambda source, s: source.bernoulli(chance, s, array.dtype), generator)
        return wrap(dtypes.convert(drawn, array.dtype))

    multinomial = multinomial
