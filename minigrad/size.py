"""`Size`: the shape of a tensor, a tuple of ints that prints as ``Size([2, 3])``."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from operator import index
from typing import Any, Self, SupportsIndex, overload

import numpy as np


def is_index(value: Any) -> bool:
    """Whether a value is an integer: a Python or NumPy int, or a 0-d array or tensor of one; no bool.

    >>> import numpy as np
    >>> from minigrad.size import is_index
    >>> [is_index(value) for value in (3, np.int64(3), np.array(3), np.array([3]), 3.0, True)]
    [True, True, True, False, False, False]
    """
    array = getattr(value, "array", value)  # a tensor's
    if isinstance(array, (np.ndarray, np.generic)) or array is not value:
        return array.ndim == 0 and array.dtype.kind in "iu"
    return hasattr(value, "__index__") and not isinstance(value, bool)


def broadcasts(shape: tuple[int, ...], onto: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to the other.

    >>> from minigrad.size import broadcasts
    >>> broadcasts((3, 1), (2, 3, 4)), broadcasts((2,), (3,))
    (True, False)
    """
    return len(shape) <= len(onto) and all(m in (1, n) for m, n in zip(shape[::-1], onto[::-1], strict=False))


class Size(tuple[int, ...]):
    """The lengths of a tensor's axes: a tuple whose slices, sums and repeats are sizes again.

    Raises `TypeError` for anything but integers, as `torch.Size`, whose behaviour this follows.
    Code that already holds a tuple of ints (`array.shape`) may skip the check, and most of the
    time, with `tuple.__new__(Size, array.shape)`.

    >>> import minigrad as torch
    >>> torch.Size([1, 1, 6, 8])[2:]
    minigrad.Size([6, 8])
    >>> (2,) + torch.Size([6, 8])
    minigrad.Size([2, 6, 8])
    """

    __module__ = "minigrad"  # the public module, shown by type(x)

    __slots__ = ()

    def __new__(cls, lengths: Iterable[SupportsIndex] = (), /) -> Self:
        checked = []
        for position, length in enumerate(lengths):
            try:
                checked.append(index(length))
            except TypeError:
                from minigrad.shown_values import shorten

                what = f"item {position} is {shorten(length)} ({type(length).__name__})"
                raise TypeError(f"minigrad.Size() expects an iterable of ints, such as Size([2, 3]); {what}") from None
        return tuple.__new__(cls, checked)

    def numel(self) -> int:
        """The number of elements of a tensor of this size: the product of the lengths.

        >>> import minigrad as torch
        >>> torch.Size([2, 3]).numel()
        6
        """
        return prod(self)

    def __repr__(self) -> str:
        return f"minigrad.Size({list(self)})"

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> Size: ...
    def __getitem__(self, key: SupportsIndex | slice, /) -> int | Size:
        found = tuple.__getitem__(self, key)
        return tuple.__new__(Size, found) if isinstance(found, tuple) else found

    def __add__(self, other: Any, /) -> Size:
        if not isinstance(other, tuple):
            kind = type(other).__name__
            raise TypeError(f"a minigrad.Size joins a tuple only, got {kind}; write size + tuple(other)")
        return Size(tuple(self) + other)

    def __radd__(self, other: Any, /) -> Size:
        # Called before tuple.__add__, because Size is a subclass of tuple.
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: SupportsIndex, /) -> Size:
        return tuple.__new__(Size, tuple.__mul__(self, times))

    __rmul__ = __mul__
