"""Convolution on a GPU: several ways, and for each of the three functions the one that is quickest for the geometry.

Everything NumPy does otherwise in this room, this file does for CuPy: the one seam. The ways can be forced by their
names, which begin with "cuda"; without that the way named "cuda" stands for all, and chooses here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.fast import cuda_columns, cuda_direct, cuda_plain, cuda_product, cuda_winograd
from minigrad.kernels.fast.cuda_parts import is_near
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.way import Machine, Problem, Way

FAMILIES: dict[str, Any] = {
    family.WAY.name: family for family in (cuda_plain, cuda_columns, cuda_direct, cuda_product, cuda_winograd)
}


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    x = _with_rows(x)
    return _way("conv2d", x.shape, len(w), geometry, x, w).conv2d(x, w, geometry)


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x, the transposed convolution: (N, O, Ho, Wo) -> (N, C, H, W)."""
    g, image = _with_rows(g), (len(g), w.shape[1] * geometry.groups, *size)
    return _way("conv2d_input", image, len(w), geometry, g, w).conv2d_input(g, w, geometry, size)


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    x, g = _with_rows(x), _with_rows(g)
    return _way("conv2d_weight", x.shape, g.shape[1], geometry, x, g).conv2d_weight(x, g, geometry)


def _with_rows(images: Array) -> Array:
    """The images, copied where neighbours in a row are apart in memory: a warp would read 32 places for 32 numbers."""
    if abs(images.strides[3]) <= images.itemsize or images.shape[3] == 1:
        return images
    return array_module(images).ascontiguousarray(images)


def _way(face: str, image: tuple[int, ...], outputs: int, geometry: Geometry, left: Array, right: Array) -> Way:
    if is_near(left) and is_near(right):
        return choose(face, image, outputs, geometry, left.dtype.char, left.__class__)
    return cuda_columns.WAY


@lru_cache(maxsize=4096)
def choose(
    face: str, image: tuple[int, int, int, int], outputs: int, geometry: Geometry, char: str, library: type[Any]
) -> Way:
    """The way of least time for one of the three functions."""
    problem = Problem(image, outputs, geometry, char, library)
    served = [family for family in FAMILIES.values() if family.WAY.serves(problem)]
    way: Way = min(served, key=lambda family: family.seconds(face, problem)).WAY
    return way


def serves(problem: Problem) -> bool:
    """CuPy's arrays, every geometry."""
    return problem.library is not np.ndarray


def cost(problem: Problem, machine: Machine) -> float:
    """Always the least: the ways of the other files are made of NumPy's calls."""
    return -1.0


WAY = Way("cuda", serves, cost, conv2d, conv2d_input, conv2d_weight)
