"""The worker process of a `DataLoader`: it fetches batches and sends them to the main process."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.random import manual_seed
from minigrad.utils.data import worker_info
from minigrad.utils.data.fetch import END, Source
from minigrad.utils.data.transport import Parcel, pack
from minigrad.utils.data.worker_info import WorkerInfo

RESUME = -1  # as a task's number: start a new pass, and confirm it
WATCH = 1.0  # seconds between checks that the main process is alive


class Job(NamedTuple):
    """The settings that all workers of a loader share."""

    source: Source
    num_workers: int
    base_seed: int
    init: Callable[[int], Any] | None
    segments: str  # prefix of the names of shared memory


class Failure(NamedTuple):
    """An error that is sent to the main process."""

    kind: type[BaseException] | None  # None if the class cannot be pickled
    text: str

    def reraise(self, worker: int) -> None:
        """Raises an error of the same class, with the traceback of the worker in its message."""
        message = f"Caught {self.kind.__name__ if self.kind else 'an error'} in DataLoader worker process {worker}.\n"
        message += f"Original {self.text}"
        error: BaseException = RuntimeError(message)
        if self.kind is not None and not issubclass(self.kind, StopIteration):  # would end a loop silently
            with contextlib.suppress(Exception):  # the class needs other arguments
                error = self.kind(message)
        if isinstance(error, KeyError):  # shows the repr of its message, in one line
            error = KeyError(_Text(message))
        raise error from None


class _Text(str):
    """A str whose repr is the text itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def name_segment(job: Job, number: int) -> str:
    """The name of the shared memory of a batch."""
    return f"{job.segments}_{number}"


def work(job: Job, worker: int, tasks: Any, results: Any) -> None:
    """Runs tasks until a task is None; an error is sent as the result. The main process handles interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    seed = job.base_seed + worker
    random.seed(seed)
    manual_seed(seed)
    words = (worker, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0)
    np.random.seed(np.random.SeedSequence(words).generate_state(4))  # noqa: NPY002 - as PyTorch seeds it
    worker_info.current = WorkerInfo(worker, job.num_workers, seed, job.source.dataset)
    inbox, ended = _listen(tasks)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the main process has ended
        fetch = _begin(job, worker, first=True)
        while (task := inbox.get()) is not None and not ended.is_set():
            number, chosen = task
            if number == RESUME:
                fetch = _begin(job, worker, first=False)
                results.send((RESUME, None))
                continue
            results.send((number, _attempt(fetch, chosen, name_segment(job, number))))


def _begin(job: Job, worker: int, first: bool) -> Any:
    """The function that fetches the batches of one pass, or the error of its start."""
    try:
        if first and job.init is not None:
            job.init(worker)
        return job.source.open()
    except Exception as error:  # noqa: BLE001 - every error is reported to the main process
        return _describe_failure(error)


def _attempt(fetch: Any, chosen: Any, segment: str) -> Parcel | Failure | None:
    """The packed batch, or the error, or None at the end of an iterable dataset."""
    if isinstance(fetch, Failure):
        return fetch
    try:
        batch = fetch(chosen)
        return None if batch is END else pack(batch, segment)
    except Exception as error:  # noqa: BLE001 - every error is reported to the main process
        return _describe_failure(error)


def _describe_failure(error: Exception) -> Failure:
    """A `Failure` that can be pickled: the class, if the main process can import it, and the traceback."""
    kind = type(error)
    is_found = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind
    return Failure(kind if is_found else None, "".join(traceback.format_exception(error)))


def _listen(tasks: Any) -> tuple[queue.SimpleQueue[Any], threading.Event]:
    """A queue of tasks that a thread reads from the pipe, so that the main process never waits for a busy worker.

    The thread also ends this process when the main one is gone.
    """
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    ended = threading.Event()
    parent = os.getppid()

    def listen() -> None:
        try:
            while True:
                while not tasks.poll(WATCH):
                    if os.getppid() != parent:
                        os._exit(1)
                task = tasks.recv()
                if task is None:
                    ended.set()
                inbox.put(task)
                if task is None:
                    return
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    return inbox, ended
