"""`Communicator`: the interface to a library that moves arrays between processes. This base serves a single process.

Its methods start a transfer and return a `Request`. Arrays are contiguous, and must not be touched until the request
is done. It knows nothing of tensors, of the checks of arguments, and of time limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from minigrad.backend import Array
from minigrad.distributed.reduce_op import ReduceOp


class Request(Protocol):
    """A transfer under way."""

    source: int | None  # rank of the sender of a received message
    received: int | None  # number of received bytes

    def test(self) -> bool:
        """Whether it is done; makes progress. Raises `DistBackendError` for errors of the library."""
        ...

    def cancel(self) -> None:
        """Cancels it, if possible: a message that arrives later goes to another receive."""
        ...


class Done:
    """The request of a finished transfer."""

    source: int | None = None
    received: int | None = None

    def test(self) -> bool:
        """True."""
        return True

    def cancel(self) -> None:
        """Does nothing: the transfer is done."""


class Communicator:
    """The ranks of one group; this base class is for a single process.

    `out` of `all_gather` and `gather`, and `parts` of `scatter` and `reduce_scatter`, hold one row per member.
    """

    backend = "mpi"
    on_gpu = False  # whether it moves arrays of GPUs; else those of the host, and sums no float16
    rank = 0
    size = 1

    def barrier(self) -> Request:
        """Done when all ranks have called it."""
        return Done()

    def broadcast(self, array: Array, root: int) -> Request:
        """Copies `array` of rank `root` to all ranks."""
        return Done()

    def all_reduce(self, array: Array, op: ReduceOp) -> Request:
        """Reduces `array` in place over all ranks."""
        return Done()

    def reduce(self, array: Array, op: ReduceOp, root: int) -> Request:
        """Reduces `array` in place at `root`; elsewhere it is unchanged."""
        return Done()

    def all_gather(self, array: Array, out: Array) -> Request:
        """Copies the array of rank i to ``out[i]``."""
        out[0] = array
        return Done()

    def gather(self, array: Array, out: Array | None, root: int) -> Request:
        """Copies the array of rank i to ``out[i]`` at `root`."""
        if out is not None:
            out[0] = array
        return Done()

    def scatter(self, parts: Array | None, array: Array, root: int) -> Request:
        """Copies row r of `parts` at `root` to `array` of rank r."""
        if parts is not None:
            array[...] = parts[0]
        return Done()

    def reduce_scatter(self, parts: Array, array: Array, op: ReduceOp) -> Request:
        """Reduces row r of `parts` over all ranks into `array` of rank r."""
        array[...] = parts[0]
        return Done()

    def all_to_all(self, parts: Array, counts: Sequence[int], out: Array, out_counts: Sequence[int]) -> Request:
        """``counts[i]`` elements of `parts` go to member i, whose own arrive in `out`, in the order of members."""
        out[...] = parts
        return Done()

    def send(self, array: Array, to: int, tag: int) -> Request:
        """Sends `array` to rank `to`."""
        raise NotImplementedError("a process of its own has nobody to send to")

    def receive(self, array: Array, source: int | None, tag: int) -> Request:
        """Receives into `array` from rank `source`, or from any rank, with this `tag`."""
        raise NotImplementedError("a process of its own has nobody to receive from")

    def split(self, members: Sequence[int] | None) -> Communicator | None:
        """A communicator of `members`, in their order, that shares no message with this one; None where this process
        is none of them. All members of this one call it together; `members` is None for those that stay outside.
        """
        return Communicator() if members else None

    def duplicate(self) -> Communicator:
        """A communicator of the same ranks with separate messages; all ranks call it."""
        return Communicator()

    def free(self) -> None:
        """Frees the resources of the library."""

    # ---- processes that have left ----------------------------------------------------------------------

    def announce_departure(self) -> None:
        """Tells the others that this process takes no further part."""

    def departed(self) -> list[int]:
        """The ranks that have announced their departure."""
        return []

    def abort(self, status: int) -> None:
        """Ends all processes of the world immediately."""


ALONE = Communicator()
