"""Errors for images, kernels and options of a convolution that do not fit, and advice for channels that come last."""

from __future__ import annotations

from typing import Any

from minigrad.advice import advise, is_wanted
from minigrad.kernels.geometry import Geometry
from minigrad.ops.lengths import too_small


def no_batch(
    name: str, image: tuple[int, ...], kernel: tuple[int, ...], groups: int, options: tuple[int, ...]
) -> TypeError:
    """The error for what is no batch of images and kernels, with an int for each option."""
    return TypeError(
        f"{name}: no batch of images and kernels with options that are ints: {image}, {kernel}, "
        f"groups {groups}, stride, padding and dilation {options}"
    )


def option_too_small(name: str, stride: Any, padding: Any, dilation: Any, groups: int) -> RuntimeError:
    """The error for the first of the options that is, or holds, a number that is too small."""
    options = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1), "groups": ((groups,), 1)}
    parameter = next(parameter for parameter, (numbers, least) in options.items() if min(numbers) < least)
    numbers, least = options[parameter]
    return too_small(name, parameter, groups if parameter == "groups" else numbers, least)


def wrong_channels(image: Any, weight: Any, groups: int, name: str, transposed: bool = False) -> RuntimeError | None:
    """The error for channels that do not fit, or None: image (N, C, H, W) or (C, H, W), w (O, C/groups, kh, kw)."""
    shape, kernel, space = list(image), list(weight), len(weight) - 2
    if kernel[0] % groups:
        return RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got "
            f"{kernel[0]} channels in the weight of size {kernel} ({name})"
        )
    expected = kernel[0] if transposed else kernel[1] * groups
    channels = shape[-space - 1]
    if channels == expected:
        return None
    return RuntimeError(
        f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {kernel}, expected input"
        f"{shape} to have {expected} channels, but got {channels} channels instead."
        + _name_exchanged_axes(shape, kernel, groups, expected, transposed)
    )


def _name_exchanged_axes(shape: list[int], kernel: list[int], groups: int, expected: int, transposed: bool) -> str:
    """Which axes were probably exchanged: the image's channels with its columns, or the weight's out with its in."""
    channels, last = shape[1 - len(kernel)], shape[-1]
    other = kernel[1] * groups if transposed else kernel[0]  # the weight's channels on the other side
    is_square = len(kernel) > 3 and channels != last and len({*shape[2 - len(kernel) :]}) == 1  # maps (C, n, n)
    # An image has fewer channels than columns.
    if last == expected and not is_square and not (channels == other and channels < last):
        batched = len(shape) == len(kernel)
        order = [*range(batched), len(shape) - 1, *range(batched, len(shape) - 1)]
        return f" The channels are the last axis: write x.permute({', '.join(map(str, order))})."
    if len(kernel) == 5 and shape[2 - len(kernel)] == expected and not transposed:
        first = len(shape) - 4  # of the axes but the batch's
        return f" Here time stands before the channels: write x.transpose({first}, {first + 1})."
    if len(kernel) == 4 and len(shape) == 3 and shape[1] == expected > 1:
        return f" For {channels} images whose pixels stand in one row, write x.unflatten(2, (rows, columns))."
    if channels == other and groups == 1:
        rule = "A layer takes (in, out, kernel); a weight has the axes (out, in, kernel)"
        if transposed:
            rule = "A transposed layer's weight has the axes (in, out, kernel), a plain one's (out, in, kernel)"
        return (
            f" A layer for these images has in_channels={channels}. Are the channels in and out exchanged? {rule}: "
            "write weight.transpose(0, 1)."
        )
    fitting = f" A layer for these images has in_channels={channels}."
    if expected == 1 and len(shape) < len(kernel):
        return f"{fitting} For {channels} images of one channel, write x.unsqueeze(1)."
    if kernel[:2] == [1, 1] and not transposed:
        one_each = f"conv{len(kernel) - 2}d(x, weight.repeat({channels}{', 1' * (len(kernel) - 1)}), groups={channels})"
        return f"{fitting} To apply one kernel to each channel, write {one_each}."
    return fitting


def nothing_to_multiply(name: str, kernel: Any) -> RuntimeError:
    """The error for a weight without elements."""
    return RuntimeError(f"{name}: a weight of size {list(kernel)} with an axis of length 0 has nothing to multiply")


def no_pixels(name: str, size: Any) -> RuntimeError:
    """The error for images without pixels, of this size."""
    return RuntimeError(
        f"{name}: Only zero batch or zero channel inputs are supported, but got images of size {list(size)}, which "
        "have no pixels"
    )


def no_window(size: tuple[int, ...], geometry: Geometry) -> RuntimeError:
    """The error for an image of this size without pixels, or smaller, with its padding, than the kernel."""
    if 0 in size:
        return no_pixels(f"conv{len(size)}d", size)
    kernel, _, padding, dilation = [numbers[-len(size) :] for numbers in geometry[:4]]
    padded = " x ".join([str(n + 2 * p) for n, p in zip(size, padding, strict=True)])
    reach = " x ".join(map(str, geometry.reach[-len(size) :]))
    return RuntimeError(
        f"Calculated padded input size per channel: ({padded}). Kernel size: ({reach}). Kernel size "
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
