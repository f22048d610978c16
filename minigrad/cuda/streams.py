"""Streams (queues of work on a GPU) and events (marks in a stream)."""

from __future__ import annotations

import contextlib
from sys import getrefcount
from typing import Any

from minigrad import backend, devices
from minigrad.cuda.devices import cupy, device, index_of, set_device


class Event:
    """A mark in a stream: `record()` sets it, `elapsed_time` measures the time between two.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     mark = torch.cuda.Event(enable_timing=True)
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        cupy()  # raises if there is no GPU
        self._options = {"block": blocking, "disable_timing": not enable_timing, "interprocess": interprocess}
        self.event: Any = None  # made when it is first recorded, because it belongs to the GPU of that stream

    def record(self, stream: Stream | None = None) -> None:
        """Sets the mark after the work that `stream`, by default the current one, has so far."""
        stream = stream or current_stream()
        with backend.on(stream.device):
            if self.event is None:
                self.event = cupy().cuda.Event(**self._options)
            self.event.record(stream.stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Makes later work of `stream`, by default the current one, wait for the mark; returns at once."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether the GPU has passed the mark, or none was set."""
        return self.event is None or bool(self.event.done)

    def synchronize(self) -> None:
        """Waits until the GPU has passed the mark."""
        if self.event is not None:
            self.event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between this mark and `end_event`, both made with `enable_timing=True`.

        Raises ValueError if one was made without it, or was not recorded yet.
        """
        for event in (self, end_event):
            if event._options["disable_timing"]:
                raise ValueError("Both events must be created with argument 'enable_timing=True'.")
            if event.event is None:
                raise ValueError("Both events must be recorded before calculating elapsed time.")
        return float(cupy().cuda.get_elapsed_time(self.event, end_event.event))


class Stream:
    """A queue of work on a GPU, independent of other streams. `with cuda.stream(s):` sends work to it.

    `priority` is accepted and has no effect.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     stream = torch.cuda.Stream()
    """

    def __init__(self, device: Any = None, priority: int = 0, *, existing: Any = None) -> None:
        self.device, self.priority = devices.device("cuda", index_of(device)), priority
        with backend.on(self.device):
            self.stream = existing or cupy().cuda.Stream(non_blocking=True)
        self._entered: list[Any] = []

    def __enter__(self) -> Stream:
        self._entered.append(stream(self))
        self._entered[-1].__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._entered.pop().__exit__(*exception)

    @property
    def cuda_stream(self) -> int:
        """CUDA's handle of the stream, an address."""
        return int(self.stream.ptr)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self.device, self.cuda_stream) == (other.device, other.cuda_stream)

    def __hash__(self) -> int:
        return hash((self.device, self.cuda_stream))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"

    def query(self) -> bool:
        """Whether all its work is done."""
        with backend.on(self.device):  # each GPU has a default stream, and CUDA means that of the current GPU
            return bool(self.stream.done)

    def synchronize(self) -> None:
        """Waits until all its work is done."""
        with backend.on(self.device):
            self.stream.synchronize()

    def record_event(self, event: Event | None = None) -> Event:
        """An event after the work it has so far."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Makes its later work wait for `event`, if that was recorded; returns at once."""
        if event.event is not None:
            with backend.on(self.device):
                self.stream.wait_event(event.event)

    def wait_stream(self, stream: Stream) -> None:
        """Makes its later work wait for the present work of `stream`."""
        self.wait_event(stream.record_event())

    def hold_memory(self, array: Any) -> None:
        """Keeps the memory of `array` from being used again until this stream, too, is done with it."""
        release_memory()
        if not backend.RECORDING:  # the memory of a graph is the graph's as long as it lives
            memory = array.data.mem
            _uses.setdefault(id(memory), _Use(memory)).streams.add(self)


def current_stream(device: Any = None) -> Stream:
    """The stream to which work of `device`, by default the current GPU, is sent.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.current_stream().query()
    """
    index = index_of(device)
    return Stream(index, existing=cupy().cuda.get_current_stream(index))


def default_stream(device: Any = None) -> Stream:
    """The default stream of `device`, by default the current GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.default_stream().query()
    """
    return Stream(device, existing=cupy().cuda.Stream.null)


def set_stream(stream: Stream) -> None:
    """Makes `stream` the current one on its GPU, in this thread.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.set_stream(torch.cuda.current_stream())
    """
    set_device(stream.device)
    stream.stream.use()


class StreamContext:
    """What `stream` returns: a context in which a stream is the current one on its GPU; None changes nothing.

    >>> import minigrad as torch
    >>> with torch.cuda.StreamContext(None):
    ...     pass
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self._entered: list[contextlib.ExitStack] = []  # the same one may be entered several times

    def __enter__(self) -> None:
        self._entered.append(contextlib.ExitStack())
        if self.stream is not None:
            self._entered[-1].enter_context(device(self.stream.device))
            self._entered[-1].enter_context(self.stream.stream)

    def __exit__(self, *exception: Any) -> None:
        self._entered.pop().__exit__(*exception)


def stream(stream: Stream | None) -> StreamContext:
    """A context in which `stream` is the current one on its GPU; None changes nothing.

    >>> import minigrad as torch
    >>> with torch.cuda.stream(None):
    ...     pass
    """
    return StreamContext(stream)


# ---- memory that several streams use ---------------------------------------------------------------
class _Use:
    """Memory that streams use besides the one that it was allocated on.

    CuPy's pool gives freed memory to later arrays of the stream that allocated it, and does not ask whether another
    stream still reads it. So it is held here until those have done the work that they had when all arrays were gone.
    """

    ONLY_HERE = 2  # references: the attribute, and the argument of getrefcount

    def __init__(self, memory: Any) -> None:
        self.memory, self.streams = memory, set[Stream]()
        self.marks: list[Event] | None = None  # set when no array has the memory any more

    def is_over(self) -> bool:
        """Whether no array has the memory, and no stream uses it any more."""
        if self.marks is None and getrefcount(self.memory) == self.ONLY_HERE:
            self.marks = [stream.record_event() for stream in self.streams]
        return self.marks is not None and all(mark.query() for mark in self.marks)


_uses: dict[int, _Use] = {}  # by the memory's id


def release_memory() -> None:
    """Gives back what streams held and nobody uses any more."""
    for key in [key for key, use in _uses.items() if use.is_over()]:
        del _uses[key]
