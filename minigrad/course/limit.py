"""Limits on the time and the memory of students' code, without threads or signals, so they work in a browser too."""

from __future__ import annotations

import dis
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

HOUSE = str(Path(__file__).resolve().parents[1])
LIBRARIES = (HOUSE, str(Path(np.__file__).parent))
PATIENCE = 10


class TooLong(BaseException):
    """The time limit has passed. No Exception, so that `except Exception` in an endless loop does not catch it."""


@contextmanager
def memory_limit(gibibytes: float) -> Iterator[None]:
    """A context in which allocating more than this raises MemoryError, if the system supports such limits.

    GPU drivers reserve more addresses than there is memory, so there is no limit when CuPy is loaded.

    >>> with memory_limit(1):
    ...     grown = [bytearray(2**28) for _ in range(100)]
    Traceback (most recent call last):
        ...
    MemoryError
    """
    try:
        if find_spec("cupy") is not None:
            raise ImportError
        import resource

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    except (ImportError, OSError):  # or not Linux
        yield
        return
    allowed = pages * resource.getpagesize() + int(gibibytes * 2**30)
    if soft == resource.RLIM_INFINITY or allowed < soft:
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@lru_cache(maxsize=256)
def loops_in_one_line(code: CodeType) -> bool:
    """Whether code loops within one line, as ``while True: pass``, where no new line event occurs."""
    steps = list(dis.get_instructions(code))
    lines = {step.offset: step.positions.lineno if step.positions else None for step in steps}
    return any("JUMP_BACKWARD" in step.opname and lines.get(step.argval) == lines[step.offset] for step in steps)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """A context that raises TooLong at the next line of Python outside this library after `seconds` of computing.

    Where other programs keep the processor busy, or the code waits, it may take up to `PATIENCE` times as long.

    >>> with time_limit(0.05):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
        ...
    minigrad.course.limit.TooLong
    """
    began, computed = time.monotonic(), time.process_time()

    def at_each_line(frame: Any, event: str, argument: Any) -> Any:
        passed = time.monotonic() - began
        if passed > seconds and (passed > PATIENCE * seconds or time.process_time() - computed > seconds):
            raise TooLong
        return at_each_line

    def at_each_call(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename.startswith(LIBRARIES):
            return None
        frame.f_trace_opcodes = loops_in_one_line(frame.f_code)
        return at_each_line

    before, frame = sys.gettrace(), sys._getframe(2)
    local = frame.f_trace
    frame.f_trace = at_each_line  # a loop directly in the block
    sys.settrace(at_each_call)
    try:
        yield
    finally:
        sys.settrace(before)
        frame.f_trace = local
