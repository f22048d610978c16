"""Views by lengths and steps in memory: `as_strided`, the windows of `unfold`; and the memory under an array."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd import views
from minigrad.autograd.modes import GRAD, mode
from minigrad.autograd.recording import operation
from minigrad.autograd.views import Unrecorded, View, root_of
from minigrad.backend import address_of, array_module
from minigrad.ops.arguments import as_int, axis, of_tensors, sizes
from minigrad.ops.shape import reshape

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

# How a tensor lies in memory: its lengths, its steps in elements, where it starts, and the length of the memory.
Geometry = tuple[tuple[int, ...], tuple[int, ...], int, int]


def memory_of(array: Any) -> tuple[Any, int]:
    """All memory that `array` looks at, as one flat array of its type, and where there its first element is."""
    root = array
    while isinstance(root.base, type(root)):
        root = root.base
    if not root.flags.c_contiguous and not root.flags.f_contiguous:
        return array.reshape(-1), 0  # part of what another library owns
    flat = (root if root.flags.c_contiguous else root.transpose()).reshape(-1)
    if flat.dtype != array.dtype:
        flat = flat.view(np.uint8)
        flat = flat[: flat.size - flat.size % array.itemsize].view(array.dtype)
    return flat, (address_of(array) - address_of(flat)) // array.itemsize if array.size else 0


def _geometry(array: Any) -> Geometry:
    memory, start = memory_of(array)
    return array.shape, tuple([step // array.itemsize for step in array.strides]), start, memory.size


def lay(x: Any, geometry: Geometry) -> Any:
    """The values of `x` in memory of their own, where they lie as `geometry` says; zeros stand around them."""
    xp, (shape, steps, first, count) = array_module(x), geometry
    made = _look(xp.zeros(count, x.dtype), shape, steps, first)
    made[...] = x
    return made


def lies_as(x: Any, geometry: Geometry) -> bool:
    """Whether `x` lies in its memory as `geometry` says."""
    return _geometry(x) == geometry


def _cut(x: Any, *, source: Geometry, target: Geometry) -> Any:
    if not lies_as(x, source):  # a gradient, where a view was written to
        x = lay(x, source)
    shape, steps, first, _ = target
    return _look(memory_of(x)[0], shape, steps, first)


def _look(memory: Any, shape: tuple[int, ...], steps: tuple[int, ...], first: int) -> Any:
    """A part of flat `memory`, its first element and its steps counted in elements."""
    first = 0 if 0 in shape else first  # no elements may begin anywhere
    strides = [step * memory.itemsize for step in steps]
    if type(memory) is np.ndarray:
        return np.ndarray(shape, memory.dtype, memory, first * memory.itemsize, strides)
    return array_module(memory).lib.stride_tricks.as_strided(memory[first:], shape, strides)


def _places(xp: Any, geometry: Geometry) -> Any:
    """Where each element lies in memory: one int64 for each, flat."""
    shape, steps, first, _ = geometry
    places = xp.full((), first, np.int64)
    for n, step in zip(shape, steps, strict=True):
        places = places[..., None] + xp.arange(n, dtype=np.int64) * step
    return places.reshape(-1)


def _carry(g: Any, *, source: Geometry, target: Geometry) -> Any:
    """Numbers that lie as `source` says, added up in memory, then read as `target` says: linear in g."""
    xp, count = array_module(g), source[3]
    memory = xp.bincount(_places(xp, source), g.reshape(-1), count)
    places = _places(xp, target)
    if places.size > len(xp.unique(places)):  # elements that share a place share what arrives there, as in PyTorch
        memory = memory / xp.maximum(xp.bincount(places, minlength=count), 1)
    return memory[places].reshape(target[0]).astype(g.dtype)


def _spread_evenly(h: Any, *, source: Geometry, target: Geometry) -> Any:
    """The adjoint of `_carry`: what lies as `target` says, read as `source` says."""
    xp, count = array_module(h), source[3]
    places = _places(xp, target)
    shared = xp.maximum(xp.bincount(places, minlength=count), 1)
    memory = xp.bincount(places, h.reshape(-1), count) / shared
    return memory[_places(xp, source)].reshape(source[0]).astype(h.dtype)


strided = operation("as_strided", _cut, lambda g, source, target: _back(g, source=target, target=source), view=True)
_back: Any = operation("as_strided_backward", _carry, lambda h, source, target: _again(h, source=source, target=target))
_again: Any = operation(
    "as_strided_double_backward", _spread_evenly, lambda g, source, target: _back(g, source=source, target=target)
)


@of_tensors
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the memory under `input`: out[i, j, ...] = memory[offset + i * stride[0] + j * stride[1] + ...].

    `stride` counts elements. Elements may share a place: windows that overlap, as im2col wants them. Raises
    RuntimeError for what lies outside the memory, and for negative strides.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.as_strided.html

    >>> import minigrad as torch
    >>> torch.as_strided(torch.arange(5), (3, 3), (1, 1))
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    for name, given in (("size", size), ("stride", stride)):
        if not isinstance(given, (tuple, list)):
            what = f"{type(given).__name__} {given!r}: for one axis, (n,)"
            raise TypeError(f"as_strided(): argument '{name}' must be tuple of ints, not {what}")
    shape, steps = sizes("as_strided", (size,)), sizes("as_strided", (stride,))
    source = _geometry(input.array)
    first = source[2] if storage_offset is None else as_int(storage_offset, "storage_offset")
    _check_bounds(shape, steps, first, source[3], input.array.itemsize)
    target = shape, steps, first, source[3]
    made: Any = strided(input, source=source, target=target)
    if made.view_of is not None and input.view_of is not None:  # of all the memory: more than `input` may be seen
        root = root_of(input)
        made.view_of.parent, made.view_of.array = root, root.array
        made.view_of.statics = {"source": _geometry(root.array), "target": target}
    return made


def look_as(array: Any, lies: Any) -> tuple[Any, dict[str, Any]]:
    """The view by which what lies as `array` is seen as `lies` does, in one memory: an operation and its options."""
    return strided, {"source": _geometry(array), "target": _geometry(lies)}


views.look_as = look_as


def _check_bounds(shape: tuple[int, ...], steps: tuple[int, ...], first: int, count: int, itemsize: int) -> None:
    if len(shape) != len(steps):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(steps)} strides for {len(shape)} axes")
    if any(step < 0 for step in steps):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {[*steps]}")
    if first < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {first}")
    if any(n < 0 for n in shape):
        raise RuntimeError(f"as_strided: sizes are not negative, got {[*shape]}")
    last = first + sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) + 1
    if prod(shape) and last > count:
        raise RuntimeError(
            f"setStorage: sizes {[*shape]}, strides {[*steps]}, storage offset {first}, and itemsize {itemsize} "
            f"requiring a storage size of {last * itemsize} are out of bounds for storage of size {count * itemsize}"
        )


# ---- windows along one axis ----------------------------------------------------------------------
def _windows_forward(x: Any, *, dim: int, size: int, step: int) -> Any:
    count = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], step * x.strides[dim], *x.strides[dim + 1 :], x.strides[dim])
    memory, first = memory_of(x)
    if type(x) is not np.ndarray or 0 in shape or not np.may_share_memory(memory, x):  # or what another library owns
        return array_module(x).lib.stride_tricks.as_strided(x, shape, strides)
    return _look(memory, shape, tuple([n // x.itemsize for n in strides]), first)


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


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` along one axis, `step` apart, as a new last axis: a view.

    >>> import minigrad as torch
    >>> torch.arange(4).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    d = axis(dimension, input.array.ndim)
    limit = input.array.shape[d] if input.array.ndim else 1
    if not 0 <= as_int(size, "size") <= limit:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {limit} but size is {size}")
    if as_int(step, "step") <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not input.array.ndim:
        return unfold(reshape(input, 1), 0, size, step)[0]
    windows = slide_windows(input, dim=d, size=size, step=step)
    if windows.view_of is None:  # NumPy's strided views do not say whose memory they look at
        windows.writes = input.writes
        windows.view_of = View(input, slide_windows, {"dim": d, "size": size, "step": step}, bool(mode.get() & GRAD))
        if input.node is not None and windows.node is None:
            windows.node = Unrecorded(windows.array)
    return windows
