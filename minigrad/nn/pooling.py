"""Pooling layers: one number for each window of an image (N, C, H, W), a signal (N, C, L) or a volume."""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import Lengths, as_ints, per_axis
from minigrad.ops.lengths import is_sequence
from minigrad.tensor import Tensor


class Pooling(Stateless):
    """The base class of the pooling layers; `stride` defaults to the kernel size."""

    _keeps_tuples = False  # whether sizes are kept, and printed, as one number for each axis

    def _complete(self) -> None:
        options = vars(self)
        stride = options["stride"]
        if stride is None or (is_sequence(stride) and not len(stride)):
            options["stride"] = options["kernel_size"]
        for option, least in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            if option in options:
                as_ints(type(self).__name__, option, options[option], self.axes, least)
                if self._keeps_tuples:
                    options[option] = per_axis(options[option], self.axes)


class MaxPooling(Pooling, shown=("kernel_size", "stride", "padding", "dilation", "ceil_mode")):
    """The base class of the max pooling layers: their options, in PyTorch's order."""

    kernel_size: Lengths
    stride: Lengths | None = None
    padding: Lengths = 0
    dilation: Lengths = 1
    return_indices: bool = False
    ceil_mode: bool = False


class MaxPool2d(MaxPooling, function=F.max_pool2d):
    """The largest number in each window of each channel: (N, C, H, W) -> (N, C, H_out, W_out), or without N.

    `stride` is the kernel's size unless given, so that windows do not overlap. The gradient goes to the largest number.
    H_out = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, rounded up with
    `ceil_mode`. With `return_indices` it also returns the indices of the maxima. As `torch.nn.MaxPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.MaxPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """


class MaxPool1d(MaxPooling, function=F.max_pool1d, axes=1):
    """The largest number in each window of a signal: (N, C, L) -> (N, C, L_out), see `MaxPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.MaxPool1d(2)(torch.tensor([[1.0, 5.0, 2.0, 3.0]]))
    tensor([[5., 3.]])
    """


class MaxPool3d(MaxPooling, function=F.max_pool3d, axes=3):
    """The largest number in each window of a volume: (N, C, D, H, W) -> (N, C, D_out, H_out, W_out), see `MaxPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.MaxPool3d(2)(torch.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[7.]]]])
    """


class AvgPool2d(Pooling, function=F.avg_pool2d, shown=("kernel_size", "stride", "padding")):
    """The mean of each window of each channel: (N, C, H, W) -> (N, C, H_out, W_out), or without N.

    `stride` is the kernel's size unless given; H_out as in `MaxPool2d`, without dilation. The zeros of the
    padding count unless ``count_include_pad=False``; `divisor_override` divides the sum instead.
    As `torch.nn.AvgPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.AvgPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """


class AvgPool1d(Pooling, function=F.avg_pool1d, shown=("kernel_size", "stride", "padding"), axes=1):
    """The mean of each window of a signal: (N, C, L) -> (N, C, L_out), see `AvgPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.AvgPool1d(2)(torch.tensor([[1.0, 5.0, 2.0, 3.0]]))
    tensor([[3.0000, 2.5000]])
    """

    _keeps_tuples = True


class AvgPool3d(Pooling, function=F.avg_pool3d, shown=("kernel_size", "stride", "padding"), axes=3):
    """The mean of each window of a volume: (N, C, D, H, W) -> (N, C, D_out, H_out, W_out), see `AvgPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.AvgPool3d(2)(torch.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[3.5000]]]])
    """


class AdaptiveAvgPool2d(Stateless, function=F.adaptive_avg_pool2d):
    """The means of windows that cover the image: (N, C, H, W) -> (N, C, *output_size), or without N.

    Of n pixels, window i of m reads those from floor(i n / m) to ceil((i + 1) n / m) - 1. A None in `output_size` keeps
    that axis's length. ``AdaptiveAvgPool2d(1)`` is the mean of each map. As `torch.nn.AdaptiveAvgPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveAvgPool2d((1, 1))(torch.tensor([[[1.0, 2.0], [3.0, 6.0]]]))
    tensor([[[3.]]])
    """


class AdaptiveAvgPool1d(Stateless, function=F.adaptive_avg_pool1d):
    """The means of `output_size` windows that cover a signal: (N, C, L) -> (N, C, output_size).

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveAvgPool1d(1)(torch.tensor([[1.0, 5.0, 2.0, 4.0]]))
    tensor([[3.]])
    """


class AdaptiveAvgPool3d(Stateless, function=F.adaptive_avg_pool3d):
    """The means of windows that cover a volume: (N, C, D, H, W) -> (N, C, *output_size), see `AdaptiveAvgPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveAvgPool3d(1)(torch.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[3.5000]]]])
    """


class AdaptiveMaxPool2d(Stateless, function=F.adaptive_max_pool2d, shown=("output_size",)):
    """The maxima of windows that cover the image: (N, C, H, W) -> (N, C, *output_size), or without N.

    The windows are those of `AdaptiveAvgPool2d`. A None in `output_size` keeps that axis's length. With
    `return_indices` also the flat indices of the maxima. As `torch.nn.AdaptiveMaxPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveMaxPool2d((1, 1))(torch.arange(12.0).reshape(1, 3, 4))
    tensor([[[11.]]])
    """


class AdaptiveMaxPool1d(Stateless, function=F.adaptive_max_pool1d, shown=("output_size",)):
    """The largest numbers of `output_size` windows that cover a signal: (N, C, L) -> (N, C, output_size).

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveMaxPool1d(1)(torch.tensor([[1.0, 5.0, 2.0, 4.0]]))
    tensor([[5.]])
    """


class AdaptiveMaxPool3d(Stateless, function=F.adaptive_max_pool3d, shown=("output_size",)):
    """The maxima of windows that cover a volume: (N, C, D, H, W) -> (N, C, *output_size), see `AdaptiveMaxPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.AdaptiveMaxPool3d(1)(torch.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[7.]]]])
    """


class FractionalMaxPooling(Stateless, shown=()):
    """The base class of the fractional max pooling layers, which take either a size or a ratio."""

    def _complete(self) -> None:
        name, size, ratio = type(self).__name__, self.output_size, self.output_ratio
        if size is not None and ratio is not None:
            raise ValueError(f"{name}: only one of output_size and output_ratio may be specified")
        if size is None and ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if ratio is not None and not all(0 < one < 1 for one in per_axis(ratio, self.axes)):
            raise ValueError(f"{name}: output_ratio must be between 0 and 1 (got {ratio})")


class FractionalMaxPool2d(FractionalMaxPooling, function=F.fractional_max_pool2d):
    """The largest number of each of `output_size` windows, whose distances are drawn anew at each call.

    Instead of the size, `output_ratio` gives the fraction of height and width that remains, between 0 and 1.
    Raises ValueError unless exactly one of them is given. As `torch.nn.FractionalMaxPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.FractionalMaxPool2d(2, output_size=4)(torch.ones(1, 6, 6)).shape
    minigrad.Size([1, 4, 4])
    """


class FractionalMaxPool3d(FractionalMaxPooling, function=F.fractional_max_pool3d, axes=3):
    """`FractionalMaxPool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.FractionalMaxPool3d(2, output_ratio=0.5)(torch.ones(1, 6, 6, 6)).shape
    minigrad.Size([1, 3, 3, 3])
    """


class LPPooling(Stateless, shown=("norm_type", "kernel_size", "stride", "ceil_mode")):
    """The base class of the pooling layers by a power mean, whose power is a float: integers give floats."""

    def forward(self, input: Tensor) -> Any:
        return self._function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(LPPooling, function=F.lp_pool2d):
    """``(sum of x**p)**(1 / p)`` over each window, with p = `norm_type`.

    As `torch.nn.LPPool2d`.

    >>> import minigrad as torch
    >>> torch.nn.LPPool2d(2, (1, 2))(torch.tensor([[[3.0, 4.0]]]))
    tensor([[[5.]]])
    """


class LPPool1d(LPPooling, function=F.lp_pool1d, axes=1):
    """`LPPool2d` of signals (N, C, L) or (C, L).

    >>> import minigrad as torch
    >>> torch.nn.LPPool1d(2, 2)(torch.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """


class LPPool3d(LPPooling, function=F.lp_pool3d, axes=3):
    """`LPPool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.LPPool3d(2, (2, 1, 1))(torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)).flatten()
    tensor([5.])
    """


class MaxUnpooling(Pooling, shown=("kernel_size", "stride", "padding")):
    """The base class of the layers that undo max pooling."""

    kernel_size: Lengths
    stride: Lengths | None = None
    padding: Lengths = 0
    _keeps_tuples = True

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        return self._function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(MaxUnpooling, function=F.max_unpool2d):
    """Zeros, with the maxima of `MaxPool2d` at their original positions: ``unpool(values, indices, output_size)``.

    As `torch.nn.MaxUnpool2d`.

    >>> import minigrad as torch
    >>> pool, unpool = torch.nn.MaxPool2d(2, return_indices=True), torch.nn.MaxUnpool2d(2)
    >>> unpool(*pool(torch.arange(4.0).view(1, 2, 2)))
    tensor([[[0., 0.],
             [0., 3.]]])
    """


class MaxUnpool1d(MaxUnpooling, function=F.max_unpool1d, axes=1):
    """`MaxUnpool2d` of signals (N, C, L) or (C, L).

    >>> import minigrad as torch
    >>> torch.nn.MaxUnpool1d(2)(torch.tensor([[5.0, 7.0]]), torch.tensor([[1, 2]]))
    tensor([[0., 5., 7., 0.]])
    """


class MaxUnpool3d(MaxUnpooling, function=F.max_unpool3d, axes=3):
    """`MaxUnpool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import minigrad as torch
    >>> pool, unpool = torch.nn.MaxPool3d(2, return_indices=True), torch.nn.MaxUnpool3d(2)
    >>> unpool(*pool(torch.arange(8.0).view(1, 2, 2, 2))).flatten()
    tensor([0., 0., 0., 0., 0., 0., 0., 7.])
    """
