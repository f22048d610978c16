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
from math import inf
from multiprocessing import connection, resource_tracker
from time import monotonic
from typing import Any, NoReturn

from minigrad.utils.data.transport import discard, unpack
from minigrad.utils.data.worker import RESUME, Job, name_segment, work

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
        for end in (lambda p: None, lambda p: p.terminate(), lambda p: p.kill()):  # each for those that are left
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
