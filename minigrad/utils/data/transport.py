"""Sends a batch from a worker to the main process: large arrays through shared memory, the rest through the pipe.

A batch uses one segment of shared memory, named after the batch's number, so that the main process can remove it
even if the worker was killed before it sent the batch.
"""

from __future__ import annotations

import io
import os
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

SHARED_FROM = 1 << 16  # bytes; smaller batches are as quick through the pipe


class Parcel(NamedTuple):
    """A packed value."""

    body: bytes  # everything but the arrays' memory
    sizes: list[int]  # of the arrays, in bytes
    memory: list[bytes] | None  # their bytes; None if they are in a segment


def pack(value: Any, segment: str) -> Parcel:
    """Packs `value`; large arrays go into the shared memory `segment`."""
    parts: list[Any] = []
    body = io.BytesIO()
    try:
        ForkingPickler(body, 5, True, parts.append).dump(value)  # protocol 5: arrays give their memory separately
    except Exception as error:
        error.add_note(
            "A worker sends each batch to the main process with pickle, which cannot pack this one. "
            "Return tensors, arrays, numbers, strings, and lists, tuples and dicts of them, or use num_workers=0."
        )
        raise
    arrays = [part.raw() for part in parts]
    sizes = [array.nbytes for array in arrays]
    if sum(sizes) >= SHARED_FROM and os.name == "posix" and _fill(segment, arrays, sum(sizes)):
        return Parcel(body.getvalue(), sizes, None)
    return Parcel(body.getvalue(), sizes, [bytes(array) for array in arrays])


def unpack(parcel: Parcel, segment: str) -> Any:
    """Unpacks a value into memory of this process, and removes the segment."""
    memory: list[bytearray] = []
    if parcel.memory is not None:
        memory = [bytearray(part) for part in parcel.memory]  # writable memory
    else:
        shared, start = _open(segment), 0
        try:
            for size in parcel.sizes:
                memory.append(bytearray(shared.buf[start : start + size]))
                start += size
        finally:
            shared.close()
            shared.unlink()
    return ForkingPickler.loads(parcel.body, buffers=memory)


def discard(segment: str) -> None:
    """Removes the shared segment of that name, if it exists."""
    if os.name == "posix":
        try:
            shared = _open(segment)
        except (FileNotFoundError, ValueError):  # ValueError: it was just created and has no size yet
            return
        shared.close()
        shared.unlink()


def _open(segment: str) -> Any:
    """The shared memory of that name. Raises FileNotFoundError if there is none."""
    from multiprocessing.shared_memory import SharedMemory

    return SharedMemory(segment)


def _fill(segment: str, arrays: list[Any], size: int) -> bool:
    """Copies `arrays` into a new segment; False if the system has not enough memory."""
    from multiprocessing.shared_memory import SharedMemory

    try:
        shared = SharedMemory(segment, create=True, size=size)
    except OSError:
        return False
    memory: Any = shared.buf
    try:
        # Writing to memory that the system does not have would kill this process.
        os.posix_fallocate(shared._fd, 0, size)  # type: ignore[attr-defined]
        start = 0
        for array in arrays:
            memory[start : start + array.nbytes] = array
            start += array.nbytes
    except OSError:
        shared.unlink()
        return False
    finally:
        shared.close()
    return True
