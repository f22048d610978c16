"""The sums of a spatial transformer: grids from affine matrices, and output pixels as weighted sums of input pixels.

Source: Jaderberg et al., "Spatial Transformer Networks", 2015, equations 1 and 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.recording import operation

# (N, d+1, d), (P, d+1) -> (N, *size, d); the points of the image have no gradient
affine_points: Any = operation(
    "affine_grid",
    lambda theta, base, *, size: (base @ theta).reshape(theta.shape[0], *size, theta.shape[2]),
    lambda g, base: base.T @ g.reshape(g.shape[0], base.shape[0], g.shape[-1]),
    None,
    shown="AffineGridGeneratorBackward0",
    in_float32=True,
)


def _find_position(x: Any, *, n: int) -> Any:
    """Rounded once, after the subtraction, as in PyTorch: the same points lie before the centre of a pixel."""
    exact: Any = np.longdouble if type(x) is np.ndarray else np.float64
    wide = np.float64 if x.dtype == np.float32 else exact
    return ((x + 1).astype(wide) * (n / 2) - 0.5).astype(x.dtype)


# Where a coordinate between the borders -1 and 1 lies on an axis of `n` pixels: ((x + 1) n - 1) / 2
pixel_position: Any = operation("grid_position", _find_position, lambda g, n: g * (n / 2))


def find_pixels(_: Any, axes: list[list[Any]], lengths: tuple[int, ...]) -> tuple[Any, Any]:
    """The places in the flat image of the pixels with one tap along each axis, (N, K, P), and which are outside of it.

    The taps are arrays (N, P) of whole numbers, and of inf or NaN. A pixel outside has the place of another one.
    """
    place: Any = None
    outside: Any = None
    for taps, n in zip(axes, lengths, strict=True):
        x = np.stack(taps, 1)  # (N, taps, P)
        inside = (x >= 0) & (x <= n - 1)
        here = np.where(inside, x, x.dtype.type(0)).astype(np.int64)
        if place is None:
            place, outside = here, ~inside
        else:  # (N, K, 1, P) and (N, 1, taps, P)
            shape = (x.shape[0], place.shape[1] * x.shape[1], x.shape[2])
            place = (place[:, :, None] * n + here[:, None]).reshape(shape)
            outside = (outside[:, :, None] | ~inside[:, None]).reshape(shape)
    return place, outside


def _weigh(values: Any, weights: Any, *, size: tuple[int, ...]) -> Any:
    return (values * weights[:, None]).sum(2).reshape(*values.shape[:2], *size)


def _stand_beside(g: Any, x: Any) -> Any:
    """The gradient of the new pixels, shaped to broadcast with `x`: (N, C, *size) -> (N, C, 1, P)."""
    return g.reshape(*g.shape[:2], 1, x.shape[-1])


# The K pixels that each of P points reads, (N, C, K, P), and their weights, (N, K, P) -> new pixels (N, C, *size)
weigh_pixels: Any = operation(
    "grid_sampler",
    _weigh,
    lambda g, weights: _stand_beside(g, weights) * weights[:, None],
    lambda g, values: (_stand_beside(g, values) * values).sum(1),
)
