"""`fractional_max_pool2d` and `3d`: max pooling that shrinks by a factor that need not be a whole number."""

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
from minigrad.ops.volumes import read_volume
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
    maxima, places = _pool("fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio, _random_samples)
    return (maxima, places) if return_indices else maxima


@names_options
def fractional_max_pool3d(
    input: Tensor, kernel_size: Lengths, output_size: Lengths | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """`fractional_max_pool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import minigrad as torch
    >>> torch.nn.functional.fractional_max_pool3d(torch.ones(1, 6, 6, 6), 2, output_ratio=0.5).shape
    minigrad.Size([1, 3, 3, 3])
    """
    maxima, places = _pool("fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio, _random_samples)
    return (maxima, places) if return_indices else maxima


def _pool(
    name: str, space: int, input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> tuple[Tensor, Tensor]:
    """The maxima and their places, for the public function `name`."""
    require_tensors(name, "input", input)
    batched = check_images(name, space, input, words=OF_FRACTIONAL_POOL[space])
    require_floats(name, input)
    kernel = as_ints(name, "kernel_size", kernel_size, space, 1)
    images = input if batched else input.unsqueeze(0)
    size = _find_size(name, images, output_size, output_ratio)
    _check_fit(name, images.array.shape, kernel, size)
    chances = _read_samples(name, images, samples)
    if space == 2:
        chances = chances[..., ::-1]  # those of images are for the width, then the height
    found = on_gpu_of(images.array, find_fractional_maxima, images.array, chances, kernel, size)
    places: Any = wrap(found if batched else found[0])
    read = read_volume if space == 3 else read_places
    return name_last_call(read(input, places, apart=False), f"FractionalMaxPool{space}DBackward0"), places


def _find_size(name: str, images: Any, output_size: Lengths | None, output_ratio: Any) -> tuple[int, ...]:
    if output_size is not None:
        return as_ints(name, "output_size", output_size, images.array.ndim - 2, 0)
    if output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    ratios = [as_number(name, "output_ratio", ratio) for ratio in per_axis(output_ratio, images.array.ndim - 2)]
    lengths = [int(n * ratio) for n, ratio in zip(images.array.shape[2:], ratios, strict=True)]
    return as_ints(name, "output_size", lengths, len(lengths), 0)


def _read_samples(name: str, images: Any, samples: Any) -> Any:
    """Numbers in [0, 1) for each channel and axis: drawn, or the first that are given. (N, C, axes)."""
    wanted = (*images.array.shape[:2], images.array.ndim - 2)
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
    spare = 1 if len(size) == 3 else 0  # pixels that PyTorch asks for in volumes, though no window reads them
    names = ("time", "height", "width")[-len(size) :]
    for axis, length, window, count in zip(names, shape[2:], kernel, size, strict=True):
        least = count + window - 1 + spare
        if least > length:
            raise RuntimeError(
                f"{name}(): pool {axis} {window} too large relative to input {axis} {length}: {count} windows of it "
                f"need at least {least} pixels; use a smaller kernel_size or output_size"
            )
