"""Pooling layers: a window slides over (N, C, H, W) and leaves one number per place."""

from __future__ import annotations

from typing import TypeAlias

from minigrad.nn.stateless import Stateless

Lengths: TypeAlias = int | tuple[int, ...]


class Pooling(Stateless):
    """What the pooling layers share: the stride is the window itself unless given."""

    kernel_size: Lengths
    stride: Lengths | None = None

    def _complete(self) -> None:
        self.stride = self.kernel_size if self.stride is None else self.stride


class MaxPool2d(Pooling, function="max_pool2d", shown=("kernel_size", "stride", "padding", "dilation", "ceil_mode")):
    """The largest number in each window.

    H_out = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, rounded up with
    `ceil_mode`. With `return_indices` also where each was found.

    >>> import minigrad as torch
    >>> torch.nn.MaxPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """

    padding: Lengths = 0
    dilation: Lengths = 1
    return_indices: bool = False
    ceil_mode: bool = False


class AvgPool2d(Pooling, function="avg_pool2d", shown=("kernel_size", "stride", "padding")):
    """The mean of each window.

    The zeros of the padding count unless ``count_include_pad=False``; `divisor_override` divides
    the sum instead.

    >>> import minigrad as torch
    >>> torch.nn.AvgPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """

    padding: Lengths = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None


class AdaptiveAvgPool2d(Stateless, function="adaptive_avg_pool2d"):
    """The means of as many windows as make the output `output_size`; None keeps that axis's length.

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveAvgPool2d((1, 1))(torch.ones(2, 3, 7, 5)).shape
    minigrad.Size([2, 3, 1, 1])
    """

    output_size: int | tuple[int | None, ...] | None
