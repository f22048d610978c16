"""Transfers between GPUs by NCCL, through CuPy's binding; the ranks find each other by MPI.

One process per GPU: each calls `cuda.set_device(local rank)` first. Transfers run on a stream of their own, and start
after the work that the computing stream already has.
https://docs.cupy.dev/en/stable/reference/generated/cupy.cuda.nccl.NcclCommunicator.html,
https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/api/colls.html
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad import backend, devices
from minigrad.backend import Array
from minigrad.distributed.communicator import Communicator, Request
from minigrad.distributed.errors import DistBackendError
from minigrad.distributed.reduce_op import LOGICAL, ReduceOp

_operations = {
    ReduceOp.SUM: "NCCL_SUM", ReduceOp.PRODUCT: "NCCL_PROD", ReduceOp.MIN: "NCCL_MIN", ReduceOp.MAX: "NCCL_MAX",
}  # fmt: skip
_of_bools = {ReduceOp.BOR: "NCCL_MAX", ReduceOp.BAND: "NCCL_MIN"}  # true is 1
_dtypes = ("int8", "uint8", "int32", "int64", "float16", "float32", "float64")


def is_installed() -> bool:
    """Whether there is a GPU, and a CuPy that found NCCL."""
    if not backend.is_available():
        return False
    module = getattr(backend.library(devices.device("cuda")).cuda, "nccl", None)
    return bool(getattr(module, "available", module is not None))


def world(control: Communicator) -> Communicator:
    """The ranks of `control`, each with its current GPU. Raises RuntimeError that says what is missing."""
    if not is_installed():
        raise RuntimeError(
            "Distributed package doesn't have NCCL built in: the backend 'nccl' needs a GPU and a CuPy with NCCL: "
            f"pip install cupy-cuda12x nvidia-nccl-cu12. {backend.why_not() or 'CuPy is here, NCCL is not.'}"
        )
    cupy = backend.library(devices.device("cuda"))
    identity = np.zeros(128, np.int8)  # NCCL_UNIQUE_ID_BYTES
    if control.rank == 0:
        identity[:] = np.array(cupy.cuda.nccl.get_unique_id()).astype(np.int8)
    request = control.broadcast(identity, 0)
    while not request.test():
        pass
    return NCCLCommunicator(cupy, control, tuple(identity.tolist()))


class Recorded:
    """A transfer on the GPU, which is done when the GPU has passed its event.

    It keeps the arrays: freed earlier, their memory would be given to the computing stream while NCCL uses it.
    """

    source: int | None = None
    received: int | None = None

    def __init__(self, event: Any, transfer: Callable[[int], None], source: int | None = None) -> None:
        self._event, self._transfer, self.source = event, transfer, source

    def test(self) -> bool:
        """True once the GPU has done it."""
        return bool(self._event.done)

    def cancel(self) -> None:
        """Does nothing: NCCL cannot cancel transfers."""


class NCCLCommunicator(Communicator):
    """A group of processes with one GPU each; `Communicator` documents the methods."""

    backend = "nccl"
    on_gpu = True

    def __init__(self, cupy: Any, control: Communicator, identity: tuple[int, ...]) -> None:
        self._cupy, self._nccl, self._control = cupy, cupy.cuda.nccl, control
        self.rank, self.size = control.rank, control.size
        with self._report_errors():
            self._comm = self._nccl.NcclCommunicator(self.size, identity, self.rank)
        self._stream = cupy.cuda.Stream(non_blocking=True)

    @contextlib.contextmanager
    def _report_errors(self) -> Iterator[None]:
        """A context that turns NCCL's errors into ours."""
        try:
            yield
        except self._nccl.NcclError as error:
            detail = f"{error}. Has every process a GPU of its own, chosen by cuda.set_device(local rank)?"
            raise DistBackendError(f"NCCL reports: {detail}") from error

    def _start(self, transfer: Callable[[int], None], source: int | None = None) -> Request:
        """Starts `transfer`, which holds its arrays, on a stream of ours, after what the current one has so far."""
        before = self._cupy.cuda.get_current_stream().record()
        self._stream.wait_event(before)
        with self._report_errors():
            transfer(self._stream.ptr)
        return Recorded(self._stream.record(), transfer, source)

    def _start_all(self, transfers: Sequence[Callable[[int], None]]) -> Request:
        """Starts several messages as one transfer."""

        def transfer_all(stream: int) -> None:
            self._nccl.groupStart()
            for transfer in transfers:
                transfer(stream)
            self._nccl.groupEnd()

        return self._start(transfer_all)

    def _find_type(self, array: Array) -> int:
        name = "uint8" if array.dtype.kind == "b" else array.dtype.name
        if name not in _dtypes:
            raise RuntimeError(f"NCCL has no type for {array.dtype}: convert it, to one of {', '.join(_dtypes)}")
        return int(getattr(self._nccl, f"NCCL_{name.upper()}"))

    def _find_operation(self, op: ReduceOp, array: Array) -> int:
        logical = array.dtype.kind == "b"
        name = _of_bools.get(LOGICAL[op]) if logical else _operations.get(op)
        if name is None:
            raise RuntimeError(f"NCCL does not reduce {array.dtype} by {op.name}: use the backend 'mpi'")
        return int(getattr(self._nccl, name))

    def barrier(self) -> Request:
        return self._control.barrier()

    def broadcast(self, array: Array, root: int) -> Request:
        kind = self._find_type(array)
        return self._start(lambda stream: self._comm.bcast(array.data.ptr, array.size, kind, root, stream))

    def all_reduce(self, array: Array, op: ReduceOp) -> Request:
        kind, how = self._find_type(array), self._find_operation(op, array)
        both = array.data.ptr, array.data.ptr
        return self._start(lambda stream: self._comm.allReduce(*both, array.size, kind, how, stream))

    def reduce(self, array: Array, op: ReduceOp, root: int) -> Request:
        kind, how = self._find_type(array), self._find_operation(op, array)
        both = array.data.ptr, array.data.ptr
        return self._start(lambda stream: self._comm.reduce(*both, array.size, kind, how, root, stream))

    def all_gather(self, array: Array, out: Array) -> Request:
        kind = self._find_type(array)
        return self._start(lambda stream: self._comm.allGather(array.data.ptr, out.data.ptr, array.size, kind, stream))

    def gather(self, array: Array, out: Array | None, root: int) -> Request:
        kept = [] if out is None else [self._prepare_receive(out[i], i) for i in range(self.size)]
        return self._start_all([self._prepare_send(array, root), *kept])

    def scatter(self, parts: Array | None, array: Array, root: int) -> Request:
        sent = [] if parts is None else [self._prepare_send(parts[i], i) for i in range(self.size)]
        return self._start_all([*sent, self._prepare_receive(array, root)])

    def reduce_scatter(self, parts: Array, array: Array, op: ReduceOp) -> Request:
        kind, how = self._find_type(array), self._find_operation(op, array)
        return self._start(
            lambda stream: self._comm.reduceScatter(parts.data.ptr, array.data.ptr, array.size, kind, how, stream)
        )

    def all_to_all(self, parts: Array, counts: Sequence[int], out: Array, out_counts: Sequence[int]) -> Request:
        parts, out = parts.reshape(-1), out.reshape(-1)
        begins, out_begins = ([0, *itertools.accumulate(each)] for each in (counts, out_counts))
        sent = [self._prepare_send(parts[begins[i] : begins[i + 1]], i) for i in range(self.size)]
        kept = [self._prepare_receive(out[out_begins[i] : out_begins[i + 1]], i) for i in range(self.size)]
        return self._start_all([*sent, *kept])

    def send(self, array: Array, to: int, tag: int) -> Request:
        """Sends `array` to rank `to`; NCCL has no tags, messages arrive in order."""
        return self._start(self._prepare_send(array, to))

    def receive(self, array: Array, source: int | None, tag: int) -> Request:
        """Receives into `array` from rank `source`."""
        if source is None:
            raise RuntimeError("NCCL cannot receive from whoever is first: name the source, or use the backend 'mpi'")
        return self._start(self._prepare_receive(array, source), source)

    def _prepare_send(self, array: Array, to: int) -> Callable[[int], None]:
        return lambda stream: self._comm.send(array.data.ptr, array.size, self._find_type(array), to, stream)

    def _prepare_receive(self, array: Array, source: int) -> Callable[[int], None]:
        return lambda stream: self._comm.recv(array.data.ptr, array.size, self._find_type(array), source, stream)

    def duplicate(self) -> Communicator:
        """The same members with messages of their own."""
        return world(self._control)

    def free(self) -> None:
        """Frees the resources of NCCL."""
        self._comm.destroy()
