"""`torch.layout` and `torch.memory_format`: names for how a tensor lies in memory."""

from __future__ import annotations


class memory_format:
    """An order of the axes in memory, such as ``minigrad.channels_last``.

    >>> import minigrad as torch
    >>> torch.channels_last
    minigrad.channels_last
    """

    __module__ = "minigrad"  # where users find it, and what type(x) prints

    __slots__ = ("name", "order")

    def __init__(self, name: str, order: tuple[int, ...] | None = None) -> None:
        self.name, self.order = name, order  # in which the axes lie in memory; None: in their own

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class layout:
    """How the elements are stored; ``minigrad.strided``, one by one in memory, is the only way.

    >>> import minigrad as torch
    >>> torch.strided
    minigrad.strided
    """

    __module__ = "minigrad"  # where users find it, and what type(x) prints

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided = layout("strided")
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))
