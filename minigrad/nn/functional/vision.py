"""Images as columns, and images of other sizes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module, on_its_gpu
from minigrad.kernels import Geometry
from minigrad.nn.functional.checks import floats, images, in_single, numbers, tensors
from minigrad.ops.padding import rows_at
from minigrad.ops.pool import fold_windows, unfold_windows
from minigrad.tensor import Tensor


def _checked(name: str, input: Any, **options: Any) -> Geometry:
    """How the windows lie over the image."""
    if input.array.dtype.kind != "b":
        floats(name, input)
    pairs: Any = [numbers(name, part, given, 2, part != "padding") for part, given in options.items()]
    return Geometry(*pairs)


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
    geometry = _checked("unfold", input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
    batched = images("unfold", 2, input, empty=False)
    counts = geometry.windows(input.array.shape[-2:])
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.array.shape[-2:])}, kernel_size={geometry.kernel}, "
            f"dilation={geometry.dilation}, padding={geometry.padding}, calculated shape of the array of sliding "
            f"blocks as {counts}, but its components must be at least one (unfold)."
        )
    columns: Tensor = unfold_windows(input if batched else input.unsqueeze(0), geometry=geometry)
    return columns if batched else columns.squeeze(0)


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The adjoint of `unfold`: columns added up where their windows lay.

    Shapes: (N, C*kh*kw, windows) -> (N, C, H, W); without N likewise.
    Raises RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.fold(torch.ones(2, 2), (1, 3), (1, 2))
    tensor([[[1., 2., 1.]]])
    """
    tensors("fold", "input", input)
    shape, size = list(input.array.shape), numbers("fold", "output_size", output_size, 2, 1)
    geometry = _checked("fold", input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
    if len(shape) not in (2, 3) or 0 in shape[-2:] or shape[-2] % prod(geometry.kernel):
        raise RuntimeError(
            "Expected size of input's dimension 1, of (N, C*kh*kw, windows), to be divisible by the product of "
            f"kernel_size, but got input.size={shape} and kernel_size={geometry.kernel} (fold)."
        )
    counts = geometry.windows(size)
    if min(counts) < 1 or prod(counts) != shape[-1]:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={geometry.kernel}, dilation={geometry.dilation}, "
            f"padding={geometry.padding}, stride={geometry.stride}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {counts[0]} * {counts[1]} = {prod(counts)}, but got {shape[-1]} "
            "(fold)."
        )
    image: Tensor = fold_windows(input if len(shape) == 3 else input.unsqueeze(0), size=size, geometry=geometry)
    return image if len(shape) == 3 else image.squeeze(0)


# ---- other sizes ----------------------------------------------------------------------------------
BETWEEN = {"linear": 1, "bilinear": 2, "trilinear": 3}  # modes and their number of spatial axes


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False
) -> Tensor:  # fmt: skip
    """The image at another size, of its nearest pixels or of sums of pixels weighted by nearness.

    Modes: 'nearest', 'nearest-exact', 'linear' for signals (N, C, L), 'bilinear' for images
    (N, C, H, W). Give `size` or `scale_factor`; `antialias` lets every pixel of a larger image count.
    Raises ValueError when both or none are given, NotImplementedError for other modes.

    >>> import minigrad as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 3.0]]]), 4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    tensors("interpolate", "input", input)
    space, lengths = input.array.ndim - 2, input.array.shape[2:]
    if (size is None) == (scale_factor is None):
        wrong = "either size or scale_factor should" if size is None else "only one of size or scale_factor should"
        raise ValueError(f"{wrong} be defined, got size={size} and scale_factor={scale_factor}")
    if align_corners is not None and mode not in BETWEEN:
        modes = ", ".join(BETWEEN)
        raise ValueError(f"align_corners option can only be set with the interpolating modes: {modes}; got {mode!r}")
    if space < 1 or BETWEEN.get(mode, space) != space or mode not in ("nearest", "nearest-exact", *BETWEEN):
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors, (N, C, L), (N, C, H, W) and (N, C, D, H, W), are "
            f"supported: got {input.array.ndim}D for mode {mode!r}; use 'nearest', 'nearest-exact', 'linear' (3D), "
            "'bilinear' (4D) or 'trilinear' (5D)"
        )
    if antialias and mode != "bilinear":
        raise ValueError(f"Anti-alias option is restricted to bilinear mode, for a 4-D tensor, got mode={mode!r}")
    given = scale_factor if size is None else size
    given = tuple(given) if isinstance(given, (tuple, list)) else (given,) * space
    if len(given) != space:
        raise ValueError(
            f"Input and {'scale_factor' if size is None else 'size'} must have the same number of spatial dimensions, "
            f"but got input with {space} spatial dimensions and {len(given)} values: {given}"
        )
    sizes = given if size is not None else tuple([int(n * s) for n, s in zip(lengths, given, strict=True)])
    sizes = numbers("interpolate", "size", sizes, space, 1)
    if 0 in input.array.shape[1:]:
        raise RuntimeError(f"interpolate: Input sizes should be greater than 0, got {list(input.array.shape)}")
    if input.array.dtype != np.uint8 or (mode in BETWEEN and space != 2) or antialias:
        floats(f"interpolate ({mode})", input)
    scales = (None,) * space if recompute_scale_factor or size is not None else given
    return _resized(input, sizes, scales, mode, bool(align_corners), antialias)


@in_single
def _resized(x: Any, sizes: Any, scales: Any, mode: str, align: bool, antialias: bool) -> Any:
    """Axis by axis, the last one first."""
    real: Any = np.float64 if x.array.dtype in (np.float64, np.uint8) else np.float32
    for dim in reversed(range(2, x.array.ndim)):
        n, m, scale = x.array.shape[dim], sizes[dim - 2], scales[dim - 2]
        step = real(n / m if scale is None else 1 / scale)
        if antialias and step > 1:
            x = _spread(x, dim, (np.arange(m, dtype=real) + real(0.5)) * step, step)
        elif mode in BETWEEN:
            if align and m > 1:
                step = real((n - 1) / (m - 1))
            # The centre of each pixel in the image's own, rounded once: pixel 0 has its centre at 0.
            half = 0.0 if align else 0.5
            x = _between(x, dim, ((np.arange(m) + half) * np.float64(step) - half).astype(real).clip(0))
        else:
            offset = 0.5 if mode == "nearest-exact" else 0.0
            step = np.float32(step) if scale is None or real is np.float32 else step
            places = np.floor((np.arange(m) + offset) * step).astype(np.int64)
            x = rows_at(x, dim=dim, places=np.minimum(places, n - 1))
    return x


@on_its_gpu
def _between(x: Any, dim: int, centres: Any) -> Any:
    """Sums of the two rows along `dim` on either side of each centre, weighted by nearness."""
    below = np.floor(centres)
    weight = (centres - below).reshape([-1 if d == dim else 1 for d in range(x.array.ndim)])
    last = x.array.shape[dim] - 1
    low, high = [rows_at(x, dim=dim, places=np.minimum(p, last).astype(np.int64)) for p in (below, below + 1)]
    xp = array_module(x.array)
    if x.array.dtype != np.uint8:
        weights = [wrap(xp.asarray(part.astype(x.array.dtype))) for part in (1 - weight, weight)]
        return low * weights[0] + high * weights[1]
    # In whole numbers, of as many bits as 16 can hold.
    bits = next(b for b in range(23) if int(0.5 + max(weight.max(), 1 - weight.min()) * (1 << (b + 1))) >= 1 << 15)
    weights = [xp.asarray(np.trunc(part * (1 << bits) + 0.5).astype(np.int64)) for part in (1 - weight, weight)]
    total = (1 << (bits - 1)) + low.array * weights[0] + high.array * weights[1]
    return wrap((total >> bits).astype(np.uint8))


@on_its_gpu
def _spread(x: Any, dim: int, centres: Any, step: Any) -> Any:
    """The same of all rows whose centres are nearer than `step`, so that each row of a larger image counts."""
    rows = np.arange(x.array.shape[dim], dtype=centres.dtype) + centres.dtype.type(0.5)
    weights = (1 - np.abs(rows[:, None] - centres) / step).clip(0)  # (rows, pixels)
    matrix = wrap(array_module(x.array).asarray((weights / weights.sum(0)).astype(x.array.dtype)))
    return (x.movedim(dim, -1) @ matrix).movedim(-1, dim)


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate` under its older name.

    >>> import minigrad as torch
    >>> torch.nn.functional.upsample(torch.ones(1, 1, 2, 2), scale_factor=2).shape
    minigrad.Size([1, 1, 4, 4])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)
