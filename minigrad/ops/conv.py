"""Convolution as one trilinear form.

``<conv(x, w), g> = <x, conv_input(g, w)> = <w, conv_weight(x, g)>``: three functions of two
operands each, and each one's gradients are the other two. Stride, padding, dilation, groups and
derivatives of every order follow from that. (It is cross-correlation, as in PyTorch: the kernel is not flipped.)
"""

from __future__ import annotations

from typing import Any

from minigrad import kernels
from minigrad.autograd.operation import operation
from minigrad.backend import quiet

Pair = tuple[int, int]


def _forward(x: Any, w: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    return quiet(kernels.conv2d, x, w, stride, padding, dilation, groups)


def _input(g: Any, w: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    return quiet(kernels.conv2d_input, g, w, size, stride, padding, dilation, groups)


def _weight(x: Any, g: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    return quiet(kernels.conv2d_weight, x, g, size, stride, padding, dilation, groups)


# Image (N, C, H, W), kernel (O, C/groups, kh, kw), result (N, O, Ho, Wo).
conv = operation(
    "convolution",
    _forward,
    lambda g, w, x_shape, stride, padding, dilation, groups: conv_input(
        g, w, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    lambda g, x, w_shape, stride, padding, dilation, groups: conv_weight(
        x, g, size=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
# The adjoint in the image: the transposed convolution. `size` is the image's (H, W).
conv_input = operation(
    "convolution_input",
    _input,
    lambda cotangent, w, stride, padding, dilation, groups: conv(
        cotangent, w, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    lambda cotangent, g, w_shape, stride, padding, dilation, groups: conv_weight(
        cotangent, g, size=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
# The adjoint in the kernel. `size` is the kernel's (kh, kw).
conv_weight = operation(
    "convolution_weight",
    _weight,
    lambda cotangent, g, x_shape, stride, padding, dilation, groups: conv_input(
        g, cotangent, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    lambda cotangent, x, stride, padding, dilation, groups: conv(
        x, cotangent, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
