"""Names for how a tensor lies in memory, under PyTorch's names."""

from __future__ import annotations


class memory_format:
    """An order of the axes in memory, such as ``minigrad.channels_last``."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class layout(memory_format):
    """How a tensor is stored: there is ``minigrad.strided`` alone."""

    __slots__ = ()


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")  # (N, C, H, W) with the channels of a pixel together
channels_last_3d = memory_format("channels_last_3d")
strided = layout("strided")

# The rank that a format asks for, and the order in which its axes lie in memory.
ORDERS = {channels_last: (0, 2, 3, 1), channels_last_3d: (0, 2, 3, 4, 1)}
