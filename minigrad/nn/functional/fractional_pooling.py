"""`fractional_max_pool2d`: max pooling that shrinks an image by a factor that need not be a whole number."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.backend import on_gpu_of
from minigrad.creation import rand
from minigrad.kernels.fractional_pool import find_fractional_maxima
from minigrad.nn.functional.images import OF_FRACTIONAL_POOL, check_images
from minigrad.ops.arguments import Lengths, as_ints, as_number, per_axis, require_floats, require_tensors
from minigrad.ops.complaints import check_same_dtype
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.pool import read_places
from minigrad.tensor import Tensor


@names_options
def fractional_max_pool2d(
    input: Tensor, kernel_size: Lengths, output_size: Lengths | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest number of each of `output_size` windows, whose distances are drawn: some are a pixel further apart.

    Instead of a size, ``output_ratio`` gives the fraction of the input's height and width that remains.
    Shapes: (N, C, H, W) or (C, H, W); with `return_indices` also the flat indices, counted row by row.
    Raises ValueError without size and ratio, RuntimeError for windows that do not fit.
    Source: Graham, "Fractional Max-Pooling", 2014.

    >>> import minigrad as torch
    >>> torch.nn.functional.fractional_max_pool2d(torch.arange(36.0).view(1, 6, 6), 2, output_ratio=0.7).shape
    minigrad.Size([1, 4, 4])
    """
    name = "fractional_max_pool2d"
    require_tensors(name, "input", input)
    batched = check_images(name, 2, input, words=OF_FRACTIONAL_POOL)
    require_floats(name, input)
    kernel: Any = as_ints(name, "kernel_size", kernel_size, 2, 1)
    images = input if batched else input.unsqueeze(0)
    size: Any = _find_size(name, images, output_size, output_ratio)
    _check_fit(name, images.array.shape, kernel, size)
    chances = _read_samples(name, images, _random_samples)
    found = on_gpu_of(images.array, find_fractional_maxima, images.array, chances, kernel, size)
    places: Any = wrap(found if batched else found[0])
    maxima = name_last_call(read_places(input, places, apart=False), "FractionalMaxPool2DBackward0")
    return (maxima, places) if return_indices else maxima


def _find_size(name: str, images: Any, output_size: Lengths | None, output_ratio: Any) -> tuple[int, ...]:
    if output_size is not None:
        return as_ints(name, "output_size", output_size, 2, 0)
    if output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    ratios = [as_number(name, "output_ratio", ratio) for ratio in per_axis(output_ratio, 2)]
    lengths = [int(n * ratio) for n, ratio in zip(images.array.shape[2:], ratios, strict=True)]
    return as_ints(name, "output_size", lengths, 2, 0)


def _read_samples(name: str, images: Any, samples: Any) -> Any:
    """Two numbers in [0, 1) for each channel: drawn, or the first of those that are given. An array (N, C, 2)."""
    wanted = (*images.array.shape[:2], 2)
    if samples is None:
        return rand(*wanted, dtype=images.dtype, device=images.device).array
    require_tensors(name, "_random_samples", samples)
    check_same_dtype(name, images, "_random_samples", samples)
    given = tuple(samples.array.shape)
    if len(given) != 3 or given[0] < wanted[0] or given[1:] != wanted[1:]:
        raise RuntimeError(f"{name}: expected _random_samples of shape {list(wanted)}, got {list(given)}")
    return samples.array[: wanted[0]]


def _check_fit(name: str, shape: Any, kernel: Any, size: Any) -> None:
    if 0 in shape[1:]:
        raise RuntimeError(f"{name}: Expected input to have non-zero size for non-batch dimensions, got {list(shape)}")
    for axis, length, window, count in zip(("height", "width"), shape[2:], kernel, size, strict=True):
        if count + window - 1 > length:
            raise RuntimeError(
                f"{name}(): pool {axis} {window} too large relative to input {axis} {length}: {count} windows of it "
                f"need at least {count + window - 1} pixels; use a smaller kernel_size or output_size"
            )
