"""Padding layers: a border around signals, images and volumes, of a constant or of their own pixels."""

from __future__ import annotations

from typing import ClassVar

import minigrad.nn.functional as F
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import per_axis
from minigrad.tensor import Tensor


class Padding(Stateless):
    """Pads the last `axes` axes: by an int, or by (left, right, top, bottom, front, back)."""

    mode: ClassVar[str] = "constant"
    padding: int | tuple[int, ...]

    def _complete(self) -> None:
        self.padding = per_axis(self.padding, 2 * self.axes)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class ConstantPad(Padding):
    """Pads with `value`."""

    value: float
    extra_repr = Stateless.extra_repr

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, value=self.value)


class ConstantPad2d(ConstantPad):
    """Adds a border of `value` to an image: (C, H, W) or (N, C, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ConstantPad2d((1, 0, 0, 0), 7.0)(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[7., 1., 2., 3.]]])
    """


class ConstantPad1d(ConstantPad, axes=1):
    """Adds a border of `value` to a signal: (C, L) or (N, C, L).

    >>> import minigrad as torch
    >>> torch.nn.ConstantPad1d((1, 0), 7.0)(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[7., 1., 2., 3.]])
    """


class ConstantPad3d(ConstantPad, axes=3):
    """Adds a border of `value` to a volume: (C, D, H, W) or (N, C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ConstantPad3d((1, 0, 0, 0, 0, 0), 7.0)(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[7., 1., 2., 3.]]]])
    """


class ZeroPad2d(Padding):
    """Adds a border of zeros to an image: (C, H, W) or (N, C, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ZeroPad2d((1, 0, 0, 0))(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[0., 1., 2., 3.]]])
    """


class ZeroPad1d(Padding, axes=1):
    """Adds a border of zeros to a signal: (C, L) or (N, C, L).

    >>> import minigrad as torch
    >>> torch.nn.ZeroPad1d((1, 0))(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[0., 1., 2., 3.]])
    """


class ZeroPad3d(Padding, axes=3):
    """Adds a border of zeros to a volume: (C, D, H, W) or (N, C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ZeroPad3d((1, 0, 0, 0, 0, 0))(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[0., 1., 2., 3.]]]])
    """


class ReflectionPad2d(Padding):
    """Continues an image by its mirror image, the border itself not repeated: (C, H, W) or (N, C, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ReflectionPad2d((1, 0, 0, 0))(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[2., 1., 2., 3.]]])
    """

    mode = "reflect"


class ReflectionPad1d(Padding, axes=1):
    """Continues a signal by its mirror image, the border itself not repeated: (C, L) or (N, C, L).

    >>> import minigrad as torch
    >>> torch.nn.ReflectionPad1d((1, 0))(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 1., 2., 3.]])
    """

    mode = "reflect"


class ReflectionPad3d(Padding, axes=3):
    """Continues a volume by its mirror image, the border itself not repeated: (C, D, H, W) or (N, C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ReflectionPad3d((1, 0, 0, 0, 0, 0))(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[2., 1., 2., 3.]]]])
    """

    mode = "reflect"


class ReplicationPad2d(Padding):
    """Continues an image by its border: (C, H, W) or (N, C, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ReplicationPad2d((1, 0, 0, 0))(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[1., 1., 2., 3.]]])
    """

    mode = "replicate"


class ReplicationPad1d(Padding, axes=1):
    """Continues a signal by its border: (C, L) or (N, C, L).

    >>> import minigrad as torch
    >>> torch.nn.ReplicationPad1d((1, 0))(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 1., 2., 3.]])
    """

    mode = "replicate"


class ReplicationPad3d(Padding, axes=3):
    """Continues a volume by its border: (C, D, H, W) or (N, C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.ReplicationPad3d((1, 0, 0, 0, 0, 0))(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[1., 1., 2., 3.]]]])
    """

    mode = "replicate"


class CircularPad(Padding):
    """Pads with the other side. Raises `ValueError` for another number of axes."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        ranks = (self.axes + 1, self.axes + 2)
        if input.ndim not in ranks:
            raise ValueError(f"expected {ranks[0]}D or {ranks[1]}D input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad2d(CircularPad):
    """Continues an image by its other side: (C, H, W) or (N, C, H, W), else `ValueError`.

    >>> import minigrad as torch
    >>> torch.nn.CircularPad2d((1, 0, 0, 0))(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[3., 1., 2., 3.]]])
    """


class CircularPad1d(CircularPad, axes=1):
    """Continues a signal by its other side: (C, L) or (N, C, L), else `ValueError`.

    >>> import minigrad as torch
    >>> torch.nn.CircularPad1d((1, 0))(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3.]])
    """


class CircularPad3d(CircularPad, axes=3):
    """Continues a volume by its other side: (C, D, H, W) or (N, C, D, H, W), else `ValueError`.

    >>> import minigrad as torch
    >>> torch.nn.CircularPad3d((1, 0, 0, 0, 0, 0))(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[3., 1., 2., 3.]]]])
    """
