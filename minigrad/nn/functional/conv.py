"""Convolutions: checks that explain, then one call of the triad in `ops/conv.py`."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import TensorBase
from minigrad.dtypes import from_numpy
from minigrad.nn.functional.padding import pad
from minigrad.ops.conv import conv, conv_input
from minigrad.ops.elementwise import not_a_tensor
from minigrad.tensor import Tensor

AXES = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)"}


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
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
    # The lessons' call: nothing to convert, nothing to pad, nothing wrong.
    if stride == 1 and padding == 0 and dilation == 1 and groups == 1 and bias is None:
        if isinstance(input, TensorBase) and isinstance(weight, TensorBase):
            x, w = input.array, weight.array
            if (
                x.ndim == 4 == w.ndim
                and x.dtype is w.dtype
                and x.shape[1] == w.shape[1]
                and x.shape[2] >= w.shape[2] > 0
                and x.shape[3] >= w.shape[3] > 0
            ):
                return conv(input, weight, None, geometry=_PLAIN)  # type: ignore[no-any-return]
    return _convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


_PLAIN = ((1, 1), (0, 0), (1, 1), 1)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of signals (N, C, L) or (C, L) with kernels (O, C/groups, k): see `conv2d`."""
    return _convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def _convolution(
    name: str,
    space: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    batched = _check_operands(name, space, input, weight, bias)
    stride, dilation = (
        numbers(name, "stride", stride, space, 1),
        numbers(name, "dilation", dilation, space, 1),
    )
    x = input if batched else input.reshape(1, *input.array.shape)
    window = weight.array.shape[2:]
    if isinstance(padding, str):
        x, amounts = _named_padding(name, x, padding, stride, dilation, window)
    else:
        amounts = numbers(name, "padding", padding, space, 0)
    check_groups(name, groups, weight.array.shape[0])
    channels, expected = x.array.shape[1], weight.array.shape[1] * groups
    if channels != expected:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.array.shape)}, expected input"
            f"{list(x.array.shape)} to have {expected} channels, but got {channels} channels instead."
            + _channels_last_hint(x.array.shape, expected, batched)
        )
    _check_window(name, x.array.shape[2:], window, amounts, dilation)
    y = _run(conv, space, x, weight, bias, (stride, amounts, dilation, groups))
    return y if batched else y.reshape(y.array.shape[1:])


def _run(triad: Any, space: int, x: Any, w: Any, b: Any, geometry: Any, **size: Any) -> Any:
    """Call the two-dimensional `triad` member; a signal is an image of height 1."""
    if space == 2:
        return triad(x, w, *b if triad is conv_input else (b,), geometry=geometry, **size)
    stride, padding, dilation, groups = geometry
    flat = ((1, *stride), (0, *padding), (1, *dilation), groups)
    size = {k: (1, *v) for k, v in size.items()}
    y = triad(_raised(x), _raised(w), *b if triad is conv_input else (b,), geometry=flat, **size)
    n, c, _, length = y.array.shape
    return y.reshape(n, c, length)  # (N, C, 1, L) -> (N, C, L)


def _raised(x: Any) -> Any:
    n, c, length = x.array.shape
    return x.reshape(n, c, 1, length)  # (N, C, L) -> (N, C, 1, L)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The adjoint of `conv2d` in its image: every input pixel paints the kernel onto the output.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, kh, kw), output (N, O, Ho, Wo) with
    ``Ho = (H - 1)*stride - 2*padding + dilation*(kh - 1) + output_padding + 1``.
    Raises RuntimeError for shapes, channels or groups that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 2))
    tensor([[[[1., 1.]]]])
    """
    return _transposed(
        "conv_transpose2d",
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The adjoint of `conv1d` in its signal: see `conv_transpose2d`."""
    return _transposed(
        "conv_transpose1d",
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def _transposed(
    name: str,
    space: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    batched = _check_operands(name, space, input, weight, None)
    stride, dilation = (
        numbers(name, "stride", stride, space, 1),
        numbers(name, "dilation", dilation, space, 1),
    )
    amounts = numbers(name, "padding", padding, space, 0)
    extra = numbers(name, "output_padding", output_padding, space, 0)
    x = input if batched else input.reshape(1, *input.array.shape)
    check_groups(name, groups, x.array.shape[1])
    if x.array.shape[1] != weight.array.shape[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.array.shape)}, expected input"
            f"{list(x.array.shape)} to have {weight.array.shape[0]} channels, but got {x.array.shape[1]} channels instead"
        )
    _check_bias(name, bias, weight.array.shape[1] * groups, weight)
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got output_padding: {e}, "
                f"stride: {s}, dilation: {d}"
            )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            x.array.shape[2:], stride, amounts, dilation, weight.array.shape[2:], extra, strict=True
        )
    )
    if min(size) <= 0:
        raise RuntimeError(
            f"{name}: the output would have size {size}, which is too small: input {tuple(x.array.shape[2:])}, "
            f"kernel {tuple(weight.array.shape[2:])}, padding {amounts}; use less padding"
        )
    y = _run(conv_input, space, x, weight, (), (stride, amounts, dilation, groups), size=size)
    if bias is not None:
        y = y + bias.reshape(-1, *(1,) * space)
    return y if batched else y.reshape(y.array.shape[1:])  # type: ignore[no-any-return]


# ---- checks ---------------------------------------------------------------------------------------
def _check_operands(name: str, space: int, input: Any, weight: Any, bias: Any) -> bool:
    """Refuse wrong types, ranks and dtypes; True when the input has a batch axis."""
    for position, (parameter, x) in enumerate((("input", input), ("weight", weight)), 1):
        if not isinstance(x, TensorBase):
            raise not_a_tensor(name, parameter, position, x)
    shape = tuple(input.array.shape)
    if weight.array.ndim != space + 2:
        raise RuntimeError(
            f"{name}: expected a weight of shape (out_channels, in_channels/groups, "
            f"{'kh, kw' if space == 2 else 'k'}), got {weight.array.ndim}D of size {list(weight.array.shape)}"
        )
    if len(shape) not in (space + 1, space + 2):
        fix = ""
        if len(shape) == space:
            fix = f" For one image of one channel, write x.reshape({', '.join(map(str, (1, 1, *shape)))})."
        raise RuntimeError(
            f"Expected {space + 1}D (unbatched) or {space + 2}D (batched) input to {name}, that is "
            f"{AXES[space]}, but got input of size: {list(shape)}.{fix}"
        )
    if input.array.dtype != weight.array.dtype:
        raise RuntimeError(
            f"Input type ({from_numpy(input.array.dtype).name}) and weight type "
            f"({from_numpy(weight.array.dtype).name}) should be the same; convert one of them, for example "
            f"input.to(weight.dtype)"
        )
    if 0 in weight.array.shape:
        raise RuntimeError(
            f"{name}: the weight has an axis of length 0: {list(weight.array.shape)}"
        )
    _check_bias(name, bias, weight.array.shape[0], weight)
    return len(shape) == space + 2


def _check_bias(name: str, bias: Any, channels: int, weight: Any) -> None:
    if bias is None:
        return
    if not isinstance(bias, TensorBase):
        raise not_a_tensor(name, "bias", 3, bias)
    if tuple(bias.array.shape) != (channels,):
        raise RuntimeError(
            f"Given weight of size {list(weight.array.shape)}, expected bias to be 1-dimensional with {channels} "
            f"elements, but got bias of size {list(bias.array.shape)} instead"
        )
    if bias.array.dtype != weight.array.dtype:
        raise RuntimeError(
            f"Input type ({from_numpy(weight.array.dtype).name}) and bias type "
            f"({from_numpy(bias.array.dtype).name}) should be the same"
        )


def numbers(name: str, parameter: str, given: Any, count: int, least: int) -> tuple[int, ...]:
    """`given` as `count` ints, one for each spatial axis. Raises for other types and too small numbers."""
    values = (
        (given,) * count
        if isinstance(given, int)
        else tuple(given)
        if isinstance(given, (tuple, list))
        else ()
    )
    if len(values) == 1:
        values *= count
    if len(values) != count or not all(hasattr(v, "__index__") for v in values):
        if isinstance(given, (tuple, list)) and all(hasattr(v, "__index__") for v in values):
            raise RuntimeError(
                f"expected {parameter} to be a single integer value or a list of {count} values, got {parameter}={given!r}"
            )
        raise TypeError(
            f"{name}(): argument '{parameter}' must be an int or a tuple of {count} ints, not "
            f"{type(given).__name__} {given!r}"
        )
    if min(values) < least:
        wording = {"padding": "negative padding is not supported"}.get(
            parameter, f"non-positive {parameter} is not supported"
        )
        raise RuntimeError(f"{name}: {wording}, got {parameter}={given!r}")
    return tuple([int(v) for v in values])


def check_groups(name: str, groups: Any, channels: int) -> None:
    """Refuse groups that are not positive or do not divide the channels."""
    if not isinstance(groups, int):
        raise TypeError(f"{name}(): argument 'groups' must be int, not {type(groups).__name__}")
    if groups <= 0:
        raise RuntimeError(f"{name}: non-positive groups is not supported, got groups={groups}")
    if channels % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but it has "
            f"{channels} there"
        )


def _check_window(name: str, image: Any, window: Any, amounts: Any, dilation: Any) -> None:
    padded = tuple(n + 2 * p for n, p in zip(image, amounts, strict=True))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True))
    if any(r > n for r, n in zip(reach, padded, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: {padded}. Kernel size: {reach}. Kernel size can't be "
            f"greater than actual input size ({name}: image {tuple(image)}, kernel {tuple(window)}, padding {amounts}, "
            f"dilation {dilation}); use a smaller kernel or more padding"
        )


def _channels_last_hint(shape: Any, expected: int, batched: bool) -> str:
    if shape[-1] != expected:
        return ""
    if len(shape) == 3:
        return " The channels are the last axis: write x.permute(0, 2, 1)."
    order = "0, 3, 1, 2" if batched else "2, 0, 1"
    return f" The channels are the last axis: write x.permute({order})."


def _named_padding(
    name: str, x: Any, padding: str, stride: Any, dilation: Any, window: Any
) -> tuple[Any, tuple[int, ...]]:
    """The image and the amounts for 'valid' and 'same'; what cannot be split evenly goes to the end."""
    if padding == "valid":
        return x, (0,) * len(window)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'; use 'same', 'valid' or numbers")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(window, dilation, strict=True)]
    if any(total % 2 for total in totals):
        x = pad(x, [n for total in reversed(totals) for n in (0, total % 2)])
    return x, tuple(total // 2 for total in totals)
