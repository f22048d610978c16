"""`torch.layout` and `torch.memory_format`: names for how a tensor lies in memory; and the order of axes in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Named:
    """A constant of the library, such as a dtype: one object, printed and pickled by its public name, never copied."""

    __module__ = "minigrad"  # the public module, shown by type(x)

    __slots__ = ("name",)
    name: str

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class memory_format(Named):
    """An order of the axes in memory, such as ``minigrad.channels_last``.

    >>> import minigrad as torch
    >>> torch.channels_last
    minigrad.channels_last
    """

    __module__ = Named.__module__
    __slots__ = ("order",)

    def __init__(self, name: str, order: tuple[int, ...] | None = None) -> None:
        self.name, self.order = name, order  # order of the axes in memory; None: row-major


class layout(Named):
    """How elements are stored; ``minigrad.strided`` is the only layout.

    >>> import minigrad as torch
    >>> torch.strided
    minigrad.strided
    """

    __module__ = Named.__module__
    __slots__ = ()

    def __init__(self, name: str) -> None:
        self.name = name


strided = layout("strided")
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def check_memory_format(name: str, given: Any) -> None:
    """Raises TypeError unless `given` is a memory format."""
    if not isinstance(given, memory_format):
        got = type(given).__name__
        raise TypeError(f"{name}(): argument 'memory_format' must be a format such as channels_last, not {got}")


def order_axes(name: str, format: Any, ndim: int) -> tuple[int, ...]:
    """The axes in the order in which `format` stores them, the outermost first.

    Raises RuntimeError for preserve_format, and for a format of another number of axes.
    """
    check_memory_format(name, format)
    if format is preserve_format:
        raise RuntimeError(f"{name}(): unsupported memory format preserve_format: there is no order to preserve")
    order: tuple[int, ...] = format.order or tuple(range(ndim))
    if len(order) != ndim:
        raise RuntimeError(f"required rank {len(order)} tensor to use {format.name} format, got {ndim}D")
    return order


def invert(order: Sequence[int]) -> list[int]:
    """The permutation that undoes `order`."""
    return [order.index(axis) for axis in range(len(order))]


def apply_in_order(function: Callable[[Any], Any], array: Any, order: Sequence[int]) -> Any:
    """What `function` makes of `array` with its axes in this `order`; in the result they stand as before."""
    return function(array.transpose(order)).transpose(invert(order))


def find_memory_order(shape: Sequence[int], *strides: Sequence[int]) -> list[int]:
    """The axes in their order in memory, the outermost first, by the strides of one operand or of several.

    Where strides do not decide, the result depends on the method: an insertion sort, as in PyTorch.
    """
    order = list(range(len(shape)))[::-1]  # from the innermost
    for i in range(1, len(order)):
        moving = i
        for j in range(i - 1, -1, -1):
            swaps = _lies_outside(shape, strides, order[j], order[moving])
            if swaps:
                order[j], order[moving], moving = order[moving], order[j], j
            elif swaps is not None:
                break
    return order[::-1]


def _lies_outside(shape: Sequence[int], strides: Sequence[Sequence[int]], axis: int, other: int) -> bool | None:
    """Whether `axis` lies outside `other` in memory, by the first operand whose strides tell; None if none tells.

    An operand with stride 0 along one of them does not tell.
    """
    for steps in strides:
        if steps[axis] and steps[other]:
            if steps[axis] < steps[other]:
                return False
            if (steps[axis], shape[axis]) > (steps[other], shape[other]):
                return True
    return None


def is_dense(array: Any) -> bool:
    """True if the elements fill their memory without gaps, in any order of the axes."""
    step = array.itemsize
    for stride, n in sorted(zip(array.strides, array.shape, strict=True)):
        if n > 1 and stride != step:
            return False
        step *= n
    return True
