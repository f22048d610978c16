"""Saves tensors that share memory as views of one storage, so that they share memory again when loaded.

A view that is saved without its base does not save the base's memory: only tensors that overlap share a storage. A
tensor without gaps in memory keeps the order of its axes there, as channels_last weights do.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from minigrad.backend import Array, address_of
from minigrad.ops.memory_layout import view_memory

# Number of a storage, NumPy dtype, offset in bytes, shape, strides in bytes.
View: TypeAlias = tuple[int, str, int, tuple[int, ...], tuple[int, ...]]
MOST_DIMS = 64  # NumPy's own limit


def bring_together(arrays: list[Array]) -> tuple[list[Array | None], dict[int, View]]:
    """The storages of `arrays` by number, and the views among them.

    The first of several overlapping arrays gets a storage of all their bytes, the others get None. Arrays
    with repeated elements are stored separately.
    """
    storages: list[Array | None] = list(arrays)
    views: dict[int, View] = {}
    for numbers, start, end in _find_overlaps(arrays):
        home = min(numbers)
        storages[home] = _read_bytes(arrays[home], start, end)
        for i in numbers:
            array = arrays[i]
            views[i] = (home, array.dtype.str, address_of(array) - start, array.shape, array.strides)
            if i != home:
                storages[i] = None
    return storages, dict(sorted(views.items()))


def _find_overlaps(arrays: list[Array]) -> list[tuple[list[int], int, int]]:
    """Groups of overlapping arrays, by number, with their address ranges, found by sorting."""
    spans = []
    for i, array in enumerate(arrays):
        if array is not None and array.size:
            start, end = _find_bounds(address_of(array), array.itemsize, array.shape, array.strides)
            if array.nbytes <= end - start:  # else it repeats elements
                spans.append((start, end, i))
    groups: list[list[tuple[int, int, int]]] = []
    reach = -1
    for span in sorted(spans):
        if span[0] < reach:
            groups[-1].append(span)
        else:
            groups.append([span])
        reach = max(reach, span[1])
    reached = [([i for _, _, i in g], g[0][0], max(end for _, end, _ in g)) for g in groups]
    return [found for found in reached if len(found[0]) > 1 or _is_turned(arrays[found[0][0]], *found[1:])]


def _is_turned(array: Array, start: int, end: int) -> bool:
    """Whether `array` is dense in memory, but not row-major."""
    return array.nbytes == end - start and not array.flags.c_contiguous


def make_view(storage: Array, view: View) -> Array:
    """The array that `view` describes. Raises `ValueError` if it exceeds the storage."""
    _, dtype_name, offset, shape, strides = view
    dtype, limit = np.dtype(dtype_name), storage.nbytes
    numbers = [offset, *shape, *strides]
    if (
        len(shape) > MOST_DIMS
        or any(type(n) is not int or abs(n) > limit for n in numbers)
        or min(shape, default=1) < 1
    ):
        raise ValueError("a view has numbers that no view of its storage has")
    if dtype.str != dtype_name or dtype.kind not in "biuf":
        raise ValueError(f"a view has the dtype {dtype_name!r}")
    start, end = _find_bounds(offset, dtype.itemsize, shape, strides)
    if start < 0 or end > limit or math.prod(shape) * dtype.itemsize > limit:
        raise ValueError("a view reaches beyond its storage")
    return view_memory(storage, dtype, offset, shape, strides)


def _find_bounds(start: int, itemsize: int, shape: Any, strides: Any) -> tuple[int, int]:
    """The offsets of the first byte of a view, and of the one after its last."""
    steps = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
    return start + sum(s for s in steps if s < 0), start + sum(s for s in steps if s > 0) + itemsize


def _read_bytes(array: Array, start: int, end: int) -> Array:
    """The bytes between two addresses in the memory of `array`."""
    if type(array) is np.ndarray:
        return np.asarray(_Bytes(start, end))
    return type(array)((end - start,), np.uint8, array.data + (start - address_of(array)))


class _Bytes:
    """The bytes between two addresses, for `np.asarray`; their owner must live as long as that array."""

    def __init__(self, start: int, end: int) -> None:
        self.__array_interface__ = {"data": (start, True), "shape": (end - start,), "typestr": "|u1", "version": 3}
