"""Pooling: one number for each window. Average pooling is a convolution's sum; max pooling picks."""

from __future__ import annotations

from typing import Any

from minigrad import kernels
from minigrad.autograd.core import wrap
from minigrad.autograd.operation import operation
from minigrad.backend import array_module, quiet

# Reading an image at the places that max pooling found, and adding gradients back there.
_gather = operation(
    "max_pool2d_gather",
    lambda x, *, places, options: kernels.max_pool2d_gather(x, places),
    lambda g, x_shape, places, options: _scatter(g, places=places, size=x_shape[-2:], options=options),
)
_scatter: Any = operation(
    "max_pool2d_scatter",
    lambda g, *, places, size, options: kernels.max_pool2d_input(g, places, size, *options),
    lambda v, places, options: _gather(v, places=places, options=options),
)
# The first reading: the search for the places has found the values as well.
_found = operation(
    "max_pool2d",
    lambda x, *, values, places, options: values,
    lambda g, x_shape, places, options: _scatter(g, places=places, size=x_shape[-2:], options=options),
)


def max_pool(input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> tuple[Any, Any]:
    """The maximum of each window, and where it was: (..., H, W) -> (..., Ho, Wo)."""
    options = (kernel, stride, padding, dilation)
    values, places = quiet(kernels.max_pool2d, input.array, *options, ceil_mode)
    return _found(input, values=values, places=places, options=options), wrap(places)


# A window's sum is a sum over its rows of sums over its columns: kh + kw passes instead of kh kw.
def _sums_forward(x: Any, *, kernel: Any, stride: Any, padding: Any, size: Any) -> Any:
    for axis in (-2, -1):  # whole rows first, the quicker half, while the image is large
        taps = list(_taps(axis, x.shape, kernel, stride, padding, size))
        if len(taps) > 1 and all(windows[1] == slice(0, size[axis]) for windows, _ in taps):
            (_, first), (_, second), *taps = taps  # no window hangs over: two taps make the sum's memory
            total = x[first] + x[second]
        else:
            total = array_module(x).zeros(_with_length(x.shape, axis, size[axis]), x.dtype)
        for windows, pixels in taps:
            total[windows] += x[pixels]
        x = total
    return x


def _sums_back_forward(g: Any, *, shape: Any, kernel: Any, stride: Any, padding: Any, size: Any) -> Any:
    for axis in (-1, -2):
        image = array_module(g).zeros(_with_length(g.shape, axis, shape[axis]), g.dtype)
        for windows, pixels in _taps(axis, image.shape, kernel, stride, padding, size):
            if stride[axis] >= kernel[axis]:  # no two windows share a pixel
                image[pixels] = g[windows]
            else:
                image[pixels] += g[windows]
        g = image
    return g


def _with_length(shape: Any, axis: int, length: int) -> list[int]:
    lengths = list(shape)
    lengths[axis] = length
    return lengths


def _taps(axis: int, image: Any, kernel: Any, stride: Any, padding: Any, size: Any) -> Any:
    """For each place of the window along `axis`: the windows that have it within the image, and the pixels there."""
    rest = (slice(None),) * (-1 - axis)
    for tap in range(kernel[axis]):
        windows, pixels = _span(tap, image[axis], stride[axis], padding[axis], size[axis])
        yield (..., windows, *rest), (..., pixels, *rest)


def _span(tap: int, length: int, stride: int, padding: int, windows: int) -> tuple[slice, slice]:
    first = max(0, -(-(padding - tap) // stride))
    last = min(windows, (length - 1 + padding - tap) // stride + 1)
    last = max(last, first)
    start = first * stride + tap - padding
    stop = start + (last - first - 1) * stride + 1 if last > first else start
    return slice(first, last), slice(start, stop, stride)


window_sums = operation(
    "window_sums",
    _sums_forward,
    lambda g, x_shape, kernel, stride, padding, size: _window_sums_back(
        g, shape=x_shape[-2:], kernel=kernel, stride=stride, padding=padding, size=size
    ),
)
_window_sums_back: Any = operation(
    "window_sums_back",
    _sums_back_forward,
    lambda v, kernel, stride, padding, size: window_sums(v, kernel=kernel, stride=stride, padding=padding, size=size),
)

# The windows of an image as columns, and columns added back into an image: each other's adjoint.
unfold_windows = operation(
    "im2col",
    lambda x, *, geometry: kernels.unfold(x, *geometry),
    lambda g, x_shape, geometry: fold_windows(g, size=x_shape[-2:], geometry=geometry),
)
fold_windows: Any = operation(
    "col2im",
    lambda g, *, size, geometry: kernels.fold(g, size, *geometry),
    lambda v, geometry: unfold_windows(v, geometry=geometry),
)
