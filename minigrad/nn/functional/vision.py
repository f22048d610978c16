"""Images as columns, and images of other sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, wrap
from minigrad.backend import array_module
from minigrad.nn.functional.checks import numbers
from minigrad.ops.elementwise import not_a_tensor
from minigrad.ops.pool import fold_windows, unfold_windows
from minigrad.ops.select import index_select
from minigrad.tensor import Tensor


def _geometry(name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Any, ...]:
    return (
        numbers(name, "kernel_size", kernel_size, 2, 1),
        numbers(name, "dilation", dilation, 2, 1),
        numbers(name, "padding", padding, 2, 0),
        numbers(name, "stride", stride, 2, 1),
    )


def _counts(size: Any, geometry: Any) -> tuple[int, ...]:
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in zip(size, *geometry, strict=True))


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """All windows as columns (im2col): (N, C, H, W) -> (N, C*kh*kw, number of windows); without N likewise.

    Convolution is then one matrix product: ``weight.view(O, -1) @ unfold(x)``.

    >>> import minigrad as torch
    >>> torch.nn.functional.unfold(torch.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
    tensor([[[0., 2.],
             [1., 3.]]])
    """
    if not isinstance(input, TensorBase):
        raise not_a_tensor("unfold", "input", 1, input)
    shape = input.array.shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {list(shape)}")
    geometry = _geometry("unfold", kernel_size, dilation, padding, stride)
    counts = _counts(shape[-2:], geometry)
    if min(counts) < 1:
        raise RuntimeError(f"Given input with spatial size {tuple(shape[-2:])}, kernel_size={geometry[0]}, dilation={geometry[1]}, padding={geometry[2]}, calculated shape of the array of sliding blocks as {counts}, but its components must be at least one.")
    x = input if len(shape) == 4 else input.unsqueeze(0)
    columns = _kernel_order(unfold_windows, x, geometry)
    return columns if len(shape) == 4 else columns.squeeze(0)  # type: ignore[no-any-return]


def fold(input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The adjoint of `unfold`: columns added up where their windows lay, (N, C*kh*kw, L) -> (N, C, H, W)."""
    if not isinstance(input, TensorBase):
        raise not_a_tensor("fold", "input", 1, input)
    shape = input.array.shape
    size = numbers("fold", "output_size", output_size, 2, 1)
    geometry = _geometry("fold", kernel_size, dilation, padding, stride)
    window = geometry[0][0] * geometry[0][1]
    if len(shape) not in (2, 3) or shape[-2] % window or 0 in shape[-2:]:
        raise RuntimeError(f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size={list(shape)} and kernel_size={geometry[0]}.")
    counts = _counts(size, geometry)
    if min(counts) < 1 or counts[0] * counts[1] != shape[-1]:
        raise RuntimeError(f"Given output_size={size}, kernel_size={geometry[0]}, dilation={geometry[1]}, padding={geometry[2]}, stride={geometry[3]}, expected size of input's dimension 2 to match the calculated number of sliding blocks {counts[0]} * {counts[1]} = {counts[0] * counts[1]}, but got {shape[-1]}.")
    x = input if len(shape) == 3 else input.unsqueeze(0)
    image = _kernel_order(fold_windows, x, geometry, size=size)
    return image if len(shape) == 3 else image.squeeze(0)  # type: ignore[no-any-return]


def _kernel_order(made: Any, x: Any, geometry: Any, **size: Any) -> Any:
    kernel, dilation, padding, stride = geometry
    return made(x, geometry=(kernel, stride, padding, dilation), **size)


# ---- other sizes ----------------------------------------------------------------------------------
def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:
    """The image at another size: by the nearest pixel, or 'bilinear' ('linear' for signals) between pixels.

    Shapes: (N, C, L) or (N, C, H, W); give `size` or `scale_factor`.
    Raises ValueError when both or none are given, NotImplementedError for other modes.
    """
    if not isinstance(input, TensorBase):
        raise not_a_tensor("interpolate", "input", 1, input)
    space = input.array.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ValueError("only one of size or scale_factor should be defined" if size is not None else "either size or scale_factor should be defined")
    known = {"nearest", "nearest-exact", *({1: ["linear"], 2: ["bilinear"]}.get(space, []))}
    if mode not in known or antialias:
        raise NotImplementedError(f"Input of {input.array.ndim} dimensions is interpolated by {', '.join(sorted(known))}; got mode {mode!r}")
    if align_corners is not None and mode.startswith("nearest"):
        raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear")
    lengths = input.array.shape[2:]
    scales = _per_axis("scale_factor", scale_factor, space) if size is None else (None,) * space
    sizes = tuple(int(n * s) for n, s in zip(lengths, scales, strict=True)) if size is None else _per_axis("size", size, space)
    if min(sizes) < 1 or 0 in lengths:
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input {tuple(lengths)} output {sizes}")
    if recompute_scale_factor:
        scales = (None,) * space
    for dim, (n, m, scale) in enumerate(zip(lengths, sizes, scales, strict=True), 2):
        step = n / m if scale is None else 1 / scale
        if mode.startswith("nearest"):
            input = _nearest(input, dim, n, m, step, mode == "nearest-exact")
        else:
            input = _between(input, dim, n, m, step, bool(align_corners))
    return input


def _per_axis(name: str, given: Any, space: int) -> tuple[Any, ...]:
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * space
    if len(values) != space:
        raise ValueError(f"Input and {name} must have the same number of spatial dimensions, but got {space} and {name} of {len(values)}: {given}")
    return values


def _nearest(x: Any, dim: int, n: int, m: int, step: float, centred: bool) -> Any:
    places = np.floor((np.arange(m) + (0.5 if centred else 0.0)) * np.float32(step)).astype(np.int64)
    return index_select(x, dim, wrap(array_module(x.array).asarray(np.minimum(places, n - 1))))


def _between(x: Any, dim: int, n: int, m: int, step: float, align_corners: bool) -> Any:
    """Linear interpolation along one axis: a weighted sum of the neighbours below and above."""
    if align_corners:
        places = np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        places = np.maximum((np.arange(m) + 0.5) * step - 0.5, 0)
    below = np.minimum(np.floor(places).astype(np.int64), n - 1)
    above = np.minimum(below + 1, n - 1)
    xp = array_module(x.array)
    column = [-1 if d == dim else 1 for d in range(x.array.ndim)]
    weight = wrap(xp.asarray((places - below).astype(x.array.dtype).reshape(column)))
    low, high = [index_select(x, dim, wrap(xp.asarray(i))) for i in (below, above)]
    return low * (1 - weight) + high * weight


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels into space: (..., C*r*r, H, W) -> (..., C, H*r, W*r). Source: Shi et al., 2016."""
    r = upscale_factor
    *batch, channels, height, width = input.array.shape
    if r <= 0 or channels % (r * r):
        raise RuntimeError(f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}")
    x = input.reshape(*batch, channels // (r * r), r, r, height, width)
    k = len(batch)
    x = x.permute(*range(k + 1), k + 3, k + 1, k + 4, k + 2)  # (..., C, r, r, H, W) -> (..., C, H, r, W, r)
    return x.reshape(*batch, channels // (r * r), height * r, width * r)  # type: ignore[no-any-return]
