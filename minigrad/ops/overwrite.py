"""`overwrite`: a tensor with a region replaced, as one operation. A write through a view is recorded as it.

The gradient of the old value is the gradient that arrives with the region set to zero; that of the written value is the
region itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.ops.copies import copy_operation
from minigrad.ops.index import read_at
from minigrad.ops.keys import is_basic
from minigrad.ops.memory_layout import copy_by_layout, layout_of, owner_of
from minigrad.ops.piecewise import gate
from minigrad.ops.writes import check_memory
from minigrad.placement import constant_beside


class Path:
    """Several view operations, one after the other, as a single one."""

    def __init__(self, steps: Sequence[tuple[Any, dict[str, Any]]], last: Any) -> None:
        self.steps, self.last = steps, last
        self.overlaps = last.overlaps or any(reader.overlaps for reader, _ in steps)

    def __call__(self, x: Any, **statics: Any) -> Any:
        for reader, options in self.steps:
            x = reader(x, **options)
        return self.last(x, **statics)

    def forward(self, array: Any, **statics: Any) -> Any:
        """Applies the views to an array."""
        for reader, options in self.steps:
            array = reader.forward(array, **options)
        return self.last.forward(array, **statics)


def _overwrite_forward(x: Any, value: Any, *, reader: Any, statics: dict[str, Any]) -> Any:
    options = reader.steps[0][1] if isinstance(reader, Path) else statics  # of the first view
    layout = options.get("source")  # in which as_strided reads
    if 0 in x.strides:
        new = copy_operation.forward(x, order="K")
    else:
        new = array_module(x).array(x)  # also of a NumPy scalar
    if layout is not None and layout_of(new) != layout:
        new = copy_by_layout(x, layout)
    write_region(new, value, reader, statics)
    return new


def write_region(array: Any, value: Any, reader: Any, statics: dict[str, Any]) -> None:
    """Writes `value` into the part of `array` that `reader` reads."""
    seen, last = array, reader
    if isinstance(reader, Path):
        for step, options in reader.steps:
            seen = step.forward(seen, **options)
        last = reader.last
    by_key = last.forward is read_at.forward
    region = seen if by_key else last.forward(seen, **statics)
    if region.size and owner_of(region) is not owner_of(array):
        _write_by_number(array, value, reader, statics)
    elif by_key:
        key = statics["key"]
        if 0 in region.strides:
            check_memory(region[key] if is_basic(key) else region, "backward of a write")
        region[key] = value
    else:
        check_memory(region, "backward of a write")
        region[...] = value


def _write_by_number(array: Any, value: Any, reader: Any, statics: dict[str, Any]) -> None:
    """`write_region` where `reader` makes a copy: a `view` of a gradient that arrives in another memory order."""
    xp = array_module(array)
    places = reader.forward(xp.arange(array.size).reshape(array.shape), **statics)
    array[xp.unravel_index(places, array.shape)] = value


def _read_last(g: Any, *, reader: Any, statics: dict[str, Any]) -> Any:
    """The part of `g` that `reader` reads; of elements that share memory, as in windows, only the last gets it."""
    part = reader(g, **statics)
    if not reader.overlaps:
        return part
    numbers = np.arange(prod(part.shape)).reshape(part.shape)
    whole = _overwrite_forward(np.zeros(g.shape, np.int64), numbers, reader=reader, statics=statics)
    kept = reader.forward(whole, **statics) == numbers
    if kept.all():
        return part
    return gate(part, constant_beside(getattr(part, "array", part), kept), is_open=lambda kept: kept)


overwrite: Any = operation(
    "copy_slices",
    _overwrite_forward,
    lambda g, reader, statics: overwrite(g, 0.0, reader=reader, statics=statics),
    lambda g, reader, statics: _read_last(g, reader=reader, statics=statics),
    shown="CopySlices",
)
overwrite.once = True  # as PyTorch's CopySlices
