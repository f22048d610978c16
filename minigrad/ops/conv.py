"""Convolution as one trilinear form.

``<conv(x, w), g> = <x, conv_input(g, w)> = <w, conv_weight(x, g)>``: three functions of two
operands each, and each one's gradients are the other two. Stride, padding, dilation, groups and
derivatives of every order follow from that. (It is cross-correlation, as in PyTorch: the kernel is
not flipped.)

Image x (N, C, H, W), kernel w (O, C/groups, kh, kw), result g (N, O, Ho, Wo); `geometry` is
(stride, padding, dilation, groups), the first three as (vertical, horizontal) pairs.
"""

from __future__ import annotations

from typing import Any

from minigrad import kernels
from minigrad.autograd.operation import operation


def _conv_forward(x: Any, w: Any, b: Any = None, *, geometry: Any) -> Any:
    result = kernels.conv2d(x, w, *geometry)
    if b is not None:
        result += b.reshape(1, -1, 1, 1)
    return result


def _input_forward(g: Any, w: Any, b: Any, *, size: Any, geometry: Any) -> Any:
    result = kernels.conv2d_input(g, w, size, *geometry)
    if b is not None:
        result += b.reshape(1, -1, 1, 1)
    return result


def _weight_forward(x: Any, g: Any, *, size: Any, geometry: Any) -> Any:
    return kernels.conv2d_weight(x, g, size, *geometry)


conv = operation(
    "convolution",
    _conv_forward,
    lambda g, w, x_shape, geometry: conv_input(g, w, None, size=x_shape[2:], geometry=geometry),
    lambda g, x, w_shape, geometry: conv_weight(x, g, size=w_shape[2:], geometry=geometry),
    lambda g: g.sum(axis=(0, 2, 3)),
)
# The adjoint in the image: the transposed convolution. `size` is the image's (H, W).
conv_input: Any = operation(
    "convolution_input",
    _input_forward,
    lambda v, w, geometry: conv(v, w, None, geometry=geometry),
    lambda v, g, w_shape, geometry: conv_weight(v, g, size=w_shape[2:], geometry=geometry),
    lambda v: v.sum(axis=(0, 2, 3)),
)
# The adjoint in the kernel. `size` is the kernel's (kh, kw).
conv_weight: Any = operation(
    "convolution_weight",
    _weight_forward,
    lambda v, g, x_shape, geometry: conv_input(g, v, None, size=x_shape[2:], geometry=geometry),
    lambda v, x, geometry: conv(x, v, None, geometry=geometry),
)
