"""`cupy.cuda.nccl`: the calls that CuPy documents, on the stand-in's memory, carried out by MPI or in one process.

Pointers, counts, dtypes and operations are taken as CuPy takes them: plain numbers. A process alone is a world of one.
"""

import ctypes

import numpy as np

available = True
NCCL_UNIQUE_ID_BYTES = 128
NCCL_SUM, NCCL_PROD, NCCL_MAX, NCCL_MIN = range(4)
NCCL_INT8, NCCL_UINT8, NCCL_INT32, NCCL_UINT32, NCCL_INT64, NCCL_UINT64 = range(6)
NCCL_FLOAT16, NCCL_FLOAT32, NCCL_FLOAT64 = 6, 7, 8
_DTYPES = {0: "i1", 1: "u1", 2: "i4", 3: "u4", 4: "i8", 5: "u8", 6: "f2", 7: "f4", 8: "f8"}
_FUNCTIONS = {NCCL_SUM: np.add, NCCL_PROD: np.multiply, NCCL_MAX: np.maximum, NCCL_MIN: np.minimum}
_open = None  # the messages of a group that was started


class NcclError(RuntimeError):
    pass


def get_unique_id():
    return tuple(i - 64 for i in range(NCCL_UNIQUE_ID_BYTES))


def groupStart():
    global _open
    _open = []


def groupEnd():
    global _open
    messages, _open = _open, None
    for receive in [begin() for begin in messages]:
        receive()


def _read_memory(pointer, count, dtype):
    assert type(pointer) is int and type(count) is int
    kind = np.dtype(_DTYPES[dtype])
    return np.frombuffer((ctypes.c_char * (count * kind.itemsize)).from_address(pointer), kind)


class NcclCommunicator:
    """A communicator of `size` processes: what one sends is gathered by MPI, and each takes its part of it."""

    def __init__(self, size, identity, rank):
        if len(identity) != NCCL_UNIQUE_ID_BYTES or identity != get_unique_id():
            raise NcclError("NCCL_ERROR_INVALID_ARGUMENT: invalid argument")
        self._size, self._rank, self._comm = size, rank, None
        if size > 1:
            from mpi4py import MPI

            self._comm = MPI.COMM_WORLD.Dup()
            assert (self._comm.Get_size(), self._comm.Get_rank()) == (size, rank)

    def _gather(self, array):
        out = np.empty((self._size, array.size), array.dtype)
        if self._comm is None:
            out[0] = array
        else:
            self._comm.Allgather(array.view(np.uint8), out.view(np.uint8))
        return out

    def allReduce(self, sendbuf, recvbuf, count, datatype, op, stream):
        rows = self._gather(_read_memory(sendbuf, count, datatype))
        _read_memory(recvbuf, count, datatype)[:] = _FUNCTIONS[op].reduce(rows)

    def reduce(self, sendbuf, recvbuf, count, datatype, op, root, stream):
        rows = self._gather(_read_memory(sendbuf, count, datatype))
        if self._rank == root:
            _read_memory(recvbuf, count, datatype)[:] = _FUNCTIONS[op].reduce(rows)

    def bcast(self, buff, count, datatype, root, stream):
        array = _read_memory(buff, count, datatype)
        array[:] = self._gather(array)[root]

    def allGather(self, sendbuf, recvbuf, count, datatype, stream):
        rows = self._gather(_read_memory(sendbuf, count, datatype))
        _read_memory(recvbuf, count * self._size, datatype)[:] = rows.reshape(-1)

    def reduceScatter(self, sendbuf, recvbuf, recvcount, datatype, op, stream):
        rows = self._gather(_read_memory(sendbuf, recvcount * self._size, datatype))
        part = _FUNCTIONS[op].reduce(rows).reshape(self._size, recvcount)[self._rank]
        _read_memory(recvbuf, recvcount, datatype)[:] = part

    def send(self, sendbuf, count, datatype, peer, stream):
        self._begin_or_keep(lambda: self._begin_sending(_read_memory(sendbuf, count, datatype), peer))

    def recv(self, recvbuf, count, datatype, peer, stream):
        self._begin_or_keep(lambda: self._begin_receiving(_read_memory(recvbuf, count, datatype), peer))

    def _begin_or_keep(self, begin):
        if _open is None:
            begin()()
        else:
            _open.append(begin)

    def _begin_sending(self, array, peer):
        if self._comm is None:
            self._kept = array.copy()
            return lambda: None
        return self._comm.Isend(array.view(np.uint8), peer).Wait

    def _begin_receiving(self, array, peer):
        if self._comm is None:

            def take():
                array[:] = self._kept

            return take
        return self._comm.Irecv(array.view(np.uint8), peer).Wait

    def destroy(self):
        pass
