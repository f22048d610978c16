"""How arrays lie in flat memory: layouts, and views of memory by layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import address_of, array_module
from minigrad.layout import channels_last, find_memory_order
from minigrad.ops.copies import in_rows


class MemoryLayout(NamedTuple):
    """How a tensor lies in flat memory. Strides and offsets are counted in elements."""

    shape: tuple[int, ...]
    steps: tuple[int, ...]
    first: int  # the offset of the first element
    size: int  # the number of elements in memory

    def find_places(self, xp: Any) -> Any:
        """The offset of each element in memory, flattened, int64."""
        places = xp.full((), self.first, np.int64)
        for n, step in zip(self.shape, self.steps, strict=True):
            places = places[..., None] + xp.arange(n, dtype=np.int64) * step
        return places.reshape(-1)

    def view(self, memory: Any) -> Any:
        """A view of flat `memory`."""
        first = 0 if 0 in self.shape else self.first  # any offset is valid without elements
        strides = [step * memory.itemsize for step in self.steps]
        return view_memory(memory, memory.dtype, first * memory.itemsize, self.shape, strides)


def view_memory(memory: Any, dtype: Any, offset: int, shape: Sequence[int], strides: Sequence[int]) -> Any:
    """A view of flat `memory` as elements of `dtype`; `offset` and `strides` count bytes."""
    if type(memory) is np.ndarray:
        return np.ndarray(shape, dtype, memory, offset, strides)
    rest = memory.view(np.uint8)[offset:]
    whole = rest[: rest.size - rest.size % dtype.itemsize].view(dtype)
    return array_module(memory).lib.stride_tricks.as_strided(whole, shape, strides)


def lay_images(array: Any) -> Any:
    """`array` in row-major order; channels_last images keep their order."""
    keeps = array.ndim == 4 and array.transpose(channels_last.order).flags.c_contiguous
    return array if keeps else in_rows(array)


def owner_of(array: Any) -> Any:
    """The array whose memory `array` is a view of, or `array` itself."""
    while isinstance(array.base, type(array)):
        array = array.base
    return array


def memory_of(array: Any) -> tuple[Any, int]:
    """The whole memory of which `array` is a view, as a flat array, and the offset of the first element in it."""
    root = owner_of(array)
    if not root.flags.c_contiguous:  # a copy of a turned array may keep the order of its axes in memory
        root = root.transpose(find_memory_order(root.shape, root.strides))
    if root.flags.c_contiguous:
        flat = root.reshape(-1)
    else:  # memory of another library: from the first element to the last
        ahead = root[tuple([slice(None, None, -1 if step < 0 else 1) for step in root.strides])]
        span = sum([(n - 1) * step for n, step in zip(ahead.shape, ahead.strides, strict=True)]) // root.itemsize + 1
        flat = np.lib.stride_tricks.as_strided(ahead, (span,), (root.itemsize,))
    if flat.dtype != array.dtype:
        flat = flat.view(np.uint8)
        flat = flat[: flat.size - flat.size % array.itemsize].view(array.dtype)
    return flat, (address_of(array) - address_of(flat)) // array.itemsize if array.size else 0


def memory_and_layout(array: Any) -> tuple[Any, MemoryLayout]:
    """The whole memory of which `array` is a view, flat, and the layout of `array` in it."""
    memory, first = memory_of(array)
    steps = tuple([step // array.itemsize for step in array.strides])
    return memory, MemoryLayout(array.shape, steps, first, memory.size)


def layout_of(array: Any) -> MemoryLayout:
    """The layout of `array` in its memory."""
    return memory_and_layout(array)[1]


def copy_by_layout(x: Any, layout: MemoryLayout) -> Any:
    """New memory that holds the values of `x` by `layout`, and zeros elsewhere."""
    made = layout.view(array_module(x).zeros(layout.size, x.dtype))
    made[...] = x
    return made
