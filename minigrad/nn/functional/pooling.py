"""Pooling under PyTorch's names: maxima and means of windows."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import TensorBase, wrap
from minigrad.backend import array_module
from minigrad.kernels import pooled_length
from minigrad.nn.functional.conv import numbers
from minigrad.ops.elementwise import not_a_tensor
from minigrad.ops.join import stack
from minigrad.ops.pool import max_pool, window_sums
from minigrad.tensor import Tensor


def _windows(name: str, space: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Any:
    """The checked options, and the number of windows along each axis."""
    if not isinstance(input, TensorBase):
        raise not_a_tensor(name, "input", 1, input)
    shape = input.array.shape
    if len(shape) not in (space + 1, space + 2) or 0 in shape[-space - 1 :]:
        axes = "(N, C, H, W) or (C, H, W)" if space == 2 else "(N, C, L) or (C, L)"
        raise RuntimeError(f"{name}: Expected {space + 1}D or {space + 2}D (batch mode) tensor, that is {axes}, of axes that are not empty, but got {list(shape)}")
    kernel = numbers(name, "kernel_size", kernel_size, space, 1)
    step = kernel if stride is None or stride == [] or stride == () else numbers(name, "stride", stride, space, 1)
    pads, spread = numbers(name, "padding", padding, space, 0), numbers(name, "dilation", dilation, space, 1)
    for k, p, d in zip(kernel, pads, spread, strict=True):
        if 2 * p > d * (k - 1) + 1:
            raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d} ({name})")
    size = tuple(
        [pooled_length(*axis, ceil_mode=ceil_mode) for axis in zip(shape[-space:], kernel, step, pads, spread, strict=True)]
    )
    if min(size) < 1:
        raise RuntimeError(
            f"Given input size: {tuple(shape)}. Calculated output size: {size}. Output size is too small ({name}: kernel {kernel}, "
            f"padding {pads}): use a smaller kernel or a larger image"
        )
    return kernel, step, pads, spread, size


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of each window; `stride` is the kernel's size unless given.

    Shapes: (N, C, H, W) or (C, H, W); with `return_indices` also the places, counted row by row.
    Raises RuntimeError for shapes that do not fit. Among equals the first gets the gradient.

    >>> import minigrad as torch
    >>> torch.nn.functional.max_pool2d(torch.arange(4.0).reshape(1, 2, 2), 2)
    tensor([[[3.]]])
    """
    kernel, step, pads, spread, _ = _windows("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)
    values, places = max_pool(input, kernel, step, pads, spread, ceil_mode)
    return (values, places) if return_indices else values


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of each window of a signal, (N, C, L) or (C, L)."""
    options = _windows("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)
    (k,), (s,), (p,), (d,), _ = options
    values, places = max_pool(input.unsqueeze(-2), (1, k), (1, s), (0, p), (1, d), ceil_mode)
    values = values.squeeze(-2)
    return (values, places.squeeze(-2)) if return_indices else values


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window; padding counts as zeros unless `count_include_pad` is False.

    >>> import minigrad as torch
    >>> torch.nn.functional.avg_pool2d(torch.arange(4.0).reshape(1, 2, 2), 2)
    tensor([[[1.5000]]])
    """
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    kernel, step, pads, _, size = _windows("avg_pool2d", 2, input, kernel_size, stride, padding, 1, ceil_mode)
    return _averaged(input, kernel, step, pads, size, count_include_pad, divisor_override)


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True
) -> Tensor:
    """The mean of each window of a signal, (N, C, L) or (C, L)."""
    (k,), (s,), (p,), _, (n,) = _windows("avg_pool1d", 1, input, kernel_size, stride, padding, 1, ceil_mode)
    pooled = _averaged(input.unsqueeze(-2), (1, k), (1, s), (0, p), (1, n), count_include_pad, None)
    return pooled.squeeze(-2)  # type: ignore[no-any-return]


def _averaged(input: Any, kernel: Any, step: Any, pads: Any, size: Any, count_include_pad: bool, divisor: int | None) -> Any:
    sums = window_sums(input, kernel=kernel, stride=step, padding=pads, size=size)
    if divisor is not None:
        return sums / divisor
    lengths = [
        _counts(*axis, count_include_pad) for axis in zip(input.array.shape[-2:], kernel, step, pads, size, strict=True)
    ]
    if all(min(n) == max(n) for n in lengths):
        return sums / (lengths[0][0] * lengths[1][0])
    xp = array_module(input.array)
    rows, columns = [xp.asarray(n, dtype=input.array.dtype) for n in lengths]
    return sums / wrap(rows.reshape(-1, 1) * columns)


def _counts(length: int, kernel: int, stride: int, padding: int, windows: int, include_pad: bool) -> list[int]:
    """How many entries each window along one axis is the mean of."""
    low, high = (-padding, length + padding) if include_pad else (0, length)
    return [
        min(start + kernel, high) - max(start, low) for start in range(-padding, -padding + windows * stride, stride)
    ]


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of `output_size` windows that cover the image; None keeps an axis as it is.

    Window i of n along an axis of length L goes from ``floor(i L / n)`` to ``ceil((i + 1) L / n)``.
    """
    shape = input.array.shape
    if len(shape) not in (3, 4) or 0 in shape[1:]:
        raise RuntimeError(f"adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got {list(shape)}")
    given = (output_size, output_size) if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if len(given) != 2:
        raise RuntimeError(f"adaptive_avg_pool2d: output_size must be 2, got {len(given)}")
    size = [n if m is None else m for m, n in zip(given, shape[-2:], strict=True)]
    if min(size) < 0:
        raise RuntimeError(f"adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {size}")
    for dim, n in zip((-2, -1), size, strict=True):
        input = _adapted(input, dim, n)
    return input


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of `output_size` windows that cover the signal."""
    n = output_size if isinstance(output_size, int) else tuple(output_size)[0]
    if input.array.ndim not in (2, 3):
        raise RuntimeError(f"Expected 2D or 3D input to adaptive_avg_pool1d, but got {list(input.array.shape)}")
    return _adapted(input, -1, n)  # type: ignore[no-any-return]


def _adapted(input: Any, dim: int, count: int) -> Any:
    length = input.array.shape[dim]
    if count == length:
        return input
    if count and length % count == 0:  # equal windows: a mean over a split axis
        return input.unflatten(dim, (count, length // count)).mean(dim if dim == -1 else dim)
    parts = [
        input.narrow(dim, i * length // count, -(-(i + 1) * length // count) - i * length // count).mean(dim)
        for i in range(count)
    ]
    return stack(parts, dim) if parts else input.narrow(dim, 0, 0)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of each of `output_size` windows that cover the image evenly."""
    given = (output_size, output_size) if output_size is None or isinstance(output_size, int) else tuple(output_size)
    size = [n if m is None else m for m, n in zip(given, input.array.shape[-2:], strict=True)]
    kernel = [n // m for m, n in zip(size, input.array.shape[-2:], strict=True)]
    if [k * m for k, m in zip(kernel, size, strict=True)] != list(input.array.shape[-2:]):
        raise NotImplementedError("adaptive_max_pool2d needs an image whose sides are multiples of the output's")
    return max_pool2d(input, kernel, return_indices=return_indices)
