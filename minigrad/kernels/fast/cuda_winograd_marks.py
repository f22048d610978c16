"""Finds the tiles in which Winograd on a GPU would lose accuracy, and computes them by the definition.

Rounding in a tile mixes pixels that an output does not see. On a CPU the data are inspected before Winograd is chosen;
on a GPU that would mean waiting. So a kernel inspects them: `mark` marks each tile in which an output sees much larger
numbers than another (the test of `winograd.is_even`), or a NaN or an infinity, and the marked tiles are computed again
by the definition. Without marked tiles that costs one more reading of the image.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import THREADS, blocks_for
from minigrad.kernels.fast.cuda_parts import StructKernel, as_struct, steps_of
from minigrad.kernels.fast.winograd import HUGE, SPREAD
from minigrad.kernels.geometry import Pair

MOST_MENDING = 2048  # blocks that compute marked tiles again; they loop over all tiles

# The largest |x| over the channels of each pixel, 8 threads per pixel. Compared as bits, so NaN is above infinity.
PEAKS = StructKernel(
    "find_peaks",
    """
extern "C" __global__ void find_peaks(
    const T* __restrict__ x, unsigned* __restrict__ peaks, int* seen, int count, int C, int H, int W,
    int xn, int xc, int xh, int xw)
{
    __shared__ unsigned found[8][32];
    int i = blockIdx.x * 32 + threadIdx.x;
    unsigned peak = 0;
    if (i < count) {
        const T* pixel = x + (i / W / H * xn + i / W % H * xh + i % W * xw);
        #pragma unroll 8
        for (int c = threadIdx.y; c < C; c += 8) peak = max(peak, __float_as_uint(pixel[c * xc]) & 0x7fffffffu);
    }
    found[threadIdx.y][threadIdx.x] = peak;
    __syncthreads();
    if (threadIdx.y || i >= count) return;
    for (int k = 1; k < 8; k++) peak = max(peak, found[k][threadIdx.x]);
    peaks[i] = peak;
    if (i == 0) *seen = 0;
}
""",
)
# One thread per tile: looks at its windows of the image and, if there are any, at its cotangents.
MARK = """
extern "C" __global__ void mark(
    const T* __restrict__ peaks, const T* __restrict__ others, int* marks, int* seen, int with_others, int count,
    int H, int W, int Ho, int Wo, int Th, int Tw, int ph, int pw)
{
    int tile = blockIdx.x * blockDim.x + threadIdx.x;
    if (tile >= count) return;
    int left = tile % Tw * STEP, top = tile / Tw % Th * STEP, n = tile / Tw / Th;
    T most = T(0), least = T(HUGE_NUMBER);
    bool marked = false;
    for (int t = top; t < min(top + STEP, Ho); t++)
        for (int u = left; u < min(left + STEP, Wo); u++) {
            T most_here = T(0);
            for (int row = max(0, t - ph); row < min(H, t - ph + TAPS); row++)
                for (int col = max(0, u - pw); col < min(W, u - pw + TAPS); col++) {
                    T peak = peaks[(n * H + row) * W + col];
                    marked |= !(peak < T(HUGE_NUMBER));
                    most_here = max(most_here, peak);
                }
            most = max(most, most_here), least = min(least, most_here);
            if (with_others) marked |= !(others[(n * Ho + t) * Wo + u] < T(HUGE_NUMBER));
        }
    marks[tile] = marked |= !(most <= T(SPREAD) * least);
    if (marked) *seen = 1;
}
"""
# One block per marked tile; each thread computes some of its outputs by the definition.
MEND = """
extern "C" __global__ void mend_tiles(
    const T* x, const T* w, const T* bias, T* out, const int* marks, const int* seen,
    int skips, int count, int C, int H, int W, int O, int Ho, int Wo, int Th, int Tw, int ph, int pw,
    int xn, int xc, int xh, int xw, int wo, int wc, int wa, int wb)
{
    if (!*seen) return;
    for (int tile = blockIdx.x; tile < count; tile += gridDim.x) {
        if (!marks[tile]) continue;
        for (int k = threadIdx.x; k < O * STEP * STEP; k += blockDim.x) {
            int o = k / (STEP * STEP), n = tile / Tw / Th;
            int t = tile / Tw % Th * STEP + k / STEP % STEP, u = tile % Tw * STEP + k % STEP;
            if (t >= Ho || u >= Wo) continue;
            T sum = bias ? bias[o] : T(0);
            for (int c = 0; c < C; c++)
                for (int a = 0; a < TAPS; a++)
                    for (int b = 0; b < TAPS; b++) {
                        int row = t - ph + a, col = u - pw + b;
                        bool inside = row >= 0 && row < H && col >= 0 && col < W;
                        if (!inside && skips) continue;
                        T pixel = inside ? x[n * xn + c * xc + row * xh + col * xw] : T(0);
                        sum += pixel * w[o * wo + c * wc + a * wa + b * wb];
                    }
            out[((n * O + o) * Ho + t) * Wo + u] = sum;
        }
    }
}
"""
# One thread per weight, if any tile is marked: adds the products of the marked tiles.
MEND_WEIGHTS = """
extern "C" __global__ void mend_weights(
    const T* x, const T* g, T* weights, const int* marks, const int* seen, int count, int tiles, int C, int H, int W,
    int Ho, int Wo, int Th, int Tw, int ph, int pw,
    int xn, int xc, int xh, int xw, int gn, int go, int gh, int gw)
{
    if (!*seen) return;
    int i = blockIdx.x * blockDim.x + threadIdx.x, b = i % TAPS, a = i / TAPS % TAPS;
    int c = i / (TAPS * TAPS) % C, o = i / (TAPS * TAPS) / C;
    T sum = i < count ? weights[i] : T(0);
    bool any = false;  // whether any of the next blockDim.x tiles is marked: each thread looks at one
    for (int tile = 0; tile < tiles; tile++) {
        if (tile % blockDim.x == 0) any = __syncthreads_or(tile + threadIdx.x < tiles && marks[tile + threadIdx.x]);
        if (!any) tile += blockDim.x - 1;
        if (!any || !marks[tile] || i >= count) continue;
        int left = tile % Tw * STEP, top = tile / Tw % Th * STEP, n = tile / Tw / Th;
        for (int t = top; t < min(top + STEP, Ho); t++)
            for (int u = left; u < min(left + STEP, Wo); u++) {
                int row = t - ph + a, col = u - pw + b;
                bool inside = row >= 0 && row < H && col >= 0 && col < W;
                T pixel = inside ? x[n * xn + c * xc + row * xh + col * xw] : T(0);
                sum += pixel * g[n * gn + o * go + t * gh + u * gw];
            }
    }
    if (i < count) weights[i] = sum;
}
"""
SOURCES = {"mark": MARK, "mend_tiles": MEND, "mend_weights": MEND_WEIGHTS}


class Frame(NamedTuple):
    """The tiles over a batch of images: their size, their number, and the windows that they cover."""

    length: int  # pixels along a tile
    taps: int  # along the kernel
    images: int
    windows: Pair

    @property
    def step(self) -> int:
        """The number of windows along a tile."""
        return self.length + 1 - self.taps

    @property
    def along(self) -> Pair:
        """The number of tiles along each axis of an image."""
        return blocks_for(self.windows[0], self.step), blocks_for(self.windows[1], self.step)

    @property
    def per_image(self) -> int:
        """The number of tiles of an image."""
        return self.along[0] * self.along[1]

    @property
    def tiles(self) -> int:
        """The number of tiles of all images."""
        return self.images * self.per_image


def mark(x: Array, g: Array | None, frame: Frame, padding: Pair) -> tuple[Array, Array]:
    """Marks the tiles to compute by the definition; also returns whether there are any, as an array on the GPU."""
    xp, (H, W) = array_module(x), x.shape[2:]
    seen, marks = xp.empty(1, np.int32), xp.empty(frame.tiles, np.int32)
    peaks = _find_peaks(x, seen)
    others = peaks if g is None else _find_peaks(g, seen)
    numbers = as_struct(g is not None, frame.tiles, H, W, *frame.windows, *frame.along, *padding)
    _make_kernel("mark", frame.step, frame.taps)(
        (blocks_for(frame.tiles),), (THREADS,), (peaks, others, marks, seen, *numbers), "f"
    )
    return marks, seen


def _find_peaks(x: Array, seen: Array) -> Array:
    """The largest |x| over the channels: (N, C, H, W) -> (N, H, W)."""
    N, C, H, W = x.shape
    peaks = array_module(x).empty((N, H, W), x.dtype)
    numbers = as_struct(peaks.size, C, H, W, *steps_of(x))
    PEAKS((blocks_for(peaks.size, 32),), (32, 8), (x, peaks, seen, *numbers), "f")
    return peaks


def mend_tiles(
    x: Array, w: Array, bias: Any, out: Array, frame: Frame, padding: Pair, skips: bool, found: tuple[Array, Array]
) -> None:
    """Computes the marked tiles of `out` (N, O, Ho, Wo) by the definition; `skips` leaves out the padding."""
    (_, C, H, W), O = x.shape, len(w)
    sizes = (skips, frame.tiles, C, H, W, O, *frame.windows, *frame.along, *padding)
    arguments = (x, w, bias, out, *found, *as_struct(*sizes, *steps_of(x), *steps_of(w)))
    kernel = _make_kernel("mend_tiles", frame.step, frame.taps)
    kernel((min(frame.tiles, MOST_MENDING),), (THREADS // 2,), arguments, "f")


def mend_weights(x: Array, g: Array, w: Array, frame: Frame, padding: Pair, found: tuple[Array, Array]) -> None:
    """Adds the contributions of marked tiles to the weight gradient (O, C, k, k)."""
    _, C, H, W = x.shape
    sizes = (w.size, frame.tiles, C, H, W, *frame.windows, *frame.along, *padding)
    arguments = (x, g, w, *found, *as_struct(*sizes, *steps_of(x), *steps_of(g)))
    _make_kernel("mend_weights", frame.step, frame.taps)((blocks_for(w.size),), (THREADS,), arguments, "f")


@cache
def _make_kernel(name: str, step: int, taps: int) -> StructKernel:
    """The kernel for weights of `taps` x `taps` and tiles `step` windows apart."""
    constants = {"STEP": step, "TAPS": taps, "SPREAD": SPREAD, "HUGE_NUMBER": HUGE}
    defined = "".join(f"#define {key} {float(value):g}\n" for key, value in constants.items())
    return StructKernel(name, SOURCES[name], defined)
