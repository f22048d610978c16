"""`Communicator`: the interface to a library that moves arrays between processes. This base serves a single process.

Its methods start a transfer and return a `Request`. Arrays are contiguous, and must not be touched until the request
is done. It knows nothing of tensors, of the checks of arguments, and of time limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from minigrad.backend import Array
from minigrad.distributed.reduce_op import ReduceOp


class Request(Protocol):
    """A transfer on its way."""

    source: int | None  # who sent what was received
    received: int | None  # how many bytes came

    def test(self) -> bool:
        """True once it is done; moves it on meanwhile. Raises `DistBackendError` for what the library reports."""
        ...

    def cancel(self) -> None:
        """Nobody waits for it any more; a message that comes later goes to somebody else, where that can be."""
        ...


class Done:
    """The request of a transfer that is over."""

    source: int | None = None
    received: int | None = None

    def test(self) -> bool:
        """True."""
        return True

    def cancel(self) -> None:
        """It is too late for that."""


class Communicator:
    """The members of one group: here, this process alone, which has nobody to talk to.

    `out` of `all_gather` and `gather`, and `parts` of `scatter` and `reduce_scatter`, hold one row per member.
    """

    backend = "mpi"
    rank = 0
    size = 1

    def barrier(self) -> Request:
        """Done when all members have come here."""
        return Done()

    def broadcast(self, array: Array, root: int) -> Request:
        """`array` becomes that of `root`."""
        return Done()

    def all_reduce(self, array: Array, op: ReduceOp) -> Request:
        """`array` becomes the reduction of all."""
        return Done()

    def reduce(self, array: Array, op: ReduceOp, root: int) -> Request:
        """`array` becomes the reduction of all, at `root`; elsewhere it stays."""
        return Done()

    def all_gather(self, array: Array, out: Array) -> Request:
        """``out[i]`` becomes the array of member i."""
        out[0] = array
        return Done()

    def gather(self, array: Array, out: Array | None, root: int) -> Request:
        """``out[i]`` becomes the array of member i, at `root`."""
        if out is not None:
            out[0] = array
        return Done()

    def scatter(self, parts: Array | None, array: Array, root: int) -> Request:
        """`array` becomes the row of `parts` of `root` that has this member's number."""
        if parts is not None:
            array[...] = parts[0]
        return Done()

    def reduce_scatter(self, parts: Array, array: Array, op: ReduceOp) -> Request:
        """`array` becomes the reduction of everybody's row of `parts` with this member's number."""
        array[...] = parts[0]
        return Done()

    def all_to_all(self, parts: Array, counts: Sequence[int], out: Array, out_counts: Sequence[int]) -> Request:
        """``counts[i]`` elements of `parts` go to member i, whose own arrive in `out`, in the order of members."""
        out[...] = parts
        return Done()

    def send(self, array: Array, to: int, tag: int) -> Request:
        """`array` goes to the member `to`."""
        raise NotImplementedError("a process of its own has nobody to send to")

    def receive(self, array: Array, source: int | None, tag: int) -> Request:
        """`array` becomes what the member `source`, or whoever is first, sent under `tag`."""
        raise NotImplementedError("a process of its own has nobody to receive from")

    def split(self, members: Sequence[int] | None) -> Communicator | None:
        """A communicator of `members`, in their order, that shares no message with this one; None where this process
        is none of them. All members of this one call it together; `members` is None for those that stay outside.
        """
        return Communicator() if members else None

    def duplicate(self) -> Communicator:
        """The same members with messages of their own; all call it together."""
        return Communicator()

    def free(self) -> None:
        """Give back what the library holds for it."""

    # ---- who is still there ----------------------------------------------------------------------

    def announce_departure(self) -> None:
        """Tell the others that this process takes no further part."""

    def departed(self) -> list[int]:
        """The members that have said so."""
        return []

    def abort(self, status: int) -> None:
        """End all processes that were started together, now."""


ALONE = Communicator()


def rows(count: int, array: Array) -> Array:
    """Memory for one `array` of each of `count` members."""
    return np.empty((count, *array.shape), array.dtype)
