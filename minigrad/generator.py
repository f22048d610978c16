"""`Generator`: random numbers, exactly those of PyTorch's generator on the same device with the same seed.

A `Generator` checks its arguments and draws arrays; `rand`, `randn`, `uniform_`, ... wrap these arrays in tensors. The
CPU uses the Mersenne Twister (twister.py), a GPU uses Philox (gpu/philox.py). As in PyTorch, one seed gives different
numbers on the two.
"""

from __future__ import annotations

import functools
import os
from _thread import RLock  # `threading` itself takes a millisecond to import
from collections.abc import Callable, Sequence
from operator import index
from typing import Any, TypeVar

import numpy as np

from minigrad.autograd.core import TensorBase, is_array, wrap
from minigrad.backend import array_module, library
from minigrad.devices import device as Device
from minigrad.dtypes import limits
from minigrad.size import is_index
from minigrad.twister import Twister

F = TypeVar("F", bound=Callable[..., Any])
Array = Any  # a NumPy array
_WORDS = 624  # the size of the Mersenne Twister's state in 32-bit words
_STATE_BYTES = 5056  # PyTorch's struct: seed, position, words, cached normal number
_DEFAULT_SEED = 67280421310721

# `random_()` draws modulo these: the integers from 0 that a dtype represents exactly.
_FULL_RANGE = {"b1": 2, "u1": 2**8, "i1": 2**7, "i2": 2**15, "i4": 2**31, "i8": 2**63}
_FULL_RANGE |= {"f2": 2**11 + 1, "f4": 2**24 + 1, "f8": 2**53 + 1}


_drawing = RLock()  # held while a generator changes its state, by one thread at a time; not held across a fork
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_drawing.acquire, after_in_parent=_drawing.release, after_in_child=_drawing.release)


def read_state(state: Any, owner: str, size: int) -> Any:
    """The bytes of a `state` as 64-bit words.

    Raises TypeError unless it is a CPU tensor of bytes, RuntimeError unless there are `size` bytes.
    """
    if not isinstance(state, TensorBase) or state.array.dtype != np.uint8:
        kind = type(state).__name__
        raise TypeError(f"a generator's state is a tensor of uint8, as get_state() returns it; got {kind}")
    if state.array.__class__ is not np.ndarray:
        raise TypeError("a generator's state lies on the CPU, as get_state() returns it; move it with .cpu()")
    if state.array.size != size:
        raise RuntimeError(f"{owner}'s state has {size} bytes, got {state.array.size}")
    return np.array(state.array, order="C").reshape(-1).view(np.uint64)


def _one_at_a_time(method: F) -> F:
    """Decorates a method of a generator: only one thread at a time runs it."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _drawing:
            return method(*args, **kwargs)

    return call  # type: ignore[return-value]


# The class of GPU generators, set by `gpu/`.
ON_A_GPU: list[type[Generator]] = []


def _keep_inside(low: int, high: int, dtype: Any) -> tuple[int, int]:
    """Bounds whose integers, rounded to a floating `dtype`, stay in [low, high): those that PyTorch takes."""
    digits = np.finfo(dtype).nmant + 1
    above, below = int(dtype.type(low + 1)), int(dtype.type(high - 1))
    if above < low:
        low = above + (1 << abs(low + 1).bit_length() - digits)
    if high <= below < 2**63:
        high = below - (1 << abs(high - 1).bit_length() - digits)
    if low >= high:
        got = f"but got from={low} >= to={high}"
        raise RuntimeError(f"random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, {got}")
    return low, high


class Generator(Twister):
    """A stream of random numbers with a state of its own.

    A new one has PyTorch's default seed, 67280421310721. The drawing methods take a shape and a
    NumPy dtype and return NumPy arrays. Raises RuntimeError for bounds that PyTorch refuses.

    >>> import minigrad as torch
    >>> torch.rand(2, generator=torch.Generator().manual_seed(0))
    tensor([0.4963, 0.7682])
    """

    __slots__ = ("device",)

    def __new__(cls, device: Any = "cpu") -> Generator:
        if cls is Generator and Device(device).type == "cuda":
            library(Device(device))  # imports the GPU's generator
            cls = ON_A_GPU[0]  # noqa: PLW0642
        return object.__new__(cls)

    def __init__(self, device: Any = "cpu") -> None:
        self.device = Device(device)
        self.manual_seed(_DEFAULT_SEED)

    # ---- seed and state -----------------------------------------------------------------------

    @_one_at_a_time
    def manual_seed(self, seed: int) -> Generator:
        """Seeds with an int in [-2^63, 2^64), and deletes the cached normal number.

        >>> import minigrad as torch
        >>> torch.Generator().manual_seed(0).initial_seed()
        0
        """
        if isinstance(seed, (bool, TensorBase)) or not is_index(seed):
            raise RuntimeError(f"manual_seed expected an int, but got {type(seed).__name__}")
        seed = index(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"a seed lies in [-2**63, 2**64), got {seed}")
        self._start(seed % 2**64)
        return self

    def seed(self) -> int:
        """Seeds with a random number of the operating system, and returns it.

        >>> import minigrad as torch
        >>> generator = torch.Generator()
        >>> generator.seed() == generator.initial_seed()
        True
        """
        return self.manual_seed(int.from_bytes(os.urandom(8))).initial_seed()

    def initial_seed(self) -> int:
        """The last seed.

        >>> import minigrad as torch
        >>> torch.Generator().manual_seed(5).initial_seed()
        5
        """
        return self._seed

    @_one_at_a_time
    def get_state(self) -> Any:
        """The state as a tensor of 5056 bytes, in PyTorch's own layout.

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> state = generator.get_state()
        >>> first = torch.rand(2, generator=generator)
        >>> _ = generator.set_state(state)
        >>> torch.equal(first, torch.rand(2, generator=generator))
        True
        """
        key, position = self._read_position()
        words = np.zeros(_STATE_BYTES // 8, np.uint64)
        words[0] = self._seed
        words[1] = (_WORDS + 1 - position) | 1 << 32
        # After seeding, PyTorch's position is 0 with no word left; the next draw generates new words.
        fresh = position == _WORDS and key[0] == self._seed & 0xFFFFFFFF
        words[2] = 0 if fresh else position
        words[3 : 3 + _WORDS] = key
        if self._kept is not None:
            words.view(np.float64)[4 + _WORDS] = self._kept
            words[6 + _WORDS] = 1
        return wrap(words.view(np.uint8))

    @_one_at_a_time
    def set_state(self, new_state: Any) -> Generator:
        """Continue from `new_state`, a tensor that `get_state`, here or in PyTorch, returned.

        >>> import minigrad as torch
        >>> generator, other = torch.Generator().manual_seed(0), torch.Generator()
        >>> _ = other.set_state(generator.get_state())
        >>> torch.equal(torch.rand(2, generator=generator), torch.rand(2, generator=other))
        True
        """
        words = read_state(new_state, "a generator", _STATE_BYTES)
        left = int(words[1]) & 0xFFFFFFFF
        if not (1 <= left <= _WORDS and words[1] >> np.uint64(32) and words[2] <= _WORDS):
            raise RuntimeError("Invalid mt19937 state: it was not made by get_state()")
        self.manual_seed(int(words[0]))
        self._go_to(words[3 : 3 + _WORDS].astype(np.uint32), _WORDS + 1 - left)
        if words[6 + _WORDS]:
            self._kept = float(words.view(np.float64)[4 + _WORDS])
        return self

    def clone_state(self) -> Generator:
        """A new generator that continues as this one does, apart from it.

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> torch.equal(torch.rand(2, generator=generator.clone_state()), torch.rand(2, generator=generator))
        True
        """
        return Generator(self.device).set_state(self.get_state())

    # ---- draws --------------------------------------------------------------------------------

    @_one_at_a_time
    def uniform(self, shape: Sequence[int], dtype: Any = np.float32, low: float = 0.0, high: float = 1.0) -> Array:
        """Numbers from U[low, high): u (high - low) + low, with u of 24 bits (53 in float64).

        A result that rounding lifted to `high` becomes `low`, as in PyTorch.

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> generator.uniform((2,)).shape
        (2,)
        """
        dtype = _check_floating("uniform", dtype)
        largest = float(np.finfo(dtype).max)
        if not -largest <= low <= high <= largest or high - low > largest:
            raise _no_range(dtype, low, high, largest)
        return self._draw_uniform(shape, dtype, low, high)

    @_one_at_a_time
    def normal(
        self, shape: Sequence[int], dtype: Any = np.float32, mean: float = 0.0, std: float = 1.0, *, pairs: bool = False
    ) -> Array:
        """Numbers from N(mean, std^2) by Box and Muller's rule.

        Fewer than 16 come in pairs, of which the second may be kept for the next call; more come
        in blocks of 16, of which the first eight draws give radii and the last eight angles. If
        the size is no multiple of 16, the last 16 numbers are drawn afresh. With `pairs`, any
        number comes in pairs: so PyTorch fills memory that is not contiguous.

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> generator.normal((2,)).shape
        (2,)
        """
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        dtype = _check_floating("normal", dtype)
        return self._draw_normal(shape, dtype, float(mean), float(std), pairs)

    @_one_at_a_time
    def randint(self, low: int, high: int | None, shape: Sequence[int], dtype: Any = np.int64) -> Array:
        """Integers from [low, high): a draw modulo the range; `high=None`: to the dtype's end.

        Ranges of 2^28 and more take 64-bit draws. Raises RuntimeError for an empty range and for
        bounds that the dtype does not hold.

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> draws = generator.randint(0, 3, (9,))
        >>> bool((0 <= draws).all() and (draws < 3).all())
        True
        """
        dtype = np.dtype(dtype)
        low, high = index(low), _FULL_RANGE[dtype.str[1:]] if high is None else index(high)
        if low >= high:
            got = f"but got from={low} >= to={high}; `high` itself is never drawn"
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', {got}")
        smallest, largest = limits(dtype)
        if low < smallest:
            raise RuntimeError(f"from = {low} is out of bounds for {dtype}")
        if high - 1 > largest:
            raise RuntimeError(f"to - 1 = {high - 1} is out of bounds for {dtype}")
        if dtype.kind == "f":
            low, high = _keep_inside(low, high, dtype)
        return self._draw_integers(shape, dtype, high - low, low, wide=high - low >= 2**28)

    @_one_at_a_time
    def random(self, shape: Sequence[int], dtype: Any = np.int64) -> Array:
        """Non-negative integers over all that `dtype` holds without loss: PyTorch's `random_()`.

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> bool(generator.random((5,)).min() >= 0)
        True
        """
        dtype = np.dtype(dtype)
        return self._draw_integers(shape, dtype, _FULL_RANGE[dtype.str[1:]], 0, dtype.str[1:] in ("i8", "f8"))

    @_one_at_a_time
    def permutation(self, n: int, dtype: Any = np.int64) -> Array:
        """0 .. n-1 in random order: for each i, swap it with i + (a draw modulo n - i).

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> sorted(generator.permutation(3).tolist())
        [0, 1, 2]
        """
        dtype = np.dtype(dtype)
        if n < 0:
            raise RuntimeError(f"randperm expects n >= 0, got {n}")
        if dtype.kind == "b":
            raise NotImplementedError("randperm is not defined for dtype bool; use int64")
        if n > _FULL_RANGE[dtype.str[1:]]:
            raise RuntimeError(f"randperm: {dtype} does not hold all integers below {n}; use int64")
        return self._draw_permutation(n, dtype)

    @_one_at_a_time
    def bernoulli(self, p: Any, shape: Sequence[int] | None = None, dtype: Any = np.float32) -> Array:
        """True with probability `p`, a number (give the shape) or an array of floats; `dtype` is of what it fills.

        Equals PyTorch's on processors where it uses its own kernel; on Intel's it hands a number
        `p` to a library whose stream is another one. Raises RuntimeError for p outside [0, 1].

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> generator.bernoulli(1.0, (2,)).tolist()
        [True, True]
        """
        if not is_array(p):
            inside = 0 <= p <= 1
        else:
            inside = array_module(p) is not np or bool(((p >= 0) & (p <= 1)).all())  # not checked on a GPU
        if not inside:
            what = "the tensor p has others" if getattr(p, "ndim", 0) else f"got p={p}"
            raise RuntimeError(f"bernoulli expects probabilities in [0, 1], but {what}")
        if shape is not None:
            return self._draw_bernoulli(shape, p, dtype)
        chances = p if is_array(p) else np.asarray(p)
        _check_floating("bernoulli", chances.dtype)
        return self._draw_by_chances(chances)

    @_one_at_a_time
    def exponential(self, shape: Sequence[int], dtype: Any = np.float32, rate: float = 1.0) -> Array:
        """Numbers with the density rate exp(-rate x): -log(1 - u) / rate, u of 53 bits.

        As `bernoulli`, PyTorch's numbers where it uses its own kernel.

        >>> import minigrad as torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> bool((generator.exponential((5,)) >= 0).all())
        True
        """
        if not rate > 0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate}")
        return self._draw_exponential(shape, _check_floating("exponential", dtype), rate)

    @_one_at_a_time
    def poisson(self, rates: Array) -> Array:
        """Random numbers of the Poisson distribution with the given `rates`, as float64.

        >>> import minigrad as torch, numpy as np
        >>> torch.Generator().manual_seed(0).poisson(np.zeros(2))
        array([0., 0.])
        """
        from minigrad.poisson_draws import draw_count

        return self._draw_one_by_one(draw_count, rates)

    @_one_at_a_time
    def binomial(self, trials: Array, chances: Array) -> Array:
        """Random numbers of the binomial distribution for arrays of one shape, as float64.

        >>> import minigrad as torch, numpy as np
        >>> torch.Generator().manual_seed(0).binomial(np.full(2, 3.0), np.array([0.0, 1.0]))
        array([0., 3.])
        """
        from minigrad.binomial_draws import draw_successes

        return self._draw_one_by_one(draw_successes, trials, chances)

    @_one_at_a_time
    def gamma(self, concentrations: Array) -> Array:
        """Random numbers of the gamma distribution with the given `concentrations` and rate 1, as float64.

        >>> import minigrad as torch, numpy as np
        >>> torch.Generator().manual_seed(0).gamma(np.zeros(2))
        array([0., 0.])
        """
        return self._draw_gamma(concentrations)


def _no_range(dtype: Any, low: float, high: float, largest: float) -> RuntimeError:
    """The error for bounds between which no uniform numbers of this dtype can be drawn."""
    for name, bound in (("from", low), ("to", high)):
        if not abs(bound) <= largest:
            return RuntimeError(f"uniform: {name}={bound} is out of bounds for {dtype}")
    if low > high:
        return RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}; swap them"
        )
    return RuntimeError(f"uniform: to - from = {high - low} is out of bounds for {dtype}")


def _check_floating(name: str, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise NotImplementedError(f"{name} draws floating-point numbers, got dtype {dtype}; use float32 or randint")
    return dtype
