"""`torch.cpu`: the names of `torch.cuda` for the CPU, so that one program serves both; nothing runs behind its back.

module = torch.get_device_module(device)
module.synchronize()
"""

from __future__ import annotations

from typing import Any

from minigrad.missing import explain_missing

__all__ = [
    "Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count", "is_available",
    "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """True.

    >>> import minigrad as torch
    >>> torch.cpu.is_available()
    True
    """
    return True


is_initialized = is_available


def device_count() -> int:
    """1: all cores together are one device.

    >>> import minigrad as torch
    >>> torch.cpu.device_count()
    1
    """
    return 1


def current_device() -> str:
    """The name of the device, "cpu", which has no number.

    >>> import minigrad as torch
    >>> torch.cpu.current_device()
    'cpu'
    """
    return "cpu"


def set_device(device: Any) -> None:
    """Does nothing: there is one device.

    >>> import minigrad as torch
    >>> torch.cpu.set_device("cpu")
    """


def synchronize(device: Any = None) -> None:
    """Does nothing: every call has ended when it returns.

    >>> import minigrad as torch
    >>> torch.cpu.synchronize()
    """


class Event:
    """A mark that is always passed.

    >>> import minigrad as torch
    >>> torch.cpu.Event().query()
    True
    """

    def query(self) -> bool:
        """True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Does nothing."""

    def synchronize(self) -> None:
        """Does nothing."""

    def wait(self, stream: Any = None) -> None:
        """Does nothing."""


class Stream:
    """A stream in name: calls run one after the other.

    >>> import minigrad as torch
    >>> torch.cpu.Stream().wait_stream(torch.cpu.current_stream())
    """

    def __init__(self, priority: int = -1) -> None:
        pass

    def record_event(self) -> None:
        """Does nothing."""

    def wait_event(self, event: Any) -> None:
        """Does nothing."""

    def wait_stream(self, stream: Any) -> None:
        """Does nothing."""


_current = [Stream()]


def current_stream(device: Any = None) -> Stream:
    """The stream of the innermost `with torch.cpu.stream(s):`.

    >>> import minigrad as torch
    >>> s = torch.cpu.Stream()
    >>> with torch.cpu.stream(s):
    ...     torch.cpu.current_stream() is s
    True
    """
    return _current[-1]


class StreamContext:
    """What `stream` returns: a context in which a stream is the current one; None changes nothing.

    >>> import minigrad as torch
    >>> with torch.cpu.StreamContext(None):
    ...     pass
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        _current.append(self.stream or _current[-1])

    def __exit__(self, *exception: object) -> None:
        _current.pop()


def stream(stream: Stream | None) -> StreamContext:
    """A context in which `stream` is the current one; None changes nothing.

    >>> import minigrad as torch
    >>> with torch.cpu.stream(torch.cpu.Stream()):
    ...     pass
    """
    return StreamContext(stream)


explain_missing("torch.cpu", globals())
