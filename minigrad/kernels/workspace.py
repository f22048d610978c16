"""Scratch memory that is kept between calls.

Allocating is slow: mapping the pages of a new 20 MB array takes longer than filling it. Each thread
keeps one block per role ("columns", "padded", ...), grown to the largest size asked for, up to
`LIMIT` in all; a larger request gets new memory that is not kept. No result of a public function
lies in this memory.
"""

from __future__ import annotations

import threading
import weakref
from math import prod

import numpy as np

from minigrad.backend import Array
from minigrad.memory import release_freed_memory

LIMIT = 64 * 2**20  # bytes kept per thread, over all roles


class _Blocks:
    """The blocks of one thread, by role."""

    def __init__(self) -> None:
        self.by_role: dict[str, Array] = {}


class _Mine(threading.local):
    """The blocks of the current thread, listed in `_everyones` while the thread lives."""

    def __init__(self) -> None:
        self.blocks = _Blocks()
        with _lock:
            _everyones.add(self.blocks)


_lock = threading.Lock()
_everyones: weakref.WeakSet[_Blocks] = weakref.WeakSet()
_mine = _Mine()


def workspace(role: str, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """An uninitialised array for `role`, valid until this thread asks for the same role again."""
    size = prod(shape) * dtype.itemsize
    kept = _mine.blocks.by_role
    block = kept.get(role)
    if block is None or block.nbytes < size:
        others = sum(block.nbytes for name, block in kept.items() if name != role)
        block = np.empty(size, np.uint8)
        if others + size <= LIMIT:
            kept[role] = block
    return block[:size].view(dtype).reshape(shape)


def workspace_bytes() -> int:
    """Bytes kept for reuse at the moment, over all threads."""
    with _lock:
        return sum(block.nbytes for held in _everyones for block in [*held.by_role.values()])


def release_workspaces() -> None:
    """Frees all kept scratch memory; the next convolution allocates new memory.

    Safe while another thread computes: memory in use is freed when its call is done.

    >>> import minigrad as torch
    >>> torch.backends.conv.release_workspaces()
    >>> torch.backends.conv.workspace_bytes()
    0
    """
    with _lock:
        for held in _everyones:
            held.by_role.clear()
    release_freed_memory()
