"""`conv1d` and `conv2d`. A usual `conv2d` is one call of `ops/conv.py`; `checked_conv.py` takes all other calls."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from minigrad.autograd.core import plain_classes
from minigrad.kernels.geometry import Geometry
from minigrad.nn.functional import conv_complaints as complaints
from minigrad.ops.conv import conv
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
        (sh, sw), (ph, pw), (dh, dw) = strides, paddings, dilations
        x, w, b = input.array, weight.array, None if bias is None else bias.array
        geometry = find_geometry(x.shape, w.shape, groups, sh, sw, ph, pw, dh, dw)
        plain = x.dtype is w.dtype and x.dtype.kind == "f" and x.__class__ is w.__class__
        plain = plain and (b is None or (b.__class__ is w.__class__ and b.dtype is w.dtype and b.shape == w.shape[:1]))
    except (AttributeError, TypeError, ValueError, RuntimeError):  # an unbatched image, options as lists, or an error
        plain = False
    if not plain or input.__class__ not in plain_classes:
        from minigrad.nn.functional.checked_conv import convolve  # it imports this file

        return convolve(input, weight, bias, conv2d, 2, (stride, padding, dilation, groups))
    return conv.call((input, weight, bias), (x, w, b), {"geometry": geometry})


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """Cross-correlation of signals (N, C, L) or (C, L) with kernels (O, C/groups, k): see `conv2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.conv1d(torch.arange(4.0).reshape(1, 4), torch.ones(1, 1, 2))
    tensor([[1., 3., 5.]])
    """
    from minigrad.nn.functional.checked_conv import convolve

    return convolve(input, weight, bias, conv1d, 1, (stride, padding, dilation, groups))


@lru_cache(maxsize=512, typed=True)  # each number apart, and typed: 1.0 == 1, and only one of them is a stride
def find_geometry(image: tuple[int, ...], kernel: tuple[int, ...], groups: int, *options: int) -> Geometry:
    """The geometry of a kernel (O, C/groups, kh, kw) on a batch of images, or likewise of signals or volumes.

    `options` are stride, padding and dilation, one number for each axis. Raises RuntimeError if the kernel does not
    fit, TypeError if there is no batch axis or a number is no Python int: a tensor's may be another one next time.
    """
    space = len(kernel) - 2
    name = f"conv{space}d"
    is_batch = space in (1, 2, 3) and len(image) == space + 2 and len(options) == 3 * space
    if not (is_batch and {int}.issuperset(map(type, (groups, *options)))):
        raise complaints.no_batch(name, image, kernel, groups, options)
    stride, padding, dilation = options[:space], options[space : 2 * space], options[2 * space :]
    if min(groups, *stride, *dilation) < 1 or min(padding) < 0:
        raise complaints.option_too_small(name, stride, padding, dilation, groups)
    if image[1] != kernel[1] * groups or kernel[0] % groups or 0 in kernel:
        raise complaints.wrong_channels(image, kernel, groups, name) or complaints.nothing_to_multiply(name, kernel)
    if space == 2 and image[3] in (1, 3, 4) and image[1] == image[2] > 4:
        complaints.advise_channels_first(image)
    # A stride longer than the image is replaced by one: there is only one window.
    stride = tuple([min(s, n + 2 * p + 1) for s, n, p in zip(stride, image[2:], padding, strict=True)])
    if space == 1:  # a signal is an image of height 1
        image, kernel = (*image[:2], 1, image[2]), (*kernel[:2], 1, kernel[2])
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
    geometry = Geometry(kernel[2:], stride, padding, dilation, groups)
    if min(geometry.windows(image[2:])) < 1 or (image[0] and 0 in image):  # no images may have no pixels
        raise complaints.no_window(image[-space:], geometry)
    return geometry
