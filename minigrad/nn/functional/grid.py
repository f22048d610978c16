"""`affine_grid` and `grid_sample`: images sampled at the points of a grid.

A point has a coordinate in [-1, 1] for each axis, the last axis first: (-1, -1) is the corner at the top left.
Sources: Jaderberg et al., "Spatial Transformer Networks", 2015; the borders as in PyTorch's CPU kernels.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.computing import compute
from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.dtypes import from_numpy
from minigrad.ops.arguments import require_bools, require_floats, require_tensors, sizes
from minigrad.ops.composed import read_from
from minigrad.ops.evenly_spaced import space_evenly
from minigrad.ops.grid import affine_points, find_pixels, pixel_position, weigh_pixels
from minigrad.ops.join import stack
from minigrad.ops.masks import where
from minigrad.ops.precision import in_float32
from minigrad.ops.resample import weigh_far, weigh_near
from minigrad.placement import constant_beside
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor

_MODES = ("bilinear", "nearest", "bicubic")
_BORDERS = ("zeros", "border", "reflection")
_DEFAULT_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


@names_options
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The grid of an affine map, applied to the centres of an image's pixels.

    ``grid[n, i, j] = theta[n] @ (x_j, y_i, 1)`` for matrices `theta` (N, 2, 3) and a `size` (N, C, H, W), or
    (N, 3, 4) and (N, C, D, H, W): the `grid` of `grid_sample`, (N, H, W, 2) or (N, D, H, W, 3).
    With `align_corners` -1 and 1 are the centres of the corner pixels, otherwise the image's border.
    Raises ValueError for other shapes and dtypes of matrices, NotImplementedError for sizes of other lengths.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html

    >>> import minigrad as torch
    >>> same = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> torch.nn.functional.affine_grid(same, (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    require_tensors("affine_grid", "theta", theta)
    align_corners = _read_align_corners("affine_grid", align_corners)
    size = sizes("affine_grid", (size,))
    _check_affine(theta, size)
    if align_corners and min(size[2:]) == 1:
        warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details."
        )
    real: Any = theta.array.dtype.type
    centres = [_find_centres(n, align_corners, real) for n in size[2:]]
    points = np.meshgrid(*centres, indexing="ij")[::-1]  # the last axis first
    base = np.stack([*points, np.ones_like(points[0])], -1).reshape(-1, len(points) + 1)  # (P, d+1)
    rows = theta.transpose(1, 2)  # (N, d, d+1) -> (N, d+1, d)
    return affine_points(rows, wrap(constant_beside(theta.array, base)), size=size[2:])


def _check_affine(theta: Tensor, size: tuple[int, ...]) -> None:
    space = len(size) - 2
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {from_numpy(theta.array.dtype)}")
    if space not in (2, 3):
        hint = f"for 2D and 3D affine transforms, respectively. Got size {shorten(size, str)}."
        raise NotImplementedError(f"affine_grid only supports 4D and 5D sizes, {hint}")
    if tuple(theta.shape[1:]) != (space, space + 1):
        raise ValueError(
            f"Expected a batch of {space}D affine matrices of shape Nx{space}x{space + 1} for size {size}. "
            f"Got {theta.shape}."
        )
    if min(size[1:]) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(f"affine_grid: size {size} asks for {size[0]} grids, theta has {theta.shape[0]} matrices")


def _find_centres(n: int, align: bool, real: Any) -> Any:
    """The coordinates of the centres of `n` pixels between -1 and 1."""
    if n == 1:
        return np.zeros(1, real)
    line = space_evenly(-1.0, 1.0, n, np.dtype(real))
    return line if align else line * real(n - 1) / real(n)


@names_options
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """The image `input` (N, C, H, W) sampled at the points of `grid` (N, Ho, Wo, 2): (N, C, Ho, Wo); volumes likewise.

    A point (x, y) in [-1, 1] is interpolated by `mode` 'bilinear', 'bicubic' (a = -0.75) or 'nearest'. Points outside
    the image read 'zeros', its 'border', or its 'reflection'. With `align_corners` -1 and 1 are the centres of the
    corner pixels, otherwise the image's border. Gradients flow to both; 'nearest' gives the grid zeros.
    Raises RuntimeError for shapes and types that do not fit, ValueError for other modes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html

    >>> import minigrad as torch
    >>> image, places = torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[0.0, 0.0], [1.0, 0.0]]]])
    >>> torch.nn.functional.grid_sample(image, places, align_corners=True)
    tensor([[[[2., 3.]]]])
    """
    require_tensors("grid_sample", "input grid", input, grid)
    if mode not in _MODES:
        detail = f"expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{shorten(mode, str)}'"
        raise ValueError(f"nn.functional.grid_sample(): {detail}")
    if padding_mode not in _BORDERS:
        detail = (
            f"expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{shorten(padding_mode, str)}'"
        )
        raise ValueError(f"nn.functional.grid_sample(): {detail}")
    align_corners = _read_align_corners("grid_sample", align_corners)
    _check_grid(input, grid, mode)
    pixels = _sample(input, grid, mode, padding_mode, align_corners)
    return read_from(pixels, f"GridSampler{input.ndim - 2}DBackward0", input, grid)


@in_float32
def _sample(input: Tensor, grid: Tensor, mode: str, border: str, align: bool) -> Tensor:
    lengths = input.shape[2:]
    space, points = len(lengths), prod(grid.shape[1:-1])
    axes = []
    for i, n in enumerate(lengths):  # the grid names the last axis first
        x = grid[..., space - 1 - i].reshape(grid.shape[0], points)
        axes.append(_find_taps(x, n, mode, border, align))
    values, weights = _combine(input, axes)
    return weigh_pixels(values, weights, size=tuple(grid.shape[1:-1]))


def _combine(input: Tensor, axes: list[list[tuple[Tensor, Tensor]]]) -> tuple[Tensor, Tensor]:
    """The K pixels that each of P points reads, (N, C, K, P), and their weights, (N, K, P).

    Pixels outside the image are exactly zero, even next to inf or NaN.
    """
    pixels = [[x.array for x, _ in taps] for taps in axes]
    places, outside = compute(find_pixels, axes[0][0][0], pixels, tuple(input.shape[2:]))
    (N, K, P), C = places.shape, input.shape[1]
    index = places.reshape(N, 1, K * P).expand(N, C, K * P)
    values = input.flatten(2).gather(2, index).reshape(N, C, K, P)  # from (N, C, H*W)
    return values.masked_fill(outside.unsqueeze(1), 0), _weigh_pixels(axes)


def _weigh_pixels(axes: list[list[tuple[Tensor, Tensor]]]) -> Tensor:
    """The products of the weights of the taps along each axis, (N, K, P)."""
    weights, *others = [stack([w for _, w in taps], 1) for taps in axes]  # (N, taps, P) each
    for more in others:
        weights = (weights.unsqueeze(2) * more.unsqueeze(1)).flatten(1, 2)  # (N, K, 1, P) * (N, 1, taps, P)
    return weights


def _find_taps(x: Tensor, n: int, mode: str, border: str, align: bool) -> list[tuple[Tensor, Tensor]]:
    """The pixels that points `x` read along an axis of length `n`, integers in x's dtype, each with its weight."""
    x = (x + 1) * ((n - 1) / 2) if align else pixel_position(x, n=n)
    if mode == "bicubic":
        below = x.detach().floor()
        t = x - below
        return [(_keep_inside(below + k, n, border, align), _weigh_cubic(t, k)) for k in (-1, 0, 1, 2)]
    x = _keep_inside(x, n, border, align)
    if mode == "nearest":
        still = x.masked_fill((x == x) | (x != x), 0)  # zeros that depend on the grid, for its gradient
        return [(x.detach().round(), 1 + still)]
    below = x.detach().floor()
    return [(below, below + 1 - x), (below + 1, x - below)]


def _weigh_cubic(t: Tensor, k: int) -> Any:
    """Keys' cubic with a = -0.75 at the distance of pixel `k` from `t`, which lies between pixels 0 and 1."""
    weigh = weigh_near if k in (0, 1) else weigh_far
    distance = t - k if k < 1 else k - t
    return weigh(distance, -0.75)


def _keep_inside(x: Tensor, n: int, border: str, align: bool) -> Tensor:
    """Moves points outside into the image: to the border, or by reflection; NaN becomes 0."""
    if border == "zeros":
        return x
    if border == "reflection":
        x = _reflect(x, 0.0 if align else -0.5, n - 1.0 if align else n - 0.5)
    x = where(x > 0, x, 0.0)
    return where(x < n - 1, x, n - 1.0)


def _reflect(x: Tensor, low: float, high: float) -> Tensor:
    """Points outside [low, high], reflected at both ends as often as needed: every second span runs backwards."""
    span = high - low
    if not span:
        return x * 0
    away = where(x < low, low - x, x - low)
    rest = away.fmod(span)
    odd = ((away.detach() - rest.detach()) / span).round() % 2 != 0
    return where(odd, high - rest, low + rest)


def _check_grid(input: Tensor, grid: Tensor, mode: str) -> None:
    require_floats("grid_sample", input)
    space, shapes = input.ndim - 2, f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.array.dtype != grid.array.dtype:
        wanted, got = (from_numpy(x.array.dtype).name for x in (input, grid))
        raise RuntimeError(f"grid_sampler(): expected a grid of type {wanted}, as the input, but found {got}")
    if space not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got " + shapes
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, but got {shapes}")
    if grid.shape[-1] != space:
        detail = f"expected grid to have size {space} in last dimension, but got grid with sizes {list(grid.shape)}"
        raise RuntimeError(f"grid_sampler(): {detail}")
    if 0 in input.shape[2:]:
        detail = f"expected input to have non-empty spatial dimensions, but input has sizes {list(input.shape)}"
        raise RuntimeError(f"grid_sampler(): {detail}")
    if mode == "bicubic" and space == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def _read_align_corners(name: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warn(_DEFAULT_CHANGED)
    else:
        require_bools(name, align_corners=align_corners)
    return bool(align_corners)
