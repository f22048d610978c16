"""Views of parts of a tensor: `narrow`, `select`, `split`, `chunk`, `unbind`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.ops.arguments import as_int, as_size, axis, of_tensors, takes_out
from minigrad.ops.composed import recorded_as
from minigrad.ops.describe import rename
from minigrad.ops.grad_fn_names import name_last_call, shown_as
from minigrad.ops.index import getitem, look_at, mark_several, read_at
from minigrad.shown_values import shorten, show_value
from minigrad.size import Size

_split, _split_by_sizes = shown_as(read_at, "SplitBackward0"), shown_as(read_at, "SplitWithSizesBackward0")
# Other names of parameters.
_PARTS = dict.fromkeys(("sections", "indices", "tensor_indices_or_sections"), "indices_or_sections")
_SIZES = {"split_size": "split_size_or_sections"}


@takes_out(axis_first=True)
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` entries of one axis from `start` on: a view.

    >>> import minigrad as torch
    >>> torch.narrow(torch.arange(6), 0, 2, 3)
    tensor([2, 3, 4])
    """
    _check_axes("narrow", input)
    d = axis(dim, input.array.ndim)
    size = input.array.shape[d]
    if isinstance(start, TensorBase) and (start.array.ndim or start.array.dtype.kind not in "iu"):
        got = f"got {start.array.dtype} of shape {tuple(start.array.shape)}"
        raise RuntimeError(f"narrow(): start must be an 0-dim integral Tensor, {got}")
    start, length = as_int(start, "start"), as_int(length, "length")
    first = start + (size if start < 0 else 0)
    if not 0 <= first <= size:
        raise IndexError(f"start out of range (expected to be in range of [-{size}, {size}], but got {start})")
    if not 0 <= first <= first + length <= size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return getitem(input, (slice(None),) * d + (slice(first, first + length),))


@takes_out(spellings=_SIZES)
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of consecutive parts along one axis: of one size (the last may be shorter) or of given sizes.

    >>> import minigrad as torch
    >>> torch.split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    _check_axes("split", tensor)
    d = axis(dim, tensor.array.ndim)
    size = tensor.array.shape[d]
    cut = _split
    if isinstance(split_size_or_sections, (tuple, list)):
        cut = _split_by_sizes
        lengths = [as_size(n, "split_size") for n in split_size_or_sections]
        if sum(lengths) != size or min(lengths, default=0) < 0:
            detail = f"{size} (input tensor's size at dimension {d}), but got split_sizes={shorten(lengths)}"
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {detail}")
    else:
        step = as_size(split_size_or_sections, "split_size")
        if step < 0 or (step == 0 and size):
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
        lengths = [min(step, size - start) for start in range(0, size, step or 1)] or [0]
    starts = [0, *accumulate(lengths)]
    before = (slice(None),) * d
    keys = [(*before, slice(start, start + n), Ellipsis) for start, n in zip(starts[:-1], lengths, strict=True)]
    return mark_several([look_at(cut, tensor, key) for key in keys])


def _check_axes(name: str, x: Any) -> None:
    if not x.array.ndim:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor, got a 0-d tensor")


@takes_out(axis_first=True)
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` parts along one axis, of equal size except perhaps the last.

    >>> import minigrad as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    chunks = as_int(chunks, "chunks")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    _check_axes("chunk", input)
    size = input.array.shape[axis(dim, input.array.ndim)]
    if not size:
        return split(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


@takes_out(axis_first=True)
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """`split` by a tuple of sizes.

    >>> import minigrad as torch
    >>> torch.split_with_sizes(torch.arange(4), [1, 3])
    (tensor([0]), tensor([1, 2, 3]))
    """
    if not isinstance(split_sizes, (tuple, list)):
        got = f"not {show_value(split_sizes)}"
        raise TypeError(f"split_with_sizes(): argument 'split_sizes' (position 2) must be tuple of ints, {got}")
    return split(input, split_sizes, dim)


@takes_out(axis_first=True)
@recorded_as("NarrowCopyBackward0")
def narrow_copy(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`narrow`, as a copy.

    >>> import minigrad as torch
    >>> torch.narrow_copy(torch.arange(6), 0, 2, 3)
    tensor([2, 3, 4])
    """
    return narrow(input, dim, start, length)


# ---- parts whose memory is shared, although autograd takes them for tensors of their own ------------
def _set_apart(parts: tuple[Any, ...], shown: str) -> tuple[Any, ...]:
    """The parts with a name for their nodes, and each with a count of writes of its own."""
    for part in name_last_call(parts, shown):
        part.writes = wrap(part.array).writes
    return parts


@of_tensors(axis_first=True)
def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Any, ...]:
    """`split`, whose parts are no views to autograd: it notices no writes to them, so each may be written to.

    >>> import minigrad as torch
    >>> torch.unsafe_split(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _set_apart(split(input, as_size(split_size, "split_size"), dim), "UnsafeSplitBackward0")


@of_tensors(axis_first=True)
def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """`split_with_sizes`, whose parts are no views to autograd, as those of `unsafe_split`.

    >>> import minigrad as torch
    >>> torch.unsafe_split_with_sizes(torch.arange(4), [1, 3])
    (tensor([0]), tensor([1, 2, 3]))
    """
    return _set_apart(split_with_sizes(input, split_sizes, dim), "UnsafeSplitWithSizesBackward0")


@of_tensors(axis_first=True)
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """`chunk`, whose parts are no views to autograd, as those of `unsafe_split`.

    >>> import minigrad as torch
    >>> torch.unsafe_chunk(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _set_apart(chunk(input, chunks, dim), "UnsafeSplitBackward0")


@takes_out
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The entry `index` of the dimension `dim`, which is dropped: a view.

    >>> import minigrad as torch
    >>> torch.select(torch.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    if not input.array.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = axis(dim, input.array.ndim)
    place, size = as_size(index, "index"), input.array.shape[d]
    if not -size <= place < size:
        shape = list(input.array.shape)
        raise IndexError(f"select(): index {place} out of range for tensor of size {shape} at dimension {d}")
    return getitem(input, (slice(None),) * d + (place,))


@takes_out(axis_first=True, spellings=_PARTS)
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views along one axis: a number of parts, the first ones longer by one, or the parts between given indices.

    >>> import minigrad as torch
    >>> torch.tensor_split(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    _check_axes("tensor_split", input)
    d = axis(dim, input.array.ndim)
    size = input.array.shape[d]
    if isinstance(indices_or_sections, TensorBase):
        places = indices_or_sections.array
        if places.dtype != np.int64 or places.ndim > 1:
            got = f"got {places.dtype} and {places.ndim} dimensions"
            raise RuntimeError(f"tensor_split: a tensor of indices or sections is 0-d or 1-d, and int64; {got}")
        indices_or_sections = places.tolist()
    if isinstance(indices_or_sections, (tuple, list)):
        ends = [*[as_size(n, "indices") for n in indices_or_sections], size]
        cuts = [slice(start, stop) for start, stop in zip([0, *ends[:-1]], ends, strict=True)]
    else:
        parts = as_int(indices_or_sections, "sections")
        if parts <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {parts}")
        length, longer = divmod(size, parts)  # the first parts are longer by one
        lengths = [length + 1] * longer + [length] * (parts - longer)
        starts = [0, *accumulate(lengths)]
        cuts = [slice(a, b) for a, b in itertools.pairwise(starts)]
    return tuple([getitem(input, (slice(None),) * d + (cut,)) for cut in cuts])  # each may be written to


def _make_split(name: str, least: int, dim: int) -> Any:
    def call(input: Tensor, indices_or_sections: Any) -> tuple[Any, ...]:
        if input.array.ndim < least:
            detail = f"requires a tensor with at least {least} dimension, but got a tensor with {input.array.ndim}"
            raise RuntimeError(f"torch.{name} {detail} dimensions")
        d = 0 if input.array.ndim == 1 else dim
        if isinstance(indices_or_sections, int) and input.array.shape[d] % max(indices_or_sections, 1):
            size = input.array.shape[d]
            raise RuntimeError(f"torch.{name}: {indices_or_sections} parts do not divide the size {size} of dim {d}")
        return tensor_split(input, indices_or_sections, d)

    parts = [1 if axis == dim else 2 for axis in range(3)]
    text = f"Views along axis {dim}: so many equal parts, or those between the indices."
    example = f"[x.shape for x in torch.{name}(torch.ones(2, 2, 2), 2)] -> {[Size(parts), Size(parts)]}"
    return of_tensors(rename(call, name, text, example), spellings=_PARTS)


hsplit = _make_split("hsplit", 1, 1)
vsplit = _make_split("vsplit", 2, 0)
dsplit = _make_split("dsplit", 3, 2)
