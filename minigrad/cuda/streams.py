"""Streams (queues of work on a GPU) and events (marks in a stream)."""

from __future__ import annotations

import contextlib
from typing import Any

from minigrad import backend, devices
from minigrad.cuda.devices import cupy, device, index_of, set_device


class Event:
    """A mark in a stream's work: `record()` sets it, `elapsed_time` measures between two.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     mark = torch.cuda.Event(enable_timing=True)
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self.event = cupy().cuda.Event(block=blocking, disable_timing=not enable_timing, interprocess=interprocess)

    def record(self, stream: Stream | None = None) -> None:
        """Sets the mark behind what `stream`, or the current one, was asked so far."""
        self.event.record((stream or current_stream()).stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Lets what `stream`, or the current one, is asked next wait for the mark; does not wait itself."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether the GPU has come past the mark."""
        return bool(self.event.done)

    def synchronize(self) -> None:
        """Waits until the GPU has come past the mark."""
        self.event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between this mark and `end_event`, both made with `enable_timing=True`."""
        return float(cupy().cuda.get_elapsed_time(self.event, end_event.event))


class Stream:
    """A queue of work on a GPU, independent of the others. `with cuda.stream(s):` fills it.

    `priority` is taken and means nothing.

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
        """CUDA's own name of the stream, an address."""
        return int(self.stream.ptr)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self.device, self.cuda_stream) == (other.device, other.cuda_stream)

    def __hash__(self) -> int:
        return hash((self.device, self.cuda_stream))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"

    def query(self) -> bool:
        """Whether all its work is done."""
        return bool(self.stream.done)

    def synchronize(self) -> None:
        """Waits until all its work is done."""
        self.stream.synchronize()

    def record_event(self, event: Event | None = None) -> Event:
        """An event behind the work it has so far."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Lets what is asked of it next wait for `event`; does not wait itself."""
        self.stream.wait_event(event.event)

    def wait_stream(self, stream: Stream) -> None:
        """Lets what is asked of it next wait for what `stream` has so far."""
        self.wait_event(stream.record_event())


def current_stream(device: Any = None) -> Stream:
    """The stream that work goes to now.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.current_stream().query()
    """
    return Stream(device, existing=cupy().cuda.get_current_stream())


def default_stream(device: Any = None) -> Stream:
    """The stream that work goes to when none was chosen.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.default_stream().query()
    """
    return Stream(device, existing=cupy().cuda.Stream.null)


def set_stream(stream: Stream) -> None:
    """Sends work to `stream`, on its GPU, from now on, in this thread.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.set_stream(torch.cuda.current_stream())
    """
    set_device(stream.device)
    stream.stream.use()


@contextlib.contextmanager
def stream(stream: Stream | None) -> Any:
    """Sends the work within to `stream`, on its GPU; None changes nothing.

    >>> import minigrad as torch
    >>> with torch.cuda.stream(None):
    ...     pass
    """
    if stream is None:
        yield
    else:
        with device(stream.device), stream.stream:
            yield
