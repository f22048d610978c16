"""Convolutions: checks that explain, then one call of the triad in `ops/conv.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.dtypes import from_numpy
from minigrad.nn.functional.checks import AXES, floats, in_single, numbers, tensors
from minigrad.nn.functional.padding import pad
from minigrad.ops.conv import conv, conv_input
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
    options = (stride, padding, dilation, groups)
    try:  # shapes that went through every check before need not do so again
        x, w, b = input.array, weight.array, None if bias is None else bias.array
        geometry = _checked.get((x.shape, w.shape, options))
    except (AttributeError, TypeError):  # no tensors, or options in lists, which cannot be looked up
        geometry = None
    if (
        geometry is not None
        and x.dtype is w.dtype
        and x.dtype.char in "fd"
        and (b is None or (b.shape == w.shape[:1] and b.dtype is w.dtype))
    ):
        return conv(input, weight, bias, geometry=geometry)
    return _convolution(input, weight, bias, "conv2d", 2, options)


_checked: dict[Any, Any] = {}  # shapes and options of batches, and what the options mean


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """Cross-correlation of signals (N, C, L) or (C, L) with kernels (O, C/groups, k): see `conv2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.conv1d(torch.arange(4.0).reshape(1, 4), torch.ones(1, 1, 2))
    tensor([[1., 3., 5.]])
    """
    options = (stride, padding, dilation, groups)
    return _convolution(input, weight, bias, "conv1d", 1, options)


@in_single
def _convolution(x: Any, weight: Any, bias: Any, name: str, space: int, options: Any) -> Any:
    batched = _check_operands(name, space, x, weight, bias, weight_axis=0)
    stride, padding, dilation, groups = options
    stride = numbers(name, "stride", stride, space, 1)
    dilation = numbers(name, "dilation", dilation, space, 1)
    if max(dilation) > 1:
        floats(f"{name} with dilation", x, also=(np.int64,))
    check_groups(name, groups, weight.array.shape[0])
    x = x if batched else x.unsqueeze(0)
    window = weight.array.shape[2:]
    channels, expected = x.array.shape[1], weight.array.shape[1] * groups
    if channels != expected:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.array.shape)}, expected input"
            f"{list(x.array.shape)} to have {expected} channels, but got {channels} channels "
            f"instead.{_channels_last_hint(x.array.shape, expected, batched)}"
        )
    if isinstance(padding, str):
        x, amounts = _named_padding(name, x, padding, stride, dilation, window)
    else:
        amounts = numbers(name, "padding", padding, space, 0)
    _check_window(name, x.array.shape[2:], window, amounts, dilation)
    if space == 2 and batched and not any(isinstance(v, (str, list)) for v in options) and len(_checked) < 1000:
        _checked[x.array.shape, weight.array.shape, options] = (stride, amounts, dilation, groups)
    y = _run(conv, space, x, weight, bias, (stride, amounts, dilation, groups))
    return y if batched else y.squeeze(0)


def _run(triad: Any, space: int, x: Any, w: Any, b: Any, geometry: Any, **size: Any) -> Any:
    """Call the two-dimensional `triad` member; a signal is an image of height 1."""
    if space == 2:
        return triad(x, w, b, geometry=geometry, **size)
    stride, padding, dilation, groups = geometry
    flat = ((1, *stride), (0, *padding), (1, *dilation), groups)
    size = {k: (1, *v) for k, v in size.items()}
    # (N, C, L) -> (N, C, 1, L) -> (N, O, 1, Lo) -> (N, O, Lo)
    return triad(x.unsqueeze(-2), w.unsqueeze(-2), b, geometry=flat, **size).squeeze(-2)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1
) -> Tensor:  # fmt: skip
    """The adjoint of `conv2d` in its image: every input pixel paints the kernel onto the output.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, kh, kw), output (N, O, Ho, Wo) with
    ``Ho = (H - 1)*stride - 2*padding + dilation*(kh - 1) + output_padding + 1``.
    Raises RuntimeError for shapes, channels or groups that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 2))
    tensor([[[[1., 1.]]]])
    """
    options = (stride, padding, output_padding, groups, dilation)
    return _transposed(input, weight, bias, "conv_transpose2d", 2, options)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
    padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1
) -> Tensor:  # fmt: skip
    """The adjoint of `conv1d` in its signal: see `conv_transpose2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.conv_transpose1d(torch.ones(1, 2), torch.ones(1, 1, 2))
    tensor([[1., 2., 1.]])
    """
    options = (stride, padding, output_padding, groups, dilation)
    return _transposed(input, weight, bias, "conv_transpose1d", 1, options)


@in_single
def _transposed(x: Any, weight: Any, bias: Any, name: str, space: int, options: Any) -> Any:
    batched = _check_operands(name, space, x, weight, bias, weight_axis=1, groups=options[3])
    stride, amounts, extra, groups, dilation = options
    stride = numbers(name, "stride", stride, space, 1)
    dilation = numbers(name, "dilation", dilation, space, 1)
    amounts = numbers(name, "padding", amounts, space, 0)
    extra = numbers(name, "output_padding", extra, space, 0)
    x = x if batched else x.unsqueeze(0)
    check_groups(name, groups, weight.array.shape[0])
    if x.array.shape[1] != weight.array.shape[0]:
        channels = weight.array.shape[0]
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.array.shape)}, expected input"
            f"{list(x.array.shape)} to have {channels} channels, but got {x.array.shape[1]} "
            f"channels instead.{_channels_last_hint(x.array.shape, channels, batched)}"
        )
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got "
                f"output_padding: {e}, stride: {s}, dilation: {d}"
            )
    axes = zip(x.array.shape[2:], stride, amounts, dilation, weight.array.shape[2:], strict=True)
    natural = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in axes]
    if min(n + e for n, e in zip(natural, extra, strict=True)) <= 0:
        raise RuntimeError(
            f"{name}: the output would have size {tuple(natural)} + {extra}, which is too small: "
            f"input {tuple(x.array.shape[2:])}, kernel {tuple(weight.array.shape[2:])}, "
            f"padding {amounts}; use less padding"
        )
    # Each whole stride of output padding is one more window at the end, with nothing to spread.
    more = [e // s for e, s in zip(extra, stride, strict=True)]
    if any(more):
        x = pad(x, [n for m in reversed(more) for n in (0, m)])
    size = tuple([n + e for n, e in zip(natural, extra, strict=True)])
    y = _run(conv_input, space, x, weight, bias, (stride, amounts, dilation, groups), size=size)
    return y if batched else y.squeeze(0)


# ---- checks ---------------------------------------------------------------------------------------
def _check_operands(
    name: str, space: int, input: Any, weight: Any, bias: Any, weight_axis: int, groups: int = 1
) -> bool:
    """Refuse wrong types, ranks and dtypes; True when the input has a batch axis."""
    tensors(name, "input weight bias?", input, weight, bias)
    shape, kernel = tuple(input.array.shape), list(weight.array.shape)
    if len(kernel) != space + 2:
        axes = ("out_channels", "in_channels/groups")
        if weight_axis:
            axes = ("in_channels", "out_channels/groups")
        raise RuntimeError(
            f"{name}: expected a weight of {space + 2} axes ({', '.join(axes)}, "
            f"{'kh, kw' if space == 2 else 'k'}), got {len(kernel)} of size {kernel}"
        )
    if len(shape) not in (space + 1, space + 2):
        fix = ""
        if len(shape) == space:
            one = ", ".join(map(str, (1, 1, *shape)))
            fix = f" For one image of one channel, write x.reshape({one})."
        raise RuntimeError(
            f"Expected {space + 1}D (unbatched) or {space + 2}D (batched) input to {name}, that "
            f"is {AXES[space]}, but got input of size: {list(shape)}.{fix}"
        )
    for part, x in (("weight", weight), ("bias", bias)):
        if x is not None and x.array.dtype != input.array.dtype:
            kinds = [from_numpy(t.array.dtype).name for t in (input, x)]
            raise RuntimeError(
                f"Input type ({kinds[0]}) and {part} type ({kinds[1]}) should be the same; "
                f"convert one of them, for example input.to({part}.dtype)"
            )
    if 0 in kernel:
        raise RuntimeError(f"{name}: the weight has an axis of length 0: {kernel}")
    channels = kernel[weight_axis] * (groups if weight_axis and isinstance(groups, int) else 1)
    if bias is not None and tuple(bias.array.shape) != (channels,):
        raise RuntimeError(
            f"Given weight of size {kernel}, expected bias to be 1-dimensional with {channels} "
            f"elements, but got bias of size {list(bias.array.shape)} instead"
        )
    if weight_axis or input.array.dtype.kind == "b":
        floats(name, input, also=(np.int64,))
    return len(shape) == space + 2


def check_groups(name: str, groups: Any, channels: int) -> None:
    """Refuse groups that are not positive or do not divide the channels."""
    if not isinstance(groups, int):
        raise TypeError(f"{name}(): argument 'groups' must be int, not {type(groups).__name__}")
    if groups <= 0:
        raise RuntimeError(f"{name}: non-positive groups is not supported, got groups={groups}")
    if channels % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but it has {channels} channels there ({name})"
        )


def _check_window(name: str, image: Any, window: Any, amounts: Any, dilation: Any) -> None:
    padded = tuple([n + 2 * p for n, p in zip(image, amounts, strict=True)])
    reach = tuple([d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True)])
    if any(r > n for r, n in zip(reach, padded, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: {padded}. Kernel size: {reach}. Kernel "
            f"size can't be greater than actual input size ({name}: image {tuple(image)}, kernel "
            f"{tuple(window)}, padding {amounts}, dilation {dilation}); use a smaller kernel or "
            "more padding"
        )


def _channels_last_hint(shape: Any, expected: int, batched: bool) -> str:
    if shape[-1] != expected:
        return ""
    order = [0, len(shape) - 1, *range(1, len(shape) - 1)]
    order = order if batched else [d - 1 for d in order[1:]]
    return f" The channels are the last axis: write x.permute({', '.join(map(str, order))})."


def _named_padding(
    name: str, x: Any, padding: str, stride: Any, dilation: Any, window: Any
) -> tuple[Any, tuple[int, ...]]:
    """The image and the amounts for 'valid' and 'same'; an odd number's last goes to the end."""
    if padding == "valid":
        return x, (0,) * len(window)
    if padding != "same":
        raise RuntimeError(f"{name}: Invalid padding string: '{padding}'; use 'same', 'valid' or numbers")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(window, dilation, strict=True)]
    if any(total % 2 for total in totals):
        x = pad(x, [n for total in reversed(totals) for n in (0, total % 2)])
    return x, tuple([total // 2 for total in totals])
