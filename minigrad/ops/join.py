"""Joining tensors, and taking them apart again."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase
from minigrad.autograd.operation import operation
from minigrad.backend import array_module
from minigrad.ops.axes import axis
from minigrad.ops.elementwise import not_a_tensor, of_tensor, twin_of
from minigrad.ops.index import getitem
from minigrad.ops.out import takes_out
from minigrad.ops.padding import pad_constant
from minigrad.ops.shape import atleast_3d, cast, reshape, unsqueeze

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
    for position, x in enumerate(solid):
        if x.array.ndim != ndim:
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {ndim} and {x.array.ndim} (tensor {position} has "
                f"shape {tuple(x.array.shape)})"
            )
        for i, (m, n) in enumerate(zip(solid[0].array.shape, x.array.shape, strict=True)):
            if m != n and i != d:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {d}. Expected size {m} but got size {n} for "
                    f"tensor number {position} in the list, at dimension {i}."
                )
    common = dtypes.result_type([x.array for x in given])
    return _cat(*[cast(x, common) for x in solid], dim=d)


concat = concatenate = cat


def stack(tensors: Any, dim: int = 0) -> Any:
    """The tensors, all of one shape, along a new axis.

    >>> import minigrad as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    given = _tensors("stack", tensors)
    for x in given:
        if x.array.shape != given[0].array.shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(given[0].array.shape)} at entry 0 and "
                f"{list(x.array.shape)} at entry {[y is x for y in given].index(True)}"
            )
    d = axis(dim, given[0].array.ndim + 1)
    return cat([unsqueeze(x, d) for x in given], d)


def _tensors(name: str, tensors: Any) -> list[Any]:
    if isinstance(tensors, TensorBase):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    given = list(tensors)
    if not given:
        raise (RuntimeError if name == "stack" else ValueError)(f"{name}(): expected a non-empty list of Tensors")
    for position, x in enumerate(given):
        if not isinstance(x, TensorBase):
            raise not_a_tensor(name, "tensors", position + 1, x)
    return given


def _atleast(tensors: Any, ndim: int) -> list[Any]:
    """Tensors of at least 1 or 2 axes, for `hstack` and `vstack`."""
    return [
        reshape(x, (1,) * (ndim - x.array.ndim) + x.array.shape) if x.array.ndim < ndim else x
        for x in _tensors("stack", tensors)
    ]


def hstack(tensors: Any) -> Any:
    """Side by side: along the first axis for vectors, the second for the rest."""
    given = _atleast(tensors, 1)
    return cat(given, 0 if given[0].array.ndim == 1 else 1)


def vstack(tensors: Any) -> Any:
    """On top of each other, vectors as rows."""
    return cat(_atleast(tensors, 2), 0)


def dstack(tensors: Any) -> Any:
    """Behind each other, along the third axis."""
    return cat([atleast_3d(x) for x in _tensors("stack", tensors)], 2)


def column_stack(tensors: Any) -> Any:
    """Vectors as the columns of a matrix; matrices side by side."""
    return cat([unsqueeze(x, 1) if x.array.ndim == 1 else _atleast([x], 2)[0] for x in _tensors("stack", tensors)], 1)


def block_diag(*tensors: Any) -> Any:
    """One matrix with the given ones along its diagonal, and 0 elsewhere."""
    blocks = _atleast(tensors, 2)
    width, left, rows = sum(b.array.shape[1] for b in blocks), 0, []
    for b in blocks:
        if b.array.ndim != 2:
            raise RuntimeError(f"block_diag: Input tensors must have 2 or fewer dimensions. Got {b.array.ndim}D")
        columns = b.array.shape[1]
        rows.append(pad_constant(b, ((0, 0), (left, width - left - columns))))
        left += columns
    return cat(rows, 0)


@of_tensor
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """`length` entries of one axis from `start` on: a view."""
    _check_axes("narrow", input)
    d = axis(dim, input.array.ndim)
    size = input.array.shape[d]
    begin = int(start) + (size if int(start) < 0 else 0)
    if length < 0:
        raise RuntimeError(f"narrow(): length must be non-negative, got {length}")
    if not 0 <= int(start) + (size if int(start) < 0 else 0) <= size:
        raise IndexError(f"start out of range (expected to be in range of [-{size}, {size}], but got {int(start)})")
    if begin + length > size:
        raise RuntimeError(f"start ({begin}) + length ({length}) exceeds dimension size ({size}).")
    return getitem(input, (slice(None),) * d + (slice(begin, begin + length),))


@of_tensor
def select(input: Any, dim: int, index: int) -> Any:
    """Entry `index` of one axis, which disappears: a view."""
    d = axis(dim, input.array.ndim)
    if not input.array.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    return getitem(input, (slice(None),) * d + (int(index),))


@of_tensor
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of consecutive parts along one axis: of one size (the last may be shorter) or of given sizes."""
    _check_axes("split", tensor)
    d = axis(dim, tensor.array.ndim)
    size = tensor.array.shape[d]
    if isinstance(split_size_or_sections, (tuple, list)):
        lengths = [int(n) for n in split_size_or_sections]
        if sum(lengths) != size or min(lengths, default=0) < 0:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size "
                f"at dimension {d}), but got split_sizes={lengths}"
            )
    else:
        step = int(split_size_or_sections)
        if step < 0 or (step == 0 and size):
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
        lengths = [min(step, size - start) for start in range(0, size, step or 1)] or [0]
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return _several([narrow(tensor, d, start, n) for start, n in zip(starts, lengths, strict=True)])


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
    """At most `chunks` parts along one axis, as equal as `split` by one size makes them."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    _check_axes("chunk", input)
    size = input.array.shape[axis(dim, input.array.ndim)]
    if not size:
        return split(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


@of_tensor
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """All entries of one axis as views."""
    d = axis(dim, input.array.ndim)
    if not input.array.ndim:
        raise IndexError("unbind: Dimension specified as 0 but tensor has no dimensions")
    key = (slice(None),) * d
    return _several([getitem(input, (*key, i)) for i in range(input.array.shape[d])])


@of_tensor
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """The entries moved on by `shifts` along `dims`, the last ones coming back first."""
    if dims is None or dims == ():
        if not isinstance(shifts, int) and len(shifts) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        flat = reshape(input, -1) if input.array.size else reshape(input, 0)
        return reshape(roll(flat, shifts, 0), input.array.shape)
    pairs = [(shifts, dims)] if isinstance(shifts, int) and isinstance(dims, int) else None
    if pairs is None:
        shifts = (shifts,) if isinstance(shifts, int) else shifts
        dims = (dims,) if isinstance(dims, int) else dims
        if len(shifts) != len(dims) or not shifts:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
        pairs = list(zip(shifts, dims, strict=True))
    for shift, dim in pairs:
        d = axis(dim, input.array.ndim)
        size = input.array.shape[d]
        if size:
            cut = size - shift % size
            input = cat([narrow(input, d, cut, size - cut), narrow(input, d, 0, cut)], d)
    return input


@of_tensor
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Parts cut at given places, or a number of parts whose lengths differ by one at most."""
    d = axis(dim, input.array.ndim)
    size = input.array.shape[d]
    if isinstance(indices_or_sections, TensorBase):
        indices_or_sections = indices_or_sections.array.tolist()
    if isinstance(indices_or_sections, int):
        if indices_or_sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {indices_or_sections}")
        small, larger = divmod(size, indices_or_sections)
        return split(input, [small + (i < larger) for i in range(indices_or_sections)], d)
    cuts = [min(max(c + size if c < 0 else c, 0), size) for c in indices_or_sections]
    bounds = zip([0, *cuts], [*cuts, size], strict=True)
    return tuple([narrow(input, d, min(a, size), max(b - a, 0)) for a, b in bounds])


@of_tensor
def hsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """`tensor_split` along the second axis, or the only one."""
    if not input.array.ndim:
        raise RuntimeError("hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!")
    return _even_split("hsplit", input, indices_or_sections, 0 if input.array.ndim == 1 else 1)


@of_tensor
def vsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """`tensor_split` along the first axis."""
    if input.array.ndim < 2:
        raise RuntimeError(
            f"vsplit requires a tensor with at least 2 dimension, but got a tensor with {input.array.ndim} dimensions!"
        )
    return _even_split("vsplit", input, indices_or_sections, 0)


def _even_split(name: str, input: Any, parts: Any, d: int) -> tuple[Any, ...]:
    size = input.array.shape[d]
    if isinstance(parts, int) and (parts <= 0 or size % parts):
        raise RuntimeError(
            f"{name} attempted to split along dimension {d}, but the size of the dimension {size} is "
            f"not divisible by the split_size {parts}!"
        )
    return tensor_split(input, parts, d)


@of_tensor
def split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of consecutive parts of the given sizes along one axis."""
    return split(input, list(split_sizes), dim)
