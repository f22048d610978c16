"""`torch.profiler`: the profiler of `autograd.profiler` under its newer names, with steps.

Source: https://docs.pytorch.org/docs/stable/profiler.html
"""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Self

from minigrad.autograd import profiler
from minigrad.autograd.profiler import record_function
from minigrad.backend import is_available
from minigrad.missing import explain_missing

__all__ = [
    "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(Enum):
    """PyTorch's names of activities; here operations are always timed on the host."""

    CPU = 0
    CUDA = 2


class ProfilerAction(Enum):
    """What a profile does during a step: nothing, warm up, record, or record and hand over at the end of the step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


_RECORDS = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    """What can be profiled: CPU, and CUDA where there is a GPU.

    >>> from minigrad.profiler import ProfilerActivity, supported_activities
    >>> ProfilerActivity.CPU in supported_activities()
    True
    """
    return {ProfilerActivity.CPU, ProfilerActivity.CUDA} if is_available() else {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """A `schedule` for `profile`: which action a step gets.

    After `skip_first` steps come cycles: `wait` steps without a profile, `warmup` steps, and `active` steps that are
    recorded. The cycles end after `repeat` of them, never if it is 0; `skip_first_wait` leaves out the first wait.
    Raises AssertionError for negative numbers and for no active step.
    Source: https://docs.pytorch.org/docs/stable/profiler.html#torch.profiler.schedule

    >>> from minigrad.profiler import schedule
    >>> [schedule(wait=1, warmup=1, active=2)(step).name for step in range(4)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE']
    """
    if min(wait, warmup, active - 1, repeat, skip_first) < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if not warmup:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)
    cycle = wait + warmup + active

    def choose(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        done, place = divmod(step - skip_first + (wait if skip_first_wait else 0), cycle)
        if step < skip_first or 0 < repeat <= done or place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == cycle - 1 else ProfilerAction.RECORD

    return choose


def tensorboard_trace_handler(
    dir_name: str | os.PathLike[str], worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """An `on_trace_ready` that writes each trace to the folder, as a file that TensorBoard and Perfetto read.

    >>> import minigrad as torch
    >>> prof = torch.profiler.profile(on_trace_ready=torch.profiler.tensorboard_trace_handler("log"))
    """

    def write(prof: Any) -> None:
        Path(dir_name).mkdir(parents=True, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json{'.gz' if use_gzip else ''}"
        prof.export_chrome_trace(Path(dir_name) / name)

    return write


class _Step(record_function):
    """A step of the training loop, which is one line of the table with all others."""

    def __enter__(self) -> Self:
        super().__enter__()
        if self._open[-1] is not None:
            self._open[-1][0].key = "ProfilerStep*"
        return self


class profile(profiler.profile):
    """``with profile(activities=[ProfilerActivity.CPU]) as prof: ...``: notes each operation and gradient rule.

    ``prof.step()`` ends a step of a training loop. `schedule` says which steps are recorded, by default all;
    `on_trace_ready`, if given, is called with the profile after the last step of each cycle, and at the end.
    The other options are PyTorch's, and change nothing here.

    >>> import minigrad as torch
    >>> from minigrad.profiler import profile
    >>> with profile() as prof:
    ...     y = torch.ones(2).exp()
    >>> [event.key for event in prof.key_averages()]
    ['aten::exp']
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.schedule, self.on_trace_ready, self.step_num = schedule, on_trace_ready, 0
        self.current_action = ProfilerAction.RECORD if schedule is None else schedule(0)
        self._step: _Step | None = None

    def __enter__(self) -> Self:
        self._begin_step()
        return self

    def step(self) -> None:
        """Marks the end of a step of the training loop, and the beginning of the next."""
        before = self.current_action
        self._end_step()
        self.step_num += 1
        if self.schedule is not None:
            self.current_action = self.schedule(self.step_num)
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._hand_over()
        elif before in _RECORDS and self.current_action not in _RECORDS:
            warnings.warn(f"Incorrect schedule: RECORD followed by {self.current_action.name}", stacklevel=2)
            super().__exit__()
        self._begin_step()

    def __exit__(self, *failed: object) -> None:
        self._end_step()
        if self.current_action in _RECORDS:
            self._hand_over()

    def _begin_step(self) -> None:
        """Starts to record if the step is to be recorded; what was handed over is forgotten."""
        if self.current_action in _RECORDS and not self.is_watching():
            self._events.clear()
            super().__enter__()
        if self.schedule is not None:
            self._step = _Step(f"ProfilerStep#{self.step_num}").__enter__()

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.__exit__()
            self._step = None

    def _hand_over(self) -> None:
        super().__exit__()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    start, stop = __enter__, __exit__


explain_missing("torch.profiler", globals())
