"""The worker processes of a `DataLoader`, seen from the main process.

Each worker has two pipes of its own, one for tasks and one for results, and nothing is shared between workers, so
a worker that dies cannot hold a lock that another needs. Its death closes its pipe, which the main process sees.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import warnings
from collections.abc import Iterable, Iterator
from math import inf
from multiprocessing import connection, resource_tracker
from time import monotonic
from typing import Any, NoReturn
from weakref import finalize

from minigrad.utils.data.transport import discard, unpack
from minigrad.utils.data.worker import RESUME, Failure, Job, name_segment, work

PATIENCE = 5.0  # seconds that a worker gets to end by itself
_NOT_FORKED = (
    "DataLoader worker {worker} is started by {method!r}, the default from Python 3.14 on, on Windows and on macOS: it "
    "imports your program anew. So the dataset, collate_fn and worker_init_fn must stand at the top of a file, not in "
    "a function or a notebook, and the loop under `if __name__ == '__main__':`. On Linux "
    "DataLoader(..., multiprocessing_context='fork') copies the program instead"
)


class Pool:
    """The worker processes; `close` ends them all and removes their shared memory."""

    def __init__(self, job: Job, context: Any) -> None:
        context = context or multiprocessing.get_context()
        if os.name == "posix":
            resource_tracker.ensure_running()  # before the first fork, so that all have the same one
        self.job, self.owner, self.under_way = job, os.getpid(), set[int]()
        self.method: str = context.get_start_method()
        self.processes: list[Any] = []
        self.tasks: list[Any] = []
        self.results: list[Any] = []
        try:
            for worker in range(job.num_workers):
                self._start(worker, context)
        except BaseException:
            self.close()
            raise

    def _start(self, worker: int, context: Any) -> None:
        task_reader, task_writer = context.Pipe(duplex=False)
        result_reader, result_writer = context.Pipe(duplex=False)
        process = context.Process(
            target=work, args=(self.job, worker, task_reader, result_writer), daemon=True,
            name=f"DataLoader worker {worker}",
        )  # fmt: skip
        with warnings.catch_warnings():
            # Since Python 3.12: NumPy's own threads count, which are idle and know how to be forked.
            warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
            try:
                process.start()
            except Exception as error:  # what is not forked is packed
                error.add_note(_NOT_FORKED.format(worker=worker, method=self.method))
                raise
        task_reader.close()
        result_writer.close()
        self.processes.append(process)
        self.tasks.append(task_writer)
        self.results.append(result_reader)

    def send(self, worker: int, number: int, chosen: Any) -> None:
        """Gives a worker a task. Raises `RuntimeError` if it is dead."""
        if number != RESUME:
            self.under_way.add(number)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.tasks[worker].send((number, chosen))
            return
        self._refuse_dead(worker)  # not within `except`: the error would keep what could not be sent

    def receive(self, timeout: float | None) -> tuple[int, int, Any]:
        """The next task that is done: worker, number and result.

        Raises `RuntimeError` if a worker is dead, or after `timeout` seconds.
        """
        deadline = inf if timeout is None else monotonic() + timeout
        while not (ready := connection.wait(self.results, max(0.0, min(PATIENCE, deadline - monotonic())))):
            for worker, process in enumerate(self.processes):
                if not process.is_alive() and not self.results[worker].poll():
                    self._refuse_dead(worker)  # another process holds the other end of its pipe
            if monotonic() >= deadline:
                raise RuntimeError(f"DataLoader timed out after {timeout:g} seconds: no batch came; timeout=0 waits on")
        worker = self.results.index(ready[0])
        try:
            number, result = self.results[worker].recv()
        except (EOFError, ConnectionResetError):
            self._refuse_dead(worker)
        return worker, number, result

    def open(self, number: int, result: Any) -> Any:
        """Unpacks a result of a worker."""
        self.under_way.discard(number)
        return unpack(result, name_segment(self.job, number))

    def drop(self, number: int) -> None:
        """Discards a result."""
        self.under_way.discard(number)
        discard(name_segment(self.job, number))

    def _refuse_dead(self, worker: int) -> NoReturn:
        """Ends all workers, and raises a `RuntimeError` that says how this one ended."""
        process = self.processes[worker]
        process.join(PATIENCE)
        code = process.exitcode
        if code is not None and code < 0:
            how = f"was killed by signal {signal.Signals(-code).name}"
            how += " (out of memory?)" if -code == getattr(signal, "SIGKILL", 9) else ""
        else:
            how = f"ended with exit code {code}"
        self.close()
        refusal = RuntimeError(
            f"DataLoader worker {worker} (pid {process.pid}) {how} before its batch was done; with num_workers=0 the "
            "cause shows in this process"
        )
        if code == 1 and self.method != "fork":
            refusal.add_note(_NOT_FORKED.format(worker=worker, method=self.method))
        raise refusal from None

    def close(self) -> None:
        """Ends all workers: asks them to end, and terminates those that do not."""
        if os.getpid() != self.owner:  # a copy in a forked process
            return
        processes, self.processes = self.processes, []
        for tasks in self.tasks:
            with contextlib.suppress(OSError):
                tasks.send(None)
        deadline = monotonic() + PATIENCE
        self._empty_pipes(deadline)
        for end in (lambda p: None, lambda p: p.terminate(), lambda p: p.kill()):
            for process in processes:
                end(process)
                process.join(max(0.0, deadline - monotonic()) + 1.0)
            processes = [process for process in processes if process.is_alive()]
        for pipe in [*self.tasks, *self.results]:
            pipe.close()
        for number in list(self.under_way):
            self.drop(number)
        self.tasks, self.results = [], []

    def _empty_pipes(self, deadline: float) -> None:
        """Reads results until all workers have closed their pipes, because a worker may be blocked by a full pipe."""
        open_pipes = list(self.results)
        while open_pipes and (left := deadline - monotonic()) > 0:
            for pipe in connection.wait(open_pipes, left):
                try:
                    pipe.recv_bytes()  # type: ignore[union-attr]
                except (EOFError, OSError):
                    open_pipes.remove(pipe)


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
        if not self._pool.processes:  # closed already, at the end or after an error
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
