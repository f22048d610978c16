"""Ends all processes when one of them fails, so that no rank waits for one that is gone.

When a rank is killed, mpiexec notices and ends the others. When a rank raises, its message is printed with the rank
in front, and all ranks are ended. A rank whose program ends early tells the others when it exits; a rank that waits
for it then gets an error (`Work.wait`). This holds from the import on: MPI starts only when all ranks have come, so a
rank that fails before that joins the others first.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from minigrad.distributed import launch, rendezvous, work
from minigrad.distributed.communicator import Communicator

LAST_WORDS = 0.3  # seconds for other ranks that fail at the same time to print their errors
INTERRUPTED = 130  # exit status after Ctrl-C

_PROCESS = "MINIGRAD_RANK_PROCESS"  # environment variable: the rank's pid, as its children are no ranks

_previous: Callable[..., Any] | None = None
_control: Communicator | None = None
_join: Callable[[], Communicator] | None = None  # joins the others if this rank fails before `init_process_group`


def watch_start(join: Callable[[], Communicator]) -> None:
    """Called at import: a rank that ends before joining the others does not leave them waiting."""
    global _join
    if os.environ.setdefault(_PROCESS, str(os.getpid())) == str(os.getpid()):
        _join = join
        _install()


def watch(control: Communicator) -> None:
    """From now on an uncaught error ends all processes, and an early exit is announced."""
    global _control, _join
    _control, _join = control, None
    _install()


def _install() -> None:
    global _previous
    if sys.excepthook is not _end_all:
        _previous, sys.excepthook = sys.excepthook, _end_all
        atexit.register(_announce)
        if (children := sys.modules.get("multiprocessing.util")) is not None:
            children.Finalize(None, _announce, exitpriority=0)  # runs in forked children, where atexit does not


def stop_watching() -> None:
    """Called after an orderly exit from the group: errors end no other process any more."""
    global _control, _join
    _control = _join = None
    atexit.unregister(_announce)
    if _previous is not None and sys.excepthook is _end_all:
        sys.excepthook = _previous


def _reach_others() -> Communicator | None:
    return _join() if _control is None and _join is not None else _control


def _name_rank() -> str:
    started = launch.place()
    rank, size = (started.rank, started.world_size) if _control is None else (_control.rank, _control.size)
    return launch.name_rank(rank, size)


def _announce() -> None:
    control = _reach_others()
    if control is not None:
        work.abandon()
        depart(control)
        stop_watching()


def depart(control: Communicator) -> None:
    """Tells the other ranks and the process manager that this process takes no further part."""
    control.announce_departure()
    rendezvous.leave()


def _end_all(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Prints the rank and the error, then ends all processes."""
    sys.stdout.flush()
    print(f"\n{_name_rank()} failed:", file=sys.stderr)  # noqa: T201
    (_previous or sys.__excepthook__)(kind, error, trace)
    sys.stderr.flush()
    control = _reach_others()
    if control is None:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ending must not be interrupted
    time.sleep(LAST_WORDS)
    control.abort(INTERRUPTED if issubclass(kind, KeyboardInterrupt) else 1)
    os._exit(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=stop_watching)  # the child of a rank is no rank
