"""Numbers and indices on the device of an array, and copies in page-locked memory, for those who send them to a GPU."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minigrad.backend import RECORDING, Array, array_module, device_of, is_available, library, on_gpu_of
from minigrad.devices import device


def arange_beside(array: Array, n: int) -> Array:
    """0, 1, ..., n - 1 on the device of `array`."""
    return np.arange(n) if type(array) is np.ndarray else on_gpu_of(array, array_module(array).arange, n)


def constant_beside(array: Array, host: np.ndarray[Any, Any]) -> Array:
    """Constant numbers, on the device of `array`; must not be written to.

    They are copied to a GPU only once, and cached for later calls and CUDA graphs.
    """
    if type(array) is np.ndarray:
        return host
    number = device_of(array).index
    if host.nbytes > 2**20:
        return on_gpu_of(array, array_module(array).asarray, host)
    constant = on_gpu_of(array, _send, array_module(array), number, host.dtype, host.shape, host.tobytes())
    for capture in RECORDING:
        capture.needs.append(constant)
    return constant


@functools.lru_cache(maxsize=256)
def _send(cuda: Any, number: int, dtype: Any, shape: tuple[int, ...], numbers: bytes) -> Array:
    return cuda.asarray(np.frombuffer(numbers, dtype).reshape(shape))


def as_index(array: Array) -> Array:
    """Integers in NumPy's index type: on 32-bit platforms such as Pyodide, NumPy does not accept int64."""
    return array.astype(np.intp, copy=False)


def as_int64(array: Array) -> Array:
    """NumPy's indices, which have 32 bits on 32-bit platforms, as int64."""
    return array.astype(np.int64, copy=False)


def pin(array: Array) -> Array:
    """A copy of the host's `array` in page-locked memory, for asynchronous copies to a GPU. Raises as `library`."""
    memory = library(device("cuda")).cuda.alloc_pinned_memory(max(array.nbytes, 1))
    pinned: Array = np.ndarray(array.shape, array.dtype, buffer=memory)
    pinned[...] = array
    return pinned


def is_pinned(array: Array) -> bool:
    """Whether the memory of `array` was made by `pin`."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base is not None and is_available() and isinstance(base, library(device("cuda")).cuda.PinnedMemoryPointer)
