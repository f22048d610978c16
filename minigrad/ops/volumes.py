"""Convolution and pooling of volumes. The convolution is the same trilinear form as that of `conv.py`.

Volume x (N, C, D, H, W), kernel w (O, C/groups, kd, kh, kw), result g (N, O, Do, Ho, Wo), and a `Geometry` of three
axes.
"""

from __future__ import annotations

from typing import Any

from minigrad.autograd.recording import operation
from minigrad.half_precision import round_once, widened
from minigrad.kernels import pool_volumes as pooling
from minigrad.kernels import volumes as kernels
from minigrad.ops.piecewise import tie
from minigrad.ops.pool import (
    make_adaptive_average_pooling,
    make_average_pooling,
    read_places,
    require_windows,
    write_places,
)

# The rules of x, w and b: each of the first two functions is the other's adjoint, as in `conv.py`.
conv3d = operation(
    "convolution3d",
    round_once(kernels.conv3d),
    lambda g, w, x_shape, geometry: conv3d_input(g, w, None, size=x_shape[2:], geometry=geometry),
    lambda g, x, geometry: conv3d_weight(x, g, geometry=geometry),
    widened(kernels.conv3d_bias),
    shown="ConvolutionBackward0",
)
conv3d_input: Any = operation(
    "convolution3d_input",
    round_once(kernels.conv3d_input),
    lambda v, w, geometry: conv3d(v, w, None, geometry=geometry),
    lambda v, g, geometry: conv3d_weight(v, g, geometry=geometry),
    widened(kernels.conv3d_bias),
    shown="ConvolutionBackward0",
)
conv3d_weight: Any = operation(
    "convolution3d_weight",
    round_once(kernels.conv3d_weight),
    lambda v, g, x_shape, geometry: conv3d_input(g, v, None, size=x_shape[2:], geometry=geometry),
    lambda v, x, geometry: conv3d(x, v, None, geometry=geometry),
    shown="ConvolutionBackwardBackward0",
)

# The maxima; their indices are written into the second operand. `apart`: no two windows share a pixel.
max_pool3d = operation(
    "max_pool3d",
    lambda x, places, *, geometry: pooling.max_pool3d(x, places, geometry),
    lambda g, x, places, geometry: tie(_write(g, places, x.shape, geometry.apart), x),
    None,
    shown="MaxPool3DWithIndicesBackward0",
)
adaptive_max_pool3d = operation(
    "adaptive_max_pool3d",
    lambda x, places, *, apart: pooling.adaptive_max_pool3d(x, places),
    lambda g, x, places, apart: tie(_write(require_windows(g, "adaptive_max_pool3d"), places, x.shape, apart), x),
    None,
    shown="AdaptiveMaxPool3DBackward0",
)


def _write(g: Any, places: Any, shape: Any, apart: bool) -> Any:
    """Adds g (..., Do, Ho, Wo) at `places` of zeros (..., D, H, W)."""
    *outer, D, H, W = shape
    return write_places(_as_image(g), _as_image(places), size=(D, H * W), apart=apart).reshape(*outer, D, H, W)


def read_volume(x: Any, places: Any, apart: bool) -> Any:
    """The volumes x (..., D, H, W) read at `places` (..., Do, Ho, Wo)."""
    return read_places(_as_image(x), _as_image(places), apart=apart).reshape(*places.shape)


def _as_image(x: Any) -> Any:
    """(..., D, H, W) -> (..., D, H*W)."""
    *outer, H, W = x.shape
    return x.reshape(*outer, H * W)


avg_pool3d = make_average_pooling("avg_pool3d", pooling.avg_pool3d, pooling.avg_pool3d_input)
adaptive_avg_pool3d = make_adaptive_average_pooling(
    "adaptive_avg_pool3d", pooling.adaptive_avg_pool3d, pooling.adaptive_avg_pool3d_input
)
