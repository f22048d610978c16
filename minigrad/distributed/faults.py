"""When one process fails all must end: nobody may wait for a rank that is gone.

A rank that is killed is noticed by mpiexec, which ends the others. A rank that raises is Python's to notice: its
message is printed with the rank before it, and all processes are ended. A rank whose program ends early, while
others go on, says so to them on the way out; who waits for it then gets an error in words (`Work.wait`).
"""

from __future__ import annotations

import atexit
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from minigrad.distributed import work
from minigrad.distributed.communicator import Communicator

LAST_WORDS = 0.3  # seconds for other ranks that fail at the same moment to print what they have to say
INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended

_previous: Callable[..., Any] | None = None
_control: Communicator | None = None


def watch(control: Communicator) -> None:
    """From now on an error that nobody catches ends all processes, and an early end is announced."""
    global _control, _previous
    if _control is None:
        _previous, sys.excepthook = sys.excepthook, _end_all
        atexit.register(_announce)
    _control = control


def stop_watching() -> None:
    """This process has left in order: what happens to it is its own affair again."""
    global _control
    if _control is not None:
        _control = None
        atexit.unregister(_announce)
        if _previous is not None and sys.excepthook is _end_all:
            sys.excepthook = _previous


def _announce() -> None:
    if _control is not None:
        work.abandon()
        _control.announce_departure()


def _end_all(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print who failed and why, then end all processes."""
    control = _control
    if control is None:
        return
    sys.stdout.flush()
    print(f"\n[rank {control.rank} of {control.size}, on {platform.node()}] failed:", file=sys.stderr)  # noqa: T201
    (_previous or sys.__excepthook__)(kind, error, trace)
    sys.stderr.flush()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end must not be interrupted
    time.sleep(LAST_WORDS)
    control.abort(INTERRUPTED if issubclass(kind, KeyboardInterrupt) else 1)
    os._exit(1)
