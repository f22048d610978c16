"""Transposed convolution layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from minigrad.nn.conv import Convolution
from minigrad.nn.functional.conv_transpose import conv_transpose1d, conv_transpose2d
from minigrad.ops.arguments import Lengths, as_ints
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor


class TransposedConvolution(Convolution):
    """The base class of the transposed convolutions, which have an output_padding."""

    transpose_conv: ClassVar[Callable[..., Tensor]]
    transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Lengths, stride: Lengths = 1,
        padding: Any = 0, output_padding: Lengths = 0, groups: int = 1, bias: bool = True,
        dilation: Lengths = 1, padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        if not isinstance(padding_mode, str) or padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {name}, got {shorten(padding_mode)}')
        if isinstance(padding, str):
            raise TypeError(f"{name} takes padding as a number per axis, got {shorten(padding)}")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self.output_padding = as_ints(name, "output_padding", output_padding, self.axes, 0)

    def _weight_shape(self) -> tuple[int, ...]:
        return self.in_channels, self.out_channels // self.groups, *self.kernel_size

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        extra = self.output_padding if output_size is None else self._find_output_padding(input, tuple(output_size))
        return self.transpose_conv(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _find_output_padding(self, input: Tensor, size: tuple[int, ...]) -> tuple[int, ...]:
        """The output padding that gives the output `size`."""
        image = tuple(input.shape[-self.axes :])
        if len(size) not in (self.axes, input.ndim):
            raise ValueError(
                f"output_size must have {self.axes} or {input.ndim} elements, those of the image or all axes of the "
                f"output, got {len(size)}"
            )
        options = zip(image, self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in options]
        extra = tuple(want - n for want, n in zip(size[-self.axes :], least, strict=True))
        if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
            detail = f"but valid sizes range from {least} to {most} (for an input of {image})"
            raise ValueError(f"requested an output size of {size[-self.axes :]}, {detail}")
        return extra


class ConvTranspose1d(TransposedConvolution):
    """The transposed convolution of signals: (N, C_in, L) -> (N, C_out, L_out), see `ConvTranspose2d`.

    >>> import minigrad as torch
    >>> torch.nn.ConvTranspose1d(3, 1, 2, stride=2)(torch.ones(1, 3, 4)).shape
    minigrad.Size([1, 1, 8])
    """

    axes, transpose_conv = 1, staticmethod(conv_transpose1d)


class ConvTranspose2d(TransposedConvolution):
    """The transposed convolution, the adjoint of `Conv2d` in its input: it enlarges an image.

    (N, C_in, H, W) -> (N, C_out, H_out, W_out),
    H_out = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.
    The weight is (C_in, C_out / groups, kh, kw). `forward(x, output_size)` picks the output_padding
    that gives that size, and raises `ValueError` when none does. As `torch.nn.ConvTranspose2d`.

    >>> import minigrad as torch
    >>> layer = torch.nn.ConvTranspose2d(1, 1, 2, stride=2, bias=False)
    >>> layer.weight.data[:] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> layer(torch.tensor([[[1.0, 10.0]]])).detach()  # each pixel paints the kernel, times itself
    tensor([[[ 1.,  2., 10., 20.],
             [ 3.,  4., 30., 40.]]])
    """

    axes, transpose_conv = 2, staticmethod(conv_transpose2d)
