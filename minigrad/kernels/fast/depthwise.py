"""Depthwise convolution: each channel has its own kernel, and nothing to multiply a matrix with.

One image at a time is laid out with its padding, (C, rows*columns). A tap of the kernel is then
one flat shift of all its rows, so each row of the columns is a single run, and what a shift
carries from the end of one image row into the next lands in columns that are cut off. Then one
small product per channel, (1, kh*kw) @ (kh*kw, run). Stride 1, as many groups as channels. Float32
error against float64 on MobileNet's layers: 2e-7 relative.
"""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.way import Machine, Problem, Way, is_finite
from minigrad.kernels.windows import padded
from minigrad.kernels.workspace import workspace
from minigrad.parallel import add_up, share

OVERHEAD = 4e-5  # seconds between the calls of NumPy, for each image


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (C, 1, kh, kw) -> (N, C, Ho, Wo)."""
    (N, C), (Ho, Wo) = x.shape[:2], geometry.windows(x.shape[2:])
    out = np.empty((N, C, Ho, Wo), x.dtype)
    weight = np.ascontiguousarray(w).reshape(C, 1, -1)  # flipped, it would not go to BLAS

    def compute(n: int) -> None:
        columns, width = _columns(x[n : n + 1], geometry)
        whole = workspace("product", (C, Ho, width), x.dtype)
        flat = whole.reshape(C, 1, Ho * width)[:, :, : columns.shape[2]]
        np.matmul(weight, columns, out=flat)
        out[n] = whole[:, :, :Wo]

    share(compute, range(N), out.nbytes * weight.shape[2])
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, C, Ho, Wo) -> (C, 1, kh, kw)."""
    (N, C, Ho, Wo), (kh, kw) = g.shape, geometry.kernel
    w = np.zeros((C, 1, kh, kw), x.dtype)

    def add(n: int, total: Array) -> None:
        columns, width = _columns(x[n : n + 1], geometry)
        whole = workspace("product", (C, Ho, width), x.dtype)
        whole[:, :, :Wo] = g[n]
        whole[:, :, Wo:] = 0
        cotangent = whole.reshape(C, Ho * width, 1)[:, : columns.shape[2]]
        total += np.matmul(columns, cotangent).reshape(w.shape)

    add_up(add, range(N), w, g.nbytes * kh * kw)
    return w


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: the forward of g, flipped kernel, the padding that its reach left over."""
    return conv2d(g, w[:, :, ::-1, ::-1], geometry.mirrored())


def serves(problem: Problem) -> bool:
    """NumPy, several channels with a kernel each, stride 1, padding within the kernel's reach."""
    geometry = problem.geometry
    return (
        problem.library is np.ndarray
        and geometry.groups == problem.outputs == problem.image[1] > 1
        and geometry.stride == (1, 1)
        and all(p < r for p, r in zip(geometry.padding, geometry.reach, strict=True))
    )


def cost(problem: Problem, machine: Machine) -> float:
    """Whole rows are copied for each tap, and read once more by a product of a vector."""
    columns = problem.windows * problem.taps * problem.image[1]
    return OVERHEAD * problem.image[0] + machine.copy(3 * columns, problem.size[0] * problem.size[1])


def _columns(image: Array, geometry: Geometry) -> tuple[Array, int]:
    """Each tap's flat run: (1, C, H, W) -> (C, kh*kw, (Ho - 1)*width + Wo); the padded width."""
    (dh, dw), (Ho, Wo) = geometry.dilation, geometry.windows(image.shape[2:])
    surrounded = padded(image, geometry.padding)
    _, C, _, width = surrounded.shape
    flat = surrounded.reshape(C, -1)
    run = (Ho - 1) * width + Wo
    columns = workspace("columns", (C, geometry.kernel[0] * geometry.kernel[1], run), image.dtype)
    for tap, (i, j) in enumerate(np.ndindex(geometry.kernel)):
        shift = i * dh * width + j * dw
        columns[:, tap] = flat[:, shift : shift + run]
    return columns, width


# Zeros around the cotangents meet the kernel in one adjoint, the pixels that a shift carried over in the other.
_SOUND = {"conv2d_input": lambda g, w, geometry: is_finite(w), "conv2d_weight": lambda x, g, geometry: is_finite(x)}
WAY = Way("depthwise", serves, cost, conv2d, conv2d_input, conv2d_weight, _SOUND)
