"""A small pool of threads, which computes large passes over arrays on several cores.

    spread(lambda part: np.exp(x[part], out=y[part]), len(x), x.nbytes)

NumPy releases the interpreter lock in its loops. The pool starts when it is first needed, with as many threads as
matrix products use: the number of `set_num_threads`, else the environment's OMP_NUM_THREADS, else the number of
processors that this process may run on.
`spread` cuts a pass into slices whose results do not depend on the cuts; `share` runs given pieces, which are the same
for any number of threads; `share_product` cuts a large matrix product by its sizes. A matrix product in a piece is
computed by one thread, so the results have the same bits for any number of threads: OpenBLAS's own threads, which do
not promise that, compute nothing here.
A thread that finishes a piece takes the next one. Nested calls run in the thread of the piece. A forked child starts
its own pool.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import pairwise
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np

from minigrad.threads import get_count, products_alone, start_anew

HAS_THREADS = sys.platform not in ("emscripten", "wasi")
WORTH = 2**20  # least bytes of a pass: for less, waking a thread takes longer than it saves
STRANDS = 8  # most partial totals in `add_pieces`
ROOM = 24 * 2**20  # most bytes of all partial totals
A_BYTE = 8  # number of multiplications in a matrix product that take as long as a pass over a byte
LANES = 64  # rows or columns: parts are as long as a multiple, for which products are quick
LONG = 1024  # rows or columns that are worth a part of their own, if there are more than two
T = TypeVar("T")


class _Call:
    """One call: the pieces that are not started, the number of unfinished ones, and the first error."""

    def __init__(self, work: Callable[[Any], object], pieces: Sequence[Any]) -> None:
        self.work, self.waiting, self.left = work, deque(pieces), len(pieces)
        self.lock, self.at_work = threading.Lock(), threading.Lock()
        self.error: BaseException | None = None
        self.at_work.acquire()  # released when the last piece is done

    def run(self) -> None:
        """Computes pieces while there are any."""
        while True:
            try:
                piece = self.waiting.popleft()
            except IndexError:
                return
            try:
                self.work(piece)
            except BaseException as error:  # noqa: BLE001 (it is raised again by the caller's thread)
                self.error = self.error or error
            with self.lock:
                self.left -= 1
                if not self.left:
                    self.at_work.release()


class _Pool:
    """The threads, and the queue of their calls."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[_Call] = SimpleQueue()
        self.threads = 0
        self.lock = threading.Lock()

    def grow(self, threads: int) -> None:
        """Starts threads until there are so many."""
        with self.lock:
            while self.threads < threads:
                self.threads += 1
                threading.Thread(target=self.work, name=f"minigrad-{self.threads}", daemon=True).start()

    def work(self) -> None:
        """The loop of a thread."""
        _within.parts = True
        np.seterr(all="ignore")  # as in the engine
        while True:
            self.queue.get().run()


class _Within(threading.local):
    """Whether this thread is computing a part already."""

    parts = False


_within, _pool = _Within(), _Pool()


def may_spread() -> bool:
    """Whether this thread may use other threads."""
    return HAS_THREADS and not _within.parts and get_count() > 1


def is_sharing() -> bool:
    """Whether this thread is computing a part while other threads compute others."""
    return _within.parts


def _count_for(size: int) -> int:
    """The number of threads for a pass over `size` bytes: at least half of `WORTH` for each."""
    if size < WORTH or not may_spread():
        return 1
    return min(get_count(), 2 * size // max(1, WORTH))


def spread(work: Callable[[slice], object], length: int, size: int) -> None:
    """Calls `work` on slices of ``range(length)``, in several threads if the pass over `size` bytes is large enough.

    Raises what `work` raises, after all parts are done.
    """
    count = min(_count_for(size), length)
    if count < 2:
        work(slice(0, length))
        return
    bounds = [length * i // count for i in range(count + 1)]
    _run_side_by_side(work, [slice(a, b) for a, b in pairwise(bounds)], count)


def share(work: Callable[[T], object], pieces: Sequence[T], size: int) -> None:
    """Calls `work` on each of the pieces, in several threads if the pass over `size` bytes is large enough.

    Each matrix product is computed by one thread. Raises what `work` raises, after all are done.
    """
    count = min(_count_for(size), len(pieces))
    if count > 1:
        _run_side_by_side(work, pieces, count)
        return
    with products_alone() if may_spread() else nullcontext():
        for piece in pieces:
            work(piece)


def multiply_into(left: Any, right: Any, out: Any) -> None:
    """Computes ``left @ right`` into `out`.

    For an inner length of 1 `matmul` is slow; `multiply` takes a fifth of the time. Adding 0 turns -0.0 into 0.0, as
    the sum of `matmul`, which starts at 0, does.
    """
    if left.shape[-1] != 1:
        np.matmul(left, right, out=out)
    else:
        np.multiply(left, right, out=out)
        np.add(out, 0, out=out)


def share_product(left: Any, right: Any, out: Any, pieces: int = 1) -> None:
    """Computes ``left @ right``, (..., M, K) @ (..., K, N), into `out`: in parts, if it is the only one of its `pieces`
    and large. The parts depend on the sizes alone; each reads the shorter matrix, so the longer of M and N is cut.
    """
    size = out.size * left.shape[-1] // A_BYTE
    if pieces > 1 or size < WORTH or out.__class__ is not np.ndarray:
        multiply_into(left, right, out)
        return
    by_rows, longest = out.shape[-2] > out.shape[-1], max(out.shape[-2:])
    count = 2 * max(1, min(4, longest // (2 * LONG)))

    def compute(part: slice) -> None:
        if by_rows:
            multiply_into(left[..., part, :], right, out[..., part, :])
        else:
            multiply_into(left, right[..., part], out[..., part])

    bounds = [*range(0, longest, max(1, -(-longest // count // LANES)) * LANES), longest]
    share(compute, [slice(a, b) for a, b in pairwise(bounds)], size)


def count_totals(pieces: Sequence[T], total: Any, size: int) -> int:
    """The number of partial totals in `add_pieces`, by the sizes alone."""
    return max(1, min(len(pieces), STRANDS, ROOM // max(1, total.nbytes))) if size >= WORTH else 1


def add_pieces(add: Callable[[T, Any], object], pieces: Sequence[T], total: Any, size: int) -> None:
    """Calls ``add(piece, total)`` for each piece, with a few partial totals in turn, and adds these to `total`.

    Each partial total is computed by one thread; their number depends only on the sizes, not on the threads.
    """
    strands = count_totals(pieces, total, size)
    totals = [total, *[np.zeros_like(total) for _ in range(strands - 1)]]

    def follow(strand: int) -> None:
        for piece in pieces[strand::strands]:
            add(piece, totals[strand])

    share(follow, range(strands), size)
    for other in totals[1:]:
        total += other


def _run_side_by_side(work: Callable[[Any], object], pieces: Sequence[Any], count: int) -> None:
    """Calls `work` on the pieces in `count` threads, this one among them; raises their first error at the end."""
    call, pool = _Call(work, pieces), _pool
    pool.grow(count - 1)
    with products_alone():
        for _ in range(count - 1):
            pool.queue.put(call)
        _within.parts = True
        try:
            call.run()
            call.at_work.acquire()
            del call.work  # a thread that wakes too late still holds the call, and would hold the arrays
        finally:
            _within.parts = False
    error, call.error = call.error, None
    if error is not None:
        try:
            raise error
        finally:
            del error  # its traceback holds this frame, and so the pieces' arrays


def _start_anew() -> None:
    """Makes a new pool in a forked child, which has none of its parent's threads."""
    global _pool
    _pool = _Pool()
    _within.parts = False
    start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
