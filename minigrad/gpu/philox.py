"""Random numbers drawn on a GPU, exactly those of PyTorch's generator on a GPU with the same seed.

Philox4x32-10 is counter-based: ten rounds of two products mix a counter and a key into four 32-bit words. So every
thread draws by itself: the seed is the key, the thread's index the upper half of the counter, and the number of its
draws the lower half. The state is only the seed and an offset: each call adds to the offset the number of words that
one of its threads draws.

Which element gets which number depends on the number of threads: PyTorch launches blocks of 256, at most as many as
the GPU holds at once, and a thread's words go to elements one grid apart. So the numbers equal PyTorch's on the same
model of GPU, and on every GPU where each element has a thread of its own.

Sources: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011; cuRAND's documentation of its Philox
generator; PyTorch's recorded draws (`tests/oracle/record_philox.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from minigrad.backend import Array, library
from minigrad.devices import device
from minigrad.gpu import cuda_c
from minigrad.gpu.floats import OF_FLOATS, OF_HALVES, in_one_piece
from minigrad.gpu.launch import THREADS, Kernel, blocks_for

Shape = Sequence[int]
GPU = device("cuda")

HELPERS = r"""
typedef unsigned long long u64;
struct Words { unsigned int w[4]; };

__device__ Words philox(u64 counter, u64 sequence, u64 key) {
    unsigned int a = (unsigned int)counter, b = (unsigned int)(counter >> 32);
    unsigned int c = (unsigned int)sequence, d = (unsigned int)(sequence >> 32);
    unsigned int k = (unsigned int)key, l = (unsigned int)(key >> 32);
    for (int round = 0; round < 10; ++round, k += 0x9E3779B9u, l += 0xBB67AE85u) {
        u64 p = (u64)0xD2511F53u * a, q = (u64)0xCD9E8D57u * c;
        a = (unsigned int)(q >> 32) ^ b ^ k; b = (unsigned int)q;
        c = (unsigned int)(p >> 32) ^ d ^ l; d = (unsigned int)p;
    }
    Words words = {{a, b, c, d}};
    return words;
}

// One word, or two for a double, as a number in (0, 1].
__device__ void unit(Words words, float* u) {
    for (int k = 0; k < 4; ++k) u[k] = words.w[k] * 2.3283064e-10f + 1.1641532e-10f;
}
__device__ void unit(Words words, double* u) {
    for (int k = 0; k < 2; ++k)
        u[k] = (words.w[2 * k] ^ (u64)words.w[2 * k + 1] << 21) * 1.1102230246251565e-16 + 5.551115123125783e-17;
}

// Box and Muller: a radius and an angle of two numbers each.
__device__ void normal_pairs(Words words, float* z) {
    const float turn = 2.3283064e-10f * 6.2831855f;
    for (int k = 0; k < 4; k += 2) {
        float u = words.w[k] * 2.3283064e-10f + 1.1641532e-10f, sine, cosine;
        __sincosf(words.w[k + 1] * turn + turn / 2, &sine, &cosine);
        float radius = sqrtf(-2.0f * logf(u));
        z[k] = sine * radius; z[k + 1] = cosine * radius;
    }
}
__device__ void normal_pairs(Words words, double* z) {
    double u[2], sine, cosine;
    unit(words, u);
    sincospi(2.0 * u[1], &sine, &cosine);
    double radius = sqrt(-2.0 * log(u[0]));
    z[0] = sine * radius; z[1] = cosine * radius;
}

__device__ float logarithm(float x) { return __logf(x); }
__device__ double logarithm(double x) { return log(x); }
"""

# One draw of a thread serves `PER` elements. Its j-th number goes to element j % NEAR of its packet j / NEAR, and the
# packets of a thread lie one grid apart. A recorded graph reads seed and offset from memory, for each replay anew.
BODY = """
extern "C" __global__ void NAME(
    OUT* out, long long count, u64 seed, u64 offset, const u64* state, int recorded, PARAMETERS)
{
    const int PER = WORDS;
    if (recorded) { seed = state[0]; offset += state[1]; }
    long long thread = blockIdx.x * (long long)blockDim.x + threadIdx.x, threads = (long long)gridDim.x * blockDim.x;
    for (long long turn = 0;; ++turn) {
        long long packet = (thread + turn * PER / NEAR * threads) * NEAR, first = packet + turn * PER % NEAR;
        if (packet >= count) break;
        if (first >= count) continue;
        Words words = philox(offset / 4 + turn, thread, seed);
        PREPARE
        auto number = [&](int k, long long i) -> OUT { VALUE };
        auto use = [&](long long i, Four<OUT> drawn, int some) { USE };  // once they are written
        if (NEAR < 4 || PER < 4) {
            #pragma unroll
            for (int k = 0; k < PER; ++k) {
                long long i = first + k / NEAR * NEAR * threads + k % NEAR;
                if (i < count) use(i, repeat(out[i] = number(k, i)), 1);
            }
        } else {  // four neighbours
            Four<OUT> four;
            int some = count - first < 4 ? count - first : 4;
            #pragma unroll
            for (int k = 0; k < 4; ++k) four.at[k] = number(k < some ? k : 0, first + (k < some ? k : 0));
            write(out + first, four, some);
            use(first, four, some);
        }
    }
}
"""
REAL = "sizeof(T) == 8 ? 2 : 4"
UNITS = "T u[4]; unit(words, u);"


class Draw:
    """A kernel that draws random numbers, compiled for each size of a packet."""

    def __init__(
        self, name: str, out: str, parameters: str, prepare: str, value: str, words: str = REAL, use: str = ""
    ) -> None:
        self.name, self.body = name, BODY
        parts = {"NAME": name, "OUT": out, "PARAMETERS": parameters, "WORDS": words, "PREPARE": prepare}
        for part, text in (parts | {"VALUE": value, "USE": use}).items():
            self.body = self.body.replace(part, text)
        self._kernels: dict[tuple[int, bool], Kernel] = {}

    def in_packets_of(self, near: int, halves: bool = False) -> Kernel:
        """The kernel whose threads draw for so many neighbours."""
        if (near, halves) not in self._kernels:
            helpers = cuda_c.HELPERS + cuda_c.MOVES + (OF_HALVES if halves else OF_FLOATS) + HELPERS
            self._kernels[near, halves] = Kernel(self.name, self.body, f"#define NEAR {near}\n{helpers}")
        return self._kernels[near, halves]


UNIFORM = Draw(
    "draw_uniform", "T", "T low, T span, T high", UNITS,
    "T x = fma(u[k], span, low); return x == high ? low : x;",
)  # fmt: skip
NORMAL = Draw("draw_normal", "T", "T mean, T std", "T z[4]; normal_pairs(words, z);", "return fma(z[k], std, mean);")
EXPONENTIAL = Draw(
    "draw_exponential", "T", "T factor, T half", UNITS,
    "return factor * (u[k] >= 1 - half ? -half : logarithm(u[k]));",
)  # fmt: skip
BERNOULLI = Draw("draw_bernoulli", "bool", "T p", UNITS, "return u[k] < p;")
CHANCES = Draw("draw_chances", "bool", "const T* p", "float u[4]; unit(words, u);", "return u[k] <= p[i];", "4")
DROP = Draw(
    "drop", "T", "float p, A scale, const T* x, T* y", "float u[4]; unit(words, u);",
    "return down(u[k] < p ? scale : A(0));", "4",
    "Four<T> v = read(x + i, some);"
    "for (int k = 0; k < 4; ++k) v.at[k] = down(up(v.at[k]) * up(drawn.at[k]));"
    "write(y + i, v, some);",
)  # fmt: skip
INTEGERS = Draw("draw_integers", "T", "unsigned int span, T low", "", "return (T)(words.w[k] % span) + low;", "4")
WIDE_INTEGERS = Draw(
    "draw_wide_integers", "T", "u64 span, T low", "",
    "u64 x = (u64)words.w[2 * k] << 32 | words.w[2 * k + 1]; return (T)(span ? x % span : x) + low;", "2",
)  # fmt: skip


@cache
def _count_blocks(_library: int, gpu: int) -> int:
    """The number of blocks of 256 threads that a GPU holds at once, cached for each library (CuPy, the stand-in)."""
    facts = library(GPU).cuda.runtime.getDeviceProperties(gpu)
    return int(facts["multiProcessorCount"] * (facts["maxThreadsPerMultiProcessor"] // THREADS))


class Recording:
    """The draws of a graph, relative to `state`, from which each replay reads seed and offset."""

    def __init__(self, state: Array) -> None:
        self.state, self.words = state, 0


class Philox:
    """A mixin with the draws of a `Generator` of device "cuda", on the current GPU.

    The generator has already checked the arguments.
    """

    _seed: int
    _offset: int  # how many words each thread has drawn
    _recording: Recording | None

    def _launch(self, draw: Draw, char: str, out: Array, *parameters: Any, per: int = 4, near: int = 1) -> Array:
        """Fills `out` with as many threads as the GPU holds, each of which draws for `per` elements at a time."""
        if out.size:
            blocks = min(blocks_for(out.size), _count_blocks(id(library(GPU)), library(GPU).cuda.runtime.getDevice()))
            words = 4 * blocks_for(out.size, blocks * THREADS * per)
            halves = char == "e"
            self._draw(draw.in_packets_of(near, halves), "H" if halves else char, out, blocks, words, parameters)
        return out

    def _draw(
        self, kernel: Kernel, char: str, out: Array, blocks: int, words: int, parameters: tuple[Any, ...]
    ) -> None:
        recording = self._recording
        if recording is None:
            where = (np.uint64(self._seed), np.uint64(self._offset), np.uint64(0))
            self._offset += words
        else:
            where = (np.uint64(0), np.uint64(recording.words), recording.state)
            recording.words += words
        numbers = (np.int64(out.size), *where, np.int32(recording is not None))
        kernel((blocks,), (THREADS,), (out, *numbers, *parameters), char)

    # ---- draws --------------------------------------------------------------------------------

    def _draw_uniform(self, shape: Shape, dtype: Any, low: float, high: float) -> Array:
        real, out = _make_room(shape, dtype)
        start, end = real(low), real(high)
        values = self._launch(UNIFORM, out.dtype.char, out, start, real(high - low), end, per=_count_drawn(out))
        if dtype != out.dtype:  # a half may be rounded up to the end, which is never drawn
            values = values.astype(dtype)
            values[values == dtype.type(high)] = dtype.type(low)
        return values

    def _draw_normal(self, shape: Shape, dtype: Any, mean: float, std: float, _pairs: bool) -> Array:
        real, out = _make_room(shape, dtype)
        values = self._launch(NORMAL, out.dtype.char, out, real(mean), real(std), per=_count_drawn(out))
        return values.astype(dtype, copy=False)

    def _draw_exponential(self, shape: Shape, dtype: Any, rate: float) -> Array:
        real, out = _make_room(shape, dtype)
        half = np.finfo(out.dtype).eps / 2
        values = self._launch(
            EXPONENTIAL, out.dtype.char, out, real(-1) / real(rate), real(half), per=_count_drawn(out)
        )
        return values.astype(dtype, copy=False)

    def _draw_integers(self, shape: Shape, dtype: Any, span: int, low: int, wide: bool) -> Array:
        out = library(GPU).empty(shape, np.int64)
        if wide:
            values = self._launch(WIDE_INTEGERS, "l", out, np.uint64(span % 2**64), np.int64(low), per=2)
        else:
            values = self._launch(INTEGERS, "l", out, np.uint32(span), np.int64(low))
        return values.astype(dtype, copy=False)

    def _draw_bernoulli(self, shape: Shape, p: float, dtype: Any) -> Array:
        """Where a uniform number is below `p`; the number has double precision if `dtype` has."""
        char = "d" if dtype == np.float64 else "f"
        out = library(GPU).empty(shape, bool)
        return self._launch(BERNOULLI, char, out, np.dtype(char).type(p), per=2 if char == "d" else 4)

    def _draw_by_chances(self, p: Array) -> Array:
        """Where a number is at most that of `p`; each thread draws for four neighbours and counts twelve words."""
        chances = p.astype(p.dtype if p.dtype == np.float64 else np.float32, order="C", copy=False)
        out = library(GPU).empty(p.shape, bool)
        if out.size:
            blocks = blocks_for(out.size, 4 * THREADS)
            self._draw(CHANCES.in_packets_of(4), chances.dtype.char, out, blocks, 12, (chances,))
        return out

    def drop(self, x: Array, p: float, near: int) -> tuple[Array, Array]:
        """`x` with some elements dropped, and the factors of all: 0 with probability `p`, else ``1 / (1 - p)``.

        Up to `near` neighbours share a thread's words.

        >>> import minigrad as torch
        >>> if torch.cuda.is_available():
        ...     y, factors = torch.Generator("cuda").drop(torch.ones(4, device="cuda").array, 0.5, 4)
        """
        x = in_one_piece(x)
        y, factors = (library(GPU).empty(x.shape, x.dtype) for _ in range(2))
        while x.size % near:
            near //= 2
        keep = np.float32(1 - p)
        real = np.float64 if x.dtype == np.float64 else np.float32
        scale = real(x.dtype.type(real(1) / real(keep)))  # for float16 also computed in float32, then rounded
        self._launch(DROP, x.dtype.char, factors, keep, scale, x, y, near=near)
        return y, factors

    # ---- graphs -------------------------------------------------------------------------------

    def record(self) -> None:
        """Until `end_recording`, draws read the seed and offset from memory, which `replay` fills."""
        self._recording = Recording(library(GPU).zeros(2, np.uint64))

    def end_recording(self) -> Recording:
        """The recorded draws, which `replay` takes before each launch of the graph."""
        recording, self._recording = self._recording, None
        assert recording is not None, "record() comes first"
        return recording

    def replay(self, recording: Recording) -> None:
        """Gives the graph that is launched next the present seed and offset, and moves the offset on."""
        if recording.words:
            recording.state[:1].fill(np.uint64(self._seed))
            recording.state[1:].fill(np.uint64(self._offset))
            self._offset += recording.words


def _make_room(shape: Shape, dtype: Any) -> tuple[Any, Array]:
    """The dtype of the draws, float64 or float32, and an array for them."""
    drawn = np.dtype(np.float64 if dtype == np.float64 else np.float32)
    return drawn.type, library(GPU).empty(shape, drawn)


def _count_drawn(out: Array) -> int:
    """How many numbers a thread's four words make."""
    return 2 if out.dtype == np.float64 else 4
