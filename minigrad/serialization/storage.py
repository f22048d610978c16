"""Storages: the flat stretches of memory behind tensors, which several of them may share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad import backend
from minigrad.autograd.core import wrap
from minigrad.backend import Array, array_module, on_its_gpu
from minigrad.tensor import Tensor

Location: TypeAlias = str | backend.device | dict[str, str] | Callable[[Tensor, str], Tensor | None] | None
Row: TypeAlias = list[Any]  # of a structure's table of objects


class Storage(NamedTuple):
    """A flat NumPy array, and the name of the device that it came from and goes to."""

    flat: Any
    place: str


class Span(NamedTuple):
    """An array that waits for a storage: the memory from its first to behind its last element."""

    start: int
    end: int
    array: Any
    row: Row
    place: str


def lay_out(waiting: list[tuple[Row, Array]]) -> list[Storage]:
    """The storages of all arrays. Appends to each row its storage's number, and the array's offset,
    shape and strides in it, counted in elements.

    Arrays whose memory overlaps share a storage, which holds that memory once.
    """
    hosts: dict[int, Array] = {}
    groups: dict[Any, list[Span]] = {}
    for row, held in waiting:
        array: Array = _on_host(held, hosts)
        if any(stride < 0 or stride % array.itemsize for stride in array.strides):
            array = np.asarray(array, order="C")
        start = array.__array_interface__["data"][0]
        last = sum((n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True))
        end = start + (last + array.itemsize if array.size else 0)
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        span = Span(start, end, array, row, str(backend.device_of(held)))
        alike = id(owner), array.dtype.str, start % array.itemsize
        groups.setdefault(alike, []).append(span)
    runs: list[list[Span]] = []
    for spans in groups.values():
        reached = -1
        for span in sorted(spans, key=lambda span: (span.start, span.end)):
            if span.start >= reached:
                runs.append([])
            runs[-1].append(span)
            reached = max(reached, span.end)
    return [_storage(run, number) for number, run in enumerate(runs)]


def _on_host(held: Array, hosts: dict[int, Array]) -> Array:
    """`held` in NumPy, laid out alike: views of one array of a GPU become views of one array."""
    if type(held) is np.ndarray or not held.size:
        return backend.to_device(held, backend.CPU)
    root = held if held.base is None else held.base
    if id(root) not in hosts:
        hosts[id(root)] = backend.to_device(root.ravel(order="K"), backend.CPU)
    offset = held.data.ptr - root.data.ptr
    return np.ndarray(held.shape, held.dtype, hosts[id(root)], offset, held.strides)


def _storage(run: list[Span], number: int) -> Storage:
    """The storage of spans that overlap, in the order of their starts."""
    start, _, first, _, place = run[0]
    size = first.itemsize
    length = (max(span.end for span in run) - start) // size
    one_view = len({(span.start, span.array.shape, span.array.strides) for span in run}) == 1
    if one_view and length > first.size:  # nobody else sees what lies between: leave it out
        first, length = np.asarray(first, order="C"), first.size
        run = [span._replace(array=first) for span in run]
    for span in run:
        strides = [stride // size for stride in span.array.strides]
        span.row.extend([number, (span.start - start) // size, list(span.array.shape), strides])
    return Storage(np.lib.stride_tricks.as_strided(first, (length,), (size,)), place)


@on_its_gpu
def view(flat: Array, offset: int, shape: list[int], strides: list[int]) -> Array:
    """The elements of a storage that a tensor uses. Raises `ValueError` where it has no such."""
    if not all(type(n) is int and 0 <= n < 2**62 for n in (offset, *shape, *strides)):
        raise ValueError("sizes must be whole numbers that are not negative")
    if len(shape) != len(strides):
        raise ValueError(f"{len(shape)} axes with {len(strides)} strides")
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if offset > flat.size or (0 not in shape and last >= flat.size):
        raise ValueError("a tensor reaches beyond its storage")
    in_bytes = tuple(stride * flat.itemsize for stride in strides)
    if type(flat) is np.ndarray:  # a view whose base is the storage: saved again, it still shares
        return np.ndarray(tuple(shape), flat.dtype, flat, offset * flat.itemsize, in_bytes)
    return array_module(flat).lib.stride_tricks.as_strided(flat[offset:], tuple(shape), in_bytes)


def relocated(storage: Storage, map_location: Location) -> Array:
    """A storage on the device where it is wanted; text and dates have no other than the CPU.

    Raises `RuntimeError` for a GPU that is not there.
    """
    flat, place = storage
    if flat.dtype.kind not in "biuf":
        return flat
    wanted: Any = place
    if isinstance(map_location, (str, backend.device)):
        wanted = map_location
    elif isinstance(map_location, dict):
        wanted = map_location.get(place, place)
    elif map_location is not None:
        moved = map_location(wrap(flat), place)
        if moved is not None:
            return moved.array
    device = backend.device(wanted)
    if device.type == "cuda" and not backend.is_available():
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but minigrad.cuda.is_available() is "
            f"False: {backend.why_not()} To load it on the CPU: "
            "minigrad.load(file, map_location='cpu')"
        )
    return backend.to_device(flat, device)
