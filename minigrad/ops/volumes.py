"""Convolution of volumes, the same trilinear form as `conv.py`: ``<conv3d(x, w), g>`` in three functions.

Volume x (N, C, D, H, W), kernel w (O, C/groups, kd, kh, kw), result g (N, O, Do, Ho, Wo), and a `Geometry` of three
axes.
"""

from __future__ import annotations

from typing import Any

from minigrad.autograd.recording import operation
from minigrad.half_precision import round_once, widened
from minigrad.kernels import volumes as kernels

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
