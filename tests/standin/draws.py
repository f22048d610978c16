"""The twins of the random number kernels: Philox4x32-10 in NumPy, and PyTorch's conversion of its words."""

import numpy as np

from tests.standin.kernels import TWINS

U = np.uint64
LOW = U(0xFFFFFFFF)


def philox(counter, sequence, key):
    """Four 32-bit words, in 64-bit ones, for each counter and sequence: (4, ...)."""
    a, b, c, d = np.broadcast_arrays(counter & LOW, counter >> U(32), sequence & LOW, sequence >> U(32))
    first, second = int(key) & 0xFFFFFFFF, int(key) >> 32
    for _ in range(10):
        p, q = a * U(0xD2511F53), c * U(0xCD9E8D57)
        a, b, c, d = (q >> U(32)) ^ b ^ U(first), q & LOW, (p >> U(32)) ^ d ^ U(second), p & LOW
        first, second = (first + 0x9E3779B9) & 0xFFFFFFFF, (second + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([a, b, c, d])


def singles(words):
    return [w.astype(np.float32) * np.float32(2**-32) + np.float32(2**-33) for w in words]


def doubles(words):
    return [(x ^ y << U(21)) * 2.0**-53 + 2.0**-54 for x, y in (words[:2], words[2:])]


def normal_singles(words):
    turn = np.float32(2**-32) * np.float32(2 * np.pi)
    for x, y in (words[:2], words[2:]):
        radius = np.sqrt(np.float32(-2) * np.log(singles([x])[0]))
        angle = (y.astype(np.float32) * turn + turn / np.float32(2)).astype(np.float64)
        yield from ((np.sin(angle) * radius).astype(np.float32), (np.cos(angle) * radius).astype(np.float32))


def normal_doubles(words):
    u, v = doubles(words)
    radius = np.sqrt(-2 * np.log(u))
    return np.sin(2 * np.pi * v) * radius, np.cos(2 * np.pi * v) * radius


def uniform(u, low, span, high):
    x = (u.astype(np.longdouble) * np.longdouble(span) + np.longdouble(low)).astype(u.dtype)  # rounded once
    return np.where(x == high, low, x)


def exponential(u, factor, half):
    return factor * np.where(u >= 1 - half, -half, np.log(u))


def make_draw_twin(of_singles, of_doubles, value):
    """A kernel: words become numbers, and each of these the value of an element."""

    def twin(grid, block, arguments, constants):
        out, count, key, offset, state, recorded, *parameters = arguments
        assert count == out.size and block == (256,) and offset % 4 == 0
        if recorded:
            key, offset = state[0], offset + state[1]
        wide = out.dtype == np.float64 or any(x.dtype == np.float64 for x in parameters)
        of_words = of_doubles if wide else of_singles
        threads, per = grid[0] * 256, 2 if of_words in (doubles, normal_doubles, wide_integers) else 4
        near = constants["NEAR"]
        rounds = max(1, near // per)  # of words that a packet takes
        turns = rounds * -(-int(count) // (threads * per * rounds))
        counters = (U(offset) // U(4) + np.arange(turns, dtype=U))[:, None]
        words = philox(counters, np.arange(threads, dtype=U), key)  # (4, turns, threads)
        drawn = np.stack(list(of_words(words)))  # (per, turns, threads)
        # a thread's numbers, j = turn * per + k, go to element j % near of its packet j / near
        drawn = drawn.transpose(1, 0, 2).reshape(turns * per // near, near, threads).transpose(0, 2, 1)
        flat = drawn.reshape(-1)[: out.size]
        with np.errstate(all="ignore"):
            out.reshape(-1)[...] = value(flat, *[p.reshape(-1) if np.ndim(p) else p for p in parameters])

    return twin


def plain(words):
    return list(words)


def wide_integers(words):
    return [words[0] << U(32) | words[1], words[2] << U(32) | words[3]]


def drop(u, p, scale, x, y):
    factors = np.where(u < p, scale, 0).astype(x.dtype)
    y[...] = x * factors
    return factors


def modulo(x, span, low):
    return (x % U(span) if span else x).astype(np.int64) + low


TWINS.update(
    draw_uniform=make_draw_twin(singles, doubles, uniform),
    draw_normal=make_draw_twin(normal_singles, normal_doubles, lambda z, mean, std: z * std + mean),
    draw_exponential=make_draw_twin(singles, doubles, exponential),
    draw_bernoulli=make_draw_twin(singles, doubles, lambda u, p: u < p),
    draw_chances=make_draw_twin(singles, singles, lambda u, p: u <= p),
    drop=make_draw_twin(singles, singles, drop),
    draw_integers=make_draw_twin(plain, plain, modulo),
    draw_wide_integers=make_draw_twin(wide_integers, wide_integers, modulo),
)
