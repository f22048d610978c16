"""Convolution and its gradients by the definition: sums over the taps (elements) of the kernel.

out[n, o, t, u] = sum over c, i, j of w[o, c, i, j] x[n, c, t s + i d - p, u s + j d - p], where
pixels outside the image are zero. It is cross-correlation: the kernel is not flipped. The loops
run over images, output channels and windows; inside is the product of one window and one kernel.
Slow, simple, any dtype: the reference for all other algorithms.
"""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.backend import Array, array_module
from minigrad.kernels.algorithms import Algorithm, Machine, serves_all
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.windows import padded


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    out = array_module(x).zeros((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    image = padded(x, geometry.padding)
    for place, window in _places(out.shape, w.shape, geometry):
        out[place] = (image[window] * w[place[1]]).sum(dtype=x.dtype)
    return out


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W).

    The kernel times each g is added to its window.
    """
    (H, W), (ph, pw) = size, geometry.padding
    image = array_module(g).zeros((len(g), w.shape[1] * geometry.groups, H + 2 * ph, W + 2 * pw), g.dtype)
    for place, window in _places(g.shape, w.shape, geometry):
        image[window] += w[place[1]] * g[place]
    return image[:, :, ph : ph + H, pw : pw + W].copy()


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw).

    Each window times its g is added to the gradient of the kernel.
    """
    w = array_module(x).zeros((g.shape[1], x.shape[1] // geometry.groups, *geometry.kernel), x.dtype)
    image = padded(x, geometry.padding)
    for place, window in _places(g.shape, w.shape, geometry):
        w[place[1]] += image[window] * g[place]
    return w


def _places(
    out_shape: tuple[int, ...], w_shape: tuple[int, ...], geometry: Geometry
) -> Iterator[tuple[tuple[int, int, int, int], tuple[object, ...]]]:
    """Each element (n, o, t, u) of the output with the index of its window in the padded images."""
    N, O, Ho, Wo = out_shape
    (sh, sw), (dh, dw), (rh, rw) = geometry.stride, geometry.dilation, geometry.reach
    C = w_shape[1]
    for n in range(N):
        for o in range(O):
            first = o // (O // geometry.groups) * C  # the first of the C channels that this output's group sees
            for t in range(Ho):
                rows = slice(t * sh, t * sh + rh, dh)  # pixels t s + i d of the padded image
                for u in range(Wo):
                    cols = slice(u * sw, u * sw + rw, dw)
                    yield (n, o, t, u), (n, slice(first, first + C), rows, cols)


def cost(problem: Problem, machine: Machine) -> float:
    """Infinite, so that it is never chosen: it loops in Python over every output."""
    return float("inf")


ALGORITHM = Algorithm("direct", serves_all, cost, conv2d, conv2d_input, conv2d_weight)
