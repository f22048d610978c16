"""Strided convolution as one of stride 1: every s-th pixel forms an image of its own, which becomes a channel.

With x(a)[q] = x[q s + a] and w(a)[i] = w[i s + a], zeros at the kernel's end,

    out[t] = sum over i of w[i] x[t s + i] = sum over phases a, and i, of w(a)[i] x(a)[t + i].

So AlexNet's first layer, 11x11 on 3 channels with stride 4, becomes 3x3 on 48 channels, which Winograd's algorithm can
compute. The new convolution is computed by its quickest algorithm. Dilation 1, one group.
The phases are the polyphase components of signal processing. Source: P. P. Vaidyanathan, "Multirate Digital Filters,
Filter Banks, Polyphase Networks, and Applications: A Tutorial", 1990.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import Array, is_finite
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Algorithm, Machine
from minigrad.kernels.geometry import Geometry, Pair, Problem
from minigrad.kernels.windows import overlap
from minigrad.kernels.workspace import workspace
from minigrad.parallel import spread

COPIES = 2.6  # copies that take as long as those of the phases in all three functions
OVERHEAD = 7e-5  # seconds of Python in all three functions


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
    with dispatch.algorithm(None):
        return dispatch.conv2d(_split_image(x, geometry), _split_kernel(w, geometry), geometry=_unstrided(geometry))


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
    (kh, kw), (sh, sw) = geometry.kernel, geometry.stride
    with dispatch.algorithm(None):
        phases = dispatch.conv2d_weight(_split_image(x, geometry), g, geometry=_unstrided(geometry))
    O, _, rows, columns = phases.shape
    apart = phases.reshape(O, -1, sh, sw, rows, columns).transpose(0, 1, 4, 2, 5, 3)  # (O, C, rows, sh, columns, sw)
    whole = apart.reshape(O, -1, rows * sh, columns * sw)
    return np.ascontiguousarray(whole[:, :, :kh, :kw])


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C, kh, kw) -> (N, C, H, W)."""
    plain, (sh, sw) = _unstrided(geometry), geometry.stride
    seen = plain.adjoint_size(g.shape[2:])
    with dispatch.algorithm(None):
        phases = dispatch.conv2d_input(g, _split_kernel(w, geometry), size=seen, geometry=plain)
    x = np.zeros((len(g), w.shape[1], *size), g.dtype)
    phases = phases.reshape(len(g), w.shape[1], sh, sw, *seen)

    places = [(a, b, *_find_places((a, b), seen, size, geometry)) for a, b in np.ndindex(sh, sw)]

    def paint(images: slice) -> None:
        for a, b, (rows, pixel_rows), (columns, pixel_columns) in places:
            x[images, :, pixel_rows, pixel_columns] = phases[images, :, a, b, rows, columns]

    spread(paint, len(x), x.nbytes)
    return x


def _unstrided(geometry: Geometry) -> Geometry:
    """The geometry of the convolution of stride 1."""
    kh, kw = (-(-k // s) for k, s in zip(geometry.kernel, geometry.stride, strict=True))
    return Geometry((kh, kw))


def _split_image(x: Array, geometry: Geometry) -> Array:
    """(N, C, H, W) -> (N, C*sh*sw, H', W'): the phases of the padded images, cut to the pixels that windows read."""
    (N, C, H, W), (sh, sw), (ph, pw) = x.shape, geometry.stride, geometry.padding
    seen = _unstrided(geometry).adjoint_size(geometry.windows((H, W)))
    phases = np.empty((N, C, sh, sw, *seen), x.dtype)

    def take(images: slice) -> None:
        for image, split in zip(x[images], phases[images], strict=True):
            whole = workspace("padded", (C, seen[0] * sh, seen[1] * sw), x.dtype)
            whole[...] = 0
            pixels = image[:, : whole.shape[1] - ph, : whole.shape[2] - pw]
            whole[:, ph : ph + H, pw : pw + W] = pixels
            # (C, H'*sh, W'*sw) -> (C, sh, sw, H', W')
            split[...] = whole.reshape(C, seen[0], sh, seen[1], sw).transpose(0, 2, 4, 1, 3)

    spread(take, N, phases.nbytes)
    return phases.reshape(N, C * sh * sw, *seen)


def _split_kernel(w: Array, geometry: Geometry) -> Array:
    """(O, C, kh, kw) -> (O, C*sh*sw, kh', kw'), zeros at the end."""
    (O, C, kh, kw), (sh, sw), (rows, columns) = w.shape, geometry.stride, _unstrided(geometry).kernel
    whole = np.zeros((O, C, rows * sh, columns * sw), w.dtype)
    whole[:, :, :kh, :kw] = w
    return whole.reshape(O, C, rows, sh, columns, sw).transpose(0, 1, 3, 5, 2, 4).reshape(O, -1, rows, columns)


def _find_places(phase: Pair, seen: Pair, size: Pair, geometry: Geometry) -> list[tuple[slice, slice]]:
    """Along each axis, the part of a phase of the padded image inside the image: slices of the phase and of pixels."""
    found = zip(phase, size, seen, geometry.stride, geometry.padding, strict=True)
    return [overlap(a, length, count, s, p, 1) for a, length, count, s, p in found]


def serves(problem: Problem) -> bool:
    """NumPy, one group, no dilation, a stride above 1."""
    _, stride, _, dilation, groups = problem.geometry
    return problem.on_host and groups == 1 and dilation == (1, 1) and stride != (1, 1)


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds of the convolution of stride 1, and of copying the phases."""
    (N, C, _, _), (sh, sw), plain = problem.image, problem.geometry.stride, _unstrided(problem.geometry)
    image: Any = (N, C * sh * sw, *plain.adjoint_size(problem.grid))
    chosen = dispatch.choose(image, problem.outputs, plain, problem.char)
    copies = machine.copy(COPIES * N * image[1] * image[2] * image[3], image[3], max(sh, sw))
    return OVERHEAD + chosen.cost(problem._replace(image=image, geometry=plain), machine) + copies


# The zeros at the kernel's end meet pixels, and cotangents, that the kernel does not.
_SAFE = {"conv2d": lambda x, w, geometry: is_finite(x), "conv2d_input": lambda g, w, geometry: is_finite(g)}
ALGORITHM = Algorithm("phases", serves, cost, conv2d, conv2d_input, conv2d_weight, _SAFE)
