"""`gradient`: numerical derivatives of sampled functions, by differences of neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.ops.arguments import as_number, axes, of_tensors
from minigrad.ops.copies import as_float
from minigrad.ops.join import cat
from minigrad.ops.shape import stand_along
from minigrad.ops.split import narrow

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


@of_tensors
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The derivative along each of `dim` at every point: ``(x[i + 1] - x[i - 1]) / 2`` inside, exact for parabolas.

    `spacing` is the distance of neighbours, one for each axis, or a tensor of coordinates for each. At the edges the
    slope is that of the line through two points, or with `edge_order` 2 of the parabola through three.
    Raises RuntimeError for axes that are too short and for spacings that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.gradient.html

    >>> import minigrad as torch
    >>> torch.gradient(torch.tensor([1.0, 2.0, 4.0, 8.0]))
    (tensor([1.0000, 1.5000, 3.0000, 4.0000]),)
    """
    over = axes(dim, input.array.ndim)
    over = tuple(range(input.array.ndim)) if over is None else over
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}")
    listed = isinstance(spacing, (tuple, list))
    given = list(spacing) if listed else [1 if spacing is None else spacing] * len(over)
    if len(given) != len(over):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar or a list of {len(over)}, got {spacing}"
        )
    if input.array.dtype in (np.uint8, np.bool_):
        raise RuntimeError(f"torch.gradient does not support {input.array.dtype} input; convert with .float()")
    x = as_float(input)
    for d in over:
        if x.array.shape[d] <= edge_order:
            raise RuntimeError(
                f"torch.gradient expected each dimension size to be at least edge_order+1, got {x.array.shape[d]} "
                f"along dimension {d}"
            )
    return tuple([_along(x, d, distance, edge_order) for d, distance in zip(over, given, strict=True)])


def _steps(x: Any, d: int, spacing: Any) -> Any:
    """The distance between neighbours along axis `d`; or all distances, shaped to broadcast with `x`."""
    n = x.array.shape[d]
    if not isinstance(spacing, TensorBase) or not spacing.array.ndim:
        return as_number("gradient", "spacing", spacing)
    if spacing.array.shape != (n,):
        got = list(spacing.array.shape)
        raise RuntimeError(f"torch.gradient expected {n} coordinates for dimension {d}, got {got}")
    places = as_float(spacing)
    return stand_along(narrow(places, 0, 1, n - 1) - narrow(places, 0, 0, n - 1), d, x.array.ndim)


def _along(x: Any, d: int, spacing: Any, edge_order: int) -> Any:
    """The slopes between the neighbours of each point; for unequal distances the nearer neighbour has more weight."""
    n, steps = x.array.shape[d], _steps(x, d, spacing)
    slopes = (narrow(x, d, 1, n - 1) - narrow(x, d, 0, n - 1)) / steps
    first, last = narrow(slopes, d, 0, 1), narrow(slopes, d, n - 2, 1)
    if n == 2:
        return cat([first, last], d)
    if isinstance(steps, (int, float)):
        inside = (narrow(x, d, 2, n - 2) - narrow(x, d, 0, n - 2)) / (2 * steps)
    else:
        before, after = narrow(steps, d, 0, n - 2), narrow(steps, d, 1, n - 2)
        left, right = narrow(slopes, d, 0, n - 2), narrow(slopes, d, 1, n - 2)
        inside = (left * after + right * before) / (before + after)
    if edge_order == 2:  # the slope of a parabola is linear, so it is extrapolated
        first, last = 2 * first - narrow(inside, d, 0, 1), 2 * last - narrow(inside, d, n - 3, 1)
    return cat([first, inside, last], d)
