"""`interpolate` and `upsample`: images at another size."""

from __future__ import annotations

from functools import cache, lru_cache
from math import floor
from typing import Any, NamedTuple

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase
from minigrad.autograd.failed_calls import names_options
from minigrad.ops import resample as ops
from minigrad.ops.arguments import (
    as_ints,
    as_number,
    as_size,
    per_axis,
    require_bools,
    require_floats,
    require_kind,
    require_tensors,
)
from minigrad.ops.complaints import not_implemented_for
from minigrad.placement import constant_beside
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor


class Mode(NamedTuple):
    """A way to resize: the name of its operation, the number of axes that it is for, and its filter if it has one."""

    title: str
    axes: int | None = None  # None: any
    filter: str = ""


MODES = {
    "nearest": Mode("UpsampleNearest"), "nearest-exact": Mode("UpsampleNearestExact"), "area": Mode("AdaptiveAvgPool"),
    "linear": Mode("UpsampleLinear", 1), "bilinear": Mode("UpsampleBilinear", 2, "linear"),
    "trilinear": Mode("UpsampleTrilinear", 3), "bicubic": Mode("UpsampleBicubic", 2, "cubic"),
    "lanczos": Mode("UpsampleLanczos", 2, "lanczos"),
}  # fmt: skip


@names_options
def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False
) -> Tensor:  # fmt: skip
    """The image at another size, by nearest pixels, interpolation or means.

    Modes: 'nearest', 'nearest-exact', 'area' for any; 'linear' for signals (N, C, L); 'bilinear', 'bicubic'
    for images (N, C, H, W); 'trilinear' for volumes. Give `size` or `scale_factor`, one number or one for each
    axis. With `align_corners` the centres of the corner pixels are kept, otherwise the image's border. The factor is
    used as given, unless `recompute_scale_factor` computes it from the sizes. `antialias` averages over all pixels
    when the image shrinks ('lanczos' needs it).
    Raises ValueError for options that exclude each other, NotImplementedError for other modes and shapes.
    Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981.

    >>> import minigrad as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 3.0]]]), 4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    require_tensors("interpolate", "input", input)
    space, lengths = input.array.ndim - 2, input.array.shape[2:]
    if align_corners is not None and mode in MODES and MODES[mode].axes is None:
        detail = f"linear | bilinear | bicubic | trilinear; got {mode!r}"
        raise ValueError(f"align_corners option can only be set with the interpolating modes: {detail}")
    if align_corners is not None:
        require_bools("interpolate", align_corners=align_corners)
    sizes, scales = _find_sizes(lengths, size, scale_factor, mode, recompute_scale_factor)
    if antialias and (mode not in MODES or not MODES[mode].filter or space != 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as "
            f"input, got mode {mode!r} and {input.array.ndim} axes"
        )
    _check_mode(space, mode, antialias, bool(align_corners))
    sizes = as_ints("interpolate", "size", sizes, space, 0 if mode == "area" else 1)
    if antialias and sizes == tuple(lengths):
        return input.clone()
    _check_image(input, mode, antialias)
    axes = _lay_axes(input.array, sizes, scales, mode, bool(align_corners), antialias)
    return _make_operation(mode, space, antialias)(input, axes=axes)


def _find_sizes(lengths: Any, size: Any, scale_factor: Any, mode: str, recompute: Any) -> tuple[Any, Any]:
    """The new lengths, and the factor of each axis, or None to compute it from the sizes."""
    space = len(lengths)
    if (size is None) == (scale_factor is None):
        wrong = "either size or scale_factor should" if size is None else "only one of size or scale_factor should"
        raise ValueError(f"{wrong} be defined, got size={shorten(size)} and scale_factor={shorten(scale_factor)}")
    wanted = scale_factor if size is None else size
    if isinstance(wanted, TensorBase):
        if size is None or wanted.array.size != 1:
            hint = "give ints" if size is None else "a tensor of one int is read as one"
            raise TypeError(
                f"interpolate(): sizes and factors must be numbers, not a Tensor; {hint}: got {shorten(wanted)}"
            )
        wanted = as_size(wanted, "interpolate(): size")
    given = per_axis(wanted, space)
    if len(given) != space:
        raise ValueError(
            f"Input and {'scale_factor' if size is None else 'output'} must have the same number of spatial "
            f"dimensions, but got input with {space} spatial dimensions and {len(given)} values: {shorten(given)}"
        )
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return given, (None,) * space
    factors = [float(as_number("interpolate", "scale_factor", s)) for s in given]
    lengths = [n * factor for n, factor in zip(lengths, factors, strict=True)]
    if not all(abs(length) < 2**63 for length in lengths):
        raise RuntimeError(f"interpolate: sizes cannot be converted to int64 without overflow, got {lengths}")
    if recompute or mode == "area":
        given = (None,) * space
    return tuple(map(floor, lengths)), given


def _check_mode(space: int, mode: str, antialias: bool, align: bool) -> None:
    if space not in (1, 2, 3) or mode not in MODES:
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors, (N, C, L), (N, C, H, W) and (N, C, D, H, W), are supported "
            f"(got {space + 2}D) for the modes: {' | '.join(MODES)} (got {mode})"
        )
    if mode == "lanczos" and (align or not antialias):
        raise ValueError("Lanczos mode requires antialias=True and does not support align_corners=True")
    axes = MODES[mode].axes or space
    if axes != space:
        linear = ("linear", "bilinear", "trilinear")  # the same along one, two and three axes
        cure = f"; for this input write mode={linear[space - 1]!r}" if mode in linear else ""
        raise NotImplementedError(f"Got {space + 2}D input, but {mode} mode needs {axes + 2}D input{cure}")


def _check_image(input: Tensor, mode: str, antialias: bool) -> None:
    """Raises for dtypes that PyTorch does not resize, and for axes of length 0."""
    bytes_too = mode in ("nearest", "nearest-exact") or (input.array.ndim == 4 and mode != "area")
    if input.array.dtype != np.uint8 or not bytes_too:
        require_kind(f"interpolate ({mode})", input.array.dtype, "fiu")
        require_floats(f"interpolate ({mode})", input)
    if antialias and input.array.dtype == np.float16 and type(input.array) is np.ndarray:
        raise not_implemented_for(f"interpolate ({mode}, antialias=True)", input.array.dtype, takes_floats=True)
    if 0 in input.array.shape[1:]:
        raise RuntimeError(f"interpolate: Input sizes should be greater than 0, got {list(input.array.shape)}")


@cache
def _make_operation(mode: str, space: int, antialias: bool) -> Any:
    return ops.make_resampling(f"{MODES[mode].title}{space}D{'Aa' if antialias else ''}", pools=mode == "area")


def _lay_axes(image: Any, sizes: Any, scales: Any, mode: str, align: bool, antialias: bool) -> Any:
    """The `Axis` for each resized axis of the array `image`, the last one first."""
    real: Any = np.float64 if image.dtype in (np.float64, np.uint8) else np.float32
    axes = []
    for i in reversed(range(len(sizes))):
        n, m = image.shape[i + 2], sizes[i]
        if antialias and n == m:  # unchanged, whatever the factor
            continue
        plane = len(sizes) == 2
        places, weights = _find_taps(n, m, scales[i], mode, align, antialias, real, plane)
        weights = None if weights is None else constant_beside(image, weights)
        axes.append(ops.Axis(i + 2, n, places, weights))
    return tuple(axes)


@lru_cache(maxsize=64)
def _find_taps(
    n: int, m: int, scale: float | None, mode: str, align: bool, antialias: bool, real: Any, plane: bool
) -> tuple[Any, Any]:
    """The places and weights of an axis of length n that gets length m; `plane`: of an image of two axes."""
    step = ops.step_of(n, m, scale, align, real) if m else None
    if antialias:
        return ops.filter_taps(n, m, step, real, MODES[mode].filter)
    if mode == "area":
        return ops.area_taps(n, m, real)
    if mode == "bicubic":
        return ops.cubic_taps(n, m, step, real, align)
    if MODES[mode].axes is not None:
        return ops.linear_taps(n, m, step, real, align)
    exact = mode == "nearest-exact"
    return ops.nearest_taps(n, m, step, real, exact, plane and not exact)


@names_options
def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate` under its older name.

    >>> import minigrad as torch
    >>> torch.nn.functional.upsample(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    warn("F.upsample and similar functions are deprecated: write F.interpolate")
    return interpolate(input, size, scale_factor, mode, align_corners)


@names_options
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode 'nearest', under its older name.

    >>> import minigrad as torch
    >>> torch.nn.functional.upsample_nearest(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    return upsample(input, size, scale_factor)


@names_options
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode 'bilinear' and aligned corners, under its older name.

    >>> import minigrad as torch
    >>> torch.nn.functional.upsample_bilinear(torch.tensor([[[[0.0, 1.0]]]]), (1, 3))
    tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """
    return upsample(input, size, scale_factor, "bilinear", align_corners=True)
