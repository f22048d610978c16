"""Images as columns, images of other sizes, and channels as pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module, on_its_gpu
from minigrad.nn.functional.checks import floats, in_single, numbers, tensors
from minigrad.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d
from minigrad.ops.elementwise import not_implemented_for
from minigrad.ops.padding import rows_at
from minigrad.ops.pool import fold_windows, unfold_windows
from minigrad.tensor import Tensor


def _geometry(name: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    return (
        numbers(name, "kernel_size", kernel_size, 2, 1),
        numbers(name, "stride", stride, 2, 1),
        numbers(name, "padding", padding, 2, 0),
        numbers(name, "dilation", dilation, 2, 1),
    )


def _counts(size: Any, geometry: Any) -> tuple[int, ...]:
    """How many windows lie along each axis of an image of `size`."""
    axes = zip(size, *geometry, strict=True)
    return tuple([(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes])


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """All windows as columns (im2col): (N, C, H, W) -> (N, C*kh*kw, windows); without N likewise.

    Convolution is then one matrix product: ``weight.view(O, -1) @ unfold(x)``.
    Raises RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.unfold(torch.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
    tensor([[[0., 2.],
             [1., 3.]]])
    """
    tensors("unfold", "input", input)
    if input.array.dtype.kind != "b":
        floats("unfold", input)
    shape = input.array.shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, (N, C, H, W) or (C, H, W), but got: {list(shape)} (unfold)"
        )
    geometry = _geometry("unfold", kernel_size, stride, padding, dilation)
    counts = _counts(shape[-2:], geometry)
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(shape[-2:])}, kernel_size={geometry[0]}, "
            f"dilation={geometry[3]}, padding={geometry[2]}, calculated shape of the array of "
            f"sliding blocks as {counts}, but its components must be at least one (unfold)."
        )
    x = input if len(shape) == 4 else input.unsqueeze(0)
    columns = unfold_windows(x, geometry=geometry)
    return columns if len(shape) == 4 else columns.squeeze(0)


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1
) -> Tensor:  # fmt: skip
    """The adjoint of `unfold`: columns added up where their windows lay.

    Shapes: (N, C*kh*kw, windows) -> (N, C, H, W); without N likewise.
    Raises RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.fold(torch.ones(2, 2), (1, 3), (1, 2))
    tensor([[[1., 2., 1.]]])
    """
    tensors("fold", "input", input)
    if input.array.dtype.kind != "b":
        floats("fold", input)
    shape = input.array.shape
    size = numbers("fold", "output_size", output_size, 2, 1)
    geometry = _geometry("fold", kernel_size, stride, padding, dilation)
    window = geometry[0][0] * geometry[0][1]
    if len(shape) not in (2, 3) or 0 in shape[-2:] or shape[-2] % window:
        raise RuntimeError(
            "Expected size of input's dimension 1, of (N, C*kh*kw, windows), to be divisible by "
            f"the product of kernel_size, but got input.size={list(shape)} and "
            f"kernel_size={geometry[0]} (fold)."
        )
    counts = _counts(size, geometry)
    if min(counts) < 1 or counts[0] * counts[1] != shape[-1]:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={geometry[0]}, dilation={geometry[3]}, "
            f"padding={geometry[2]}, stride={geometry[1]}, expected size of input's dimension 2 to "
            f"match the calculated number of sliding blocks {counts[0]} * {counts[1]} = "
            f"{counts[0] * counts[1]}, but got {shape[-1]} (fold)."
        )
    x = input if len(shape) == 3 else input.unsqueeze(0)
    image = fold_windows(x, size=size, geometry=geometry)
    return image if len(shape) == 3 else image.squeeze(0)


# ---- other sizes ----------------------------------------------------------------------------------
BETWEEN = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}  # modes and their number of spatial axes


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False
) -> Tensor:  # fmt: skip
    """The image at another size, of its nearest pixels or of sums of pixels weighted by nearness.

    Modes: 'nearest', 'nearest-exact', 'area' (means), 'linear' for signals (N, C, L), 'bilinear' and
    'bicubic' for images (N, C, H, W). Give `size` or `scale_factor`; `antialias` widens the
    weights of 'bilinear' and 'bicubic' when the image shrinks.
    Raises ValueError when both or none are given, NotImplementedError for other modes.

    >>> import minigrad as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 3.0]]]), 4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    tensors("interpolate", "input", input)
    space, lengths = input.array.ndim - 2, input.array.shape[2:]
    if (size is None) == (scale_factor is None):
        raise ValueError(
            "either size or scale_factor should be defined"
            if size is None
            else "only one of size or scale_factor should be defined"
        )
    if align_corners is not None and mode not in BETWEEN:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            f"{', '.join(BETWEEN)}; got mode={mode!r}"
        )
    if antialias and (mode not in ("bilinear", "bicubic") or space != 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D "
            f"tensor as input, got mode={mode!r} and {input.array.ndim} axes"
        )
    nearest = mode in ("nearest", "nearest-exact", "area")
    if space < 1 or not (nearest or BETWEEN.get(mode) == space) or (mode == "area" and space > 2):
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors, (N, C, L), (N, C, H, W) and (N, C, D, H, "
            f"W), are supported: got {input.array.ndim}D for mode {mode!r}; use 'nearest', "
            "'nearest-exact', 'area', 'linear' (3D), 'bilinear', 'bicubic' (4D) or 'trilinear' (5D)"
        )
    scales = (None,) * space if size is not None else _per_axis("scale_factor", scale_factor, space)
    sizes = _per_axis("size", size, space) if size is not None else tuple(
        [int(n * s) for n, s in zip(lengths, scales, strict=True)]
    )  # fmt: skip
    if mode == "area":
        return (adaptive_avg_pool1d if space == 1 else adaptive_avg_pool2d)(input, sizes)
    if min(sizes) < 1 or 0 in input.array.shape[1:]:
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got input "
            f"{tuple(input.array.shape)} and output {sizes} (interpolate)"
        )
    if input.array.dtype != np.uint8:
        floats(f"interpolate ({mode})", input)
    elif mode.endswith("linear") and space != 2:
        raise not_implemented_for(f"interpolate ({mode})", input.array.dtype)
    if recompute_scale_factor or (mode == "bicubic" and input.array.dtype == np.uint8):
        scales = (None,) * space
    return _resized(input, sizes, scales, mode, bool(align_corners), antialias)


def _per_axis(name: str, given: Any, space: int) -> tuple[Any, ...]:
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * space
    if len(values) != space:
        raise ValueError(
            f"Input and {name} must have the same number of spatial dimensions, but got input with "
            f"{space} spatial dimensions and {name} of {len(values)}: {given}"
        )
    return values


@in_single
def _resized(x: Any, sizes: Any, scales: Any, mode: str, align: bool, antialias: bool) -> Any:
    """Axis by axis, the last one first."""
    real: Any = np.float64 if x.array.dtype in (np.float64, np.uint8) else np.float32
    for dim in reversed(range(2, x.array.ndim)):
        n, m, scale = x.array.shape[dim], sizes[dim - 2], scales[dim - 2]
        step = real(n / m if scale is None else 1 / scale)
        if align and m > 1:
            step = real((n - 1) / (m - 1))
        if mode.startswith("nearest"):
            offset = 0.5 if mode == "nearest-exact" else 0.0
            step = np.float32(step) if scale is None or real is np.float32 else step
            places = np.floor((np.arange(m) + offset) * step).astype(np.int64)
            x = rows_at(x, dim=dim, places=np.minimum(places, n - 1))
            continue
        cubic = mode == "bicubic"
        # The centre of each pixel in the image's own, rounded once: pixel 0 has its centre at 0.
        half = 0.0 if align else 0.5
        centres = ((np.arange(m) + half) * np.float64(step) - half).astype(real)
        if antialias:
            places, weights = _wide_weights((np.arange(m) + real(0.5)).astype(real) * step, n, step, cubic)
        else:
            places, weights = _weights(centres if cubic else np.maximum(centres, 0), n, cubic)
        x = _weighted(x, dim, places, weights.astype(real))
    return x


def _weights(centres: Any, n: int, cubic: bool) -> tuple[Any, Any]:
    """The pixels around each centre and what they count: two, or four for cubic splines."""
    below = np.floor(centres)
    offsets = np.arange(-1, 3) if cubic else np.arange(2)
    places = below[:, None] + offsets
    distances = np.abs(centres[:, None] - places)
    weights = _cubic(distances, -0.75) if cubic else np.maximum(1 - distances, 0)
    return places.clip(0, n - 1).astype(np.int64), weights


def _wide_weights(centres: Any, n: int, step: Any, cubic: bool) -> tuple[Any, Any]:
    """The same with the weights' reach stretched to the output's pixels, so that all pixels count."""
    stretch = max(float(step), 1.0)
    reach = (2 if cubic else 1) * stretch
    first = np.maximum(np.floor(centres - reach + 0.5), 0)
    last = np.minimum(np.floor(centres + reach + 0.5), n)
    places = first[:, None] + np.arange(int((last - first).max()))
    distances = np.abs(places - centres[:, None] + 0.5) / stretch
    weights = _cubic(distances, -0.5) if cubic else np.maximum(1 - distances, 0)
    weights = np.where(places < last[:, None], weights, 0)
    return places.clip(0, n - 1).astype(np.int64), weights / weights.sum(1, keepdims=True)


def _cubic(d: Any, a: float) -> Any:
    """Keys' cubic convolution kernel. Source: Keys, 1981."""
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


@on_its_gpu
def _weighted(x: Any, dim: int, places: Any, weights: Any) -> Any:
    """Sums of rows along `dim`: places and weights are (m, taps)."""
    column = [-1 if d == dim else 1 for d in range(x.array.ndim)]
    xp = array_module(x.array)
    if x.array.dtype == np.uint8:  # in whole numbers, of as many bits as 16 can hold
        bits = next(b for b in range(23) if int(0.5 + weights.max() * (1 << (b + 1))) >= 1 << 15)
        weights = np.trunc(weights * (1 << bits) + np.where(weights < 0, -0.5, 0.5))
        total = xp.full((1,) * x.array.ndim, 1 << (bits - 1), np.int64)
        for place, weight in zip(places.T, weights.T, strict=True):
            factor = xp.asarray(weight.astype(np.int64).reshape(column))
            total = total + x.array.take(xp.asarray(place), axis=dim) * factor
        return wrap((total >> bits).clip(0, 255).astype(np.uint8))
    parts = [
        rows_at(x, dim=dim, places=place) * wrap(xp.asarray(weight.astype(x.array.dtype).reshape(column)))
        for place, weight in zip(places.T, weights.T, strict=True)
    ]
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None
) -> Tensor:  # fmt: skip
    """`interpolate` under its older name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` by the nearest pixel."""
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` between pixels, the corners' centres kept in place."""
    return interpolate(input, size, scale_factor, "bilinear", True)


# ---- channels and pixels --------------------------------------------------------------------------
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels into space: (..., C*r*r, H, W) -> (..., C, H*r, W*r). Source: Shi et al., 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.pixel_shuffle(torch.arange(4.0).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    r = _factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    *batch, channels, height, width = input.array.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    x = input.reshape(*batch, channels // (r * r), r, r, height, width)
    # (..., C, r, r, H, W) -> (..., C, H, r, W, r)
    x = x.movedim((-2, -1), (-4, -2)).clone()
    return x.reshape(*batch, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Space into channels, the inverse of `pixel_shuffle`: (..., C, H*r, W*r) -> (..., C*r*r, H, W)."""
    r = _factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    *batch, channels, height, width = input.array.shape
    if height % r or width % r:
        raise RuntimeError(
            f"pixel_unshuffle expects height and width to be divisible by downscale_factor, but "
            f"they are {height} and {width}, and the factor is {r}"
        )
    x = input.reshape(*batch, channels, height // r, r, width // r, r)
    # (..., C, H, r, W, r) -> (..., C, r, r, H, W)
    x = x.movedim((-4, -2), (-2, -1)).clone()
    return x.reshape(*batch, channels * r * r, height // r, width // r)


def _factor(name: str, parameter: str, input: Any, factor: int) -> int:
    tensors(name, "input", input)
    if input.array.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, (..., C, H, W), but got input "
            f"with {input.array.ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {parameter}, but got {factor}")
    return factor
