"""Capturing a CUDA graph: the stream that captures, and a memory pool that only the graph uses.

While a stream captures, launches are recorded and nothing runs. Memory allocated meanwhile comes from a pool of the
graph's own: its replays write there, so the memory must not be reused while the graph exists.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import Any
from weakref import WeakValueDictionary

from minigrad import backend
from minigrad.gpu import cublas


class Pool:
    """The memory pool of one graph, or of several that are replayed in sequence; kept while one of them exists."""

    def __init__(self, xp: Any) -> None:
        self.memory = xp.cuda.MemoryPool()


Handle = tuple[int, int]
_pools: WeakValueDictionary[Handle, Pool] = WeakValueDictionary()
_number = itertools.count(1)


def make_handle() -> Handle:
    """A handle for a pool, which is created when a graph first uses it."""
    return 0, next(_number)


class Capture:
    """A capture in progress, from its begin to the finished graph."""

    def __init__(self, xp: Any, handle: Handle) -> None:
        self.stream = xp.cuda.get_current_stream()
        cublas.handle(xp)  # makes the workspace: none can be allocated while the stream captures
        pool = _pools.get(handle)
        if pool is None:
            pool = _pools[handle] = Pool(xp)
        self.pool, self._open = pool, contextlib.ExitStack()
        self.needs: list[Any] = []  # arrays from before the capture, which must live as long as the graph
        self._open.enter_context(xp.cuda.using_allocator(pool.memory.malloc))
        try:
            # The only mode in which CUDA lets a pool grow during the capture.
            self.stream.begin_capture(xp.cuda.runtime.streamCaptureModeRelaxed)
        except BaseException:
            self._open.close()
            raise
        backend.RECORDING.append(self)

    def end(self) -> Any:
        """Ends the capture and returns the graph. Raises CUDA's error if an operation could not be captured."""
        backend.RECORDING.remove(self)
        try:
            return self.stream.end_capture()
        finally:
            self._open.close()
