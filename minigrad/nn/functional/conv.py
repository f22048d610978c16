"""`conv1d` and `conv2d`: argument checks, then one call of an operation of `ops/conv.py`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.advice import advise, is_wanted
from minigrad.kernels.geometry import Geometry
from minigrad.nn.functional.checks import (
    as_ints,
    check_images,
    check_parts,
    check_same_dtype,
    require_floats,
    require_least,
    require_tensors,
)
from minigrad.nn.functional.padding import pad
from minigrad.ops.conv import conv
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.tensor import Tensor


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """Cross-correlation of images with kernels (the kernel is not flipped).

    ``out[n, o, i, j] = bias[o] + sum over c, u, v of
    input[n, c, i*stride + u*dilation - padding, j*stride + v*dilation - padding] * weight[o, c, u, v]``

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C/groups, kh, kw), bias (O,), output
    (N, O, Ho, Wo) with ``Ho = floor((H + 2*padding - dilation*(kh - 1) - 1) / stride) + 1``.
    `padding` may be 'valid' (none) or 'same' (Ho = H; stride must be 1).
    Raises RuntimeError for shapes, channels or groups that do not fit, naming the axes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html

    >>> import minigrad as torch
    >>> image, kernel = torch.arange(9.0).reshape(1, 1, 3, 3), torch.arange(4.0).reshape(1, 1, 2, 2)
    >>> torch.nn.functional.conv2d(image, kernel)
    tensor([[[[19., 25.],
              [37., 43.]]]])
    """
    strides = (stride, stride) if stride.__class__ is int else stride
    paddings = (padding, padding) if padding.__class__ is int else padding
    dilations = (dilation, dilation) if dilation.__class__ is int else dilation
    try:  # shapes and options that passed all checks before are cached
        x, w, b = input.array, weight.array, None if bias is None else bias.array
        geometry = find_geometry(x.shape, w.shape, groups, *strides, *paddings, *dilations)
        plain = x.dtype is w.dtype and x.dtype.kind == "f"
        plain = plain and (b is None or (b.dtype is w.dtype and b.shape == w.shape[:1]))
    except (AttributeError, TypeError, RuntimeError):  # an unbatched image, options as lists, or an error
        plain = False
    if not plain:
        return _convolution(input, weight, bias, "conv2d", 2, (stride, padding, dilation, groups))
    if bias is None:
        return conv(input, weight, geometry=geometry)
    return conv(input, weight, bias, geometry=geometry)


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """Cross-correlation of signals (N, C, L) or (C, L) with kernels (O, C/groups, k): see `conv2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.conv1d(torch.arange(4.0).reshape(1, 4), torch.ones(1, 1, 2))
    tensor([[1., 3., 5.]])
    """
    return _convolution(input, weight, bias, "conv1d", 1, (stride, padding, dilation, groups))


def _convolution(x: Any, weight: Any, bias: Any, name: str, space: int, options: Any) -> Any:
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


@lru_cache(maxsize=512, typed=True)  # each number apart, and typed: 1.0 == 1, and only one of them is a stride
def find_geometry(image: tuple[int, ...], kernel: tuple[int, ...], groups: int, *options: int) -> Geometry:
    """The geometry of a kernel (O, C/groups, kh, kw) or (O, C/groups, k) on a batch of images or signals.

    `options` are stride, padding and dilation, one number for each axis. Raises RuntimeError if the kernel does not
    fit, TypeError if there is no batch axis or a number is no Python int: a tensor's may be another one next time.
    """
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
    if space == 2 and image[3] in (1, 3, 4) and image[1] == image[2] > 4:
        _advise_channels_first(name, image)
    # A stride longer than the image is replaced by one: there is only one window.
    stride = tuple([min(s, n + 2 * p + 1) for s, n, p in zip(stride, image[2:], padding, strict=True)])
    one: Any = (1,) * (2 - space)  # a signal is an image of height 1
    zero: Any = (0,) * (2 - space)
    geometry = Geometry((*one, *kernel[2:]), (*one, *stride), (*zero, *padding), (*one, *dilation), groups)
    if min(geometry.windows((*one, *image[2:]))) < 1:
        raise _too_large(name, image[2:], geometry)
    return geometry


def _too_large(name: str, size: tuple[int, ...], geometry: Geometry) -> RuntimeError:
    """The error for a kernel that is larger than the padded image of this size: (H, W), or (L,) of a signal."""
    kernel, _, padding, dilation = [numbers[-len(size) :] for numbers in geometry[:4]]
    padded = tuple([n + 2 * p for n, p in zip(size, padding, strict=True)])
    return RuntimeError(
        f"Calculated padded input size per channel: {padded}. Kernel size: {geometry.reach[-len(size) :]}. Kernel size "
        f"can't be greater than actual input size ({name}: image {tuple(size)}, kernel {tuple(kernel)}, padding "
        f"{padding}, dilation {dilation}); use a smaller kernel or more padding"
    )


def _advise_channels_first(name: str, image: tuple[int, ...]) -> None:
    if is_wanted("channels last"):
        advise(
            "channels last",
            f"{name}: the image {image} has {image[1]} channels and a width of {image[3]}; if its channels are the "
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
