"""Convolutions of signals and volumes, and with unusual arguments: one image, options in lists, padding by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.overriding import ask
from minigrad.nn.functional.conv import find_geometry
from minigrad.nn.functional.conv_complaints import nothing_to_multiply, wrong_channels
from minigrad.nn.functional.images import check_images
from minigrad.nn.functional.padding import pad
from minigrad.nn.functional.parts import check_parts
from minigrad.ops.arguments import as_ints, require_floats, require_tensors
from minigrad.ops.complaints import check_same_dtype
from minigrad.ops.conv import conv
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.volumes import conv3d


def convolve(x: Any, weight: Any, bias: Any, function: Any, space: int, options: Any) -> Any:
    """The convolution `function` with all checks; a signal is treated as an image of height 1."""
    if (answer := ask(function, (x, weight, bias, *options))) is not NotImplemented:
        return answer
    name = function.__name__
    stride, padding, dilation, groups = options
    batched = check_operands(name, space, x, weight, bias, groups)
    x = x if batched else x.unsqueeze(0)
    stride = as_ints(name, "stride", stride, space, 1)
    dilation = as_ints(name, "dilation", dilation, space, 1)
    if max(dilation) > 1:
        require_floats(f"{name} with dilation", x, also=(np.int64,))
    if isinstance(padding, str):
        x, padding = _resolve_padding(name, x, padding, stride, weight.array.shape[2:], dilation)
    padding = as_ints(name, "padding", padding, space, 0)
    geometry = find_geometry(x.array.shape, weight.array.shape, int(groups), *stride, *padding, *dilation)
    if space == 1:  # (N, C, L) -> (N, C, 1, L) -> (N, O, 1, Lo) -> (N, O, Lo)
        y = conv(x.unsqueeze(-2), weight.unsqueeze(-2), bias, geometry=geometry).squeeze(-2)
        y = name_last_call(y, "ConvolutionBackward0")
    else:
        y = (conv if space == 2 else conv3d)(x, weight, bias, geometry=geometry)
    return y if batched else y.squeeze(0)


def _resolve_padding(
    name: str, x: Any, padding: str, stride: Any, kernel: Any, dilation: Any
) -> tuple[Any, tuple[int, ...]]:
    """The image and the padding for 'valid' and 'same'; for an odd total the extra pixel is added at the end."""
    if padding == "valid":
        return x, (0,) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"{name}: Invalid padding string: '{padding}'; use 'same', 'valid' or numbers")
    if max(stride) > 1:
        raise RuntimeError(f"padding='same' is not supported for strided convolutions, got {stride}; give numbers")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(total % 2 for total in totals):
        x = pad(x, [n for total in reversed(totals) for n in (0, total % 2)])
    return x, tuple([total // 2 for total in totals])


def check_operands(
    name: str, space: int, input: Any, weight: Any, bias: Any, groups: Any, transposed: bool = False
) -> bool:
    """Raises for wrong types, ranks, dtypes and channels; returns whether the input has a batch axis."""
    require_tensors(name, "input weight bias?", input, weight, bias)
    kernel = list(weight.array.shape)
    if len(kernel) != space + 2:
        axes = "in_channels, out_channels/groups" if transposed else "out_channels, in_channels/groups"
        window = ("k", "kh, kw", "kd, kh, kw")[space - 1]
        one = f"; one kernel of one channel is weight.reshape({str([1, 1, *kernel])[1:-1]})"
        got = f"got {len(kernel)} of size {kernel}{one if len(kernel) == space else ''}"
        raise RuntimeError(f"{name}: expected a weight of {space + 2} axes ({axes}, {window}), {got}")
    batched = check_images(name, space, input)
    check_same_dtype(name, input, "weight", weight)
    if input.array.dtype.kind == "b":
        require_floats(name, input)
    (groups,) = as_ints(name, "groups", groups, 1, 1)
    error = wrong_channels(input.array.shape, weight.array.shape, groups, name, transposed)
    if error:
        raise error
    if 0 in kernel:
        raise nothing_to_multiply(name, kernel)
    outputs = kernel[1] * groups if transposed else kernel[0]
    due = f"Given weight of size {list(weight.array.shape)}, expected bias to be 1-dimensional with {outputs} elements"
    words = f"{due}, but got bias of size {{shape}} instead"
    check_parts(name, input, (outputs,), f"1-dimensional with {outputs} elements", words=words, bias=bias)
    return batched
