"""`torch.cuda.profiler`: which part of a program NVIDIA's profilers record.

    with torch.cuda.profiler.profile():
        step()

`nsys profile --capture-range=cudaProfilerApi python train.py` then records the step alone. `torch.profiler` is
another: it times operations, and needs no tool. Without a GPU every function raises RuntimeError with the reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from minigrad.cuda.devices import cupy
from minigrad.missing import explain_missing

__all__ = ["profile", "start", "stop"]


def start() -> None:
    """The profiler records from here on.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     torch.cuda.profiler.start()
    ...     torch.cuda.profiler.stop()
    """
    cupy().cuda.runtime.profilerStart()


def stop() -> None:
    """The profiler records no more.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     torch.cuda.profiler.stop()
    """
    cupy().cuda.runtime.profilerStop()


@contextlib.contextmanager
def profile() -> Iterator[None]:
    """A context that the profiler records.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     with torch.cuda.profiler.profile():
    ...         y = torch.ones(1, device="cuda") * 2
    """
    start()
    try:
        yield
    finally:
        stop()


explain_missing("torch.cuda.profiler", globals())
