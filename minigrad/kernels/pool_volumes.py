"""Pooling of volumes on plain arrays: each plane first, then the depth, where a volume is an image (D, H*W).

A sum or a maximum over a window is one over its planes and then over its depth, so the kernels for images compute both
steps, with kh + kw + kd passes instead of kd kh kw. The first of equal maxima in a plane, in the first plane that has
it, is the first of the window; and so is the last NaN the last.
"""

from __future__ import annotations

from collections.abc import Callable

from minigrad.backend import Array, array_module
from minigrad.kernels import adaptive_pool, pool
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.volumes import of_planes


def max_pool3d(x: Array, places: Array, geometry: Geometry) -> Array:
    """The maximum of each window: (..., D, H, W) -> (..., Do, Ho, Wo); fills the int64 array `places` of that shape.

    A place is the flat index (d H + h) W + w in the unpadded volume. Ties and NaN are decided as in `max_pool2d`.
    """
    return _find_maxima(
        x,
        places,
        lambda planes, found: pool.max_pool2d(planes, found, of_planes(geometry)),
        lambda image, found: pool.max_pool2d(image, found, _of_depth(geometry)),
    )


def adaptive_max_pool3d(x: Array, places: Array) -> Array:
    """The maxima of windows that cover the volume: (..., D, H, W) -> (..., Do, Ho, Wo); fills `places`."""
    return _find_maxima(x, places, adaptive_pool.adaptive_max_pool2d, adaptive_pool.adaptive_max_pool2d)


def _find_maxima(
    x: Array, places: Array, over_planes: Callable[[Array, Array], Array], over_depth: Callable[[Array, Array], Array]
) -> Array:
    xp, (*outer, D, H, W), (Do, Ho, Wo) = array_module(x), x.shape, places.shape[-3:]
    in_planes = xp.empty((*outer, D, Ho, Wo), places.dtype)
    maxima = over_planes(x, in_planes)  # (..., D, Ho, Wo)
    winners = xp.empty((*outer, Do, Ho * Wo), places.dtype)
    best = over_depth(maxima.reshape(*outer, D, Ho * Wo), winners)
    offsets = pool.max_pool2d_gather(in_planes.reshape(*outer, D, Ho * Wo), winners)
    xp.add(winners // max(1, Ho * Wo) * (H * W), offsets, out=places.reshape(winners.shape))
    return best.reshape(places.shape)


def avg_pool3d(x: Array, geometry: Geometry, windows: Pair, divisor: int | None, include_pad: bool) -> Array:
    """The mean of each window, or its sum over `divisor`: (..., D, H, W) -> (..., Do, Ho, Wo).

    Integers are truncated.
    """
    *outer, D, _, _ = x.shape
    count = pool.find_divisor(x, geometry, x.shape[-3:], windows, divisor, include_pad)
    planes = pool.avg_pool2d(x, of_planes(geometry), windows[1:], 1, True)  # (..., D, Ho, Wo), their sums
    image, along = planes.reshape(*outer, D, windows[1] * windows[2]), _of_depth(geometry)
    sums = pool.avg_pool2d(image, along, (windows[0], image.shape[-1]), 1, True).reshape(*outer, *windows)
    pool.divide(sums, count, sums)
    return sums


def avg_pool3d_input(g: Array, geometry: Geometry, size: Pair, divisor: int | None, include_pad: bool) -> Array:
    """The adjoint of `avg_pool3d`: (..., Do, Ho, Wo) -> (..., D, H, W)."""
    *outer, Do, Ho, Wo = g.shape
    g = g / pool.find_divisor(g, geometry, size, (Do, Ho, Wo), divisor, include_pad)
    image = g.reshape(*outer, Do, Ho * Wo)
    planes = pool.avg_pool2d_input(image, _of_depth(geometry), (size[0], Ho * Wo), 1, True)
    return pool.avg_pool2d_input(planes.reshape(*outer, size[0], Ho, Wo), of_planes(geometry), size[1:], 1, True)


def adaptive_avg_pool3d(x: Array, size: Pair) -> Array:
    """The means of `size` windows that cover the volume: (..., D, H, W) -> (..., *size)."""
    (*outer, D, _, _), pixels = x.shape, size[1] * size[2]
    planes = adaptive_pool.adaptive_avg_pool2d(x, size[1:]).reshape(*outer, D, pixels)
    return adaptive_pool.adaptive_avg_pool2d(planes, (size[0], pixels)).reshape(*outer, *size)


def adaptive_avg_pool3d_input(g: Array, size: Pair) -> Array:
    """The adjoint of `adaptive_avg_pool3d`: (..., Do, Ho, Wo) -> (..., *size)."""
    *outer, Do, Ho, Wo = g.shape
    planes = adaptive_pool.adaptive_avg_pool2d_input(g.reshape(*outer, Do, Ho * Wo), (size[0], Ho * Wo))
    return adaptive_pool.adaptive_avg_pool2d_input(planes.reshape(*outer, size[0], Ho, Wo), size[1:])


def _of_depth(geometry: Geometry) -> Geometry:
    """The geometry of the depth, for an image (D, H*W)."""
    kernel, stride, padding, dilation, _ = geometry
    return Geometry((kernel[0], 1), (stride[0], 1), (padding[0], 0), (dilation[0], 1))
