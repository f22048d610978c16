"""Convolution of small images as the product with one matrix, which holds the kernel at every window.

The numbers of an image and of its results are two vectors, and convolution is linear, so it is a matrix T:

    out[n] (o*Ho*Wo)  =  x[n] (k*H*W) @ T (k*H*W, o*Ho*Wo)      for k channels and o outputs of a group.

T has the number w[o, k, i, j] where tap (i, j) of a window reads the pixel, and zero elsewhere. Along each axis it
depends on the difference of pixel and window alone: it is a doubly blocked Toeplitz matrix. A product of the kernel
with zeros and ones writes it:

    T  =  w (taps) @ seen (taps, H*W*Ho*Wo),      seen = 1 where the tap of the window reads the pixel.

Rows of results see few rows of pixels. So images of one channel are cut into strips of rows, with a matrix for each,
where that saves more than its calls take.

The images are the rows of the product as they lie in memory. Nothing is padded, and neither taps nor phases are copied
or added. The adjoint in x multiplies the cotangents by T's transpose; that in w is x^T g, of all pixels and windows,
from which the transpose of `seen` adds up what belongs to a tap. A pixel is multiplied by Ho*Wo numbers instead of by
the taps. That pays for small images, and for many of them, because they share T.
Any stride, padding and dilation. A NaN or an infinity meets weights of zero; then another algorithm computes.
Float32 error against float64 on MobileNet's last layers: 2e-7 relative.
Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016, "Convolution as a matrix
operation".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import NamedTuple

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
STRIP = 2  # rows of results that share a matrix ...
HIGH, MANY = 6, 2**18  # ... of images so high, whose matrices have so many numbers
SLOWER = 1.25  # how much longer the products of strips take for each number than those of whole images
PIECES = 4  # of the groups, which threads share
PRODUCTS, WRITTEN = 0.85, 1.1  # how long its products take beside others, and those that write the matrices
ORDERED = 1.5  # copies that take as long as to order the numbers of matrices, for several outputs in a group
ROWS = 1.5  # runs of a copy that take as long as to read and to write a row of pixels or results
OVERHEAD = 4e-5  # seconds of Python in all three functions


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    out = np.empty((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    kernels = w.reshape(geometry.groups, len(w) // geometry.groups, *w.shape[1:]).swapaxes(1, 2)
    cut = _has_strips(x.shape, len(w), geometry)
    _multiply(x, kernels, _make_strips(geometry, x.shape[2:], x.dtype, cut), out)
    return out if is_finite(out) else compute_strictly("conv2d", x.shape, len(w), geometry, x, w)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    x = np.empty((len(g), w.shape[1] * geometry.groups, *size), g.dtype)
    kernels = w.reshape(geometry.groups, len(w) // geometry.groups, *w.shape[1:])
    cut = _has_strips(x.shape, len(w), geometry)
    _multiply(g, kernels, _make_strips(geometry, size, g.dtype, cut, turned=True), x)
    return x if is_finite(x) else compute_strictly("conv2d_input", x.shape, len(w), geometry, g, w, size)


def _multiply(images: Array, kernels: Array, strips: list[Strip], out: Array) -> None:
    """Writes images (N, groups*a, ...), times the matrices of kernels (groups, a, b, kh, kw), to (N, groups*b, ...)."""
    (groups, a, b), N = kernels.shape[:3], len(images)

    def compute(some: slice) -> None:
        count = some.stop - some.start
        for strip in strips:
            taps, P, R = strip.seen.shape
            matrices = workspace("matrices", (count, a, b, P, R), out.dtype)
            flat = matrices.reshape(count * a * b, P * R)
            multiply_in_parts(kernels[some].reshape(count * a * b, taps), strip.seen.reshape(taps, P * R), flat)
            if b > 1:  # (some, a, b, P, R) -> (some, a, P, b, R)
                turned = workspace("turned", (count, a, P, b, R), out.dtype)
                turned[...] = matrices.swapaxes(2, 3)
                matrices = turned
            rows, results = _lay_rows(images, some, a, strip.read), _lay_rows(out, some, b, strip.written)
            share_product(rows, matrices.reshape(count, a * P, b * R), results, len(pieces))

    pieces, size = _divide(groups, a * b, N, strips)
    share(compute, pieces, size)


def _lay_rows(images: Array, some: slice, channels: int, lines: slice) -> Array:
    """What a strip reads or writes of some groups, a row for each image, as a view of single channels or of all lines:
    (N, groups*channels, H, W) -> (some, N, channels*lines*W).
    """
    part = images[:, some.start * channels : some.stop * channels, lines]
    return part.reshape(len(images), some.stop - some.start, channels * part.shape[2] * part.shape[3]).swapaxes(0, 1)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    (N, O), groups = g.shape[:2], geometry.groups
    strips = _make_strips(geometry, x.shape[2:], x.dtype, _has_strips(x.shape, O, geometry))
    k, o, taps = x.shape[1] // groups, O // groups, prod(geometry.kernel)
    w = np.zeros((groups, o, k, taps), x.dtype)

    def add(some: slice) -> None:
        count = some.stop - some.start
        for strip in strips:
            _, P, R = strip.seen.shape
            products = workspace("matrices", (count, k * P, o * R), x.dtype)
            pixels, cotangents = _lay_rows(x, some, k, strip.read), _lay_rows(g, some, o, strip.written)
            share_product(pixels.swapaxes(1, 2), cotangents, products, len(pieces))
            # (some, k, P, o, R) -> (some, o, k, P, R)
            by_kernel = products.reshape(count, k, P, o, R).transpose(0, 3, 1, 2, 4).reshape(count * o * k, P * R)
            w[some] += np.matmul(by_kernel, strip.seen.reshape(taps, P * R).T).reshape(count, o, k, taps)

    pieces, size = _divide(groups, k * o, N, strips)
    share(add, pieces, size)
    w = w.reshape(O, k, *geometry.kernel)
    return w if is_finite(w) else compute_strictly("conv2d_weight", x.shape, O, geometry, x, g)


class Strip(NamedTuple):
    """Rows of results, and what they read: `seen` (taps, P, R) is 1 where a tap reads number p for result r."""

    read: slice
    written: slice
    seen: Array


def _has_strips(image: tuple[int, ...], outputs: int, geometry: Geometry) -> bool:
    """Whether strips of rows pay: for single channels, whose rows are views, of images that are not the smallest."""
    single = geometry.groups == outputs == image[1]
    return single and image[2] >= HIGH and outputs * (image[2] * image[3]) ** 2 >= MANY


@lru_cache(maxsize=8)
def _make_strips(geometry: Geometry, image: Pair, dtype: np.dtype, cut: bool, turned: bool = False) -> list[Strip]:
    """The strips of the rows of windows, all in one unless they are `cut`; turned, of the rows of pixels."""
    windows = geometry.windows(image)
    # (taps, pixels, windows) of each axis: tap i of window t reads pixel t s + i d - p
    down, across = (
        np.arange(many)[:, None] == np.arange(k)[:, None, None] * d + np.arange(count) * s - p
        for many, count, k, s, p, d in zip(image, windows, *geometry[:4], strict=True)
    )
    if turned:
        down, across = down.swapaxes(1, 2), across.swapaxes(1, 2)
    strips = []
    step = STRIP if cut else max(1, down.shape[2])
    for start in range(0, max(1, down.shape[2]), step):
        written = slice(start, min(start + step, down.shape[2]))
        rows = np.flatnonzero(down[:, :, written].any(axis=(0, 2)))
        read = slice(0, down.shape[1])
        if cut:  # one row even if all windows lie in the padding, where a NaN shows by it
            read = slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 1)
        part = down[:, read, written]
        seen = part[:, None, :, None, :, None] & across[None, :, None, :, None, :]  # (kh, kw, H, W, Ho, Wo)
        numbers = (part.shape[1] * across.shape[1], part.shape[2] * across.shape[2])
        strips.append(Strip(read, written, seen.reshape(prod(geometry.kernel), *numbers).astype(dtype)))
    return strips


def _divide(groups: int, kernels: int, N: int, strips: list[Strip]) -> tuple[list[slice], int]:
    """Slices of the groups, each with so many `kernels`, for N images; and the bytes of a pass that takes as long."""
    taps, itemsize = len(strips[0].seen), strips[0].seen.itemsize
    numbers = [kernels * strip.seen[0].size for strip in strips]  # of the matrices of a group
    size = groups * sum(numbers) * (N + taps) // A_BYTE
    some = min(BLOCK_BYTES // max(1, max(numbers) * itemsize), UNPACKED // max(1, max(numbers) * taps))
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
    if problem.char not in "fd":
        return float("inf")
    (N, C, H, W), O, groups, (Ho, Wo) = problem.image, problem.outputs, problem.geometry.groups, problem.grid
    k, o, pairs = C // groups, O // groups, H * W * Ho * Wo  # of a pixel and a window
    part = 1.0  # the share of an image's rows that a strip reads
    if _has_strips(problem.image, O, problem.geometry):
        part = min(1.0, SLOWER * ((STRIP - 1) * problem.geometry.stride[0] + problem.geometry.reach[0]) / H)
    small = for_small_products(machine)
    products = PRODUCTS * part * small.product(N, o * Ho * Wo, k * H * W, 3 * groups)
    written = WRITTEN * part * small.product(groups * k * o, pairs, problem.taps, 3)
    ordered = machine.copy(ORDERED * groups * k * o * pairs, Ho * Wo) if o > 1 else 0.0
    return OVERHEAD + products + written + ordered + machine.copy(ROWS * N * groups, 1)


# What is checked before. A NaN or an infinity in images or cotangents shows in the results, which are checked then.
_SAFE: dict[str, Callable[..., bool]] = {
    "conv2d": lambda x, w, geometry: is_finite(w),
    "conv2d_input": lambda g, w, geometry: is_finite(w),
    "conv2d_weight": lambda x, g, geometry: True,
}
ALGORITHM = Algorithm("toeplitz", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
