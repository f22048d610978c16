"""Random numbers of the 32-bit Mersenne Twister, exactly those of PyTorch's generator on the CPU.

It is seeded with the low 32 bits of the seed (NumPy's legacy seeding gives the same state). NumPy makes all words of a
state at once, and small draws take the next ones; what large ones draw is converted chunk by chunk. `generator.py`
checks the arguments; `gpu/philox.py` is the counterpart for GPUs.

Normal numbers are made of uniform ones, u1 and u2 on [0, 1): with the radius sqrt(-2 log(1 - u1)) and the angle
2 pi u2, radius cos(angle) and radius sin(angle) are independent and normal. In float32 PyTorch computes log, cos and
sin with the polynomials of S. L. Moshier's Cephes library and fused multiply-adds. The same here, each fused step in
float64 and then rounded, agrees in every bit; NumPy's own log and cos would be up to 4 units in the last place away.
That takes 90 calls of NumPy, so a small draw makes the radii and angles of all words that are left in the state.

Sources: M. Matsumoto and T. Nishimura, "Mersenne Twister", 1998; G. E. P. Box and M. E. Muller, "A
note on the generation of random normal deviates", 1958. Rounding follows PyTorch's own, measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from minigrad.dtypes import cast_array

Array: TypeAlias = np.ndarray[Any, Any]
DType: TypeAlias = np.dtype[Any]
_WORDS = 624  # the size of the state
_BLOCK = 256  # numbers drawn in advance where the needed number is unknown
_CHUNK = 1 << 14  # elements drawn at a time: the temporaries of one chunk stay in the cache
_PASSES = 16  # a normal number takes at least as long as so many passes over its bytes


# As arrays of 0 dimensions, with which NumPy computes sooner than with numbers.
_BITS24, _BITS53 = np.asarray(2**24 - 1), np.asarray(2**53 - 1)
_UNIT24, _UNIT53 = np.asarray(2.0**-24, np.float32), np.asarray(2.0**-53)


class Twister:
    """The random stream: draws of 32 and 64 bits, and arrays of numbers made of them."""

    __slots__ = ("_bits", "_kept", "_seed", "_used", "_waves", "_words")

    _seed: int
    _bits: Any  # made at the first draw, because numpy.random takes 10 ms to import; all words of its state are made
    _words: Array  # the last words of that state, as int64
    _used: int  # how many of them are drawn
    _waves: tuple[Array, Array] | None  # the radius, and cosine and sine of the angle, that each of them gives
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

    def _is_held(self, count: int) -> bool:
        """Whether the next words, at least one, are all of one state."""
        if self._used == self._words.size and count <= _WORDS:
            self._hold(self._open_bits().random_raw(_WORDS).view(np.int64))
        return self._used + count <= self._words.size

    def _draw32(self, count: int) -> Array:
        """32-bit draws as int64."""
        if count and not self._is_held(count):
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
        return _to_unit24(self._draw32(count))

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
        single, parts = values.dtype == np.float32, _cut(values.size)
        if single and self._is_held(values.size):
            values[...] = fused_multiply_add(self._take_normal(values.size), std, mean)
            return
        draw, rule = (self._draw_unit24, normal_blocks32) if single else (self._draw_unit53, normal_blocks64)
        for part in parts:
            values[part] = draw(part.stop - part.start)

        def compute(part: slice) -> None:
            values[part] = fused_multiply_add(rule(values[part]), std, mean)

        if len(parts) == 1:
            compute(parts[0])
        else:
            from minigrad.parallel import share

            share(compute, parts, _PASSES * values.nbytes)

    def _take_normal(self, count: int) -> Array:
        """Blocks of normal numbers in float32, of words that are held."""
        if self._waves is None:
            uniforms = _to_unit24(self._words)
            self._waves = _radius32(uniforms), _cos_sin32(_TURN * uniforms)
        radius, waves = self._waves
        self._used += count
        part = slice(self._used - count, self._used)
        return _join(radius[part].reshape(-1, 2, 8)[:, 0], waves[:, part].reshape(2, -1, 2, 8)[:, :, 1])

    def _draw_pairs_of_normal(self, count: int) -> list[float]:
        """The second number of the last pair, if it was kept, and new pairs; keeps the second number of the last."""
        numbers = [] if self._kept is None else [self._kept]
        missing = max(count - len(numbers), 0)
        uniforms = iter(self._draw_unit53(missing + missing % 2).tolist())
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
            return cast_array(with_libm(math.log1p, -self._draw_unit53(count)) * (-1.0 / rate), dtype)

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


def _to_unit24(words: Array) -> Array:
    return (words & _BITS24).astype(np.float32) * _UNIT24


def _cut(size: int) -> list[slice]:
    """The chunks of so many elements."""
    return [slice(start, min(start + _CHUNK, size)) for start in range(0, size, _CHUNK)]


def _fill_in_chunks(draw: Callable[[int], Array], shape: Sequence[int], dtype: DType) -> Array:
    """Fills an array of `shape` by `draw(count)`, a chunk at a time."""
    size = math.prod(map(int, shape))
    if size <= _CHUNK:
        return draw(size).astype(dtype, copy=False).reshape(shape)
    values = np.empty(size, dtype)
    for part in _cut(size):
        values[part] = draw(part.stop - part.start)
    return values.reshape(shape)


# ---- rounding, and Box and Muller's rule -----------------------------------------------------------
def with_libm(function: Callable[[float], float], x: Array) -> Array:
    """Makes a function of arrays from the C library's, as PyTorch uses it in float64; NumPy's may differ by a bit."""
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


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


def normal_blocks64(uniforms: Array) -> Array:
    """Box and Muller's rule on blocks of 16: eight radii, eight angles."""
    u = uniforms.reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * with_libm(math.log, 1.0 - u[:, 0]))
    angle = 2.0 * math.pi * u[:, 1]
    return np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1).reshape(-1)


def normal_blocks32(uniforms: Array) -> Array:
    """The same in float32, with the polynomials that PyTorch uses for log, cos and sin."""
    u = uniforms.reshape(-1, 2, 8)
    return _join(_radius32(u[:, 0]), _cos_sin32((_TURN * u[:, 1]).reshape(-1)).reshape(2, -1, 8))


def _radius32(uniforms: Array) -> Array:
    return np.sqrt(_MINUS_TWO * _log32(_ONE - uniforms))


def _join(radius: Array, waves: Array) -> Array:
    """The normal numbers of radii, shape (blocks, 8), and of cosines and sines, shape (2, blocks, 8)."""
    normal = np.empty((len(radius), 2, 8), np.float32)
    np.multiply(radius, waves, out=normal.transpose(1, 0, 2))  # (blocks, 2, 8) -> (2, blocks, 8)
    return normal.reshape(-1)


def _single(*coefficients: float) -> list[float]:
    """The coefficients as float32 holds them."""
    return [float(np.float32(c)) for c in coefficients]


# These are arrays of 0 dimensions, too. Of the coefficients, that of the highest power comes first.
_ONE, _HALF, _MINUS_TWO, _TURN, _EIGHTHS_IN_A_RADIAN, _LOG2_HEAD, _LOG2_TAIL = [
    np.asarray(c, np.float32) for c in (1, 0.5, -2, 2 * math.pi, 4 / math.pi, 0.693359375, -2.12194440e-4)
]  # log 2 in two parts, so that a whole number times the first is exact
_LOG = [np.asarray(c) for c in _single(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)]  # fmt: skip
_COS = _single(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN = _single(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS_SIN = [*np.array([_COS, _SIN]).T[..., None]]  # each (2, 1): both polynomials are evaluated together
_FIRST, *_REST = [np.asarray(-2 * c) for c in _single(0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)]
# -pi/2 in three parts, so that a whole number times the first is exact
_AHEAD = np.array([[1], [0]], np.int32)  # cosine is sine a quarter of a turn ahead


def _polynomial(x: Array, coefficients: Sequence[Array]) -> Array:
    """Horner's rule with fused steps, of x in float64; the result is float32."""
    step = x * coefficients[0]
    step += coefficients[1]
    value = step.astype(np.float32)
    for coefficient in coefficients[2:]:
        step[...] = value  # widened here, because a product of two types takes three times as long
        step *= x
        step += coefficient
        value[...] = step
    return value


_HALF_ROOT = np.asarray(math.sqrt(0.5), np.float32).view(
    np.int32
)  # its bits: the 23 lowest are the fraction, then the exponent


def _log32(x: Array) -> Array:
    """The logarithm e log 2 + log m, with m in [sqrt(1/2), sqrt 2)."""
    bits = x.view(np.int32)
    exponent = bits - _HALF_ROOT >> 23
    m = (bits - (exponent << 23)).view(np.float32)
    m -= _ONE
    e = exponent.astype(np.float32)
    square = m * m
    p = _polynomial(m.astype(np.float64), _LOG)
    tail = fused_multiply_add(p * m, square, e * _LOG2_TAIL)
    tail -= square * _HALF
    tail += m
    e *= _LOG2_HEAD
    e += tail
    return e


def _cos_sin32(x: Array) -> Array:
    """Cosine and sine of x in [0, 2 pi], shape (2, n).

    Reduces x by a multiple of pi/2, then evaluates one polynomial for each.
    """
    quarter = (x * _EIGHTHS_IN_A_RADIAN).astype(np.int32) + 1 >> 1
    turned, wide = quarter.astype(np.float64), x.astype(np.float64)
    wide += turned * _FIRST
    for part in _REST:
        wide += turned * part
        x = wide.astype(np.float32)
        wide[...] = x
    square = x * x
    wide = np.array((square, wide))
    # The last steps: 1 - x^2/2 + x^2 (x^2 p), and x + x (x^2 p).
    step = (_polynomial(wide[0], _COS_SIN) * square).astype(np.float64)
    step *= wide
    wide[0] *= -0.5
    step += wide
    waves = step.astype(np.float32)
    waves[0] += _ONE
    # Odd quarters of a turn exchange cosine and sine; each is negative in two of the four.
    bits = waves.view(np.int32)
    bits ^= (bits[0] ^ bits[1]) & -(quarter & 1)
    bits ^= (quarter + _AHEAD & 2) << 30
    return waves
