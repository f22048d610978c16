"""Pooling layers: a window slides over (N, C, H, W) and leaves one number per place."""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.conv import Lengths
from minigrad.nn.stateless import Stateless
from minigrad.tensor import Tensor


class MaxPool2d(Stateless):
    """The largest number in each window; `stride` is the window itself unless given.

    H_out = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, rounded up with
    `ceil_mode`. With `return_indices` also where each was found.

    >>> import minigrad as torch
    >>> torch.nn.MaxPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """

    def __init__(
        self,
        kernel_size: Lengths,
        stride: Lengths | None = None,
        padding: Lengths = 0,
        dilation: Lengths = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
        )
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class AvgPool2d(Stateless):
    """The mean of each window; `stride` is the window itself unless given.

    The zeros of the padding count unless ``count_include_pad=False``; `divisor_override` divides
    the sum instead.

    >>> import minigrad as torch
    >>> torch.nn.AvgPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """

    def __init__(
        self,
        kernel_size: Lengths,
        stride: Lengths | None = None,
        padding: Lengths = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
        )
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip


class AdaptiveAvgPool2d(Stateless):
    """The means of as many windows as make the output `output_size`; None keeps that axis's length.

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveAvgPool2d((1, 1))(torch.ones(2, 3, 7, 5)).shape
    minigrad.Size([2, 3, 1, 1])
    """

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        super().__init__(output_size=output_size)

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)
