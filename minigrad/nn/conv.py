"""Convolution layers. As in every deep learning library they compute a cross-correlation: the kernel is not flipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from minigrad.nn.functional.conv import conv1d, conv2d
from minigrad.nn.functional.padding import pad
from minigrad.nn.module import Weighted, describe_options
from minigrad.ops.arguments import Lengths, as_int, as_ints, per_axis
from minigrad.tensor import Tensor

# The options that are printed only if they have other values, in the order in which they are printed.
USUAL = {"padding": 0, "dilation": 1, "output_padding": 0, "groups": 1, "bias": True, "padding_mode": "zeros"}


class Convolution(Weighted):
    """The base class of the convolution layers: checks, parameters, their initialization, and the printed text."""

    axes: ClassVar[int]
    correlate: ClassVar[Callable[..., Tensor]]
    transposed: ClassVar[bool] = False
    padding: Any

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Lengths, stride: Lengths = 1,
        padding: str | Lengths = 0, dilation: Lengths = 1, groups: int = 1, bias: bool = True,
        padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        name = type(self).__name__
        if not hasattr(self, "axes"):
            raise TypeError(f"{name} has no number of axes: derive it from Conv1d, Conv2d or Conv3d, not from _ConvNd")
        # PyTorch refuses a bool only as the first axis of the weight; as a kernel size, True is 1.
        self.in_channels = as_int(in_channels, "in_channels", bools=not self.transposed)
        self.out_channels = as_int(out_channels, "out_channels")
        self.kernel_size = as_ints(name, "kernel_size", 1 if kernel_size is True else kernel_size, self.axes, 1)
        self.stride = as_ints(name, "stride", stride, self.axes, 1)
        self.padding = padding if isinstance(padding, str) else as_ints(name, "padding", padding, self.axes, 0)
        self.dilation = as_ints(name, "dilation", dilation, self.axes, 1)
        self.output_padding = (0,) * self.axes
        self.groups, self.padding_mode = as_int(groups, "groups"), padding_mode
        if self.groups != 1 or isinstance(padding, str) or not isinstance(padding_mode, str) or padding_mode != "zeros":
            from minigrad.nn.complaints import check_convolution

            check_convolution(self)
        self._make_parameters(self._weight_shape(), self.out_channels if bias else None, device, dtype)

    def _weight_shape(self) -> tuple[int, ...]:
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # PyTorch's name: users' subclasses call it with a modified weight.
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = self._pad_input(input)
        return self.correlate(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _pad_input(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input with its border, where that is not zeros, and the padding that is left for the convolution."""
        pads = [p for pair in reversed(self._find_sides()) for p in pair]  # `pad` starts with the last axis
        return pad(input, pads, mode=self.padding_mode), (0,) * self.axes

    def _find_sides(self) -> list[tuple[int, int]]:
        """The padding before and behind, for each axis; for 'same' an odd pixel is added behind."""
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [(total // 2, total - total // 2) for total in totals]
        return [(p, p) for p in per_axis(0 if self.padding == "valid" else self.padding, self.axes)]

    def extra_repr(self) -> str:
        return describe_options(self, "in_channels out_channels kernel_size= stride=", **USUAL)


class Conv1d(Convolution):
    """Cross-correlation along one axis: (N, C_in, L) or (C_in, L) -> (N, C_out, L_out).

    The same as `Conv2d` with one axis less. As `torch.nn.Conv1d`.

    >>> import minigrad as torch
    >>> torch.nn.Conv1d(3, 8, kernel_size=5, padding=2)(torch.ones(2, 3, 10)).shape
    minigrad.Size([2, 8, 10])
    """

    axes, correlate = 1, staticmethod(conv1d)


class Conv2d(Convolution):
    """Cross-correlation with learned kernels: (N, C_in, H, W) -> (N, C_out, H_out, W_out).

    Y[n, o, i, j] = b[o] + sum over c, u, v of W[o, c, u, v] X[n, c, i s + u d - p, j s + v d - p]

    It is cross-correlation, not convolution: the kernel is not flipped. An input of (C_in, H, W)
    works too. H_out = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1.
    `padding` is an int, a pair, 'same' (extra at the end) or 'valid'; `padding_mode` 'zeros',
    'reflect', 'replicate' or 'circular'. Raises `ValueError` for channels that `groups` does not
    divide and for unknown paddings. Weight (C_out, C_in / groups, kh, kw) and bias start in
    U(-1/sqrt(fan_in), 1/sqrt(fan_in)), fan_in = C_in / groups kh kw. As `torch.nn.Conv2d`.

    >>> import minigrad as torch
    >>> layer = torch.nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
    >>> layer.weight.data[:] = torch.tensor([1.0, -1.0])  # left pixel minus right one
    >>> layer(torch.tensor([[[[1.0, 1, 0, 0, 1]]]])).detach()  # 1 where white turns black, -1 where it turns back
    tensor([[[[ 0.,  1.,  0., -1.]]]])
    """

    axes, correlate = 2, staticmethod(conv2d)
