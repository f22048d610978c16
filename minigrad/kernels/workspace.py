"""Scratch memory that is kept between calls.

Fresh memory is the enemy of a fast convolution: the pages of a new 20 MB array cost more to map than
the array costs to fill. Each thread keeps one block per role ("columns", "padded", ...), grown to the largest
size asked for, up to `LIMIT`; larger requests are served with fresh memory and not kept. Nothing that lives
here is ever returned to a caller as a result.
"""

from __future__ import annotations

import threading
import weakref
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from minigrad.backend import Array

LIMIT = 64 * 2**20  # bytes kept per thread, over all roles


class _Blocks(threading.local):
    """One thread's blocks by role."""

    def __init__(self) -> None:
        self.by_role: dict[str, Array] = {}
        with _lock:
            _threads.add(self.by_role_holder())

    def by_role_holder(self) -> _Holder:
        self.holder = _Holder(self.by_role)
        return self.holder


class _Holder:
    """A dict that a WeakSet can hold."""

    def __init__(self, blocks: dict[str, Array]) -> None:
        self.blocks = blocks


_lock = threading.Lock()
_threads: weakref.WeakSet[_Holder] = weakref.WeakSet()
_mine = _Blocks()


def workspace(role: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An uninitialised array for `role`, valid until this thread asks for the same role again."""
    dtype = np.dtype(dtype)
    size = prod(shape) * dtype.itemsize
    blocks = _mine.by_role
    block = blocks.get(role)
    if block is None or block.nbytes < size:
        kept = sum(other.nbytes for name, other in blocks.items() if name != role)
        block = np.empty(size, np.uint8)
        if kept + size <= LIMIT:
            blocks[role] = block
    return block[:size].view(dtype).reshape(shape)


def workspace_bytes() -> int:
    """Bytes kept for reuse at the moment, over all threads."""
    with _lock:
        return sum(block.nbytes for held in _threads for block in list(held.blocks.values()))


def release_workspaces() -> None:
    """Gives all kept scratch memory back; the next convolution allocates afresh.

    Safe while another thread computes: an array in use lives until that call is done with it.
    """
    with _lock:
        for held in _threads:
            held.blocks.clear()
