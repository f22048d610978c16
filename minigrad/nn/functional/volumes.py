"""Convolution and pooling of volumes, and of videos, whose depth is time."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.failed_calls import names_options
from minigrad.nn.functional.checked_conv import convolve
from minigrad.nn.functional.conv_transpose import transpose_conv
from minigrad.nn.functional.pooling import (
    read_divisor,
    read_output_size,
    take_adaptive_maxima,
    take_adaptive_means,
    take_maxima,
    take_means,
)
from minigrad.ops.arguments import Lengths, takes_out
from minigrad.ops.grad_fn_names import name_last_call
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
    return transpose_conv(
        "conv_transpose3d", 3, input, weight, bias, (stride, padding, output_padding, groups, dilation)
    )


@names_options
def max_pool3d(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, dilation: Lengths = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> Any:  # fmt: skip
    """The largest number of each window of volumes (N, C, D, H, W) or (C, D, H, W): see `max_pool2d`.

    With `return_indices` also the flat indices ``(d H + h) W + w``, counted plane by plane.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 2))
    tensor([[[[5.],
              [7.]]]])
    """
    values, places = take_maxima("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return (values, places) if return_indices else values


@takes_out
def avg_pool3d(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None
) -> Tensor:  # fmt: skip
    """The mean of each window of volumes (N, C, D, H, W) or (C, D, H, W): see `avg_pool2d`.

    Raises RuntimeError for shapes that do not fit, and NotImplementedError for float16 on the CPU, as PyTorch does.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.avg_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[3.5000]]]])
    """
    count = read_divisor("avg_pool3d", divisor_override), count_include_pad
    return take_means("avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count)


@names_options
def adaptive_avg_pool3d(input: Tensor, output_size: Lengths) -> Tensor:
    """The mean of each of `output_size` windows that cover a volume (N, C, D, H, W) or (C, D, H, W).

    None keeps an axis; the windows are those of `adaptive_avg_pool2d` along each axis.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_avg_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1)).flatten()
    tensor([1.5000, 5.5000])
    """
    size = read_output_size("adaptive_avg_pool3d", 3, input, output_size)
    means = take_adaptive_means(input, size)
    return name_last_call(means, "MeanBackward1") if size == (1, 1, 1) else means


@names_options
def adaptive_max_pool3d(input: Tensor, output_size: Lengths, return_indices: bool = False) -> Any:
    """The largest number of each of `output_size` windows that cover a volume (N, C, D, H, W) or (C, D, H, W).

    The windows are those of `adaptive_avg_pool3d`, the indices those of `max_pool3d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_max_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1)).flatten()
    tensor([3., 7.])
    """
    size = read_output_size("adaptive_max_pool3d", 3, input, output_size, of_maxima=True)
    values, places = take_adaptive_maxima(input, size)
    return (values, places) if return_indices else values
