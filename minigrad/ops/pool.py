"""Pooling: one number for each window. Average pooling is a convolution's sum; max pooling picks."""

from __future__ import annotations

from typing import Any

from minigrad import kernels
from minigrad.autograd.core import wrap
from minigrad.autograd.operation import operation
from minigrad.backend import quiet
from minigrad.kernels import Geometry

# Reading an image at the places that max pooling found, and adding gradients back there.
_gather = operation(
    "max_pool2d_gather",
    lambda x, *, places, geometry: kernels.max_pool2d_gather(x, places),
    lambda g, x_shape, places, geometry: _scatter(g, places=places, size=x_shape[-2:], geometry=geometry),
)
_scatter: Any = operation(
    "max_pool2d_scatter",
    lambda g, *, places, size, geometry: kernels.max_pool2d_input(g, places, geometry, size),
    lambda v, places, geometry: _gather(v, places=places, geometry=geometry),
)
# The first reading: the search for the places has found the values as well.
_found = operation(
    "max_pool2d",
    lambda x, *, values, places, geometry: values,
    lambda g, x_shape, places, geometry: _scatter(g, places=places, size=x_shape[-2:], geometry=geometry),
)


def max_pool(input: Any, geometry: Geometry, ceil_mode: bool) -> tuple[Any, Any]:
    """The maximum of each window, and where it was: (..., H, W) -> (..., Ho, Wo)."""
    values, places = quiet(kernels.max_pool2d, input.array, geometry, ceil_mode)
    return _found(input, values=values, places=places, geometry=geometry), wrap(places)


window_sums = operation(
    "window_sums",
    lambda x, *, geometry, windows: kernels.window_sums(x, geometry, windows),
    lambda g, x_shape, geometry, windows: _window_sums_input(g, geometry=geometry, windows=windows, size=x_shape[-2:]),
)
_window_sums_input: Any = operation(
    "window_sums_input",
    lambda g, *, geometry, windows, size: kernels.window_sums_input(g, geometry, size),
    lambda v, geometry, windows: window_sums(v, geometry=geometry, windows=windows),
)

# The windows of an image as columns, and columns added back into an image: each other's adjoint.
unfold_windows = operation(
    "im2col",
    lambda x, *, geometry: kernels.unfold(x, geometry),
    lambda g, x_shape, geometry: fold_windows(g, size=x_shape[-2:], geometry=geometry),
)
fold_windows: Any = operation(
    "col2im",
    lambda g, *, size, geometry: kernels.fold(g, geometry, size),
    lambda v, geometry: unfold_windows(v, geometry=geometry),
)
