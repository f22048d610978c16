"""Max and average pooling of signals, images and volumes. A signal is pooled as an image of height 1."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.backend import array_module, on_gpu_of
from minigrad.creation import empty
from minigrad.creation.filled import check_countable
from minigrad.kernels import Geometry, sees_everywhere
from minigrad.kernels.pool import count_windows
from minigrad.nn.functional.images import AXES, OF_ADAPTIVE_POOL, OF_AVERAGE_POOL, OF_MAX_POOL, Words, check_images
from minigrad.ops import pool, volumes
from minigrad.ops.arguments import (
    Lengths,
    as_int,
    as_ints,
    require_bools,
    require_floats,
    require_kind,
    require_tensors,
    takes_out,
)
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.lengths import is_sequence
from minigrad.tensor import Tensor


@names_options
def max_pool2d(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, dilation: Lengths = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> Any:  # fmt: skip
    """The largest number of each window; `stride` is the kernel's size unless given.

    Shapes: (N, C, H, W) or (C, H, W); with `return_indices` also the flat indices, counted row by row.
    Raises RuntimeError for shapes that do not fit. Among equals the first gets the gradient.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool2d(torch.arange(4.0).reshape(1, 2, 2), 2)
    tensor([[[3.]]])
    """
    values, places = take_maxima("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return (values, places) if return_indices else values


@names_options
def max_pool1d(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, dilation: Lengths = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> Any:  # fmt: skip
    """The largest number of each window of signals (N, C, L) or (C, L): see `max_pool2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool1d(torch.tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[5., 3.]])
    """
    if return_indices is False:  # as in PyTorch, which takes integers where the places are wanted
        require_floats("max_pool1d", input)
    values, places = take_maxima("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, limit=None)
    if return_indices:
        return values, places
    return values if values.requires_grad else values.detach()  # no view of an intermediate result


@takes_out
def avg_pool2d(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None
) -> Tensor:  # fmt: skip
    """The mean of each window; padding counts as zeros unless `count_include_pad` is False.

    Shapes: (N, C, H, W) or (C, H, W). Raises RuntimeError for shapes that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.avg_pool2d(torch.arange(4.0).reshape(1, 2, 2), 2)
    tensor([[[1.5000]]])
    """
    count = read_divisor("avg_pool2d", divisor_override), count_include_pad
    return take_means("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count)


@names_options
def avg_pool1d(
    input: Tensor, kernel_size: Lengths, stride: Lengths | None = None, padding: Lengths = 0, ceil_mode: bool = False,
    count_include_pad: bool = True
) -> Tensor:  # fmt: skip
    """The mean of each window of signals (N, C, L) or (C, L): see `avg_pool2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.avg_pool1d(torch.tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[3.0000, 2.5000]])
    """
    return take_means("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, (None, count_include_pad))


@names_options
def adaptive_avg_pool2d(input: Tensor, output_size: Lengths) -> Tensor:
    """The mean of each of `output_size` windows that cover the image; None keeps an axis.

    Window i of n along an axis of length L goes from ``floor(i L / n)`` to ``ceil((i + 1) L / n)``.
    Raises ValueError or RuntimeError for shapes that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.arange(6.0).reshape(1, 2, 3), 1)
    tensor([[[2.5000]]])
    """
    size = read_output_size("adaptive_avg_pool2d", 2, input, output_size)
    means = take_adaptive_means(input, size)
    return name_last_call(means, "MeanBackward1") if size == (1, 1) else means


@names_options
def adaptive_avg_pool1d(input: Tensor, output_size: Lengths) -> Tensor:
    """The mean of each of `output_size` windows that cover a signal (N, C, L) or (C, L).

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_avg_pool1d(torch.tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[3.0000, 2.5000]])
    """
    size = read_output_size("adaptive_avg_pool1d", 1, input, output_size)
    return take_adaptive_means(input.unsqueeze(-2), size).squeeze(-2)


@names_options
def adaptive_max_pool2d(input: Tensor, output_size: Lengths, return_indices: bool = False) -> Any:
    """The largest number of each of `output_size` windows that cover the image; None keeps an axis.

    The windows are those of `adaptive_avg_pool2d`, the indices those of `max_pool2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_max_pool2d(torch.arange(6.0).reshape(1, 2, 3), (1, 2))
    tensor([[[4., 5.]]])
    """
    size = read_output_size("adaptive_max_pool2d", 2, input, output_size, of_maxima=True)
    values, places = take_adaptive_maxima(input, size)
    return (values, places) if return_indices else values


@names_options
def adaptive_max_pool1d(input: Tensor, output_size: Lengths, return_indices: bool = False) -> Any:
    """The largest number of each of `output_size` windows that cover a signal (N, C, L) or (C, L).

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_max_pool1d(torch.tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[5., 3.]])
    """
    size = read_output_size("adaptive_max_pool1d", 1, input, output_size, of_maxima=True)
    values, places = take_adaptive_maxima(input.unsqueeze(-2), size)
    return (values.squeeze(-2), places.squeeze(-2)) if return_indices else values.squeeze(-2)


# ---- checks, then one call -------------------------------------------------------------------
def read_divisor(name: str, given: int | None) -> int | None:
    """`divisor_override` as an int, or None. Raises RuntimeError for 0."""
    divisor = None if given is None else as_int(given, "divisor_override")
    if divisor == 0:
        raise RuntimeError(f"{name}: divisor must be not zero, got divisor_override=0")
    return divisor


def take_maxima(
    name: str, space: int, input: Tensor, *options: Any, limit: int | None = 2**31
) -> tuple[Tensor, Tensor]:
    """The maxima of windows and their indices, for the public function `name`, which errors mention."""
    geometry, windows = _find_geometry(OF_MAX_POOL, name, space, input, limit, *options)
    image = input.unsqueeze(-2) if space == 1 else input
    size = image.array.shape[-len(windows) :]
    if max(geometry.dilation) > 1 and not sees_everywhere(geometry, size, windows):
        hint = f"for an input of {list(input.array.shape)} with {_describe(geometry)}; use less padding or dilation"
        raise RuntimeError(f"{name}: a window lies in the padding alone and has no maximum, {hint}")
    places = _make_places(image.array, windows)
    operation = volumes.max_pool3d if space == 3 else pool.max_pool2d
    values = operation(image, places, geometry=geometry)
    return (values.squeeze(-2), places.squeeze(-2)) if space == 1 else (values, places)


def take_means(
    name: str, space: int, input: Any, k: Any, stride: Any, padding: Any, ceil_mode: Any, count: Any
) -> Any:  # fmt: skip
    """The means of windows, for the public function `name`, which errors mention."""
    require_floats(name, input, also=(np.int64,))
    if space == 3 and input.array.dtype == np.float16 and type(input.array) is np.ndarray:
        raise not_implemented_for(name, input.array.dtype, takes_floats=True)
    require_bools(name, count_include_pad=count[1])
    options = k, stride, padding, 1, ceil_mode
    geometry, windows = _find_geometry(OF_AVERAGE_POOL, name, space, input, 2**31, *options)
    if space == 1:
        return pool.avg_pool2d(input.unsqueeze(-2), geometry=geometry, windows=windows, count=count).squeeze(-2)
    if space == 2:
        return pool.avg_pool2d(input, geometry=geometry, windows=windows, count=count)
    _require_kernels_fit(name, geometry, input.array.shape[-3:])
    return volumes.avg_pool3d(input, geometry=geometry, windows=windows, count=count)


def _require_kernels_fit(name: str, geometry: Geometry, size: tuple[int, ...]) -> None:
    """Raises RuntimeError for a volume smaller than the kernel: here padding does not count, as in PyTorch."""
    if any(n < k for n, k in zip(size, geometry.kernel, strict=True)):
        (T, H, W), (kT, kH, kW) = size, geometry.kernel
        raise RuntimeError(
            f"input image (T: {T} H: {H} W: {W}) smaller than kernel size (kT: {kT} kH: {kH} kW: {kW}): {name} takes "
            "volumes that hold a window without their padding; use a smaller kernel"
        )


def take_adaptive_means(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """The means of windows of checked `size` that cover images or volumes."""
    if input.array.dtype.kind != "f":  # an empty tensor, see `read_output_size`
        return empty(*input.array.shape[: -len(size)], *size, dtype=input.dtype, device=input.device)
    return (volumes.adaptive_avg_pool3d if len(size) == 3 else pool.adaptive_avg_pool2d)(input, size=size)


def take_adaptive_maxima(input: Tensor, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The maxima of windows of checked `size` that cover images or volumes, and their indices."""
    shape = input.array.shape
    places = _make_places(input.array, size)
    apart = all(n and length % n == 0 for length, n in zip(shape[-len(size) :], size, strict=True))
    operation = volumes.adaptive_max_pool3d if len(size) == 3 else pool.adaptive_max_pool2d
    return operation(input, places, apart=apart), places


def _make_places(images: Any, windows: Any) -> Tensor:
    """An empty array for the index of each window's maximum, on the device of the images (..., H, W) or volumes."""
    shape = (*images.shape[: -len(windows)], *windows)
    return wrap(on_gpu_of(images, array_module(images).empty, shape, np.int64))


def _find_geometry(
    words: dict[int, Words], name: str, space: int, input: Tensor, limit: int | None, *options: Any
) -> tuple[Geometry, tuple[int, ...]]:
    """The checked options, all below `limit` if there is one, and the number of windows along each axis."""
    require_tensors(name, "input", input)
    check_images(name, space, input, empty=False, words=words[space])
    require_kind(name, input.array.dtype, "fiu")
    # Cached for ints only, because (2.0, 2) == (2, 2), which passed all checks.
    find = _find_windows if _NUMBERS.issuperset(map(type, options)) else _find_windows.__wrapped__
    return find(name, space, input.array.shape, limit, *options)


_NUMBERS = {int, bool, type(None)}


@lru_cache(maxsize=256, typed=True)
def _find_windows(
    name: str, space: int, shape: tuple[int, ...], limit: int | None, kernel_size: Lengths, stride: Any, padding: Any,
    dilation: Any, ceil_mode: bool
) -> tuple[Geometry, tuple[int, ...]]:  # fmt: skip
    """`_find_geometry` for images of this shape."""
    require_bools(name, ceil_mode=ceil_mode)
    kernel: Any = as_ints(name, "kernel_size", kernel_size, space, 1)
    omitted = stride is None or (is_sequence(stride) and not len(stride))
    step: Any = kernel if omitted else as_ints(name, "stride", stride, space, 1)
    pads: Any = as_ints(name, "padding", padding, space, 0)
    spread: Any = as_ints(name, "dilation", dilation, space, 1)
    size: Any = shape[-space:]
    if limit is not None and max(*kernel, *step, *pads, *spread) >= limit:
        raise RuntimeError(f"{name}: value cannot be converted to type int without overflow, got {kernel}, {step}")
    if space == 1:
        kernel, step, pads, spread, size = (1, *kernel), (1, *step), (0, *pads), (1, *spread), (1, *size)
    geometry = Geometry(kernel, step, pads, spread)
    for k, r, p, d in zip(geometry.kernel, geometry.reach, geometry.padding, geometry.dilation, strict=True):
        if 2 * p > r:
            got = f"but got pad={p}, kernel_size={k} and dilation={d}"
            raise RuntimeError(f"pad should be at most half of effective kernel size, {got} ({name})")
    windows = count_windows(geometry, size, ceil_mode)
    if min(windows) < 1:
        detail = f"Output size is too small ({name}: {_describe(geometry)}); use a smaller kernel or a larger image"
        before, after = ["x".join(map(str, (shape[-space - 1], *numbers[-space:]))) for numbers in (size, windows)]
        raise RuntimeError(f"Given input size: ({before}). Calculated output size: ({after}). {detail}")
    return geometry, windows


def _describe(geometry: Geometry) -> str:
    return f"kernel {geometry.kernel}, padding {geometry.padding}, dilation {geometry.dilation}"


def read_output_size(
    name: str, space: int, input: Tensor, given: Any, of_maxima: bool = False
) -> tuple[int, ...]:  # fmt: skip
    """(Ho, Wo) or (Do, Ho, Wo) for an output size in which None keeps an axis's length; (1, Lo) for a signal."""
    require_tensors(name, "input", input)
    shape = list(input.array.shape)
    if given is None:
        raise TypeError(f"{name}(): output_size is None; write {(None,) * space} to keep every axis as it is")
    wanted = (given,) * space
    if is_sequence(given):
        wanted = tuple(given)
        if len(shape) <= len(wanted):
            at_least = f"Input dimension should be at least {len(wanted) + 1}, {AXES[space]}"
            raise ValueError(f"{name}: {at_least}, got {shape}")
        if len(wanted) != space:
            raise RuntimeError(f"{name}: output_size must have {space} elements, got {given!r}")
    check_images(name, space, input, empty=not of_maxima, words=OF_ADAPTIVE_POOL[space])
    if 0 in shape[len(shape) - space :]:
        raise RuntimeError(f"{name}(): Expected input to have non-zero size for non-batch dimensions, got {shape}")
    sizes = [n if m is None else m for m, n in zip(wanted, shape[len(shape) - len(wanted) :], strict=True)]
    size = as_ints(name, "output_size", sizes, space, 0)
    if of_maxima or (input.array.size and 0 not in size):  # PyTorch accepts any dtype for means of empty tensors
        require_floats(name, input)
    check_countable((*shape[: len(shape) - space], *size), input.array.dtype)
    return (1, *size) if space == 1 else size
