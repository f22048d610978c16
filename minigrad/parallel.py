"""A second core for large passes over arrays: one small pool of threads, behind one word.

    spread(lambda part: np.exp(x[part], out=y[part]), len(x), x.nbytes)

NumPy's loops let other threads run meanwhile. The pool starts when it is first needed, with as many threads as matrix
products use: `set_num_threads` says how many, else the environment's OMP_NUM_THREADS, else the processors that this
process may run on.
No number that a part computes depends on where it was cut, so the bits are the same for any number of threads
(OpenBLAS, which has threads of its own, does not promise that of its products). A part that spreads again does so
in its own thread alone. A forked child starts a pool of its own.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from queue import SimpleQueue

import numpy as np

from minigrad.threads import get_count

CAN = sys.platform not in ("emscripten", "wasi")  # threads are not to be had there
WORTH = 2**20  # bytes of a pass: below, waking a thread takes longer than it saves
Part = tuple[Callable[[slice], object], slice, "_Call"]


class _Call:
    """One call of `spread`: how many parts are still at work, and the first error."""

    def __init__(self, parts: int) -> None:
        self.left, self.done, self.lock = parts, threading.Event(), threading.Lock()
        self.error: BaseException | None = None

    def run(self, work: Callable[[slice], object], part: slice) -> None:
        try:
            work(part)
        except BaseException as error:  # noqa: BLE001 (it is raised again by the caller's thread)
            self.error = self.error or error
        with self.lock:
            self.left -= 1
            if not self.left:
                self.done.set()


class _Pool:
    """The threads, and the queue they wait at."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Part] = SimpleQueue()
        self.threads = 0
        self.lock = threading.Lock()

    def grow(self, threads: int) -> None:
        """Start threads until there are so many."""
        with self.lock:
            while self.threads < threads:
                self.threads += 1
                threading.Thread(target=self.work, name=f"minigrad-{self.threads}", daemon=True).start()

    def work(self) -> None:
        """What a thread does all its life."""
        _within.parts = True
        np.seterr(all="ignore")  # as the engine has it
        while True:
            work, part, call = self.queue.get()
            call.run(work, part)


class _Within(threading.local):
    """Whether this thread is at work on a part already."""

    parts = False


_within, _pool = _Within(), _Pool()


def spread(work: Callable[[slice], object], length: int, size: int) -> None:
    """`work` on slices that make up ``range(length)``, side by side if the pass over `size` bytes is worth it.

    Raises what `work` raises, when all parts are done.
    """
    count = min(get_count(), length) if CAN and size >= WORTH and not _within.parts else 1
    if count < 2:
        work(slice(0, length))
        return
    bounds = [length * i // count for i in range(count + 1)]
    parts = [slice(a, b) for a, b in pairwise(bounds)]
    call, pool = _Call(count), _pool
    pool.grow(count - 1)
    for part in parts[1:]:
        pool.queue.put((work, part, call))
    _within.parts = True
    try:
        call.run(work, parts[0])
        call.done.wait()
    finally:
        _within.parts = False
    if call.error is not None:
        raise call.error


def _start_anew() -> None:
    """A forked child has none of its parent's threads."""
    global _pool
    _pool = _Pool()
    _within.parts = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
