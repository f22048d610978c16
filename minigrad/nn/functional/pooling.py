"""Pooling under PyTorch's names: maxima and means of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module, on_its_gpu
from minigrad.kernels import Geometry
from minigrad.nn.functional.checks import floats, images, in_single, numbers, tensors
from minigrad.ops.elementwise import not_implemented_for
from minigrad.ops.join import stack
from minigrad.ops.pool import max_pool, window_sums
from minigrad.tensor import Tensor


def _windows(
    name: str, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Geometry, tuple[int, int]]:
    """The checked options, and the number of windows along each axis."""
    tensors(name, "input", input)
    images(name, 2, input, empty=False)
    if input.array.dtype.kind == "b":
        raise not_implemented_for(name, input.array.dtype)
    kernel: Any = numbers(name, "kernel_size", kernel_size, 2, 1)
    step: Any = kernel if stride is None or stride == () or stride == [] else numbers(name, "stride", stride, 2, 1)
    pads: Any = numbers(name, "padding", padding, 2, 0)
    spread: Any = numbers(name, "dilation", dilation, 2, 1)
    for k, p, d in zip(kernel, pads, spread, strict=True):
        if 2 * p > d * (k - 1) + 1:
            raise RuntimeError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                f"dilation={d}"
            )
    geometry = Geometry(kernel, step, pads, spread)
    size = geometry.windows(input.array.shape[-2:], ceil_mode)
    if min(size) < 1:
        raise RuntimeError(
            f"Given input size: {tuple(input.array.shape)}. Calculated output size: {size}. Output size is too small "
            f"({name}: kernel {kernel}, padding {pads}); use a smaller kernel or a larger image"
        )
    return geometry, size


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> Any:  # fmt: skip
    """The largest number of each window; `stride` is the kernel's size unless given.

    Shapes: (N, C, H, W) or (C, H, W); with `return_indices` also the places, counted row by row.
    Raises RuntimeError for shapes that do not fit. Among equals the first gets the gradient.

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool2d(torch.arange(4.0).reshape(1, 2, 2), 2)
    tensor([[[3.]]])
    """
    geometry, _ = _windows("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    values, places = max_pool(input, geometry, ceil_mode)
    return (values, places) if return_indices else values


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None
) -> Tensor:  # fmt: skip
    """The mean of each window; padding counts as zeros unless `count_include_pad` is False.

    Shapes: (N, C, H, W) or (C, H, W). Raises RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.avg_pool2d(torch.arange(4.0).reshape(1, 2, 2), 2)
    tensor([[[1.5000]]])
    """
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor must be not zero, got divisor_override=0")
    floats("avg_pool2d", input, also=(np.int64,))
    geometry, windows = _windows("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    return _averaged(input, geometry, windows, count_include_pad, divisor_override)


@in_single
@on_its_gpu
def _averaged(input: Any, geometry: Geometry, windows: Any, include_pad: bool, divisor: int | None) -> Any:
    sums = window_sums(input, geometry=geometry, windows=windows)
    count: Any = divisor
    if divisor is None:
        axes = zip(input.array.shape[-2:], geometry.kernel, geometry.stride, geometry.padding, windows, strict=True)
        rows, columns = [_counts(*one, include_pad) for one in axes]
        count = rows[0] * columns[0]
        if min(rows) < max(rows) or min(columns) < max(columns):
            table = np.outer(rows, columns).astype(input.array.dtype)
            count = wrap(array_module(input.array).asarray(table))
    return sums / count if input.array.dtype.kind == "f" else sums.div(count, rounding_mode="trunc")


def _counts(length: int, kernel: int, stride: int, padding: int, windows: int, include_pad: bool) -> list[int]:
    """How many entries each window along one axis is the mean of."""
    low, high = (-padding, length + padding) if include_pad else (0, length)
    starts = range(-padding, -padding + windows * stride, stride)
    return [min(start + kernel, high) - max(start, low) for start in starts]


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of `output_size` windows that cover the image; None keeps an axis.

    Window i of n along an axis of length L goes from ``floor(i L / n)`` to ``ceil((i + 1) L / n)``.
    Raises ValueError or RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.arange(6.0).reshape(1, 2, 3), 1)
    tensor([[[2.5000]]])
    """
    name = "adaptive_avg_pool2d"
    floats(name, input)
    shape = list(input.array.shape)
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * 2
    if len(shape) <= len(given):
        raise ValueError(f"{name}: Input dimension should be at least {len(given) + 1}, (..., H, W), got {shape}")
    images(name, 2, input, empty=False)
    sizes = [n if m is None else m for m, n in zip(given, shape[len(shape) - len(given) :], strict=True)]
    return _adapted(input, numbers(name, "output_size", sizes, 2, 0))


@in_single
def _adapted(input: Any, size: tuple[int, ...]) -> Any:
    pooled = input
    for dim, count in enumerate(size, -len(size)):
        length = input.array.shape[dim]
        if count == length:
            continue
        if count and length % count == 0:  # equal windows: a mean over a split axis
            pooled = pooled.unflatten(dim, (count, length // count)).mean(dim)
        else:
            spans = [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]
            parts = [pooled.narrow(dim, a, b - a).mean(dim) for a, b in spans]
            pooled = stack(parts, dim) if parts else pooled.narrow(dim, 0, 0)
    return pooled.clone() if pooled is input else pooled
