"""`conv_transpose1d` and `conv_transpose2d`, the adjoints of `conv1d` and `conv2d`; volumes share their code."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.failed_calls import names_options
from minigrad.kernels.geometry import Geometry
from minigrad.nn.functional.checked_conv import check_operands
from minigrad.nn.functional.conv_complaints import no_pixels
from minigrad.nn.functional.padding import pad
from minigrad.ops.arguments import as_ints, require_floats
from minigrad.ops.conv import conv_input
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.volumes import conv3d_input
from minigrad.tensor import Tensor


@names_options
def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1
) -> Tensor:  # fmt: skip
    """The adjoint of `conv2d` in its image: every input pixel, times the kernel, is added to the output.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, kh, kw), output (N, O, Ho, Wo) with
    ``Ho = (H - 1)*stride - 2*padding + dilation*(kh - 1) + output_padding + 1``.
    Raises RuntimeError for shapes, channels or groups that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 2))
    tensor([[[[1., 1.]]]])
    """
    return transpose_conv(
        "conv_transpose2d", 2, input, weight, bias, (stride, padding, output_padding, groups, dilation)
    )


def transpose_conv(name: str, space: int, input: Any, weight: Any, bias: Any, options: Any) -> Any:
    """The transposed convolution of images (`space` 2) or volumes (3), for the public function `name`."""
    stride, padding, output_padding, groups, dilation = options
    batched = check_operands(name, space, input, weight, bias, groups, transposed=True)
    require_floats(name, input, also=(np.int64,))
    x = input if batched else input.unsqueeze(0)
    stride = as_ints(name, "stride", stride, space, 1)
    dilation = as_ints(name, "dilation", dilation, space, 1)
    amounts = as_ints(name, "padding", padding, space, 0)
    extra = as_ints(name, "output_padding", output_padding, space, 0)
    geometry = Geometry(weight.array.shape[2:], stride, amounts, dilation, int(groups))
    size = _find_size(name, x.array, geometry, extra)
    if 0 in size:
        y = _sum_nothing(x, weight, bias).expand(len(x.array), weight.array.shape[1] * geometry.groups, *size)
        y = name_last_call(y, "ConvolutionBackward0")
    elif any(e >= s for e, s in zip(extra, stride, strict=True)):
        y = _crop_larger(x, weight, geometry, size)
        y = y if bias is None else y + bias.reshape(-1, *(1,) * space)
        y = name_last_call(y, "ConvolutionBackward0")
    else:
        y = _OPERATIONS[space](x, weight, bias, size=size, geometry=geometry)
    return y if batched else y.squeeze(0)


_OPERATIONS = {2: conv_input, 3: conv3d_input}


def _find_size(name: str, x: Any, geometry: Geometry, extra: tuple[int, ...]) -> tuple[int, ...]:
    """The size of the output, without batch and channels."""
    for e, s, d in zip(extra, geometry.stride, geometry.dilation, strict=True):
        if e >= max(s, d) and x.size:
            got = f"but got output_padding: {e}, stride: {s}, dilation: {d}"
            raise RuntimeError(f"output padding must be smaller than either stride or dilation, {got}")
    if len(x) and 0 in x.shape[2:]:
        raise no_pixels(name, x.shape[2:])
    size = geometry.adjoint_size(x.shape[2:], extra)
    # For no images, and for several images or groups in float32, PyTorch returns an empty result.
    may_be_empty = not len(x) or (max(len(x), geometry.groups) > 1 and x.dtype == np.float32)
    if min(size) < (0 if may_be_empty else 1):
        raise RuntimeError(
            f"Given input size per channel: ({' x '.join(map(str, x.shape[2:]))}). Calculated output size per channel: "
            f"({' x '.join(map(str, size))}). Output size is too small: {name} got a kernel "
            f"{tuple(geometry.kernel)} and padding {geometry.padding}; use less padding"
        )
    return size


@names_options
def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1
) -> Tensor:  # fmt: skip
    """The adjoint of `conv1d` in its signal, (N, C, L) or (C, L) with kernels (C, O/groups, k): see `conv_transpose2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.conv_transpose1d(torch.tensor([[1.0, 2.0]]), torch.ones(1, 1, 2), stride=2)
    tensor([[1., 1., 2., 2.]])
    """
    name = "conv_transpose1d"
    check_operands(name, 1, input, weight, bias, groups, transposed=True)
    steps = as_ints(name, "stride", stride, 1, 1)
    amounts = as_ints(name, "padding", padding, 1, 0)
    extra = as_ints(name, "output_padding", output_padding, 1, 0)
    spread = as_ints(name, "dilation", dilation, 1, 1)
    image, kernel = input.unsqueeze(-2), weight.unsqueeze(-2)  # (N, C, L) -> (N, C, 1, L)
    options = (1, *steps), (0, *amounts), (0, *extra), groups, (1, *spread)
    return name_last_call(conv_transpose2d(image, kernel, bias, *options).squeeze(-2), "ConvolutionBackward0")


def _sum_nothing(*operands: Any) -> Any:
    """A zero that depends on the operands, so that each of them gets a gradient of zeros."""
    parts = [x.reshape(-1)[:0].sum() for x in operands if x is not None]
    return sum(parts[1:], parts[0])


def _crop_larger(x: Any, weight: Any, geometry: Geometry, size: Any) -> Any:
    """The transposed convolution onto an image with more windows than x has: computed larger, then cropped."""
    whole = geometry._replace(padding=(0,) * len(size))
    full = whole.adjoint_size(x.array.shape[2:], (0,) * len(size))
    larger = _OPERATIONS[len(size)](x, weight, None, size=full, geometry=whole)
    axes = [(-p, n + p - m) for n, m, p in zip(size, full, geometry.padding, strict=True)]
    return pad(larger, [amount for pair in reversed(axes) for amount in pair])  # the last axis first
