"""Random numbers of the 32-bit Mersenne Twister, exactly those of PyTorch's generator on the CPU.

It is seeded with the low 32 bits of the seed (NumPy's legacy seeding gives the same state). NumPy makes all words of a
state at once, and small draws take the next ones; what large ones draw is converted chunk by chunk. Normal numbers are
made by `box_muller.py`, in about 90 calls of NumPy, so a small draw makes radius, cosine and sine of all words that are
left in the state. `generator.py` checks the arguments; `gpu/philox.py` is the counterpart for GPUs.

Source: M. Matsumoto and T. Nishimura, "Mersenne Twister", 1998. Rounding follows PyTorch's own, measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from minigrad.box_muller import cos_sin32, join_waves, map_by_libm, normal_blocks32, normal_blocks64, radius32
from minigrad.dtypes import cast_array

Array: TypeAlias = np.ndarray[Any, Any]
DType: TypeAlias = np.dtype[Any]
_WORDS = 624  # the size of the state
_BLOCK = 256  # numbers drawn in advance where the needed number is unknown
_CHUNK = 1 << 14  # elements drawn at a time: the temporaries of one chunk stay in the cache
_PART = 1 << 17  # normal numbers made at a time: with fewer, two threads wait for each other between NumPy's calls
_PASSES = 16  # a normal number takes at least as long as so many passes over its bytes


# As arrays of 0 dimensions, with which NumPy computes sooner than with numbers.
_LOW53 = 2**53 - 1
_BITS24, _BITS53 = np.asarray(2**24 - 1), np.asarray(_LOW53)
_UNIT24, _UNIT53 = np.asarray(2.0**-24, np.float32), np.asarray(2.0**-53)


class Twister:
    """The random stream: draws of 32 and 64 bits, and arrays of numbers made of them."""

    __slots__ = ("_bits", "_kept", "_seed", "_used", "_waves", "_words")

    _seed: int
    _bits: Any  # made at the first draw, because numpy.random takes 10 ms to import; all words of its state are made
    _words: Array  # the last words of that state, as int64
    _used: int  # how many of them are drawn
    _waves: tuple[Array, Array] | None  # the radius, and cosine and sine of the angle, that each of them would give
    _kept: float | None  # the second of a pair of normal numbers

    def _start(self, seed: int) -> None:
        """Begins the stream of `seed`."""
        self._seed = seed
        self._bits = self._kept = None
        self._hold(np.empty(0, np.int64))

    def _hold(self, words: Array) -> None:
        """Gives out these words next."""
        self._words, self._used, self._waves = words, 0, None

    def _open_bits(self) -> Any:
        """NumPy's generator of the same bits, made and seeded at the first draw."""
        if self._bits is None:
            from numpy.random import MT19937, RandomState

            self._bits = MT19937(0)
            RandomState(self._bits).seed(self._seed & 0xFFFFFFFF)
        return self._bits

    def _read_position(self) -> tuple[Array, int]:
        """The 624 words that the state is made of, and how many of its words are drawn."""
        return self._open_bits().state["state"]["key"], _WORDS - (self._words.size - self._used)

    def _go_to(self, key: Array, position: int) -> None:
        """Continues from what `_read_position` returned."""
        bits = self._open_bits()
        bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": position}}
        self._hold(bits.random_raw(_WORDS - position).view(np.int64))

    def _refill(self) -> None:
        """Makes the words of the next state when none is left. At least one must be drawn then."""
        if self._used == self._words.size:
            self._hold(self._open_bits().random_raw(_WORDS).view(np.int64))

    def _draw32(self, count: int) -> Array:
        """32-bit draws as int64."""
        if 0 < count <= _WORDS:
            self._refill()
        if self._used + count > self._words.size:
            rest, self._used = self._words[self._used :], self._words.size
            whole = (count - rest.size) // _WORDS * _WORDS
            made = self._open_bits().random_raw(whole).view(np.int64)
            return np.concatenate((rest, made, self._draw32(count - rest.size - whole)))
        self._used += count
        return self._words[self._used - count : self._used]

    def _draw64(self, count: int) -> Array:
        """64-bit draws as int64: the first of two 32-bit draws is the high half."""
        raw = self._draw32(2 * count)
        return (raw[0::2] << 32) | raw[1::2]

    def _draw_unit24(self, count: int) -> Array:
        """Numbers of U[0, 1) as float32, of 24 bits each."""
        return (self._draw32(count) & _BITS24).astype(np.float32) * _UNIT24

    def _draw_unit53(self, count: int) -> Array:
        """Numbers of U[0, 1) as float64, of 53 bits each."""
        return (self._draw64(count) & _BITS53).astype(np.float64) * _UNIT53

    def _draw_uniform(self, shape: Sequence[int], dtype: DType, low: float, high: float) -> Array:
        unit, accumulate = (self._draw_unit53, np.float64) if dtype == np.float64 else (self._draw_unit24, np.float32)
        if (low, high) == (0, 1) and dtype != np.float16:
            return _fill_in_chunks(unit, shape, dtype)
        start, end = accumulate(low), accumulate(high)

        def scale(count: int) -> Array:
            values = fused_multiply_add(unit(count), end - start, start).astype(dtype)
            values[values == dtype.type(end)] = start
            return values

        return _fill_in_chunks(scale, shape, dtype)

    def _draw_normal(self, shape: Sequence[int], dtype: DType, mean: float, std: float, pairs: bool) -> Array:
        size = math.prod(shape)
        if size >= 16 and not pairs:
            return self._draw_normal_blocks(size, dtype, mean, std).reshape(shape)
        numbers = np.array(self._draw_pairs_of_normal(size)).reshape(shape)
        return cast_array(fused_multiply_add(numbers, std, mean), dtype)

    def _draw_normal_blocks(self, size: int, dtype: DType, mean: float, std: float) -> Array:
        """Normal numbers in blocks of 16; if the last block is not full, the last 16 numbers are drawn again."""
        values = np.empty(size, np.float64 if dtype == np.float64 else np.float32)
        whole = size - size % 16
        self._fill_blocks(values[:whole], mean, std)
        if whole < size:
            if dtype != np.float16:
                self._draw32((size - whole) * (dtype.itemsize // 4))  # drawn, then overwritten
            self._fill_blocks(values[-16:], mean, std)
        return values.astype(dtype, copy=False)

    def _fill_blocks(self, values: Array, mean: float, std: float) -> None:
        """Fills whole blocks with normal numbers, many of them in several threads."""
        single = values.dtype == np.float32
        if single and values.size <= _WORDS:
            radius, waves = self._take_waves(values.size)
            normal = join_waves(radius.reshape(-1, 2, 8)[:, 0], waves.reshape(2, -1, 2, 8)[:, :, 1])
            values[...] = fused_multiply_add(normal, std, mean)
            return
        draw, rule = (self._draw_unit24, normal_blocks32) if single else (self._draw_unit53, normal_blocks64)
        for part in _cut(values.size, _CHUNK):
            values[part] = draw(part.stop - part.start)

        def compute(part: slice) -> None:
            values[part] = fused_multiply_add(rule(values[part]), std, mean)

        if values.size <= _PART:
            compute(slice(values.size))
        else:
            from minigrad.parallel import share

            share(compute, _cut(values.size, _PART), _PASSES * values.nbytes)

    def _take_waves(self, count: int) -> tuple[Array, Array]:
        """The radii, and cosines and sines of the angles, that the next words give."""
        self._refill()
        if self._waves is None:
            words = self._words[self._used :]
            uniforms = self._draw_unit24(words.size)
            self._hold(words)  # to give them out after all
            self._waves = radius32(uniforms), cos_sin32(uniforms)
        part = slice(self._used, min(self._used + count, self._words.size))
        self._used = part.stop
        radius, waves = self._waves[0][part], self._waves[1][:, part]
        if len(radius) == count:
            return radius, waves
        more = self._take_waves(count - len(radius))
        return np.concatenate((radius, more[0])), np.concatenate((waves, more[1]), axis=1)

    def _draw_pairs_of_normal(self, count: int) -> list[float]:
        """The second number of the last pair, if it was kept, and new pairs; keeps the second number of the last."""
        numbers = [] if self._kept is None else [self._kept]
        missing = max(count - len(numbers), 0)
        words = iter(self._draw32(2 * (missing + missing % 2)).tolist())
        uniforms = iter([((high << 32 | low) & _LOW53) * 2.0**-53 for high, low in zip(words, words, strict=True)])
        for u1, u2 in zip(uniforms, uniforms, strict=True):
            radius, angle = math.sqrt(-2.0 * math.log1p(-u2)), 2.0 * math.pi * u1
            numbers += radius * math.cos(angle), radius * math.sin(angle)
        self._kept = numbers[count] if len(numbers) > count else None
        return numbers[:count]

    def _draw_one_normal(self) -> float:
        """The second number of the last pair, or the first of a new one."""
        return self._draw_pairs_of_normal(1)[0]

    def _draw_integers(self, shape: Sequence[int], dtype: DType, span: int, low: int, wide: bool) -> Array:
        def draw(count: int) -> Array:
            if not wide:
                return self._draw32(count) % span + low
            raw = self._draw64(count)
            if span == 2**64:
                return raw
            return (raw.view(np.uint64) % np.uint64(span)).view(np.int64) + np.int64(low)

        return _fill_in_chunks(draw, shape, dtype)

    def _draw_permutation(self, n: int, dtype: DType) -> Array:
        order = np.arange(n).tolist()  # an array first, because NumPy's MemoryError says the size
        if n > 1:
            steps = self._draw32(n - 1) % np.arange(n, 1, -1) + np.arange(n - 1)
            for i, other in enumerate(steps.tolist()):
                order[i], order[other] = order[other], order[i]
        return np.array(order, dtype)

    def _draw_bernoulli(self, shape: Sequence[int], p: float, dtype: DType) -> Array:
        return _fill_in_chunks(lambda count: self._draw_unit53(count) < p, shape, np.dtype(bool))

    def _draw_by_chances(self, chances: Array) -> Array:
        if chances.dtype == np.float64:
            return _fill_in_chunks(self._draw_unit53, chances.shape, np.dtype(np.float64)) < chances
        return _fill_in_chunks(self._draw_unit24, chances.shape, np.dtype(np.float32)) < chances

    def _draw_exponential(self, shape: Sequence[int], dtype: DType, rate: float) -> Array:
        def draw(count: int) -> Array:
            return cast_array(map_by_libm(math.log1p, -self._draw_unit53(count)) * (-1.0 / rate), dtype)

        return _fill_in_chunks(draw, shape, dtype)

    def _draw_gamma(self, concentrations: Array) -> Array:
        from minigrad.gamma_draws import draw_gamma

        def unit() -> float:
            return float(self._draw_unit53(1)[0])

        drawn = [draw_gamma(c, unit, self._draw_one_normal) for c in concentrations.reshape(-1).tolist()]
        return np.array(drawn, np.float64).reshape(concentrations.shape)

    def _draw_one_by_one(self, draw: Callable[..., float], *parameters: Array) -> Array:
        """``draw(*numbers, unit)`` for each row of numbers of the parameters; `unit` gives the next of U[0, 1)."""
        start, drawn = self._read_position(), 0

        def draw_blocks() -> Iterator[float]:
            while True:
                yield from self._draw_unit53(_BLOCK).tolist()

        def unit() -> float:
            nonlocal drawn
            drawn += 1
            return next(stream)

        stream = draw_blocks()
        rows = zip(*[x.reshape(-1).tolist() for x in parameters], strict=True)
        counts = [draw(*numbers, unit) for numbers in rows]
        self._go_to(*start)  # numbers drawn in advance are drawn again
        self._draw64(drawn)
        return np.array(counts, np.float64).reshape(parameters[0].shape)


def fused_multiply_add(x: Array, scale: Any, shift: Any) -> Array:
    """``x * scale + shift``, rounded once, as a fused multiply-add instruction does."""
    if isinstance(scale, float) and (scale, shift) == (1, 0):
        return x
    if x.dtype == np.float32:
        # A product of two float32 is exact in float64.
        x, scale, shift = [np.asarray(value, np.float32).astype(np.float64) for value in (x, scale, shift)]
        return (x * scale + shift).astype(np.float32)
    if not (np.isfinite(scale) and np.isfinite(shift)):
        with np.errstate(invalid="ignore"):
            return x * scale + shift
    if max(abs(scale), abs(shift)) > 2.0**960:  # `_upper_half` would overflow; the powers of two change no digit
        with np.errstate(over="ignore"):
            return fused_multiply_add(x, scale * 2.0**-64, shift * 2.0**-64) * 2.0**64
    # The rounding errors of product and sum, computed exactly (T. J. Dekker, 1971), are added at the end.
    product = x * scale
    x_high, scale_high = _upper_half(x), _upper_half(scale)
    x_low, scale_low = x - x_high, scale - scale_high
    error = (x_high * scale_high - product) + x_high * scale_low + x_low * scale_high
    error += x_low * scale_low
    total = product + shift
    added = total - product
    return total + (((product - (total - added)) + (shift - added)) + error)


def _upper_half(x: Any) -> Any:
    """The upper 26 of the 53 bits of a float64."""
    scaled = x * (2.0**27 + 1)
    return scaled - (scaled - x)


def _cut(size: int, length: int) -> list[slice]:
    """Slices of this length, the last one shorter, of so many elements."""
    return [slice(start, min(start + length, size)) for start in range(0, size, length)]


def _fill_in_chunks(draw: Callable[[int], Array], shape: Sequence[int], dtype: DType) -> Array:
    """Fills an array of `shape` by `draw(count)`, a chunk at a time."""
    size = math.prod(map(int, shape))
    if size <= _CHUNK:
        return draw(size).astype(dtype, copy=False).reshape(shape)
    values = np.empty(size, dtype)
    for part in _cut(size, _CHUNK):
        values[part] = draw(part.stop - part.start)
    return values.reshape(shape)
