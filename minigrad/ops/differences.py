"""Differences of neighbours: `diff`, `gradient`; and areas by trapezoids: `trapezoid`, `cumulative_trapezoid`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase
from minigrad.ops.arguments import as_int, as_number, axes, axis, of_tensors, require_tensor, takes_out
from minigrad.ops.arithmetic import add, mul, promote, sub
from minigrad.ops.comparison import ne
from minigrad.ops.copies import clone
from minigrad.ops.cumulative import cumsum
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import cat
from minigrad.ops.precision import as_float
from minigrad.ops.rearranging import reshape_along
from minigrad.ops.reduce import sum
from minigrad.ops.split import narrow
from minigrad.shown_values import shorten


# ---- differences ---------------------------------------------------------------------------------
@takes_out(cast=True, axis_first=True, apart="all")
def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """``x[i + 1] - x[i]`` along the dimension `dim`, `n` times; `prepend` and `append` are joined to x first.

    >>> import minigrad as torch
    >>> torch.diff(torch.tensor([1, 4, 9, 16])), torch.diff(torch.tensor([1, 4, 9, 16]), n=2)
    (tensor([3, 5, 7]), tensor([2, 2]))
    """
    if not input.array.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    n = as_int(n, "n")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = axis(dim, input.array.ndim)
    around = [x for x in (prepend, input, append) if x is not None]
    if any(x.array.ndim != input.array.ndim for x in around if isinstance(x, TensorBase)):
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    around = around if n else [input]  # as in PyTorch, nothing is joined for n = 0
    x = cat(around, d) if len(around) > 1 else input
    for _ in range(min(n, x.array.shape[d])):
        later, earlier = _pair_neighbours(x, d)
        x = ne(later, earlier) if x.array.dtype.kind == "b" else sub(later, earlier)
    return x if n else clone(x)


def _pair_neighbours(x: Any, d: int) -> tuple[Any, Any]:
    """All elements along axis `d` except the first, and all except the last."""
    size = x.array.shape[d]
    pairs = max(size - 1, 0)
    return narrow(x, d, min(1, size), pairs), narrow(x, d, 0, pairs)


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
    over = () if isinstance(dim, (tuple, list)) and not len(dim) else axes(dim, input.array.ndim)
    over = tuple(range(input.array.ndim)) if over is None else over
    if edge_order not in (1, 2):
        raise RuntimeError(
            f"torch.gradient only supports edge_order=1 and edge_order=2, got {shorten(edge_order, str)}"
        )
    spacing = 1 if spacing is None else spacing
    given = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(over)
    if len(given) != len(over):
        wanted = f"unspecified, a scalar or a list of {len(over)}"
        raise RuntimeError(f"torch.gradient expected spacing to be {wanted}, got {shorten(spacing, str)}")
    if input.array.dtype in (np.uint8, np.bool_):
        raise RuntimeError(f"torch.gradient does not support {input.array.dtype} input; convert with .float()")
    x = as_float(input)
    for d in over:
        if x.array.shape[d] <= edge_order:
            got = f"got {x.array.shape[d]} along dimension {d}"
            raise RuntimeError(f"torch.gradient expected each dimension size to be at least edge_order+1, {got}")
    return tuple([_along(x, d, distance, edge_order) for d, distance in zip(over, given, strict=True)])


def _steps(x: Any, d: int, spacing: Any) -> Any:
    """The distance between neighbours along axis `d`; or all distances, shaped to broadcast with `x`."""
    n = x.array.shape[d]
    if not isinstance(spacing, TensorBase) or not spacing.array.ndim:
        return as_number("gradient", "spacing", spacing)
    if spacing.array.shape != (n,):
        got = list(spacing.array.shape)
        raise RuntimeError(f"torch.gradient expected {n} coordinates for dimension {d}, got {got}")
    return reshape_along(sub(*_pair_neighbours(as_float(spacing), 0)), d, x.array.ndim)


def _along(x: Any, d: int, spacing: Any, edge_order: int) -> Any:
    """The slopes between the neighbours of each point; for unequal distances the nearer neighbour has more weight."""
    n, steps = x.array.shape[d], _steps(x, d, spacing)
    if isinstance(steps, TensorBase):  # float64 steps: differences rounded to float32 first would lose digits
        x, steps = promote("gradient", x, steps)
    slopes = sub(*_pair_neighbours(x, d)) / steps
    first, last = narrow(slopes, d, 0, 1), narrow(slopes, d, n - 2, 1)
    if n == 2:
        return cat([first, last], d)
    if isinstance(steps, (int, float)):
        inside = (narrow(x, d, 2, n - 2) - narrow(x, d, 0, n - 2)) / (2 * steps)
    else:
        (after, before), (right, left) = _pair_neighbours(steps, d), _pair_neighbours(slopes, d)
        inside = (left * after + right * before) / (before + after)
    if edge_order == 2:  # the slope of a parabola is linear, so it is extrapolated
        first, last = 2 * first - narrow(inside, d, 0, 1), 2 * last - narrow(inside, d, n - 3, 1)
    return cat([first, inside, last], d)


# ---- areas ---------------------------------------------------------------------------------------
def _cut_trapezoids(name: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[Any, int]:
    """``(y[i] / 2 + y[i + 1] / 2) * (x[i + 1] - x[i])`` along `dim`; sums of two could overflow."""
    if not y.array.ndim:
        raise IndexError(f"{name} expects y to have at least one dimension")
    if "b" in [t.array.dtype.kind for t in (y, x) if isinstance(t, TensorBase)]:
        raise RuntimeError(f"{name}: received a bool input, but bool is not supported; convert it with .long()")
    d = axis(dim, y.array.ndim)
    if x is not None:
        require_tensor(name, "x", 2, x)
    if isinstance(dx, (bool, np.bool_)):
        raise RuntimeError(f"{name}: Currently, we only support dx as a real number, got {dx}")
    size = y.array.shape[d]
    means = add(*_pair_neighbours(mul(as_float(y), 0.5), d))
    if x is None:
        return mul(means, dx), d
    if x.array.ndim == 1:
        if x.array.size != size:
            raise RuntimeError(f"{name}: there must be one x value for each sample point: {x.array.size} for {size}")
        x = reshape_along(x, d, y.array.ndim)
    return mul(means, diff(x, dim=d - y.array.ndim)), d


def _name_scaling(x: Any) -> str:
    """What PyTorch does last: it halves the areas between points, or multiplies by the distance."""
    return "DivBackward1" if isinstance(x, TensorBase) else "MulBackward1"


@takes_out
def trapezoid(y: Tensor, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The area under `y` by trapezoids, ``sum((y[i] + y[i + 1]) / 2 * (x[i + 1] - x[i]))``; the points are `dx` apart.

    >>> import minigrad as torch
    >>> torch.trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor(10.5000)
    """
    parts, d = _cut_trapezoids("trapezoid", y, x, dx, dim)
    return name_last_call(sum(parts, d), _name_scaling(x))


trapz = trapezoid


@takes_out
def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The areas under the first 2, 3, ... points of `y`, by trapezoids.

    >>> import minigrad as torch
    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor([ 3.0000, 10.5000])
    """
    parts, d = _cut_trapezoids("cumulative_trapezoid", y, x, dx, dim)
    areas = cumsum(parts, d)
    return areas if x is None else name_last_call(areas, _name_scaling(x))
