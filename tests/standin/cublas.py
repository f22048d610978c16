"""cuBLAS's C interface: column-major matrix products on the stand-in's memory, computed by NumPy."""

import ctypes

import numpy as np

from tests.standin import graphs

TYPES = {0: np.float32, 1: np.float64, 2: np.float16}
LEGAL = {(0, 68): np.float32, (0, 77): np.float32, (1, 70): np.float64, (2, 68): np.float32}


def _read_matrices(address, kind, rows, columns, step, apart, count):
    """`count` matrices of `columns` columns, each a run of `rows` elements, `step` from one to the next."""
    assert step >= max(1, rows), (step, rows)
    size = np.dtype(TYPES[kind]).itemsize
    extent = (count - 1) * apart + (columns - 1) * step + rows
    memory = np.frombuffer((ctypes.c_char * (extent * size)).from_address(address), TYPES[kind])
    steps = (apart * size, size, step * size)
    return np.lib.stride_tricks.as_strided(memory, (count, rows, columns), steps, writeable=True)


class Library:
    """What `minigrad.gpu.blas` asks cuBLAS for."""

    def __init__(self):
        self.calls = 0
        self.streams, self.workspaces = {}, {}  # by handle

    def cublasCreate_v2(self, handle):
        handle._obj.value = len(self.streams) + 1
        self.streams[handle._obj.value] = self.workspaces[handle._obj.value] = None
        return 0

    def cublasSetStream_v2(self, handle, stream):
        self.streams[handle.value], self.workspaces[handle.value] = stream, None  # as cuBLAS does
        return 0

    def cublasSetWorkspace_v2(self, handle, address, size):
        self.workspaces[handle.value] = address
        return 0

    def cublasSgemm_v2(self, handle, of_a, of_b, m, n, k, one, a, a_step, b, b_step, zero, c, c_step):
        given = (handle, of_a, of_b, m, n, k, one, a, 0, a_step, 0, b, 0, b_step, 0, zero, c, 0, c_step, 0)
        return self.cublasGemmStridedBatchedEx(*given, 1, 68, -1)

    def cublasDgemm_v2(self, handle, of_a, of_b, m, n, k, one, a, a_step, b, b_step, zero, c, c_step):
        given = (handle, of_a, of_b, m, n, k, one, a, 1, a_step, 0, b, 1, b_step, 0, zero, c, 1, c_step, 0)
        return self.cublasGemmStridedBatchedEx(*given, 1, 70, -1)

    def cublasGemmStridedBatchedEx(
        self, handle, of_a, of_b, m, n, k, alpha, a, a_type, a_step, a_apart, b, b_type, b_step, b_apart,
        beta, c, c_type, c_step, c_apart, count, computes_in, algorithm,
    ):  # fmt: skip
        assert self.workspaces[handle.value], "without a workspace cuBLAS would allocate, which no capture allows"
        assert a_type == b_type == c_type and min(m, n, k, count) > 0 and algorithm == -1
        wide = LEGAL[c_type, computes_in]
        number = ctypes.c_double if c_type == 1 else ctypes.c_float
        adds = number.from_address(beta).value
        assert number.from_address(alpha).value == 1 and adds in (0, 1)
        operands = ((of_a, of_b), (m, n, k), (a, b, c), (a_step, b_step, c_step), (a_apart, b_apart, c_apart))
        graphs.launch(_multiply, *operands, count, a_type, wide, adds)
        self.calls += 1
        return 0


def _multiply(turned, sizes, addresses, steps, apart, count, kind, wide, adds):
    """All products of matrices in columns, and what was there if it `adds`, added up in the type `wide`."""
    m, n, k = sizes
    shapes = [(k, m) if turned[0] else (m, k), (n, k) if turned[1] else (k, n), (m, n)]
    places = zip(addresses, shapes, steps, apart, strict=True)
    *factors, product = [
        _read_matrices(address, kind, *shape, step, own, count) for address, shape, step, own in places
    ]
    left, right = (x.swapaxes(1, 2) if is_turned else x for x, is_turned in zip(factors, turned, strict=True))
    with np.errstate(all="ignore"):
        found = np.ascontiguousarray(left, wide) @ np.ascontiguousarray(right, wide)
        product[...] = found + product if adds else found
