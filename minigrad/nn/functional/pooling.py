"""Pooling under PyTorch's names: maxima and means of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module, on_its_gpu
from minigrad.kernels import pooled_length
from minigrad.nn.functional.checks import AXES, floats, in_single, numbers, tensors
from minigrad.ops.elementwise import not_implemented_for
from minigrad.ops.join import stack
from minigrad.ops.pool import max_pool, window_sums
from minigrad.tensor import Tensor


def _windows(
    name: str, space: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
    ceil_mode: bool
) -> Any:  # fmt: skip
    """The checked options, and the number of windows along each axis."""
    tensors(name, "input", input)
    shape = input.array.shape
    if input.array.dtype.kind == "b":
        raise not_implemented_for(name, input.array.dtype)
    if len(shape) not in (space + 1, space + 2) or 0 in shape[-space - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {space + 1}D or {space + 2}D (batch mode) tensor, that is "
            f"{AXES[space]}, of axes that are not empty, but got {list(shape)}"
        )
    kernel = numbers(name, "kernel_size", kernel_size, space, 1)
    step = kernel if stride in (None, [], ()) else numbers(name, "stride", stride, space, 1)
    pads = numbers(name, "padding", padding, space, 0)
    spread = numbers(name, "dilation", dilation, space, 1)
    for k, p, d in zip(kernel, pads, spread, strict=True):
        if 2 * p > d * (k - 1) + 1:
            raise RuntimeError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}"
            )
    axes = zip(shape[-space:], kernel, step, pads, spread, strict=True)
    size = tuple([pooled_length(*one, ceil_mode=ceil_mode) for one in axes])
    if min(size) < 1:
        raise RuntimeError(
            f"Given input size: {tuple(shape)}. Calculated output size: {size}. Output size is "
            f"too small ({name}: kernel {kernel}, padding {pads}); use a smaller kernel or a "
            "larger image"
        )
    return kernel, step, pads, spread, size


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
    kernel, step, pads, spread, _ = _windows(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode
    )  # fmt: skip
    values, places = max_pool(input, kernel, step, pads, spread, ceil_mode)
    return (values, places) if return_indices else values


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False
) -> Any:  # fmt: skip
    """The largest number of each window of a signal, (N, C, L) or (C, L): see `max_pool2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool1d(torch.tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[5., 3.]])
    """
    (k,), (s,), (p,), (d,), _ = _windows("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)
    values, places = max_pool(input.unsqueeze(-2), (1, k), (1, s), (0, p), (1, d), ceil_mode)
    values = values.squeeze(-2)
    return (values, places.squeeze(-2)) if return_indices else values


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
    tensors("avg_pool2d", "input", input)
    floats("avg_pool2d", input, also=(np.int64,))
    kernel, step, pads, _, size = _windows("avg_pool2d", 2, input, kernel_size, stride, padding, 1, ceil_mode)
    return _averaged(input, kernel, step, pads, size, count_include_pad, divisor_override)


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True
) -> Tensor:  # fmt: skip
    """The mean of each window of a signal, (N, C, L) or (C, L): see `avg_pool2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.avg_pool1d(torch.tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[3.0000, 2.5000]])
    """
    tensors("avg_pool1d", "input", input)
    floats("avg_pool1d", input, also=(np.int64,))
    (k,), (s,), (p,), _, (n,) = _windows("avg_pool1d", 1, input, kernel_size, stride, padding, 1, ceil_mode)
    options = ((1, k), (1, s), (0, p), (1, n), count_include_pad, None)
    return _averaged(input.unsqueeze(-2), *options).squeeze(-2)


@in_single
@on_its_gpu
def _averaged(input: Any, kernel: Any, step: Any, pads: Any, size: Any, include_pad: bool, divisor: int | None) -> Any:
    sums = window_sums(input, kernel=kernel, stride=step, padding=pads, size=size)
    count: Any = divisor
    if divisor is None:
        axes = zip(input.array.shape[-2:], kernel, step, pads, size, strict=True)
        rows, columns = [_counts(*one, include_pad) for one in axes]
        count = rows[0] * columns[0]
        if min(rows) < max(rows) or min(columns) < max(columns):
            table = np.outer(rows, columns).astype(input.array.dtype)
            count = wrap(array_module(input.array).asarray(table))
    if input.array.dtype.kind == "f":
        return sums / count
    return sums.div(count, rounding_mode="trunc")


def _counts(length: int, kernel: int, stride: int, padding: int, windows: int, include_pad: bool) -> list[int]:
    """How many entries each window along one axis is the mean of."""
    low, high = (-padding, length + padding) if include_pad else (0, length)
    starts = range(-padding, -padding + windows * stride, stride)
    return [min(start + kernel, high) - max(start, low) for start in starts]


# ---- windows that fit the output ------------------------------------------------------------------
def _output_size(name: str, input: Any, output_size: Any, space: int) -> list[int]:
    """The checked `output_size`, where None keeps an axis as it is."""
    tensors(name, "input", input)
    floats(name, input)
    shape = input.array.shape
    if len(shape) not in (space + 1, space + 2) or 0 in shape[-space:]:
        kind = ValueError if len(shape) <= space == 2 else RuntimeError
        raise kind(
            f"{name}(): Input dimension should be at least {space + 1}: expected "
            f"{space + 1}D or {space + 2}D tensor, that is {AXES[space]}, of non-zero size, "
            f"but got {list(shape)}"
        )
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * space
    if len(given) != space:
        raise RuntimeError(
            f"{name}() argument 'output_size' should contain {space} ints, one for each spatial "
            f"axis, got {output_size!r}"
        )
    size = [n if m is None else m for m, n in zip(given, shape[-space:], strict=True)]
    if not all(hasattr(m, "__index__") for m in size):
        raise TypeError(f"{name}(): output_size must be ints or None, got {output_size!r}")
    if min(size) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received {output_size!r}"
        )
    return [int(m) for m in size]


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of `output_size` windows that cover the image; None keeps an axis.

    Window i of n along an axis of length L goes from ``floor(i L / n)`` to ``ceil((i + 1) L / n)``.
    Raises ValueError or RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.arange(6.0).reshape(1, 2, 3), 1)
    tensor([[[2.5000]]])
    """
    size = _output_size("adaptive_avg_pool2d", input, output_size, 2)
    return _adapted(input, size)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of `output_size` windows that cover the signal, (N, C, L) or (C, L)."""
    return _adapted(input, _output_size("adaptive_avg_pool1d", input, output_size, 1))


@in_single
def _adapted(input: Any, size: list[int]) -> Any:
    pooled = input
    for dim, count in enumerate(size, -len(size)):
        length = input.array.shape[dim]
        if count == length:
            continue
        if count and length % count == 0:  # equal windows: a mean over a split axis
            pooled = pooled.unflatten(dim, (count, length // count)).mean(dim)
        else:
            spans = [_span(i, count, length) for i in range(count)]
            parts = [pooled.narrow(dim, a, b - a).mean(dim) for a, b in spans]
            pooled = stack(parts, dim) if parts else pooled.narrow(dim, 0, 0)
    return pooled.clone() if pooled is input else pooled


def _span(i: int, count: int, length: int) -> tuple[int, int]:
    return i * length // count, -(-(i + 1) * length // count)


@on_its_gpu
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of each of `output_size` windows that cover the image: see `adaptive_avg_pool2d`.

    >>> import minigrad as torch
    >>> torch.nn.functional.adaptive_max_pool2d(torch.arange(6.0).reshape(1, 2, 3), 1)
    tensor([[[5.]]])
    """
    size = _output_size("adaptive_max_pool2d", input, output_size, 2)
    x, xp = input.array, array_module(input.array)
    H, W = x.shape[-2:]
    rows, columns = _window_places(size[0], H, xp), _window_places(size[1], W, xp)
    # (Ho, 1, kh, 1) and (1, Wo, 1, kw): a place for each number of each window
    places = (rows[:, None, :, None] * W + columns[None, :, None, :]).reshape(*size, -1)
    candidates = x.reshape(*x.shape[:-2], H * W)[..., places]  # (..., Ho, Wo, kh*kw)
    best = candidates.argmax(-1) if places.size else xp.zeros((*x.shape[:-2], *size), np.int64)
    winners = xp.take_along_axis(xp.broadcast_to(places, candidates.shape), best[..., None], -1)
    flat = wrap(winners.reshape(*x.shape[:-2], size[0] * size[1]))
    values = input.flatten(-2).gather(-1, flat).unflatten(-1, tuple(size))
    return (values, flat.unflatten(-1, tuple(size))) if return_indices else values


def _window_places(count: int, length: int, xp: Any) -> Any:
    """Each window's places along an axis; shorter windows repeat their last."""
    spans = [_span(i, count, length) for i in range(count)]
    longest = max([b - a for a, b in spans], default=1)
    table = [[min(a + k, b - 1) for k in range(longest)] for a, b in spans]
    return xp.asarray(table, np.int64).reshape(count, longest)
