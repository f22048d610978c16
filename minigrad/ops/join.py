"""Joining tensors, and taking them apart again."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import operation
from minigrad.backend import array_module
from minigrad.ops.axes import axis, whole
from minigrad.ops.elementwise import of_tensor, several, twin_of
from minigrad.ops.index import getitem
from minigrad.ops.out import takes_out
from minigrad.ops.shape import cast, reshape, unsqueeze

_cat = operation(
    "cat",
    lambda *tensors, dim: array_module(tensors[0]).concatenate(tensors, dim),
    lambda g, i, shapes, dim: g[_part(shapes, i, dim)],
)


def _part(shapes: Any, i: int, dim: int) -> tuple[slice, ...]:
    """Where operand `i` stands in the joined tensor."""
    start = sum(shape[dim] for shape in shapes[:i])
    return (slice(None),) * dim + (slice(start, start + shapes[i][dim]),)


@twin_of(np.concatenate)
@takes_out
def cat(tensors: Any, dim: int = 0) -> Any:
    """The tensors one after another along an existing axis; the other axes must agree.

    Raises RuntimeError for shapes that differ elsewhere, naming them.

    >>> import minigrad as torch
    >>> torch.cat([torch.zeros(1, 2), torch.ones(2, 2)]).shape
    minigrad.Size([3, 2])
    """
    given = _tensors("cat", tensors)
    # PyTorch lets empty tensors of one axis join anything.
    solid = [x for x in given if x.array.shape != (0,)] or given[:1]
    ndim = solid[0].array.ndim
    if not ndim:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated; use stack")
    d = axis(dim, ndim)
    first = list(solid[0].array.shape)
    for position, x in enumerate(solid):
        shape = list(x.array.shape)
        if len(shape) != ndim:
            told = f"got {ndim} and {len(shape)} (tensor {position} has shape {shape})"
            raise RuntimeError(f"Tensors must have same number of dimensions: {told}")
        if shape[:d] + shape[d + 1 :] != first[:d] + first[d + 1 :]:
            told = f"Expected size {first} but got size {shape} for tensor number {position} in the list"
            raise RuntimeError(f"Sizes of tensors must match except in dimension {d}. {told}.")
    common = dtypes.result_type([x.array for x in given])
    return _cat(*[cast(x, common) for x in solid], dim=d)


concat = concatenate = cat


@takes_out
def stack(tensors: Any, dim: int = 0) -> Any:
    """The tensors, all of one shape, along a new axis.

    >>> import minigrad as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    given = _tensors("stack", tensors)
    first = list(given[0].array.shape)
    for i, x in enumerate(given):
        if list(x.array.shape) != first:
            told = f"got {first} at entry 0 and {list(x.array.shape)} at entry {i}"
            raise RuntimeError(f"stack expects each tensor to be equal size, but {told}")
    d = axis(dim, len(first) + 1)
    return cat([unsqueeze(x, d) for x in given], d)


def hstack(tensors: Any) -> Any:
    """Side by side: along the first axis for vectors, the second for the rest.

    >>> import minigrad as torch
    >>> torch.hstack((torch.tensor([1, 2]), torch.tensor([3])))
    tensor([1, 2, 3])
    """
    given = [x if x.array.ndim else reshape(x, 1) for x in _tensors("hstack", tensors)]
    return cat(given, int(given[0].array.ndim > 1))


def vstack(tensors: Any) -> Any:
    """On top of each other, vectors as rows.

    >>> import minigrad as torch
    >>> torch.vstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([x if x.array.ndim > 1 else reshape(x, (1, -1)) for x in _tensors("vstack", tensors)], 0)


def _tensors(name: str, tensors: Any) -> list[Any]:
    if isinstance(tensors, TensorBase) or not hasattr(tensors, "__iter__"):
        got = f"{type(tensors).__name__}; write {name}([x, y])"
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {got}")
    given = several(name, (list(tensors),))
    if not given:
        raise (RuntimeError if name == "stack" else ValueError)(f"{name}(): expected a non-empty list of Tensors")
    return given


@of_tensor
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """`length` entries of one axis from `start` on: a view.

    >>> import minigrad as torch
    >>> torch.narrow(torch.arange(6), 0, 2, 3)
    tensor([2, 3, 4])
    """
    _check_axes("narrow", input)
    d = axis(dim, input.array.ndim)
    size = input.array.shape[d]
    start, length = whole(start, "start"), whole(length, "length")
    first = start + (size if start < 0 else 0)
    if not 0 <= first <= size:
        raise IndexError(f"start out of range (expected to be in range of [-{size}, {size}], but got {start})")
    if not 0 <= first <= first + length <= size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return getitem(input, (slice(None),) * d + (slice(first, first + length),))


@of_tensor
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of consecutive parts along one axis: of one size (the last may be shorter) or of given sizes.

    >>> import minigrad as torch
    >>> torch.split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    _check_axes("split", tensor)
    d = axis(dim, tensor.array.ndim)
    size = tensor.array.shape[d]
    if isinstance(split_size_or_sections, (tuple, list)):
        lengths = [whole(n, "split_size") for n in split_size_or_sections]
        if sum(lengths) != size or min(lengths, default=0) < 0:
            told = f"{size} (input tensor's size at dimension {d}), but got split_sizes={lengths}"
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {told}")
    else:
        step = whole(split_size_or_sections, "split_size")
        if step < 0 or (step == 0 and size):
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
        lengths = [min(step, size - start) for start in range(0, size, step or 1)] or [0]
    starts = [0, *accumulate(lengths)]
    return _several([narrow(tensor, d, start, n) for start, n in zip(starts[:-1], lengths, strict=True)])


def _check_axes(name: str, x: Any) -> None:
    if not x.array.ndim:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor, got one of no axes")


def _several(views: list[Any]) -> tuple[Any, ...]:
    """Views that one call made: autograd lets none of them be written to, as in PyTorch."""
    for view in views:
        if view.view_of is not None:
            view.view_of.several = True
    return tuple(views)


@of_tensor
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` parts along one axis, as equal as `split` by one size makes them.

    >>> import minigrad as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if whole(chunks, "chunks") <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    _check_axes("chunk", input)
    size = input.array.shape[axis(dim, input.array.ndim)]
    if not size:
        return split(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


@of_tensor
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """All entries of one axis as views.

    >>> import minigrad as torch
    >>> torch.unbind(torch.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    d = axis(dim, input.array.ndim)
    if not input.array.ndim:
        raise IndexError("unbind: Dimension specified as 0 but tensor has no dimensions")
    key = (slice(None),) * d
    return _several([getitem(input, (*key, i)) for i in range(input.array.shape[d])])


@of_tensor
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """The entries moved on by `shifts` along `dims`, the last ones coming back first.

    >>> import minigrad as torch
    >>> torch.roll(torch.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    shifts = [whole(n, "shifts") for n in (shifts if isinstance(shifts, (tuple, list)) else (shifts,))]
    dims = () if dims is None else tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if not dims and len(shifts) == 1:
        return reshape(roll(reshape(input, -1 if input.array.size else 0), shifts, 0), input.array.shape)
    if len(shifts) != len(dims) or not shifts:
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    for shift, dim in zip(shifts, dims, strict=True):
        d = axis(dim, input.array.ndim)
        size = input.array.shape[d]
        if size:
            cut = size - shift % size
            input = cat([narrow(input, d, cut, size - cut), narrow(input, d, 0, cut)], d)
    return input


split_with_sizes = split
