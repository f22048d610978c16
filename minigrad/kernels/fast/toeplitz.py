"""Convolution of small images as the product with one matrix, which holds the kernel at every window.

The numbers of an image and of its results are two vectors, and convolution is linear, so it is a matrix T:

    out[n] (o*Ho*Wo)  =  x[n] (k*H*W) @ T (k*H*W, o*Ho*Wo)      for k channels and o outputs of a group.

T has the number w[o, k, i, j] where tap (i, j) of a window reads the pixel, and zero elsewhere. Along each axis it
depends on the difference of pixel and window alone: it is a doubly blocked Toeplitz matrix. A product of the kernel
with zeros and ones writes it:

    T  =  w (taps) @ seen (taps, H*W*Ho*Wo),      seen = 1 where the tap of the window reads the pixel.

The images are the rows of the product as they lie in memory. Nothing is padded, and neither taps nor phases are copied
or added. The adjoint in x multiplies the cotangents by T's transpose; that in w is x^T g, of all pixels and windows,
from which the transpose of `seen` adds up what belongs to a tap. A pixel is multiplied by H*W numbers instead of by the
taps, so that pays for small images, and for many of them, as they share T.
Any stride, padding and dilation. A NaN or an infinity meets weights of zero; then another algorithm computes.
Float32 error against float64 on MobileNet's last layers: 2e-7 relative.
Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016, "Convolution as a matrix
operation".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.fast.machine import for_small_products
from minigrad.kernels.fast.mec import multiply_in_parts
from minigrad.kernels.fast.strides import compute_strictly
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.workspace import workspace
from minigrad.parallel import A_BYTE, WORTH, share, share_product
from minigrad.threads import UNPACKED

BLOCK_BYTES = 2**19  # of the matrices of several groups at a time: they stay in the second cache
MOST = 2**20  # numbers in `seen`
LARGEST = 2**22  # numbers in the matrix of a group
PIECES = 4  # of the groups, which threads share
# How long products take beside others, and those that write the matrices; copies that take as long as ordering their
# numbers for several outputs in a group, and runs of a copy as reading and writing a row of pixels or results.
PRODUCTS, WRITTEN, ORDERED, ROWS = 0.85, 1.1, 1.5, 1.5
OVERHEAD = 4e-5  # seconds of Python in all three functions


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    out = np.empty((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    kernels = w.reshape(geometry.groups, len(w) // geometry.groups, *w.shape[1:]).swapaxes(1, 2)
    _multiply(x, kernels, _list_seen(geometry, x.shape[2:], x.dtype), out)
    return out if is_finite(out) else compute_strictly("conv2d", x.shape, len(w), geometry, x, w)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    x = np.empty((len(g), w.shape[1] * geometry.groups, *size), g.dtype)
    kernels = w.reshape(geometry.groups, len(w) // geometry.groups, *w.shape[1:])
    _multiply(g, kernels, _list_seen(geometry, size, g.dtype, turned=True), x)
    return x if is_finite(x) else compute_strictly("conv2d_input", x.shape, len(w), geometry, g, w, size)


def _multiply(images: Array, kernels: Array, seen: Array, out: Array) -> None:
    """Writes images (N, groups*a, ...) times the matrices of kernels (groups, a, b, kh, kw) to out (N, groups*b, ...).

    `seen` is (taps, the numbers in a plane of images, and of out).
    """
    (groups, a, b), N, (taps, P, R) = kernels.shape[:3], len(images), seen.shape
    rows = images.reshape(N, groups, a * P).swapaxes(0, 1)
    results = out.reshape(N, groups, b * R).swapaxes(0, 1)

    def compute(some: slice) -> None:
        count = some.stop - some.start
        matrices = workspace("matrices", (count, a, b, P, R), out.dtype)
        flat = matrices.reshape(count * a * b, P * R)
        multiply_in_parts(kernels[some].reshape(count * a * b, taps), seen.reshape(taps, P * R), flat)
        if b > 1:  # (some, a, b, P, R) -> (some, a, P, b, R)
            turned = workspace("turned", (count, a, P, b, R), out.dtype)
            turned[...] = matrices.swapaxes(2, 3)
            matrices = turned
        share_product(rows[some], matrices.reshape(count, a * P, b * R), results[some], len(pieces))

    pieces, size = _cut(groups, a * b, N, seen)
    share(compute, pieces, size)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (N, O), groups, seen = g.shape[:2], geometry.groups, _list_seen(geometry, x.shape[2:], x.dtype)
    k, o, (taps, P, R) = x.shape[1] // groups, O // groups, seen.shape
    pixels = x.reshape(N, groups, k * P).transpose(1, 2, 0)  # (groups, k*H*W, N)
    cotangents = g.reshape(N, groups, o * R).swapaxes(0, 1)  # (groups, N, o*Ho*Wo)
    w = np.empty((groups, o, k, taps), x.dtype)

    def add(some: slice) -> None:
        count = some.stop - some.start
        products = workspace("matrices", (count, k * P, o * R), x.dtype)
        share_product(pixels[some], cotangents[some], products, len(pieces))
        # (some, k, H*W, o, Ho*Wo) -> (some, o, k, H*W, Ho*Wo)
        by_kernel = products.reshape(count, k, P, o, R).transpose(0, 3, 1, 2, 4)
        weights = w[some].reshape(count * o * k, taps)
        np.matmul(by_kernel.reshape(count * o * k, P * R), seen.reshape(taps, P * R).T, out=weights)

    pieces, size = _cut(groups, k * o, N, seen)
    share(add, pieces, size)
    w = w.reshape(O, k, *geometry.kernel)
    return w if is_finite(w) else compute_strictly("conv2d_weight", x.shape, O, geometry, x, g)


@lru_cache(maxsize=8)
def _list_seen(geometry: Geometry, image: Pair, dtype: np.dtype, turned: bool = False) -> Array:
    """1 where a tap of a window reads a pixel, else 0: (kh*kw, H*W, Ho*Wo), or turned (kh*kw, Ho*Wo, H*W)."""
    windows = geometry.windows(image)
    # (taps, pixels, windows) of each axis: tap i of window t reads pixel t s + i d - p
    down, across = (
        np.arange(many)[:, None] == np.arange(k)[:, None, None] * d + np.arange(count) * s - p
        for many, count, k, s, p, d in zip(image, windows, *geometry[:4], strict=True)
    )
    seen = down[:, None, :, None, :, None] & across[None, :, None, :, None, :]  # (kh, kw, H, W, Ho, Wo)
    flat = seen.reshape(prod(geometry.kernel), prod(image), prod(windows))
    return np.ascontiguousarray(flat.swapaxes(1, 2) if turned else flat, dtype)


def _cut(groups: int, kernels: int, N: int, seen: Array) -> tuple[list[slice], int]:
    """Slices of the groups, each with so many `kernels`, for N images; and the bytes of a pass that takes as long."""
    taps, numbers = len(seen), kernels * seen[0].size  # of the matrix of a group
    size = groups * numbers * (N + taps) // A_BYTE
    some = min(BLOCK_BYTES // max(1, numbers * seen.itemsize), UNPACKED // max(1, numbers * taps))
    if size >= WORTH:
        some = min(some, -(-groups // PIECES))
    some = max(1, some)
    return [slice(start, min(start + some, groups)) for start in range(0, groups, some)], size


def serves(problem: Problem) -> bool:
    """NumPy, small images: the matrix grows with the square of their pixels."""
    (_, C, H, W), geometry = problem.image, problem.geometry
    pairs, kernels = H * W * prod(problem.grid), C * problem.outputs // geometry.groups**2
    return problem.on_host and problem.taps * pairs <= MOST and kernels * pairs <= LARGEST


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: the matrices are written by products, and multiplied."""
    (N, C, H, W), O, groups, (Ho, Wo) = problem.image, problem.outputs, problem.geometry.groups, problem.grid
    k, o, pairs = C // groups, O // groups, H * W * Ho * Wo  # of a pixel and a window
    if problem.char not in "fd":
        return float("inf")
    small = for_small_products(machine)
    products = PRODUCTS * small.product(N, o * Ho * Wo, k * H * W, 3 * groups)
    written = WRITTEN * small.product(groups * k * o, pairs, problem.taps, 3)
    ordered = machine.copy(ORDERED * groups * k * o * pairs, Ho * Wo) if o > 1 else 0.0
    return OVERHEAD + products + written + ordered + machine.copy(ROWS * N * groups, 1)


# The results tell whether a number met a zero that is none.
_SAFE: dict[str, Callable[..., bool]] = {
    "conv2d": lambda x, w, geometry: is_finite(w),
    "conv2d_input": lambda g, w, geometry: is_finite(w),
    "conv2d_weight": lambda x, g, geometry: True,
}
ALGORITHM = Algorithm("toeplitz", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
