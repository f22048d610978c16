"""Convolution layers: cross-correlation, to be exact, as in every deep learning library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeAlias

import minigrad.nn.functional as F
from minigrad.creation import empty
from minigrad.nn.linear import reset_uniform
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

Lengths: TypeAlias = int | tuple[int, ...]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    """`value` once for each of `axes` axes, unless it already is one value per axis."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * axes


class Convolution(Module):
    """What the convolution layers share: checks, parameters, their first values, and the text."""

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False
    weight: Parameter
    bias: Parameter | None
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        stride: Lengths,
        padding: str | Lengths,
        dilation: Lengths,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
        output_padding: Lengths = 0,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = per_axis(kernel_size, self.axes)
        self.stride = per_axis(stride, self.axes)
        self.padding = padding if isinstance(padding, str) else per_axis(padding, self.axes)
        self.dilation = per_axis(dilation, self.axes)
        self.output_padding = per_axis(output_padding, self.axes)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check()
        self.weight = Parameter(empty(self._weight_shape(), device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError(f"groups must be a positive integer, got groups={self.groups}")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(
                    f"{name} must be divisible by groups, got {name}={getattr(self, name)} and "
                    f"groups={self.groups}"
                )
        if isinstance(self.padding, str):
            if self.padding not in ("valid", "same"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be one of 'valid', 'same'; "
                    "or give the number of zeros per side"
                )
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(
                    f"padding='same' is not supported for strided convolutions, got stride="
                    f"{self.stride}; give padding as numbers, (kernel_size - 1) // 2 for instance"
                )
        if self.padding_mode not in PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {', '.join(map(repr, PADDING_MODES))}, but got "
                f"padding_mode={self.padding_mode!r}"
            )

    def _weight_shape(self) -> tuple[int, ...]:
        outer, inner = self.out_channels, self.in_channels
        if self.transposed:
            outer, inner = inner, outer
        return outer, inner // self.groups, *self.kernel_size

    def reset_parameters(self) -> None:
        """Draw the weight, then the bias."""
        reset_uniform(self.weight, self.bias)

    def _pad(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input, padded here for every mode but zeros, and the padding that is left to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            sides = [(total // 2, total - total // 2) for total in totals]
        else:
            sides = [
                (p, p) for p in per_axis(0 if self.padding == "valid" else self.padding, self.axes)
            ]
        pads = [p for pair in reversed(sides) for p in pair]  # F.pad counts from the last axis
        return F.pad(input, pads, mode=self.padding_mode), (0,) * self.axes

    def extra_repr(self) -> str:
        nothing = (0,) * self.axes
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        parts.append(f"stride={self.stride}")
        if self.padding != nothing:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * self.axes:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != nothing:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class Conv1d(Convolution):
    """Cross-correlation along one axis: (N, C_in, L) or (C_in, L) -> (N, C_out, L_out).

    The same as `Conv2d` with one axis less. As `torch.nn.Conv1d`.

    >>> import minigrad as torch
    >>> torch.nn.Conv1d(3, 8, kernel_size=5, padding=2)(torch.ones(2, 3, 10)).shape
    minigrad.Size([2, 8, 10])
    """

    axes = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: str | int | tuple[int] = 0,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        x, padding = self._pad(input)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


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
    >>> torch.nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)(torch.ones(1, 1, 6, 8)).shape
    minigrad.Size([1, 1, 6, 7])
    """

    axes = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode == "zeros":
            x, padding = input, self.padding
        else:
            x, padding = self._pad(input)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class ConvTranspose2d(Convolution):
    """The transposed convolution, `Conv2d`'s gradient in its input: it enlarges an image.

    (N, C_in, H, W) -> (N, C_out, H_out, W_out),
    H_out = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.
    The weight is (C_in, C_out / groups, kh, kw). `forward(x, output_size)` picks the output_padding
    that gives that size, and raises `ValueError` when none does. As `torch.nn.ConvTranspose2d`.

    >>> import minigrad as torch
    >>> torch.nn.ConvTranspose2d(3, 1, 2, stride=2)(torch.ones(1, 3, 4, 4)).shape
    minigrad.Size([1, 1, 8, 8])
    """

    axes = 2
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        output_padding: int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, '
                f"got {padding_mode!r}"
            )
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype, output_padding,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        output_padding = self.output_padding
        if output_size is not None:
            output_padding = self._output_padding(input, tuple(output_size))
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, output_padding, self.groups,
            self.dilation,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: tuple[int, ...]) -> tuple[int, ...]:
        """What to add at the end of each axis to reach `output_size`."""
        if len(output_size) == input.ndim:
            output_size = output_size[-self.axes :]
        if len(output_size) != self.axes:
            raise ValueError(
                f"{type(self).__name__}: output_size must have {self.axes} or {input.ndim} "
                f"elements, (H, W) or all axes of the output, got {len(output_size)}"
            )
        smallest = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[-self.axes :], self.stride, self.padding, self.dilation,
                self.kernel_size, strict=True,
            )
        ]  # fmt: skip
        extra = tuple(want - least for want, least in zip(output_size, smallest, strict=True))
        if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            largest = [least + s - 1 for least, s in zip(smallest, self.stride, strict=True)]
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {smallest} "
                f"to {largest} (for an input of {tuple(input.shape[-self.axes :])})"
            )
        return extra
