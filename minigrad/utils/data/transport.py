"""Sends a batch from a worker to the main process: large arrays through shared memory, the rest through the pipe.

A batch uses one segment of shared memory, named after the batch's number, so that the main process can remove it
even if the worker was killed before it sent the batch.
"""

from __future__ import annotations

import io
import os
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

SHARED_FROM = 1 << 16  # bytes: less goes through the pipe as quickly


class Parcel(NamedTuple):
    """A value on its way."""

    body: bytes  # everything but the arrays' memory
    sizes: list[int]  # of the arrays, in bytes
    memory: list[bytes] | None  # their bytes; None where they lie in a segment


def pack(value: Any, segment: str) -> Parcel:
    """`value`, with the memory of its arrays in the shared `segment` where there is much of it."""
    parts: list[Any] = []
    body = io.BytesIO()
    ForkingPickler(body, 5, True, parts.append).dump(value)  # 5: arrays hand out their memory
    arrays = [part.raw() for part in parts]
    sizes = [array.nbytes for array in arrays]
    if sum(sizes) >= SHARED_FROM and os.name == "posix" and _fill(segment, arrays, sum(sizes)):
        return Parcel(body.getvalue(), sizes, None)
    return Parcel(body.getvalue(), sizes, [bytes(array) for array in arrays])


def unpack(parcel: Parcel, segment: str) -> Any:
    """The value that was packed, in memory of this process; the segment is removed."""
    memory: list[bytearray] = []
    if parcel.memory is not None:
        memory = [bytearray(part) for part in parcel.memory]  # arrays can be written to
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
    """Remove a shared segment, if there is one of that name."""
    if os.name == "posix":
        try:
            shared = _open(segment)
        except (FileNotFoundError, ValueError):  # ValueError: it was just made, and has no size yet
            return
        shared.close()
        shared.unlink()


def _open(segment: str) -> Any:
    """The shared memory of that name. Raises FileNotFoundError where there is none."""
    from multiprocessing.shared_memory import SharedMemory

    return SharedMemory(segment)


def _fill(segment: str, arrays: list[Any], size: int) -> bool:
    """Copy `arrays` into a new segment; False where the system has no room for it."""
    from multiprocessing.shared_memory import SharedMemory

    try:
        shared = SharedMemory(segment, create=True, size=size)
    except OSError:
        return False
    memory: Any = shared.buf
    try:
        # To write to memory that the system does not have would kill this process.
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
