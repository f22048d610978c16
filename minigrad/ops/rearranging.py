"""Axes moved and split, shapes of another tensor, repetition: `movedim`, `unflatten`, `view_as`, `tile`."""

from __future__ import annotations

from math import prod
from typing import Any

from minigrad.autograd.core import Tensor, TensorBase
from minigrad.ops.arguments import as_size, axis, of_tensors, sizes
from minigrad.ops.copies import copy_operation
from minigrad.ops.describe import rename
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.shape import alias, expand, permute_axes, reshape, transpose, view
from minigrad.shown_values import shorten, show_value

_repeated = shown_as(copy_operation, "RepeatBackward0")


@of_tensors
def adjoint(input: Tensor) -> Tensor:
    """The last two axes swapped: ``x.mT``, which of real numbers is the adjoint. Raises RuntimeError for a vector.

    >>> import minigrad as torch
    >>> torch.adjoint(torch.tensor([[1, 2, 3], [4, 5, 6]]))
    tensor([[1, 4],
            [2, 5],
            [3, 6]])
    """
    if input.array.ndim == 1:
        raise RuntimeError("tensor.adjoint() is only supported on matrices or batches of them. Got 1-D tensor.")
    return transpose(input, -2, -1) if input.array.ndim else input


@of_tensors(axis_first=True)
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """The axes `source` moved to the positions `destination`, the others kept in order.

    >>> import minigrad as torch
    >>> torch.movedim(torch.ones(2, 3, 4), 0, -1).shape
    minigrad.Size([3, 4, 2])
    """
    ndim = input.array.ndim
    several = isinstance(source, (tuple, list))
    if several is not isinstance(destination, (tuple, list)):
        detail = f"both two ints or both two tuples, got source {shorten(source)}, destination {shorten(destination)}"
        raise TypeError(f"movedim(): {detail}")
    if several:
        given = [[as_size(d, "dim") for d in dims] for dims in (source, destination)]
    else:
        given = [[source], [destination]]
    start, end = [[axis(d, ndim) for d in dims] for dims in given]
    if len(start) != len(end) or len(set(start)) < len(start) or len(set(end)) < len(end):
        raise RuntimeError(f"movedim: source {start} and destination {end} must name as many dims, each once")
    if not ndim:
        return alias(input)
    rest = [d for d in range(ndim) if d not in start]
    for place, d in sorted(zip(end, start, strict=True)):
        rest.insert(place, d)
    return permute_axes(input, order=tuple(rest))


moveaxis = movedim


@of_tensors(axis_first=True)
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One axis split into several of lengths `sizes`, of which one may be -1.

    >>> import minigrad as torch
    >>> torch.unflatten(torch.ones(2, 6), 1, (3, -1)).shape
    minigrad.Size([2, 3, 2])
    """
    shape = input.array.shape
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"unflatten(): argument 'sizes' must be a tuple of ints, not {show_value(sizes)}")
    d = axis(dim, len(shape))
    split = tuple([as_size(n, "unflatten(): sizes") for n in sizes])
    if not input.array.ndim:
        raise RuntimeError(f"unflatten: a 0-d tensor has no dimension to split, got dim {dim}")
    if not split:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if -1 in split:
        fits = shape[d] % max(-prod(split), 1) == 0
    else:
        fits = prod(split) == shape[d]
    if not fits:
        what = f"the size of dim {dim} ({shape[d]}) in the input tensor"
        raise RuntimeError(f"unflatten: Provided sizes {shorten(list(split))} don't multiply up to {what}")
    if split.count(-1) == 1 and 0 not in split:  # of this axis alone: others may have no elements
        split = tuple([shape[d] // -prod(split) if n == -1 else n for n in split])
    return reshape(input, (*shape[:d], *split, *shape[d + 1 :]))


def _make_as(function: Any) -> Any:
    """Makes the form of `function` that takes its shape from another tensor: ``x.view_as(y)``."""

    def as_other(input: Tensor, other: Tensor) -> Tensor:
        return function(input, other.array.shape)

    name = f"{function.__name__}_as"
    example = f"torch.tensor([1, 2]).{name}(torch.zeros(1, 2)) -> tensor([[1, 2]])"
    return of_tensors(rename(as_other, name, f"`{function.__name__}` to the shape of `other`.", example))


expand_as, reshape_as, view_as = _make_as(expand), _make_as(reshape), _make_as(view)


@of_tensors
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The tensor repeated `repeats` times along each axis, with new axes in front if there are more repeats: a copy.

    >>> import minigrad as torch
    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = sizes("repeat", repeats, "repeats")
    shape = input.array.shape
    if len(counts) < len(shape):
        have = f"{list(counts)} for shape {tuple(shape)}"
        raise RuntimeError(f"Number of dimensions of repeat dims can not be smaller than that of the tensor: {have}")
    if any(n < 0 for n in counts):
        raise RuntimeError(f"Trying to create tensor with negative dimension: repeats {list(counts)}")
    shape = (1,) * (len(counts) - len(shape)) + shape
    apart = reshape(input, [n for length in shape for n in (1, length)])  # (a, b) -> (1, a, 1, b)
    spread = expand(apart, [n for pair in zip(counts, shape, strict=True) for n in pair])  # (m, a, n, b)
    return _repeated(reshape(spread, [m * n for m, n in zip(counts, shape, strict=True)]), order="C")


@of_tensors
def tile(input: Tensor, *dims: Any) -> Tensor:
    """`repeat` whose missing counts are 1.

    >>> import minigrad as torch
    >>> torch.tile(torch.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    counts = sizes("tile", dims, "dims")
    return repeat(input, (1,) * (input.array.ndim - len(counts)) + counts)


def reshape_along(x: Any, dim: int, ndim: int) -> Any:
    """Reshapes a vector so that it broadcasts along axis `dim` of `ndim`: (n,) -> (1, ..., n, ..., 1)."""
    shape = [-1 if d == dim else 1 for d in range(ndim)]
    return reshape(x, shape) if isinstance(x, TensorBase) else x.reshape(shape)  # type: ignore[arg-type]
