"""Convolution of one small image, where calls into NumPy cost more than the arithmetic.

The view of the windows is made by `np.ndarray` in a third of a microsecond (`as_strided` takes five), and one product
does the rest. NumPy only, one group. Float32 error against float64 on small images: 1e-7 relative.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.geometry import Geometry, Pair, Problem

Shape: TypeAlias = tuple[int, ...]

FEW = 2000  # elements of the columns that are copied as quickly one by one
# The most elements of the adjoint's columns, and half of them for a forward's: other algorithms use more threads.
LIMIT = 2**20
# Copies that take as long as those of the columns, which stay in the cache, of both sizes; as turning a forward's.
COLUMNS, BACK, TURNED = 0.6, 0.3, 2.75
OVERHEAD = 2.3e-5  # seconds of Python in all three functions


def _columns(x: Array, geometry: Geometry) -> tuple[Array, Pair]:
    """The windows of x, one in each column, (N, C*kh*kw, Ho*Wo), without N if it is 1; and (Ho, Wo)."""
    shape, item, strides, columns, grid = _lay_windows(x.shape, x.dtype, geometry)
    if geometry.padding != (0, 0):
        (ph, pw), (N, C, H, W), image = geometry.padding, x.shape, x
        x = np.zeros((N, C, H + 2 * ph, W + 2 * pw), x.dtype)
        x[:, :, ph : ph + H, pw : pw + W] = image
    elif not x.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    found = np.ndarray(shape, item, x, 0, strides)
    return found.reshape(columns) if item is x.dtype else found.copy().reshape(columns).view(x.dtype), grid


@lru_cache(maxsize=256)
def _lay_windows(image: Shape, dtype: np.dtype, geometry: Geometry) -> tuple[Shape, np.dtype, Shape, Shape, Pair]:
    """Shape, items and strides of the windows of a padded, row-major `image`, without axes of length 1; the shape of
    their columns; (Ho, Wo).

    With a stride of 1 a tap reads adjacent numbers in a row of windows. They are one item, unless the windows are few:
    NumPy takes twice as long to copy them one by one.
    """
    (kh, kw), (sh, sw), (ph, pw), (dh, dw), _ = geometry
    (N, C, H, W), (Ho, Wo) = image, geometry.windows(image[2:])
    row = (W + 2 * pw) * dtype.itemsize
    channel = (H + 2 * ph) * row
    # one tap further: d pixels; one window further: s pixels
    strides = (C * channel, channel, dh * row, dw * dtype.itemsize, sh * row, sw * dtype.itemsize)
    run = Wo if sw == 1 and N * C * kh * kw * Ho * Wo > FEW else 1
    columns = (C * kh * kw, Ho * Wo // run) if N == 1 else (N, C * kh * kw, Ho * Wo // run)
    item = np.dtype((np.void, run * dtype.itemsize)) if run > 1 else dtype
    axes = [(n, step) for n, step in zip((N, C, kh, kw, Ho, Wo // run), strides, strict=True) if n != 1]
    return tuple([n for n, _ in axes]), item, tuple([step for _, step in axes]), columns, (Ho, Wo)


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
    columns, grid = _columns(x, geometry)
    kernels = w.reshape(len(w), columns.shape[-2])
    # `dot` takes half of np.matmul's time, but computes a single 0 * inf as 0
    out = kernels.dot(columns) if len(x) == 1 and len(columns) > 1 else np.matmul(kernels, columns)
    return out.reshape(len(x), len(w), *grid)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C, kh, kw) -> (N, C, H, W).

    g, spread by the stride, is convolved with the flipped kernel.
    """
    N, O, Ho, Wo = g.shape
    (sh, sw), (rh, rw), (H, W) = geometry.stride, geometry.reach, size
    top, left = rh - 1 - geometry.padding[0], rw - 1 - geometry.padding[1]
    spread = np.zeros((N, O, H + rh - 1, W + rw - 1), g.dtype)  # s - 1 zeros between the numbers of g, and a border
    spread[:, :, top : top + (Ho - 1) * sh + 1 : sh, left : left + (Wo - 1) * sw + 1 : sw] = g
    flipped = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)  # (O, C, kh, kw) -> (C, O, kh, kw)
    return conv2d(spread, flipped, Geometry(geometry.kernel, dilation=geometry.dilation))


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
    columns, O = _columns(x, geometry)[0], g.shape[1]
    N, (K, P) = len(x), columns.shape[-2:]
    w = np.empty((O, x.shape[1], *geometry.kernel), x.dtype)
    if N * P == 1:  # no sum: `dot` would compute 0 * inf as 0
        np.multiply(g.reshape(O, 1), columns.reshape(1, K), w.reshape(O, K))
    elif N == 1:
        g.reshape(O, P).dot(columns.T, w.reshape(O, K))
    else:
        rows = columns.swapaxes(1, 2).reshape(N * P, K)  # (N, K, P) -> (N*P, K)
        g.swapaxes(0, 1).reshape(O, N * P).dot(rows, w.reshape(O, K))  # (N, O, Ho, Wo) -> (O, N*P)
    return w


def serves(problem: Problem) -> bool:
    """NumPy, one group, padding within the kernel's reach."""
    (ph, pw), (rh, rw) = problem.geometry.padding, problem.geometry.reach
    return problem.on_host and problem.geometry.groups == 1 and ph < rh and pw < rw


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds: copies of the columns, of both sizes, and a product for each image. Infinite for large problems."""
    (N, C, H, W), O, taps, (Ho, Wo) = problem.image, problem.outputs, problem.taps, problem.grid
    columns, back = C * taps * problem.windows, N * O * taps * H * W
    if max(2 * columns, back) > LIMIT:
        return float("inf")
    copies = machine.copy(COLUMNS * columns, Wo, problem.geometry.stride[1]) + machine.copy(BACK * back, W)
    products = machine.product(O, Ho * Wo, C * taps, 2 * N) + machine.product(C, H * W, O * taps, N)
    turned = machine.copy(TURNED * columns, Ho * Wo) if N > 1 else 0.0  # for the adjoint in w
    return OVERHEAD + copies + products + turned


# The adjoint in x multiplies the zeros between and around the cotangents by the kernel.
SAFE = {"conv2d_input": lambda g, w, geometry: is_finite(w)}
ALGORITHM = Algorithm("tiny", serves, cost, conv2d, conv2d_input, conv2d_weight, SAFE)
