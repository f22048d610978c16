"""Convolutions of signals, and with unusual arguments: one image, options in lists, padding by name; their errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.advice import advise, is_wanted
from minigrad.kernels.geometry import Geometry
from minigrad.nn.functional.checks import as_ints, check_images, check_parts, check_same_dtype, require_least
from minigrad.nn.functional.conv import find_geometry
from minigrad.nn.functional.padding import pad
from minigrad.ops.arguments import require_floats, require_tensors
from minigrad.ops.conv import conv
from minigrad.ops.grad_fn_names import name_last_call


def convolve(x: Any, weight: Any, bias: Any, name: str, space: int, options: Any) -> Any:
    """The convolution with all checks; a signal is treated as an image of height 1."""
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
        y = conv(x, weight, bias, geometry=geometry)
    return y if batched else y.squeeze(0)


def check_geometry(image: tuple[int, ...], kernel: tuple[int, ...], groups: int, options: tuple[int, ...]) -> None:
    """Raises as `find_geometry` says, for what fails its checks."""
    space = len(kernel) - 2
    name = f"conv{space}d"
    if any(type(n) is not int for n in (groups, *options)):
        raise TypeError(f"{name}: groups and options must be ints: {groups}, {options}")
    if len(image) != space + 2 or len(options) != 3 * space or space not in (1, 2):
        raise TypeError(f"{name}: no batch of images and kernels: {image}, {kernel}")
    stride, padding, dilation = options[:space], options[space : 2 * space], options[2 * space :]
    for parameter, numbers, least in ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1):
        require_least(name, parameter, numbers, numbers, least)
    require_least(name, "groups", groups, (groups,), 1)
    _check_channels(name, image, kernel, groups)


def too_large(size: tuple[int, ...], geometry: Geometry) -> RuntimeError:
    """The error for a kernel that is larger than the padded image of this size: (H, W), or (L,) of a signal."""
    kernel, _, padding, dilation = [numbers[-len(size) :] for numbers in geometry[:4]]
    padded = tuple([n + 2 * p for n, p in zip(size, padding, strict=True)])
    return RuntimeError(
        f"Calculated padded input size per channel: {padded}. Kernel size: {geometry.reach[-len(size) :]}. Kernel size "
        f"can't be greater than actual input size (conv{len(size)}d: image {tuple(size)}, kernel {tuple(kernel)}, "
        f"padding {padding}, dilation {dilation}); use a smaller kernel or more padding"
    )


def advise_channels_first(image: tuple[int, ...]) -> None:
    """Advises of an image whose last axis looks like that of its channels."""
    if is_wanted("channels last"):
        advise(
            "channels last",
            f"conv2d: the image {image} has {image[1]} channels and a width of {image[3]}; if its channels are the "
            "last axis, write x.permute(0, 3, 1, 2)",
        )


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
        window = "kh, kw" if space == 2 else "k"
        one = f"; one kernel of one channel is weight.reshape({str([1, 1, *kernel])[1:-1]})"
        raise RuntimeError(
            f"{name}: expected a weight of {space + 2} axes ({axes}, {window}), got {len(kernel)} of size {kernel}"
            f"{one if len(kernel) == space else ''}"
        )
    batched = check_images(name, space, input)
    check_same_dtype(name, input, "weight", weight)
    if input.array.dtype.kind == "b":
        require_floats(name, input)
    (groups,) = as_ints(name, "groups", groups, 1, 1)
    _check_channels(name, input.array.shape, weight.array.shape, groups, transposed)
    outputs = kernel[1] * groups if transposed else kernel[0]
    check_parts(name, input, (outputs,), f"1-dimensional with {outputs} elements", bias=bias)
    return batched


def _check_channels(name: str, image: Any, weight: Any, groups: int, transposed: bool = False) -> None:
    """Raises for channels that do not fit: image (N, C, H, W) or (C, H, W), weight (O, C/groups, kh, kw)."""
    shape, kernel, space = list(image), list(weight), len(weight) - 2
    if kernel[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got "
            f"{kernel[0]} channels in the weight of size {kernel} ({name})"
        )
    expected = kernel[0] if transposed else kernel[1] * groups
    channels = shape[-space - 1]
    if channels != expected:
        batched = len(shape) == len(kernel)
        order = [*range(batched), len(shape) - 1, *range(batched, len(shape) - 1)]
        last = f" The channels are the last axis: write x.permute({', '.join(map(str, order))})."
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {kernel}, expected input"
            f"{shape} to have {expected} channels, but got {channels} channels instead."
            + (last if shape[-1] == expected else f" A layer for these images has in_channels={channels}.")
        )
    if 0 in kernel:
        raise RuntimeError(f"{name}: a weight of size {kernel} with an axis of length 0 has nothing to multiply")
