"""Errors for images, kernels and options of a convolution that do not fit, and advice for channels that come last."""

from __future__ import annotations

from typing import Any

from minigrad.advice import advise, is_wanted
from minigrad.kernels.geometry import Geometry
from minigrad.nn.functional.checks import too_small


def misfit(image: tuple[int, ...], kernel: tuple[int, ...], groups: int, options: tuple[int, ...]) -> Exception:
    """The error for what fails the checks of `find_geometry`."""
    space = len(kernel) - 2
    name = f"conv{space}d"
    if any(type(n) is not int for n in (groups, *options)):
        return TypeError(f"{name}: groups and options must be ints: {groups}, {options}")
    if len(image) != space + 2 or len(options) != 3 * space or space not in (1, 2):
        return TypeError(f"{name}: no batch of images and kernels: {image}, {kernel}")
    stride, padding, dilation = options[:space], options[space : 2 * space], options[2 * space :]
    for parameter, numbers, least in ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1):
        if min(numbers) < least:
            return too_small(name, parameter, numbers, least)
    if groups < 1:
        return too_small(name, "groups", groups, 1)
    return wrong_channels(image, kernel, groups, name) or nothing_to_multiply(name, kernel)


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
    if channels != expected:
        batched = len(shape) == len(kernel)
        order = [*range(batched), len(shape) - 1, *range(batched, len(shape) - 1)]
        last = f" The channels are the last axis: write x.permute({', '.join(map(str, order))})."
        return RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {kernel}, expected input"
            f"{shape} to have {expected} channels, but got {channels} channels instead."
            + (last if shape[-1] == expected else f" A layer for these images has in_channels={channels}.")
        )
    return None


def nothing_to_multiply(name: str, kernel: Any) -> RuntimeError:
    """The error for a weight without elements."""
    return RuntimeError(f"{name}: a weight of size {list(kernel)} with an axis of length 0 has nothing to multiply")


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
