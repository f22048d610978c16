"""Convolution layers for tests of every algorithm: drawn at random, and of the shapes that each was made for."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import minigrad.kernels.fast  # noqa: F401 (its algorithms make themselves known)
from minigrad import kernels
from minigrad.kernels import Geometry
from minigrad.kernels.geometry import Problem
from minigrad.ops.conv import conv, conv_input, conv_weight


@st.composite
def draw_convolutions(draw):
    """A shape (N, C, H, W), (O, C/groups, kh, kw) with its stride, padding, dilation and groups."""
    pair = lambda low, high: st.tuples(*[st.integers(low, high)] * 2)  # noqa: E731
    kernel, stride, padding = draw(st.one_of(pair(1, 5), pair(5, 9))), draw(pair(1, 3)), draw(pair(0, 3))
    dilation, groups = draw(pair(1, 2)), draw(st.sampled_from([1, 1, 2, 3]))
    per_group, out_per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in zip(kernel, padding, dilation, strict=True)]
    H, W = (draw(st.integers(n, max(13, n))) for n in least)
    N = draw(st.integers(0, 3))
    x_shape = (N, per_group * groups, H, W)
    w_shape = (out_per_group * groups, per_group, *kernel)
    return x_shape, w_shape, Geometry(kernel, stride, padding, dilation, groups)


def make_layer(x_shape, outputs, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """A problem's shapes from its numbers: images, kernels and geometry."""
    return x_shape, (outputs, x_shape[1] // groups, *kernel), Geometry(kernel, stride, padding, dilation, groups)


def make_problem(shape, char="d"):
    """The problem that the dispatch gets for a layer of these shapes."""
    return Problem(shape[0], shape[1][0], shape[2], char, np.ndarray)


def draw_operands(x_shape, w_shape, geometry, dtype=np.float64, seed=0):
    random = np.random.default_rng(seed)
    x = random.standard_normal(x_shape).astype(dtype)
    w = random.standard_normal(w_shape).astype(dtype)
    g = random.standard_normal((len(x), len(w), *geometry.windows(x_shape[2:]))).astype(dtype)
    return x, w, g


def compute_three(algorithm, x, w, g, geometry):
    with kernels.algorithm(algorithm):
        return (
            conv(x, w, geometry=geometry),
            conv_input(g, w, size=x.shape[2:], geometry=geometry),
            conv_weight(x, g, geometry=geometry),
        )


LAYERS = {  # the shapes that each algorithm was written for
    "direct": make_layer((2, 3, 9, 8), 4, (3, 3), (2, 1), (1, 0), (1, 2)),
    "tiny": make_layer((1, 1, 6, 8), 1, (1, 2)),
    "im2col": make_layer((3, 8, 15, 17), 6, (3, 3), (2, 2), (1, 1), groups=2),
    "pointwise": make_layer((9, 16, 9, 9), 8, (1, 1), (2, 2)),
    "mec": make_layer((5, 3, 12, 19), 4, (5, 5), (3, 2), (2, 3), (1, 2)),
    "channels last": make_layer((3, 5, 12, 11), 4, (3, 5), (2, 3), (1, 2), (2, 1)),
    "depthwise": make_layer((3, 5, 9, 8), 5, (3, 2), (1, 1), (1, 1), (2, 1), groups=5),
    "planes": make_layer((3, 6, 9, 8), 9, (4, 3), (1, 1), (1, 1), (2, 1), groups=3),
    "strides": make_layer((3, 6, 10, 9), 9, (4, 3), (2, 2), (1, 1), (1, 2), groups=3),
    "toeplitz": make_layer((3, 6, 5, 6), 9, (4, 3), (2, 1), (2, 1), (1, 2), groups=3),
    "phases": make_layer((3, 3, 19, 22), 5, (5, 7), (2, 3), (2, 1)),
    "apart": make_layer((2, 8, 9, 8), 6, (3, 2), (2, 1), (1, 1), groups=2),
    "winograd": make_layer((3, 16, 23, 21), 20, (3, 3), padding=(1, 1)),
    "winograd 2x2": make_layer((3, 16, 23, 21), 20, (3, 3), padding=(1, 1)),
    "winograd 5x5": make_layer((3, 16, 23, 21), 20, (5, 6), padding=(2, 1)),
    "winograd blocks": make_layer((3, 16, 23, 21), 20, (7, 9), padding=(3, 4)),
}
