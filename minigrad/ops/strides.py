"""Views by sizes and strides: `as_strided`, and the windows of `Tensor.unfold`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, View, wrap
from minigrad.autograd.recording import operation
from minigrad.autograd.views import Unrecorded, root_of
from minigrad.backend import array_module, quiet
from minigrad.layout import invert
from minigrad.ops.arguments import as_int, axis, of_tensors, sizes
from minigrad.ops.memory_layout import MemoryLayout, copy_by_layout, layout_of, memory_and_layout, memory_of
from minigrad.ops.shape import reshape
from minigrad.shown_values import show_value


# ---- as_strided and its derivatives ---------------------------------------------------------------
def _cut(x: Any, *, source: MemoryLayout, target: MemoryLayout) -> Any:
    """The view with layout `target` of the memory in which `x` has the layout `source`."""
    memory, layout = memory_and_layout(np.asarray(x) if isinstance(x, np.generic) else x)
    if layout != source:  # a gradient, after a write to a view
        memory, _ = memory_and_layout(copy_by_layout(x, source))
    return target.view(memory)


def _carry(g: Any, *, source: MemoryLayout, target: MemoryLayout) -> Any:
    """Adds g into memory by the layout `source`, then reads it by `target`. As in PyTorch the elements of `target` that
    share memory share its value equally. Linear in g.
    """
    xp = array_module(g)
    places = target.find_places(xp)
    memory = xp.bincount(source.find_places(xp), g.reshape(-1), source.size) / _count_readers(xp, places, source.size)
    return memory[places].reshape(target.shape).astype(g.dtype)


def _carry_back(h: Any, *, source: MemoryLayout, target: MemoryLayout) -> Any:
    """The adjoint of `_carry`: adds g by the layout `target`, divides among sharing elements, and reads by `source`."""
    xp = array_module(h)
    places = target.find_places(xp)
    memory = xp.bincount(places, h.reshape(-1), source.size) / _count_readers(xp, places, source.size)
    return memory[source.find_places(xp)].reshape(source.shape).astype(h.dtype)


def _count_readers(xp: Any, places: Any, count: int) -> Any:
    """The number of elements at each offset in memory, at least 1."""
    return xp.maximum(xp.bincount(places, minlength=count), 1)


strided = operation(
    "as_strided", _cut, lambda g, source, target: _as_strided_backward(g, source=target, target=source), view=True
)
_as_strided_backward: Any = operation(
    "as_strided_backward",
    _carry,
    lambda h, source, target: _as_strided_double_backward(h, source=source, target=target),
)
_as_strided_double_backward: Any = operation(
    "as_strided_double_backward",
    _carry_back,
    lambda g, source, target: _as_strided_backward(g, source=source, target=target),
)


@of_tensors
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the memory under `input`: out[i, j, ...] = memory[offset + i * stride[0] + j * stride[1] + ...].

    `stride` counts elements. Elements may share memory, as overlapping windows for im2col do. Raises RuntimeError
    for elements outside the memory, and for negative strides.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.as_strided.html

    >>> import minigrad as torch
    >>> torch.as_strided(torch.arange(5), (3, 3), (1, 1))
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    for name, given in (("size", size), ("stride", stride)):
        if not isinstance(given, (tuple, list)):
            what = f"{show_value(given)}: for one axis, (n,)"
            raise TypeError(f"as_strided(): argument '{name}' must be tuple of ints, not {what}")
    shape, steps = sizes("as_strided", (size,)), sizes("as_strided", (stride,), "stride")
    source = layout_of(input.array)
    first = source.first if storage_offset is None else as_int(storage_offset, "storage_offset")
    target = MemoryLayout(shape, steps, first, source.size)
    _check_bounds(target, input.array.itemsize)
    made: Any = strided(input, source=source, target=target)
    if made.view_of is not None and input.view_of is not None:  # of the whole memory, not just of `input`
        root = root_of(input)
        made.view_of.parent, made.view_of.array = root, root.array
        made.view_of.statics = {"source": layout_of(root.array), "target": target}
    return made


def look_as(array: Any, other: Any) -> tuple[Any, dict[str, Any]]:
    """The operation, and its options, that makes `other` a view of `array`, which shares its memory."""
    return strided, {"source": layout_of(array), "target": layout_of(other)}


def _enlarge(memory: Any, size: int) -> Any:
    """New memory of that size, which begins with the elements of `memory`."""
    larger = array_module(memory).empty(size, memory.dtype)
    larger[: memory.size] = memory
    return larger


def resize(tensor: Any, shape: tuple[int, ...], order: Sequence[int]) -> None:
    """Gives `tensor` another shape in the same memory, from its first element on; too small memory grows.

    The axes lie in memory in this `order`.
    """
    (memory, start), before = memory_of(tensor.array), (tensor.array.shape, tensor.array.strides)
    wanted, room = prod(shape), memory[start:]
    if wanted > room.size:
        room = quiet(_enlarge, room, wanted)
    root = root_of(tensor)
    tensor.array = room[:wanted].reshape([shape[axis] for axis in order]).transpose(invert(order))
    if (tensor.array.shape, tensor.array.strides) != before:
        tensor.writes[0] += 1
    if tensor.view_of is not None:
        same = tensor.array.size and np.may_share_memory(root.array, tensor.array)
        reader, options = look_as(root.array, tensor.array)
        link = View(root, reader, options)
        link.recorded = tensor.view_of.recorded
        tensor.view_of = link if same else None


def _check_bounds(layout: MemoryLayout, itemsize: int) -> None:
    """Raises for an invalid layout, or one that exceeds the memory."""
    shape, steps, first, count = layout
    if len(shape) != len(steps):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(steps)} strides for {len(shape)} axes")
    if min(steps, default=0) < 0:
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {[*steps]}")
    if first < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {first}")
    if min(shape, default=0) < 0:
        raise RuntimeError(f"as_strided: sizes are not negative, got {[*shape]}")
    last = first + sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) + 1
    if prod(shape) and last > count:
        raise RuntimeError(
            f"setStorage: sizes {[*shape]}, strides {[*steps]}, storage offset {first}, and itemsize {itemsize} "
            f"requiring a storage size of {last * itemsize} are out of bounds for storage of size {count * itemsize}"
        )


def view_as_dtype(input: Any, wanted: Any) -> Any:
    """The same memory as elements of another dtype; the length of the last axis changes with their size."""
    array, have = input.array, input.array.dtype
    detail = f"to view {have} as {wanted} (different element sizes), but got"
    if have.itemsize != wanted.itemsize:
        if not array.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 {detail} a 0-d tensor")
        if array.size and array.shape[-1] > 1 and array.strides[-1] != have.itemsize:
            raise RuntimeError(f"self.stride(-1) must be 1 {detail} {array.strides[-1] // have.itemsize}")
        lengths = {"size(-1)": array.shape[-1], "storage_offset()": memory_of(array)[1]}
        lengths |= {f"stride({i})": step // have.itemsize for i, step in enumerate(array.strides[:-1])}
        for what, length in lengths.items():  # so that each element begins where one of the larger ones does
            if length * have.itemsize % wanted.itemsize:
                raise RuntimeError(
                    f"self.{what} must be divisible by {wanted.itemsize // have.itemsize} {detail} {length}"
                )
    seen = wrap(array.view(wanted))
    seen.writes = input.writes
    return seen


# ---- windows along one axis ----------------------------------------------------------------------
def _windows_forward(x: Any, *, dim: int, size: int, step: int) -> Any:
    count = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], step * x.strides[dim], *x.strides[dim + 1 :], x.strides[dim])
    memory, first = memory_of(x)
    if type(x) is not np.ndarray or 0 in shape or not np.may_share_memory(memory, x):  # or memory of another library
        return array_module(x).lib.stride_tricks.as_strided(x, shape, strides)
    return MemoryLayout(shape, tuple([n // x.itemsize for n in strides]), first, memory.size).view(memory)


def _windows_back_forward(g: Any, *, shape: Any, dim: int, size: int, step: int) -> Any:
    whole = array_module(g).zeros(shape, g.dtype)
    count = g.shape[dim]
    for i in range(size):  # offset i of every window at once
        whole[(slice(None),) * dim + (slice(i, i + (count - 1) * step + 1, step),)] += g[..., i]
    return whole


slide_windows = operation(
    "unfold",
    _windows_forward,
    lambda g, x_shape, dim, size, step: _windows_back(g, shape=x_shape, dim=dim, size=size, step=step),
    view=True,
)
_windows_back: Any = operation(
    "unfold_backward", _windows_back_forward, lambda g, dim, size, step: slide_windows(g, dim=dim, size=size, step=step)
)


strided.overlaps = slide_windows.overlaps = True


@of_tensors
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` elements along one axis, `step` apart, as a new last axis: a view.

    Shapes: (..., n, ...) -> (..., (n - size) // step + 1, ..., size). No number is copied; the gradient of a number is
    the sum over the windows that it is in. Raises RuntimeError for a size beyond n or a step below 1.

    >>> import minigrad as torch
    >>> torch.arange(4).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    d = axis(dimension, input.array.ndim)
    limit = input.array.shape[d] if input.array.ndim else 1
    size = as_int(size, "size")
    if not 0 <= size <= limit:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {limit} but size is {size}")
    step = as_int(step, "step")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not input.array.ndim:
        return unfold(reshape(input, 1), 0, size, step)[0]
    windows = slide_windows(input, dim=d, size=size, step=step)
    if windows.view_of is None:  # NumPy's strided views have no usable base
        windows.writes = input.writes
        windows.view_of = View(input, slide_windows, {"dim": d, "size": size, "step": step})
        if input.node is not None and windows.node is None:
            windows.node = Unrecorded(windows.array)
    return windows
