"""Transfers by MPI, through mpi4py. This is the only file that imports it, and only when there are several processes.

Every call is one of MPI's non-blocking ones (MPI 4.1, chapters 3.7 and 6.12), so that a waiting process can still
notice a timeout, Ctrl-C, and a rank that has left. https://mpi4py.readthedocs.io
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.backend import Array
from minigrad.distributed.communicator import Communicator, Request
from minigrad.distributed.errors import DistBackendError
from minigrad.distributed.reduce_op import LOGICAL, ReduceOp

INSTALL = "pip install mpi4py mpich, which brings an mpiexec too, then: mpiexec -n 4 python program.py"
_DEPARTURE = 7  # the tag of messages that announce a departure

_names = {
    ReduceOp.SUM: "SUM", ReduceOp.PRODUCT: "PROD", ReduceOp.MIN: "MIN", ReduceOp.MAX: "MAX", ReduceOp.BAND: "BAND",
    ReduceOp.BOR: "BOR", ReduceOp.BXOR: "BXOR",
}  # fmt: skip
_logical_names = {ReduceOp.BAND: "LAND", ReduceOp.BOR: "LOR", ReduceOp.BXOR: "LXOR"}


@cache
def library() -> ModuleType:
    """The module `mpi4py.MPI`, with MPI started. Raises RuntimeError that says what to install."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # mpi4py is missing, or finds no MPI library
        detail = f"more than one process needs mpi4py. {INSTALL} ({error})"
        raise RuntimeError(f"Distributed package doesn't have MPI built in: {detail}") from error
    return MPI


def is_installed() -> bool:
    """Whether mpi4py can be imported; does not start MPI."""
    from importlib.util import find_spec

    return find_spec("mpi4py") is not None


def start(world_size: int) -> None:
    """Starts MPI in one of `world_size` processes, without mpiexec. Raises RuntimeError if it did not find them.

    It calls MPI by ctypes, which releases the interpreter lock while waiting (mpi4py does not), because another thread
    may have to end this process.
    """
    import mpi4py

    mpi4py.rc.initialize, mpi4py.rc.finalize = False, True
    MPI = library()
    ctypes.CDLL(MPI.__file__).MPI_Init_thread(None, None, MPI.THREAD_MULTIPLE, ctypes.byref(ctypes.c_int()))
    MPI.COMM_WORLD.Set_errhandler(MPI.ERRORS_RETURN)  # as in mpi4py, so that errors are exceptions
    found = MPI.COMM_WORLD.Get_size()
    if found != world_size:
        raise RuntimeError(
            f"MPI found {found} of {world_size} processes: only MPICH (pip install mpich) can be started without "
            f"a launcher, this is {MPI.get_vendor()[0]}. Write mpiexec -n {world_size} python program.py"
        )


def world() -> Communicator:
    """The communicator of all processes, with separate messages."""
    MPI = library()
    found = MPICommunicator(MPI.COMM_WORLD.Dup(), MPI.COMM_WORLD.Dup())
    forget_names_of_shared_memory()
    return found


def forget_names_of_shared_memory() -> None:
    """Removes the names of MPICH's shared memory files, so that Linux frees them even if the processes are killed.

    Call it when all processes have the files open, as after a collective call. MPICH does not need the names.
    """
    maps = Path("/proc/self/maps")
    if maps.exists():
        for name in set(re.findall(r"/dev/shm/mpich\S+", maps.read_text())):  # noqa: S108 (MPICH's place, not ours)
            Path(name).unlink(missing_ok=True)


class MPIRequest:
    """A request of MPI, with clear errors."""

    source: int | None = None
    received: int | None = None

    def __init__(self, request: Any, *, receives: bool = False) -> None:
        self._request, self._receives = request, receives
        self._status = library().Status()

    def test(self) -> bool:
        """Whether it is done; makes progress."""
        with report_errors():
            if not self._request.Test(self._status):
                return False
        self.source = self._status.Get_source()
        self.received = self._status.Get_count(library().BYTE)
        return True

    def cancel(self) -> None:
        """Cancels a receive; MPI cannot cancel other transfers."""
        if self._receives:
            self._request.Cancel()


@contextlib.contextmanager
def report_errors() -> Any:
    """A context that turns MPI's errors into ours, which say what they usually mean."""
    try:
        yield
    except library().Exception as error:
        too_long = error.Get_error_class() == library().ERR_TRUNCATE
        cause = "the other side sent more than fits here" if too_long else error.Get_error_string()
        detail = f"{cause}. Do all processes call the same function with tensors of one shape and dtype?"
        raise DistBackendError(f"MPI reports: {detail}") from error


class MPICommunicator(Communicator):
    """A group of processes connected by MPI; `Communicator` documents the methods."""

    def __init__(self, comm: Any, departures: Any) -> None:
        self._comm, self._departures = comm, departures
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self._left: list[int] = []
        self._notices: list[Any] = []

    def barrier(self) -> Request:
        return MPIRequest(self._comm.Ibarrier())

    def broadcast(self, array: Array, root: int) -> Request:
        return MPIRequest(self._comm.Ibcast(_as_bytes(array), root))

    def all_reduce(self, array: Array, op: ReduceOp) -> Request:
        return MPIRequest(self._comm.Iallreduce(library().IN_PLACE, array, _find_operation(op, array)))

    def reduce(self, array: Array, op: ReduceOp, root: int) -> Request:
        operands = (library().IN_PLACE, array) if self.rank == root else (array, None)
        return MPIRequest(self._comm.Ireduce(*operands, _find_operation(op, array), root))

    def all_gather(self, array: Array, out: Array) -> Request:
        return MPIRequest(self._comm.Iallgather(_as_bytes(array), _as_bytes(out)))

    def gather(self, array: Array, out: Array | None, root: int) -> Request:
        return MPIRequest(self._comm.Igather(_as_bytes(array), None if out is None else _as_bytes(out), root))

    def scatter(self, parts: Array | None, array: Array, root: int) -> Request:
        return MPIRequest(self._comm.Iscatter(None if parts is None else _as_bytes(parts), _as_bytes(array), root))

    def reduce_scatter(self, parts: Array, array: Array, op: ReduceOp) -> Request:
        return MPIRequest(self._comm.Ireduce_scatter_block(parts, array, _find_operation(op, array)))

    def all_to_all(self, parts: Array, counts: Sequence[int], out: Array, out_counts: Sequence[int]) -> Request:
        size = parts.itemsize
        sent = [_as_bytes(parts), [n * size for n in counts], None, library().BYTE]
        kept = [_as_bytes(out), [n * size for n in out_counts], None, library().BYTE]
        return MPIRequest(self._comm.Ialltoallv(sent, kept))

    def send(self, array: Array, to: int, tag: int) -> Request:
        return MPIRequest(self._comm.Isend(_as_bytes(array), to, tag))

    def receive(self, array: Array, source: int | None, tag: int) -> Request:
        anybody = library().ANY_SOURCE
        return MPIRequest(self._comm.Irecv(_as_bytes(array), anybody if source is None else source, tag), receives=True)

    def split(self, members: Sequence[int] | None) -> Communicator | None:
        """A communicator of `members`, in their order; None where this process is none of them."""
        outside = members is None or self.rank not in members
        color = library().UNDEFINED if outside else min(members or [0])
        comm = self._comm.Split(color, 0 if outside else list(members or []).index(self.rank))
        return None if outside else MPICommunicator(comm, self._departures)

    def duplicate(self) -> Communicator:
        """The same members with messages of their own."""
        return MPICommunicator(self._comm.Dup(), self._departures)

    def free(self) -> None:
        """Frees the communicator; all ranks must call it."""
        self._comm.Free()

    # ---- who is still there ----------------------------------------------------------------------

    def announce_departure(self) -> None:
        """Tells the others that this process takes no further part; does not wait for them."""
        here = self._departures.Get_rank()
        with contextlib.suppress(library().Exception):
            self._notices = [
                self._departures.Isend(_NOTHING, other, _DEPARTURE)
                for other in range(self._departures.Get_size())
                if other != here
            ]

    def departed(self) -> list[int]:
        """The global ranks that have announced their departure."""
        status = library().Status()
        while self._departures.Iprobe(library().ANY_SOURCE, _DEPARTURE, status):
            self._departures.Recv(_NOTHING.copy(), status.Get_source(), _DEPARTURE)
            self._left.append(status.Get_source())
        return self._left

    def abort(self, status: int) -> None:
        """Ends all processes that mpiexec started, immediately."""
        library().COMM_WORLD.Abort(status)


_NOTHING = np.zeros(0, np.uint8)


def _as_bytes(array: Array) -> Array:
    """The memory of `array` as bytes, for transfers that do not depend on the dtype."""
    return array.reshape(-1).view(np.uint8)


def _find_operation(op: ReduceOp, array: Array) -> Any:
    name = _logical_names[LOGICAL[op]] if array.dtype.kind == "b" else _names[op]
    return getattr(library(), name)
