"""cuBLAS's C interface in name: products of matrices that lie in columns, on the stand-in's memory, by NumPy."""

import ctypes

import numpy as np

TYPES = {0: np.float32, 1: np.float64, 2: np.float16}
LEGAL = {(0, 68): np.float32, (0, 77): np.float32, (1, 70): np.float64, (2, 68): np.float32}


def _matrices(address, kind, rows, columns, step, apart, count):
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
        self.stream = self.workspace = None

    def cublasCreate_v2(self, handle):
        return 0

    def cublasSetStream_v2(self, handle, stream):
        self.stream, self.workspace = stream, None  # as cuBLAS does
        return 0

    def cublasSetWorkspace_v2(self, handle, address, size):
        self.workspace = address
        return 0

    def cublasGemmStridedBatchedEx(
        self, handle, of_a, of_b, m, n, k, alpha, a, a_type, a_step, a_apart, b, b_type, b_step, b_apart,
        beta, c, c_type, c_step, c_apart, count, computes_in, algorithm,
    ):  # fmt: skip
        assert self.workspace and a_type == b_type == c_type and min(m, n, k, count) > 0 and algorithm == -1
        wide = LEGAL[c_type, computes_in]
        number = ctypes.c_double if c_type == 1 else ctypes.c_float
        assert (number.from_address(alpha).value, number.from_address(beta).value) == (1, 0)
        left = _matrices(a, a_type, *((m, k) if of_a == 0 else (k, m)), a_step, a_apart, count)
        right = _matrices(b, b_type, *((k, n) if of_b == 0 else (n, k)), b_step, b_apart, count)
        left, right = (x.swapaxes(1, 2) if turned else x for x, turned in ((left, of_a), (right, of_b)))
        self.calls += 1
        with np.errstate(all="ignore"):
            _matrices(c, c_type, m, n, c_step, c_apart, count)[...] = left.astype(wide) @ right.astype(wide)
        return 0
