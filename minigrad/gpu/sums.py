"""Two sums for each channel of (outer, channels, inner) in one pass, as batch normalization and its gradient need them.

A block sums a part of one channel, or of 32 channels where neighbours in memory belong to different ones. Sums are in
double precision, always in the same order. If several blocks share a channel, a second, small launch adds their sums.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.gpu.floats import launch_floats
from minigrad.gpu.launch import blocks_for, int32s

P = 256  # threads of a block
ENOUGH = 1024  # number of blocks that fills a GPU
MOST_PARTS = 64  # of one channel

# (outer, channels, inner) -> two sums, a and b, for each channel. ADD adds X and G, elements of x and g in channel c,
# to them; END makes results of the complete sums. Four neighbours of one channel are read at once.
SUMS = """
extern "C" __global__ void NAME_of_images(PARAMETERS) {
    int c = blockIdx.x, count = outer * inner;
    double a = 0, b = 0;
    int step = outer == 1 || inner % 4 == 0 ? 4 : 1;
    #pragma unroll 2
    for (int i = step * (blockIdx.y * P + threadIdx.x); i < count; i += step * P * gridDim.y) {
        int o = outer == 1 ? 0 : i / inner, some = min(step, count - i);
        long long at = ((long long)o * channels + c) * inner + (i - o * inner);
        Four<T> xs = read(x + at, some), gs = read(g + at, some);
        for (int j = 0; j < 4; j++)
            if (j < some) { A X = up(xs.at[j]), G = up(gs.at[j]); ADD }
    }
    a = all_sum(a), b = all_sum(b);
    if (threadIdx.x) return;
    double* mine = parts + 2ll * (blockIdx.y * channels + c);
    if (gridDim.y > 1) { mine[0] = a, mine[1] = b; } else { END }
}
extern "C" __global__ void NAME_of_columns(PARAMETERS) {
    int c = blockIdx.x * 32 + threadIdx.x, count = outer * inner;
    double a = 0, b = 0;
    if (c < channels)
        #pragma unroll 4
        for (int o = blockIdx.y * 8 + threadIdx.y; o < outer; o += 8 * gridDim.y) {
            long long at = (long long)o * channels + c;
            A X = up(x[at]), G = up(g[at]);
            ADD
        }
    __shared__ double of[8][32][2];
    of[threadIdx.y][threadIdx.x][0] = a, of[threadIdx.y][threadIdx.x][1] = b;
    __syncthreads();
    if (threadIdx.y || c >= channels) return;
    for (int y = 1; y < 8; y++) a += of[y][threadIdx.x][0], b += of[y][threadIdx.x][1];
    double* mine = parts + 2ll * (blockIdx.y * channels + c);
    if (gridDim.y > 1) { mine[0] = a, mine[1] = b; } else { END }
}
extern "C" __global__ void NAME_at_last(PARAMETERS) {
    int c = blockIdx.x * P + threadIdx.x, count = outer * inner;
    if (c >= channels) return;
    double a = 0, b = 0;
    for (int part = 0; part < many; part++) {
        a += parts[2ll * (part * channels + c)];
        b += parts[2ll * (part * channels + c) + 1];
    }
    END
}
"""
SHARED = "const T* x, const T* g, double* parts, int outer, int channels, int inner, int many, "


class Sums:
    """The kernels of two sums: `add` and `end` are the code of ADD and END, `declared` their parameters."""

    def __init__(self, name: str, declared: str, add: str, end: str) -> None:
        body = SUMS.replace("NAME", name).replace("PARAMETERS", SHARED + declared)
        self.name, self.body = name, body.replace("ADD", add).replace("END", end)

    def __call__(self, x: Any, g: Any, shape: tuple[int, int, int], arguments: tuple[Any, ...]) -> None:
        """Launches the kernels for x and g, which may be x itself, as arrays of that shape (outer, channels, inner)."""
        outer, channels, inner = shape
        columns = inner == 1
        wide = blocks_for(channels, 32) if columns else channels
        long = blocks_for(outer, 64) if columns else blocks_for(outer * inner, 8 * P)
        many = min(MOST_PARTS, blocks_for(ENOUGH, wide), long)
        parts = type(x)((many, channels, 2), np.float64)
        operands = (x, g, parts, *int32s(outer, channels, inner, many), *arguments)
        self._launch("of_columns" if columns else "of_images", (wide, many), (32, 8) if columns else (P,), operands)
        if many > 1:
            self._launch("at_last", (blocks_for(channels, P),), (P,), operands)

    def _launch(self, part: str, grid: tuple[int, ...], block: tuple[int, ...], operands: tuple[Any, ...]) -> None:
        char = operands[0].dtype.char
        launch_floats(f"{self.name}_{part}", self.body, char, grid, block, operands, P=P)


def serves(shape: tuple[int, int, int]) -> bool:
    """Whether the sizes fit the kernels."""
    outer, channels, inner = shape
    return 0 < outer * inner < 2**31 - 2**20 and 0 < channels < 2**24


TOTAL = Sums("total", "T* out, double divisor", "a += X;", "out[c] = down(a / divisor);")
FEW = 4096  # the most channels with short sums: each takes a block


def add_up(x: Any, *, dim: Any = None, keepdim: bool = False, mean: bool = False) -> Any:
    """The sum, or the mean, over axes that begin or end the shape."""
    seen = _see_as_channels(x, dim)
    if seen is None:
        return None
    gone = range(x.ndim) if dim is None else dim
    shape = [1 if i in gone else n for i, n in enumerate(x.shape) if keepdim or i not in gone]
    out, (outer, _, inner) = type(x)(tuple(shape), x.dtype), seen
    TOTAL(x, x, seen, (out, np.float64(outer * inner if mean else 1)))
    return out


def sum_rows(g: Any) -> Any:
    """The sum over the first axis: the gradient of a bias that was added to every row."""
    seen = _see_as_channels(g, (0,))
    if seen is None:
        return None
    out = type(g)(g.shape[1:], g.dtype)
    TOTAL(g, g, seen, (out, np.float64(1)))
    return out


def _see_as_channels(x: Any, dim: Any) -> tuple[int, int, int] | None:
    """The shape as (outer, channels, inner), where the middle axis is kept; None if no kernel supports it."""
    shape = x.shape
    gone = range(len(shape)) if dim is None else dim
    kept = [i for i, n in enumerate(shape) if i not in gone and n > 1]
    first, end = (kept[0], kept[-1] + 1) if kept else (0, 0)
    seen = prod(shape[:first]), prod(shape[first:end]), prod(shape[end:])
    outer, channels, inner = seen
    if x.dtype.char not in "efd" or not serves(seen) or not x.flags.c_contiguous:
        return None
    if any(i in gone and shape[i] > 1 for i in range(first, end)):
        return None
    short = inner > 1 and channels > FEW and outer * inner < P  # each block has little to do
    return None if short or (channels == 1 and inner > 2**16) else seen
