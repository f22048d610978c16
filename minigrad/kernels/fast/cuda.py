"""Convolution on a GPU: chooses the quickest CUDA algorithm for each of the three functions and each geometry.

The CUDA algorithms can be forced by their names, which begin with "cuda". Otherwise dispatch sees a single algorithm
named "cuda", which chooses among them here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from minigrad.backend import Array, array_module
from minigrad.gpu.blas import allows_tf32
from minigrad.gpu.launch import THREADS, blocks_for
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.fast import cuda_columns, cuda_direct, cuda_plain, cuda_product, cuda_winograd
from minigrad.kernels.fast.cuda_parts import (
    GPU,
    MOST_BLOCKS,
    MOST_ELEMENTS,
    StructKernel,
    add_parts,
    as_struct,
    is_reachable,
    steps_of,
)
from minigrad.kernels.geometry import Geometry, Pair, Problem

CHANNEL_BLOCKS = 4 * GPU.processors  # enough blocks to fill a GPU
# One block per channel and part of the images: its threads sum every 256th element, then add up their sums.
SUM_CHANNELS = StructKernel(
    "sum_channels",
    """
extern "C" __global__ void sum_channels(
    const T* g, T* parts, int count, int C, int H, int W, int gn, int gc, int gh, int gw)
{
    __shared__ T sums[256];
    g += blockIdx.y * gc;
    T sum = T(0);
    for (int k = blockIdx.x * 256 + threadIdx.x; k < count; k += gridDim.x * 256)
        sum += g[k / (H * W) * gn + k / W % H * gh + k % W * gw];
    sums[threadIdx.x] = sum;
    for (int half = 128; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    if (threadIdx.x == 0) parts[blockIdx.x * C + blockIdx.y] = sums[0];
}
""",
)
TF32_SHARE = 0.4  # with TF32, of the time that columns take without it
FAMILIES: dict[str, Any] = {
    family.ALGORITHM.name: family for family in (cuda_plain, cuda_columns, cuda_direct, cuda_product, cuda_winograd)
}


def conv2d(x: Array, w: Array, geometry: Geometry, b: Array | None = None) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw), bias (O,) -> (N, O, Ho, Wo)."""
    x = _with_rows(x)
    return _find_family("conv2d", x.shape, len(w), geometry, x, w).conv2d(x, w, geometry, b)


def convolve(x: Array, w: Array, b: Array | None = None, *, geometry: Geometry) -> Array:
    """`dispatch.conv2d` on a GPU: the sums begin with the bias, which costs nothing."""
    if b is None or not dispatch.chooses_by_cost():
        return dispatch.conv2d(x, w, b, geometry=geometry)
    return conv2d(x, w, geometry, b)


def sum_channels(g: Array) -> Array:
    """The bias's gradient: the sum of each channel, (N, O, Ho, Wo) -> (O,)."""
    if g.dtype.char not in "fd" or not 0 < g.size <= MOST_ELEMENTS or not is_reachable(g) or g.shape[1] > MOST_BLOCKS:
        return g.sum(axis=(0, 2, 3))
    N, C, H, W = g.shape
    splits = max(1, min(CHANNEL_BLOCKS // C, blocks_for(N * H * W, 8 * THREADS)))
    parts = array_module(g).empty((splits, C), g.dtype)
    numbers = as_struct(N * H * W, C, H, W, *steps_of(g))
    SUM_CHANNELS((splits, C), (THREADS,), (g, parts, *numbers), g.dtype.char)
    return add_parts(parts)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    g, image = _with_rows(g), (len(g), w.shape[1] * geometry.groups, *size)
    return _find_family("conv2d_input", image, len(w), geometry, g, w).conv2d_input(g, w, geometry, size)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    x, g = _with_rows(x), _with_rows(g)
    return _find_family("conv2d_weight", x.shape, g.shape[1], geometry, x, g).conv2d_weight(x, g, geometry)


def _with_rows(images: Array) -> Array:
    """The images, copied if neighbours in a row are apart in memory, because a warp would read them one by one."""
    if abs(images.strides[3]) <= images.itemsize or images.shape[3] == 1:
        return images
    return array_module(images).ascontiguousarray(images)


def _find_family(
    function: str, image: tuple[int, ...], outputs: int, geometry: Geometry, left: Array, right: Array
) -> Any:
    """The module of the algorithm that computes `function`: im2col where 32 bits do not count all elements."""
    if is_reachable(left) and is_reachable(right):
        return choose(function, image, outputs, geometry, left.dtype.char, left.__class__, allows_tf32())
    return cuda_columns


@lru_cache(maxsize=4096)
def choose(
    function: str, image: tuple[int, int, int, int], outputs: int, geometry: Geometry, char: str, library: type[Any],
    tf32: bool = False,
) -> Any:  # fmt: skip
    """The module of the quickest algorithm for one of the three functions.

    With TF32 cuBLAS multiplies several times as fast; Winograd is then not used, because it would lose more digits.
    """
    problem = Problem(image, outputs, geometry, char, library)
    able = [family for family in FAMILIES.values() if family.ALGORITHM.serves(problem)]
    times = {family: family.seconds(function, problem) for family in able}
    if tf32 and char == "f":
        times.pop(cuda_winograd, None)
        times[cuda_columns] *= TF32_SHARE
    return min(times, key=lambda family: times[family])


def cost(problem: Problem, machine: Machine) -> float:
    """Less than any other cost, so that it is always chosen on a GPU. No algorithm that computes costs less than 0."""
    return -1.0


ALGORITHM = Algorithm("cuda", cuda_columns.serves, cost, conv2d, conv2d_input, conv2d_weight)
