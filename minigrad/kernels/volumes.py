"""Convolution of volumes and its gradients, as a convolution of images.

The kd planes that a window reads are stacked as channels. With the taps of the kernel's depth beside its channels,
w (O, C/groups, kd, kh, kw) is the kernel (O, C/groups*kd, kh, kw), and

    conv3d(x, w) = conv2d(stack(x), w).

So every algorithm for images, Winograd's included, serves volumes. The adjoints follow: `unstack` is that of `stack`.
Where windows are one pixel high and wide, nothing is stacked: the planes of a volume are the rows of an image.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.kernels.dispatch import conv2d, conv2d_bias, conv2d_input, conv2d_weight
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import overlap
from minigrad.parallel import spread

STACK_BYTES = 32 * 2**20  # of stacked planes at a time
GPU_STACK_BYTES = 256 * 2**20  # on a GPU few and large calls are better


def conv3d(x: Array, w: Array, b: Array | None = None, *, geometry: Geometry) -> Array:
    """Cross-correlation: (N, C, D, H, W), (O, C/groups, kd, kh, kw), bias (O,) -> (N, O, Do, Ho, Wo)."""
    windows = geometry.windows(x.shape[2:])
    if _sees_single_pixels(geometry):
        image = conv2d(_as_image(_pick_pixels(x, geometry)), w[..., 0], b, geometry=_of_image(geometry))
        return image.reshape(len(x), len(w), *windows)
    out = array_module(x).empty((len(x), len(w), *windows), x.dtype)
    for some in _portions(x, windows, geometry):
        planes = conv2d(stack(x[some], geometry), _flat(w), b, geometry=of_planes(geometry))
        out[some] = planes.reshape(-1, windows[0], *planes.shape[1:]).swapaxes(1, 2)  # (n*Do, O, Ho, Wo)
    return out


def conv3d_input(g: Array, w: Array, b: Array | None = None, *, size: Pair, geometry: Geometry) -> Array:
    """The adjoint of `conv3d` in x, the transposed convolution: (N, O, Do, Ho, Wo) -> (N, C, *size), plus b."""
    shape = (len(g), w.shape[1] * geometry.groups, *size)
    if _sees_single_pixels(geometry):
        image = _as_image(g)
        rows = conv2d_input(image, w[..., 0], size=(size[0], image.shape[3]), geometry=_of_image(geometry))
        x = _put_back(rows, g.shape[3:], shape, geometry)
    else:
        x = array_module(g).zeros(shape, g.dtype)
        for some in _portions(x, g.shape[2:], geometry):
            planes = conv2d_input(_as_planes(g[some]), _flat(w), size=size[1:], geometry=of_planes(geometry))
            unstack(planes, x[some], geometry)
    if b is not None:
        x += b.reshape(-1, 1, 1, 1)
    return x


def conv3d_weight(x: Array, g: Array, *, geometry: Geometry) -> Array:
    """The adjoint of `conv3d` in w: (N, C, D, H, W), (N, O, Do, Ho, Wo) -> (O, C/groups, kd, kh, kw)."""
    if _sees_single_pixels(geometry):
        image = _as_image(_pick_pixels(x, geometry))
        return conv2d_weight(image, _as_image(g), geometry=_of_image(geometry))[..., None]
    w = array_module(x).zeros((g.shape[1], x.shape[1] // geometry.groups, *geometry.kernel), x.dtype)
    for some in _portions(x, g.shape[2:], geometry):
        planes = stack(x[some], geometry)
        w += conv2d_weight(planes, _as_planes(g[some]), geometry=of_planes(geometry)).reshape(w.shape)
    return w


def conv3d_bias(g: Array) -> Array:
    """The adjoint of `conv3d` in b: the sum over volumes and positions, (N, O, Do, Ho, Wo) -> (O,)."""
    N, O, Do, Ho, Wo = g.shape
    return conv2d_bias(g.reshape(N, O, Do * Ho, Wo))


def _sees_single_pixels(geometry: Geometry) -> bool:
    """Whether windows see one pixel of each plane that they reach, and none of the padding beside a plane."""
    return geometry.kernel[1:] == (1, 1) and geometry.padding[1:] == (0, 0)


def _pick_pixels(x: Array, geometry: Geometry) -> Array:
    """The pixels of each plane that such windows see, as a view: (N, C, D, H, W) -> (N, C, D, Ho, Wo)."""
    return x[..., :: geometry.stride[1], :: geometry.stride[2]]


def _as_image(x: Array) -> Array:
    """Each plane as a row of an image: (N, C, D, H, W) -> (N, C, D, H*W)."""
    return x.reshape(*x.shape[:3], x.shape[3] * x.shape[4])


def _put_back(image: Array, grid: Pair, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The adjoint of `_as_image(_pick_pixels(x))`: (N, C, D, Ho*Wo) -> `shape` (N, C, D, H, W), zeros between."""
    if geometry.stride[1:] == (1, 1):
        return image.reshape(shape)
    x = array_module(image).zeros(shape, image.dtype)
    _pick_pixels(x, geometry)[...] = image.reshape(*shape[:3], *grid)
    return x


def _of_image(geometry: Geometry) -> Geometry:
    """The geometry of such windows in the image of `_as_image`: they are as high as they were deep."""
    kernel, stride, padding, dilation, groups = geometry
    return Geometry((kernel[0], 1), (stride[0], 1), (padding[0], 0), (dilation[0], 1), groups)


def stack(x: Array, geometry: Geometry) -> Array:
    """The planes that each window reads, as channels; zeros in the padding: (N, C, D, H, W) -> (N*Do, C*kd, H, W)."""
    xp, (N, C, D, H, W) = array_module(x), x.shape
    kd, Do = geometry.kernel[0], geometry.windows(x.shape[2:])[0]
    planes = (xp.zeros if geometry.padding[0] else xp.empty)((N, Do, C, kd, H, W), x.dtype)

    def copy(some: slice) -> None:
        for tap, into, read in _taps(D, Do, geometry):
            planes[some, into, :, tap] = x[some, :, read].swapaxes(1, 2)

    spread(copy, N, planes.nbytes if xp is np else 0)
    return planes.reshape(N * Do, C * kd, H, W)


def unstack(planes: Array, x: Array, geometry: Geometry) -> None:
    """The adjoint of `stack`: adds planes (N*Do, C*kd, H, W) to volumes x (N, C, D, H, W)."""
    (N, C, D, H, W), kd = x.shape, geometry.kernel[0]
    planes = planes.reshape(N, -1, C, kd, H, W)

    def add(some: slice) -> None:
        for tap, into, read in _taps(D, planes.shape[1], geometry):
            x[some, :, read] += planes[some, into, :, tap].swapaxes(1, 2)

    spread(add, N, planes.nbytes if array_module(x) is np else 0)


def _portions(x: Array, windows: Pair, geometry: Geometry) -> Iterator[slice]:
    """Slices of the volumes x, as many at a time as have `STACK_BYTES` of stacked planes, at least one."""
    N, C, _, H, W = x.shape
    limit = STACK_BYTES if array_module(x) is np else GPU_STACK_BYTES
    step = max(1, limit // max(1, C * geometry.kernel[0] * windows[0] * H * W * x.dtype.itemsize))
    return (slice(n, min(n + step, N)) for n in range(0, N, step))


def _taps(length: int, windows: int, geometry: Geometry) -> Iterator[tuple[int, slice, slice]]:
    """Each tap along the depth, with the windows whose tap lies inside the volume, and the planes that it reads."""
    taps, stride, padding, dilation = [numbers[0] for numbers in geometry[:4]]
    return ((tap, *overlap(tap, length, windows, stride, padding, dilation)) for tap in range(taps))


def of_planes(geometry: Geometry) -> Geometry:
    """The geometry of the windows in the planes of a volume, without its depth."""
    kernel, stride, padding, dilation, groups = geometry
    return Geometry(kernel[1:], stride[1:], padding[1:], dilation[1:], groups)


def _flat(w: Array) -> Array:
    """(O, C/groups, kd, kh, kw) -> (O, C/groups*kd, kh, kw)."""
    O, C, kd, kh, kw = w.shape
    return w.reshape(O, C * kd, kh, kw)


def _as_planes(g: Array) -> Array:
    """(N, O, Do, Ho, Wo) -> (N*Do, O, Ho, Wo), a copy."""
    N, O, Do, Ho, Wo = g.shape
    return g.swapaxes(1, 2).reshape(N * Do, O, Ho, Wo)
