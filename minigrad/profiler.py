"""`torch.profiler`: the profiler of `autograd.profiler` under its newer names, with steps.

Source: https://docs.pytorch.org/docs/stable/profiler.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from minigrad.autograd import profiler
from minigrad.autograd.profiler import record_function
from minigrad.missing import explain_missing

__all__ = ["ProfilerActivity", "profile", "record_function"]


class ProfilerActivity(Enum):
    """PyTorch's names of activities; here operations are always timed on the host."""

    CPU = 0
    CUDA = 2


class profile(profiler.profile):
    """``with profile(activities=[ProfilerActivity.CPU]) as prof: ...``: notes each operation and gradient rule.

    ``prof.step()`` ends a step of a training loop; `on_trace_ready`, if given, is called with the profile at the end.
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
        on_trace_ready: Callable[[Any], Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.on_trace_ready, self.step_num = on_trace_ready, 0

    def step(self) -> None:
        """Marks the end of a step of the training loop."""
        self.step_num += 1

    def __exit__(self, *failed: object) -> None:
        super().__exit__(*failed)
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    stop = __exit__


explain_missing("torch.profiler", globals())
