"""Layers that rearrange: flatten, unflatten, patches, padding, resizing."""

from __future__ import annotations

from typing import Any, ClassVar

import minigrad.nn.functional as F
from minigrad.nn.conv import Lengths, per_axis
from minigrad.nn.module import Module
from minigrad.nn.stateless import Stateless
from minigrad.tensor import Tensor


class Flatten(Stateless):
    """Joins axes `start_dim` to `end_dim`: (N, C, H, W) -> (N, C*H*W).

    >>> import minigrad as torch
    >>> torch.nn.Flatten()(torch.ones(2, 3, 4)).shape
    minigrad.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(start_dim=start_dim, end_dim=end_dim)

    def forward(self, input: Tensor) -> Tensor:
        flat: Tensor = input.flatten(self.start_dim, self.end_dim)
        return flat


class Unflatten(Stateless):
    """Splits axis `dim` into axes of `unflattened_size`. Raises `TypeError` for anything but ints.

    >>> import minigrad as torch
    >>> torch.nn.Unflatten(1, (3, 4))(torch.ones(2, 12)).shape
    minigrad.Size([2, 3, 4])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type "
                f"{type(unflattened_size).__name__}"
            )
        for position, length in enumerate(unflattened_size):
            if not isinstance(length, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type "
                    f"{type(length).__name__} at pos {position}"
                )
        super().__init__(dim=dim, unflattened_size=unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        split: Tensor = input.unflatten(self.dim, self.unflattened_size)
        return split


class Unfold(Stateless):
    """Cuts an image into windows: (N, C, H, W) -> (N, C*kh*kw, number of windows), im2col.

    >>> import minigrad as torch
    >>> torch.nn.Unfold(kernel_size=2)(torch.ones(1, 3, 4, 4)).shape
    minigrad.Size([1, 12, 9])
    """

    def __init__(
        self, kernel_size: Lengths, dilation: Lengths = 1, padding: Lengths = 0, stride: Lengths = 1
    ) -> None:
        super().__init__(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Stateless):
    """Adds windows up to an image again: (N, C*kh*kw, windows) -> (N, C, *output_size).

    >>> import minigrad as torch
    >>> torch.nn.Fold(output_size=(4, 4), kernel_size=2)(torch.ones(1, 12, 9)).shape
    minigrad.Size([1, 3, 4, 4])
    """

    def __init__(
        self,
        output_size: Lengths,
        kernel_size: Lengths,
        dilation: Lengths = 1,
        padding: Lengths = 0,
        stride: Lengths = 1,
    ) -> None:
        super().__init__(
            output_size=output_size,
            kernel_size=kernel_size,
            dilation=dilation,
            padding=padding,
            stride=stride,
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )


class Upsample(Stateless):
    """Resizes images to `size`, or by `scale_factor`: 'nearest' or 'bilinear'.

    >>> import minigrad as torch
    >>> torch.nn.Upsample(scale_factor=2)(torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(
        self,
        size: Lengths | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        if isinstance(scale_factor, tuple):
            scale_factor = tuple(float(factor) for factor in scale_factor)
        elif scale_factor:
            scale_factor = float(scale_factor)
        super().__init__(size=size, scale_factor=scale_factor, mode=mode)
        self._shown = ("size" if scale_factor is None else "scale_factor", "mode")
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners,
            self.recompute_scale_factor,
        )  # fmt: skip


class Padding(Module):
    """Pads the borders: by an int, or by (left, right, top, bottom), the last axis first."""

    axes: ClassVar[int]
    mode: ClassVar[str]
    padding: tuple[int, ...]

    def __init__(self, padding: Lengths) -> None:
        super().__init__()
        self.padding = per_axis(padding, 2 * self.axes)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, mode=self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class ConstantPad1d(Padding):
    """Adds `padding` entries of `value` at the ends of the last axis."""

    axes, mode = 1, "constant"

    def __init__(self, padding: Lengths, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """Adds a border of `value` around the last two axes.

    >>> import minigrad as torch
    >>> torch.nn.ConstantPad2d((1, 1, 0, 0), 7.0)(torch.ones(1, 1, 2))
    tensor([[[7., 1., 1., 7.]]])
    """

    axes = 2


class ZeroPad1d(Padding):
    """Adds zeros at the ends of the last axis."""

    axes, mode = 1, "constant"


class ZeroPad2d(Padding):
    """Adds a border of zeros around the last two axes."""

    axes, mode = 2, "constant"


class ReflectionPad1d(Padding):
    """Continues the last axis by its mirror image, the end itself not repeated."""

    axes, mode = 1, "reflect"


class ReflectionPad2d(Padding):
    """Continues the last two axes by their mirror image, the border itself not repeated."""

    axes, mode = 2, "reflect"


class ReplicationPad1d(Padding):
    """Continues the last axis by its first and last entries."""

    axes, mode = 1, "replicate"


class ReplicationPad2d(Padding):
    """Continues the last two axes by their border."""

    axes, mode = 2, "replicate"


class CircularPad1d(Padding):
    """Continues the last axis by its other end."""

    axes, mode = 1, "circular"


class CircularPad2d(Padding):
    """Continues the last two axes by their other ends."""

    axes, mode = 2, "circular"
