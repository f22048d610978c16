"""`minigrad.multiprocessing`: Python's `multiprocessing`, and `spawn`, which runs a function in several processes.

All names of Python's `multiprocessing` are here too. A tensor sent through a `Queue` is copied: processes share no
memory. As `torch.multiprocessing`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import *  # noqa: F403 (its names are ours too)
from multiprocessing import connection
from typing import Any

from minigrad.advice import warn

PATIENCE = 30.0  # seconds that a process gets to end before it is killed
_STRATEGIES = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"

__all__ = [  # noqa: PLE0604 (the library's own list is of strings)
    *multiprocessing.__all__, "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException",
    "get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes",
]  # fmt: skip


class ProcessException(Exception):  # noqa: N818 (PyTorch's name)
    """One of the processes failed: number `error_index`, with the process id `pid`."""

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg, error_index, pid)
        self.msg, self.error_index, self.pid = msg, error_index, pid

    def __str__(self) -> str:
        return self.msg


class ProcessRaisedException(ProcessException):
    """A process raised an error; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """A process ended by a signal, or with an exit code other than 0."""

    def __init__(self, msg: str, error_index: int, pid: int, exit_code: int, signal_name: str | None = None) -> None:
        super().__init__(msg, error_index, pid)
        self.exit_code, self.signal_name = exit_code, signal_name


class ProcessContext:
    """Processes that were started together; `join` waits for them."""

    def __init__(self, processes: Sequence[Any], reports: Sequence[Any]) -> None:
        self.processes, self._reports = list(processes), list(reports)
        self._running = set(range(len(processes)))

    def pids(self) -> list[int]:
        """The process ids."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits for one to end, at most `timeout` seconds; True when all have ended well.

        When one fails the others are ended, after `grace_period` seconds, and its error is raised:
        ProcessRaisedException or ProcessExitedException.
        """
        if not self._running:
            return True
        ends = [end for i in self._running for end in (self.processes[i].sentinel, self._reports[i])]
        connection.wait(ends, timeout)
        for i in sorted(self._running):
            if self._reports[i].poll() and (report := _read(self._reports[i])):
                self._end_all(grace_period)
                message = f"\n\n-- Process {i} terminated with the following error:\n{report}"
                raise ProcessRaisedException(message, i, self.processes[i].pid)
        ended = [i for i in self._running if not self.processes[i].is_alive()]
        for i in sorted(ended, key=lambda i: self.processes[i].exitcode):  # signals first: they cause others
            self._running.remove(i)
            if self.processes[i].exitcode != 0:
                self._end_all(grace_period)
                raise _explain_exit(i, self.processes[i])
        return not self._running

    def _end_all(self, grace_period: float | None) -> None:
        """Waits for the processes, then terminates and finally kills those that are left."""
        self._wait_for_all(grace_period or 0)
        for process in self.processes:
            process.terminate()
        self._wait_for_all(PATIENCE if grace_period is None else grace_period)
        for process in self.processes:
            process.kill()
            process.join()
        self._running.clear()

    def _wait_for_all(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, until - time.monotonic()))


def _read(report: Any) -> str:
    """The traceback that a process sent; "" if it sent none."""
    try:
        return report.recv_bytes().decode()
    except EOFError:
        return ""


def _explain_exit(number: int, process: Any) -> ProcessExitedException:
    code = process.exitcode
    if code > 0:
        return ProcessExitedException(f"process {number} terminated with exit code {code}", number, process.pid, code)
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"<Unknown signal {-code}>"
    return ProcessExitedException(f"process {number} terminated with signal {name}", number, process.pid, code, name)


def start_processes(
    fn: Callable[..., Any], args: Sequence[Any] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:  # fmt: skip
    """Runs ``fn(i, *args)`` in `nprocs` processes, i from 0; waits for them, or returns the `ProcessContext`.

    Raises as `ProcessContext.join`. Where processes are not forked `fn` must stand at the top of a file, and what
    starts them under ``if __name__ == "__main__":``. As `torch.multiprocessing.start_processes`.
    """
    methods = multiprocessing.get_context(start_method)
    processes: list[Any] = []
    reports: list[Any] = []
    for i in range(nprocs):
        report, sender = methods.Pipe(duplex=False)
        process = methods.Process(target=_run, args=(fn, i, tuple(args), sender), daemon=daemon)  # type: ignore[attr-defined]
        process.start()
        sender.close()  # the child has its own copy
        processes.append(process)
        reports.append(report)
    context = ProcessContext(processes, reports)
    if not join:
        return context
    while not context.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any], args: Sequence[Any] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:  # fmt: skip
    """`start_processes`, in new interpreters: for ``init_process_group("gloo", rank=i, world_size=nprocs)``, say.

    As `torch.multiprocessing.spawn`.
    """
    if start_method != "spawn":
        warn(
            f"This method only supports start_method=spawn (got: {start_method}).\n"
            f"To use a different start_method use:\n\t\t minigrad.multiprocessing.start_processes(...)",
            FutureWarning,
        )
    return start_processes(fn, args, nprocs, join, daemon)


def _run(fn: Callable[..., Any], i: int, args: tuple[Any, ...], sender: Any) -> None:
    """Runs the function in a process: sends its error to the parent, and ends when the parent ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass  # the parent reports the interrupt
    except Exception:  # noqa: BLE001 (it is sent)
        sender.send_bytes(traceback.format_exc().encode())
        sys.exit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGINT)


def set_sharing_strategy(new_strategy: str) -> None:
    """Sets PyTorch's sharing strategy, which has no effect: tensors are copied. Raises ValueError for other names."""
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise ValueError(f"the sharing strategy must be one of {sorted(_STRATEGIES)}, got {new_strategy!r}")
    _strategy = new_strategy


def get_sharing_strategy() -> str:
    """The strategy set by `set_sharing_strategy`."""
    return _strategy


def get_all_sharing_strategies() -> set[str]:
    """The names of all sharing strategies."""
    return set(_STRATEGIES)
