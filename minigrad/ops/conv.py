"""Convolution and its gradients, as one trilinear form.

``<conv(x, w), g> = <x, conv_input(g, w)> = <w, conv_weight(x, g)>``: three functions of two
operands each, and each one's gradients are the other two. Stride, padding, dilation, groups and
derivatives of every order follow from that. (It is cross-correlation, as in PyTorch: the kernel is
not flipped.)

Image x (N, C, H, W), kernel w (O, C/groups, kh, kw), result g (N, O, Ho, Wo), and how the kernel is laid over
the image: a `Geometry`.
"""

from __future__ import annotations

from typing import Any

from minigrad.autograd.recording import operation
from minigrad.half_precision import round_once, widened
from minigrad.kernels.dispatch import conv2d, conv2d_bias, conv2d_input, conv2d_weight

# The rules of x, w and b. In x: the kernel times each g is added to its window. In w: each window times its g, summed.
# Float16: each forward is computed in float32 and rounded once. A rule that calls another of the three is so as well.
conv = operation(
    "convolution",
    round_once(conv2d),
    lambda g, w, x_shape, geometry: conv_input(g, w, None, size=x_shape[2:], geometry=geometry),
    lambda g, x, geometry: conv_weight(x, g, geometry=geometry),
    widened(conv2d_bias),
)
# The adjoint in the image: the transposed convolution. `size` is the image's (H, W). From here on g is an operand, and
# v the gradient that arrives, in the shape of the image or of the kernel.
conv_input: Any = operation(
    "convolution_input",
    round_once(conv2d_input),
    lambda v, w, geometry: conv(v, w, None, geometry=geometry),
    lambda v, g, geometry: conv_weight(v, g, geometry=geometry),
    widened(conv2d_bias),
    shown="ConvolutionBackward0",
)
# The adjoint in the kernel.
conv_weight: Any = operation(
    "convolution_weight",
    round_once(conv2d_weight),
    lambda v, g, x_shape, geometry: conv_input(g, v, None, size=x_shape[2:], geometry=geometry),
    lambda v, x, geometry: conv(x, v, None, geometry=geometry),
    shown="ConvolutionBackwardBackward0",
)
