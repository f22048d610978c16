"""One pass over a `DataLoader` with workers: which worker gets which task, and in which order the batches come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from weakref import finalize

from minigrad.utils.data.pool import Pool
from minigrad.utils.data.worker import RESUME, Failure, Job


class WorkerIterator(Iterator[Any]):
    """One pass over a loader with workers, which get tasks in turn; batches come in the sampler's order.

    Task k is the k-th item of the sampler. Up to `prefetch` tasks for each worker are in progress while a
    batch is used.
    """

    def __init__(self, job: Job, sampler: Iterable[Any], items: Iterator[Any], options: Any) -> None:
        self._sampler = sampler
        self._prefetch, self._persistent = options.prefetch_factor, options.persistent_workers
        self._timeout = options.timeout or None
        self._in_order = options.in_order
        self._pool = Pool(job, options.multiprocessing_context)
        self._close = finalize(self, self._pool.close)
        self._count = 0  # number of tasks so far; numbers are not reused
        self._begin(items)

    def _begin(self, items: Iterator[Any]) -> None:
        self._items = items
        self._assigned: dict[int, int] = {}  # task -> worker, in the order of the batches
        self._done: dict[int, Any] = {}  # results that arrived early
        self._active = [True] * self._pool.job.num_workers
        self._turn = 0
        for _ in range(self._prefetch * self._pool.job.num_workers):
            self._assign()

    @property
    def is_open(self) -> bool:
        """Whether the workers still run: they end with the last batch, unless persistent, and when one of them died."""
        return bool(self._pool.processes)

    def begin_anew(self) -> None:
        """Starts another pass with the same workers; results of the last pass are discarded."""
        for worker in range(self._pool.job.num_workers):
            self._pool.send(worker, RESUME, None)
        heard = 0
        while heard < self._pool.job.num_workers:
            _, number, _ = self._pool.receive(self._timeout)
            if number == RESUME:
                heard += 1
            else:
                self._pool.drop(number)
        for number in self._done:
            self._pool.drop(number)
        self._begin(iter(self._sampler))

    def _assign(self) -> None:
        """Gives the next item of the sampler to the next worker."""
        worker = self._choose_worker()
        if worker is None:
            return
        try:
            item = next(self._items)
        except StopIteration:
            return
        self._turn = (worker + 1) % len(self._active)
        number, self._count = self._count, self._count + 1
        self._assigned[number] = worker
        self._pool.send(worker, number, item)

    def _choose_worker(self) -> int | None:
        """The next worker in turn whose dataset has not ended; with `in_order=False` one with few tasks."""
        count = len(self._active)
        most = self._prefetch * count // max(1, sum(self._active))
        for worker in [(self._turn + i) % count for i in range(count)]:
            if self._active[worker] and (self._in_order or list(self._assigned.values()).count(worker) < most):
                return worker
        return None

    def __iter__(self) -> WorkerIterator:
        return self

    def __len__(self) -> int:
        return len(self._sampler)  # type: ignore[arg-type]

    def __next__(self) -> Any:
        if not self.is_open:
            raise StopIteration
        try:
            return self._next()
        except KeyboardInterrupt:
            self._close()
            raise

    def _next(self) -> Any:
        """The next batch: the first that is done, or in order the first that was requested."""
        while self._assigned:
            due = next(iter(self._assigned))
            if due not in self._done:
                due = self._receive()
            if due in self._done and (not self._in_order or due == next(iter(self._assigned))):
                worker, result = self._assigned.pop(due), self._done.pop(due)
                self._assign()
                if isinstance(result, Failure):
                    self._pool.drop(due)
                    result.reraise(worker)
                return self._pool.open(due, result)
        if not self._persistent:
            self._close()
        raise StopIteration

    def _receive(self) -> int:
        """Waits for the next result; a worker whose iterable dataset has ended gets no more tasks."""
        worker, number, result = self._pool.receive(self._timeout)
        if result is not None:
            self._done[number] = result
            return number
        self._pool.drop(number)
        del self._assigned[number]
        if self._active[worker]:
            self._active[worker] = False
            self._assign()
        return number
