"""`conv3d` and `conv_transpose3d`: the convolutions of volumes and of videos, whose depth is time."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.failed_calls import names_options
from minigrad.nn.functional.checked_conv import convolve
from minigrad.nn.functional.conv_transpose import paint
from minigrad.tensor import Tensor


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """Cross-correlation of volumes with kernels (the kernel is not flipped). The depth of a video is its time.

    ``out[n, o, t, i, j] = bias[o] + sum over c, a, u, v of
    input[n, c, t*stride + a*dilation - padding, i*stride + u*dilation - padding, j*stride + v*dilation - padding]
    * weight[o, c, a, u, v]``

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C/groups, kd, kh, kw), bias (O,), output
    (N, O, Do, Ho, Wo) with ``Do = floor((D + 2*padding - dilation*(kd - 1) - 1) / stride) + 1``.
    `stride`, `padding` and `dilation` are ints, or three: of depth, height and width. `padding` may be 'valid'
    (none) or 'same' (Do = D; stride must be 1).
    Raises RuntimeError for shapes, channels or groups that do not fit, naming the axes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv3d.html

    >>> import minigrad as torch
    >>> video = torch.tensor([0.0, 0, 1, 1]).reshape(1, 1, 4, 1, 1)  # a pixel that lights up
    >>> torch.nn.functional.conv3d(video, torch.tensor([-1.0, 1]).reshape(1, 1, 2, 1, 1)).flatten()  # what changes
    tensor([0., 1., 0.])
    """
    return convolve(input, weight, bias, conv3d, 3, (stride, padding, dilation, groups))


@names_options
def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1
) -> Tensor:  # fmt: skip
    """The adjoint of `conv3d` in its volume, (N, C, D, H, W) or (C, D, H, W) with kernels (C, O/groups, kd, kh, kw).

    ``Do = (D - 1)*stride - 2*padding + dilation*(kd - 1) + output_padding + 1``, and so along the other axes: see
    `conv_transpose2d`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose3d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.conv_transpose3d(torch.ones(1, 1, 1, 1), torch.ones(1, 2, 2, 1, 1)).shape
    minigrad.Size([2, 2, 1, 1])
    """
    return paint("conv_transpose3d", 3, input, weight, bias, (stride, padding, output_padding, groups, dilation))
