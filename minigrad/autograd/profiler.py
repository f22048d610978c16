"""The profiler: time per operation and per gradient rule, in PyTorch's table.

    with torch.autograd.profiler.profile() as prof:
        train_one_step()
    print(prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=5))

While a profile runs, every operation and every gradient rule is timed; otherwise there is no cost. Times are the
host's: a GPU may still be computing when a call has returned.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from minigrad.autograd.function_node import FunctionNode
from minigrad.autograd.joint import JointNode
from minigrad.autograd.node import Node
from minigrad.autograd.recording import Operation

LONGEST_NAME, OTHERS = 55, (12,) * 6  # the widths of the table's columns
TITLES = ("Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls")
ORDERS = ("count", "cpu_time", "cpu_time_total", "self_cpu_time_total")  # what a table is sorted by
# Also among PyTorch's orders; here 0 for all events.
UNMEASURED = (
    "device_time", "device_time_total", "self_device_time_total",
    "cpu_memory_usage", "self_cpu_memory_usage", "device_memory_usage", "self_device_memory_usage",
)  # fmt: skip
_running: ContextVar[Event | None] = ContextVar("minigrad_profiler_event", default=None)
_watching: list[profile] = []  # the active profiles, the innermost last


class Event:
    """One call, or all calls of one name: `key`, `count`, and times in microseconds."""

    def __init__(self, key: str, count: int = 1, source: Any = None) -> None:
        self.key = self.name = key
        self.count, self.source, self.begin = count, source, perf_counter()
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    @property
    def cpu_time(self) -> float:
        """The mean time of its calls."""
        return self.cpu_time_total / self.count

    def __repr__(self) -> str:
        times = f"cpu_time={write_time(self.cpu_time)}, self_cpu_time={write_time(self.self_cpu_time_total)}"
        return f"<Event key={self.key} count={self.count} {times}>"


class EventList(list[Event]):
    """A list of events with `table`."""

    def table(self, sort_by: str | None = None, row_limit: int = 100, header: str | None = None) -> str:
        """One line for each event: at most `row_limit`, the largest `sort_by` first. No event, no line.

        The time of a device (`"cuda_time_total"`) and the use of memory are not measured: sorted by them, the events
        keep their order.

        >>> import minigrad as torch
        >>> with torch.autograd.profiler.profile() as prof:
        ...     y = torch.ones(2) * 2
        >>> "aten::mul" in prof.key_averages().table(sort_by="cpu_time_total")
        True
        """
        rows = [*self]
        if sort_by is not None:
            if sort_by in ORDERS:
                rows.sort(key=lambda event: getattr(event, sort_by), reverse=True)
            elif sort_by.replace("cuda", "device") not in UNMEASURED:
                known = "count, cpu_time, cpu_time_total or self_cpu_time_total"
                raise AttributeError(f"events are sorted by {known}, not by {sort_by!r}")
        whole = sum(event.self_cpu_time_total for event in self) or 1.0
        if not rows:
            return ""
        widths = min(max([len(event.key) for event in rows]) + 4, LONGEST_NAME), *OTHERS
        rule, titles = _row(["-" * width for width in widths], widths), _row(TITLES, widths)
        lines = [rule, titles, rule] if header is None else [header, rule, titles, rule]
        for event in rows if row_limit < 0 else rows[:row_limit]:
            room = LONGEST_NAME - 3
            name = event.key if len(event.key) < room else event.key[:room] + "..."
            own, total = event.self_cpu_time_total, event.cpu_time_total
            shares = f"{own / whole:.2%}", write_time(own), f"{total / whole:.2%}", write_time(total)
            lines.append(_row((name, *shares, write_time(event.cpu_time), str(event.count)), widths))
        return "\n".join([*lines, rule, f"Self CPU time total: {write_time(whole)}", ""])

    __str__ = table


def _row(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)) + "  "


def write_time(microseconds: float) -> str:
    """A time with a suitable unit.

    >>> from minigrad.autograd.profiler import write_time
    >>> write_time(12.5), write_time(2500.0), write_time(3.2e6)
    ('12.500us', '2.500ms', '3.200s')
    """
    for unit, length in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= length:
            return f"{microseconds / length:.3f}{unit}"
    return f"{microseconds:.3f}us"


class record_function:
    """Names a part of a program in the profile: ``with record_function("augment"): ...``; also a decorator.

    >>> import minigrad as torch
    >>> with torch.autograd.profiler.profile() as prof, torch.autograd.profiler.record_function("mine"):
    ...     y = torch.ones(2) + 1
    >>> [event.key for event in prof.events()]
    ['mine', 'aten::add']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._open: list[Any] = []

    def __enter__(self) -> Self:
        self._open.append(_begin(self.name, self) if _watching else None)
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._open.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return named


def _begin(name: str, source: Any) -> Any:
    event, outer = Event(name, 1, source), _running.get()
    for watching in _watching:
        watching._events.append(event)
    return event, outer, _running.set(event)


def _end(begun: Any) -> None:
    if begun is None:
        return
    event, outer, token = begun
    passed = 1e6 * (perf_counter() - event.begin)
    event.cpu_time_total = passed
    event.self_cpu_time_total += passed
    if outer is not None:
        outer.self_cpu_time_total -= passed
    _running.reset(token)


def _timed(method: Callable[..., Any], name_of: Callable[[Any], str]) -> Callable[..., Any]:
    """A method of operations or nodes that measures its time."""

    @functools.wraps(method)
    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        within = _running.get()
        if within is not None and within.source is self:  # a nested call of the same operation
            return method(self, *args, **kwargs)
        begun = _begin(name_of(self), self)
        try:
            return method(self, *args, **kwargs)
        finally:
            _end(begun)

    return timed


# The methods that a profile measures: calls of operations, and of gradient rules.
MEASURED: list[tuple[Any, str, Callable[[Any], str]]] = [
    *[(Operation, method, lambda operation: f"aten::{operation.name}") for method in ("__call__", "call")],
    *[(node, "vjp", lambda node: node.name()) for node in (Node, JointNode, FunctionNode)],
]


class profile:
    """Records each operation and each gradient rule that runs in the ``with`` block, with its time.

    `enabled=False` notes nothing; the other options are PyTorch's, and change nothing here.
    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.profiler.profile

    >>> import minigrad as torch
    >>> x = torch.ones(3, requires_grad=True)
    >>> with torch.autograd.profiler.profile() as prof:
    ...     (x * x).sum().backward()
    >>> [event.key for event in prof.events()]
    ['aten::mul', 'aten::sum', 'SumBackward0', 'MulBackward0']
    """

    def __init__(self, enabled: bool = True, **options: Any) -> None:
        self.enabled = enabled
        self._events: list[Event] = []

    def __enter__(self) -> Self:
        if self.enabled:
            if not _watching:
                _kept.extend((cls, name, cls.__dict__[name]) for cls, name, _ in MEASURED)
                for cls, name, name_of in MEASURED:
                    setattr(cls, name, _timed(cls.__dict__[name], name_of))
            _watching.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self in _watching:
            _watching.remove(self)
            while not _watching and _kept:
                setattr(*_kept.pop())

    start, stop = __enter__, __exit__

    def is_watching(self) -> bool:
        """Whether operations are recorded now."""
        return self in _watching

    def events(self) -> EventList:
        """All calls, ordered by start."""
        return EventList(self._events)

    def key_averages(self, group_by_input_shape: bool = False) -> EventList:
        """The calls of each name as one event."""
        found: dict[str, Event] = {}
        for event in self._events:
            total = found.setdefault(event.key, Event(event.key, 0))
            total.count += 1
            total.cpu_time_total += event.cpu_time_total
            total.self_cpu_time_total += event.self_cpu_time_total
        return EventList(found.values())

    def table(self, **options: Any) -> str:
        """All calls as a table."""
        return self.events().table(**options)

    @property
    def self_cpu_time_total(self) -> float:
        """Total microseconds in operations."""
        return sum(event.self_cpu_time_total for event in self._events)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes a trace file for chrome://tracing and Perfetto, compressed if its name ends with ``.gz``."""
        shown = [
            {"name": e.name, "ph": "X", "ts": 1e6 * e.begin, "dur": e.cpu_time_total, "pid": 0, "tid": 0}
            for e in self._events
        ]
        data = json.dumps({"traceEvents": shown}).encode()
        Path(path).write_bytes(gzip.compress(data) if Path(path).suffix == ".gz" else data)

    def __str__(self) -> str:
        return self.table()


_kept: list[tuple[type, str, Any]] = []  # the original methods while a profile is active
