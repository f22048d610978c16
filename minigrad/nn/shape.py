"""Layers that change shapes: `Flatten`, `Unflatten`, `Unfold`, `Fold`, `PixelShuffle`, `Upsample` and others."""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import Lengths
from minigrad.ops.shape import flatten
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor


class Flatten(Stateless):
    """Joins axes `start_dim` to `end_dim`: (N, C, H, W) -> (N, C*H*W).

    >>> import minigrad as torch
    >>> torch.nn.Flatten()(torch.ones(2, 3, 4)).shape
    minigrad.Size([2, 12])
    """

    start_dim: int = 1
    end_dim: int = -1

    def forward(self, input: Tensor) -> Any:
        return flatten(input, self.start_dim, self.end_dim)


class Unflatten(Stateless):
    """Splits axis `dim` into axes of `unflattened_size`. Raises `TypeError` for anything but ints.

    >>> import minigrad as torch
    >>> torch.nn.Unflatten(1, (3, 4))(torch.ones(2, 12)).shape
    minigrad.Size([2, 3, 4])
    """

    dim: int
    unflattened_size: Any

    def _complete(self) -> None:
        sizes = self.unflattened_size
        if not isinstance(sizes, (tuple, list)) or not all(isinstance(n, int) for n in sizes):
            raise TypeError(f"unflattened_size must be a tuple of ints, such as (2, 5), got {shorten(sizes)}")

    def forward(self, input: Tensor) -> Any:
        return input.unflatten(self.dim, self.unflattened_size)


class Unfold(Stateless, function=F.unfold):
    """Cuts an image into windows: (N, C, H, W) -> (N, C*kh*kw, number of windows), im2col.

    >>> import minigrad as torch
    >>> torch.nn.Unfold(kernel_size=(1, 2))(torch.tensor([[[1.0, 2.0, 3.0]]]))  # each column is a window
    tensor([[1., 2.],
            [2., 3.]])
    """


class Fold(Stateless, function=F.fold):
    """Sums windows into an image: (N, C*kh*kw, windows) -> (N, C, *output_size), the adjoint of `Unfold`.

    >>> import minigrad as torch
    >>> fold = torch.nn.Fold(output_size=(1, 3), kernel_size=(1, 2))
    >>> fold(torch.tensor([[1.0, 2.0], [2.0, 3.0]]))  # 2 + 2 in the middle
    tensor([[[1., 4., 3.]]])
    """


class Upsample(Stateless, function=F.interpolate):
    """Resizes signals, images or volumes to `size`, or by `scale_factor`, as `functional.interpolate` does.

    Modes: 'nearest', 'nearest-exact', 'area'; 'linear' for (N, C, L); 'bilinear', 'bicubic' for (N, C, H, W);
    'trilinear' for (N, C, D, H, W). Raises ValueError unless one of `size` and `scale_factor` is given,
    NotImplementedError for a mode that does not fit the number of axes.

    >>> import minigrad as torch
    >>> torch.nn.Upsample(scale_factor=2)(torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    size: Lengths | None = None
    scale_factor: Any = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None

    def _complete(self) -> None:
        if isinstance(self.scale_factor, tuple):
            self.scale_factor = tuple(float(factor) for factor in self.scale_factor)
        elif self.scale_factor:
            self.scale_factor = float(self.scale_factor)

    def extra_repr(self) -> str:
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` with mode 'nearest', under its older name.

    >>> import minigrad as torch
    >>> torch.nn.UpsamplingNearest2d(scale_factor=2)(torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """`Upsample` with mode 'bilinear' and aligned corners, under its older name.

    >>> import minigrad as torch
    >>> torch.nn.UpsamplingBilinear2d((1, 3))(torch.tensor([[[[0.0, 1.0]]]]))
    tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Stateless, function=F.pixel_shuffle):
    """Channels become pixels: (*, C*r*r, H, W) -> (*, C, H*r, W*r).

    >>> import minigrad as torch
    >>> torch.nn.PixelShuffle(2)(torch.arange(4).reshape(4, 1, 1))  # (4, 1, 1) -> (1, 2, 2)
    tensor([[[0, 1],
             [2, 3]]])
    """


class PixelUnshuffle(Stateless, function=F.pixel_unshuffle):
    """Pixels become channels: (*, C, H*r, W*r) -> (*, C*r*r, H, W).

    >>> import minigrad as torch
    >>> torch.nn.PixelUnshuffle(2)(torch.arange(4).reshape(1, 2, 2)).flatten()  # (1, 2, 2) -> (4, 1, 1)
    tensor([0, 1, 2, 3])
    """


class ChannelShuffle(Stateless, function=F.channel_shuffle):
    """Interleaves the channels of `groups` groups: (N, C, *) to the same shape. Source: ShuffleNet, 2017.

    >>> import minigrad as torch
    >>> torch.nn.ChannelShuffle(2)(torch.arange(4.0).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """
