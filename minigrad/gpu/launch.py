"""`Kernel`: CUDA C source for an element type `T`, compiled by CuPy when first launched.

    SCALE = Kernel("scale", '''
    extern "C" __global__ void scale(const T* x, T* out, T factor, int count) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < count) out[i] = factor * x[i];
    }''')
    SCALE((blocks_for(x.size),), (THREADS,), (x, out, x.dtype.type(2), *int32s(x.size)), x.dtype.char)

A launch goes to the stream that is current and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from minigrad.backend import array_module

THREADS = 256  # default number of threads in a block
STATIC_SHARED_BYTES = 48 * 2**10  # a kernel that needs more shared memory must request it
C_TYPES = {
    "f": "float", "d": "double", "b": "signed char", "B": "unsigned char", "h": "short", "H": "unsigned short",
    "i": "int", "I": "unsigned int", "l": "long long", "L": "unsigned long long", "q": "long long",
    "Q": "unsigned long long", "?": "bool",
}  # fmt: skip


class Kernel:
    """A kernel and its source, in which `T` is the element type; `helpers` stand before it, `options` are NVRTC's."""

    def __init__(self, name: str, body: str, helpers: str = "", options: tuple[str, ...] = ()) -> None:
        self.name, self.body, self.helpers, self.options = name, body, helpers, options
        self._compiled: dict[tuple[type, str], Any] = {}

    def source(self, char: str) -> str:
        """The CUDA C of the kernel for the element type of that letter."""
        return f"typedef {C_TYPES[char]} T;\n{self.helpers}\n{self.body}"

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...], char: str, shared_mem: int = 0
    ) -> None:
        """Launches it. The first argument is an array; numbers are NumPy's, of the types that the kernel declares."""
        kernel = self._compiled.get((type(arguments[0]), char)) or self._compile(arguments[0], char)
        if shared_mem > STATIC_SHARED_BYTES:
            kernel.max_dynamic_shared_size_bytes = shared_mem
        kernel(grid, block, arguments, shared_mem=shared_mem)

    def _compile(self, array: Any, char: str) -> Any:
        kernel = array_module(array).RawKernel(self.source(char), self.name, self.options)
        self._compiled[type(array), char] = kernel
        return kernel


def or_else(compute: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """`compute`, which launches kernels, and where it gives None, as no kernel serves the operands, `function`."""

    def choose(*operands: Any, **options: Any) -> Any:
        found = compute(*operands, **options)
        return function(*operands, **options) if found is None else found

    return choose


def blocks_for(count: int, per_block: int = THREADS) -> int:
    """The number of blocks for `count` elements."""
    return -(-count // per_block)


@cache
def int32s(*numbers: int) -> tuple[Any, ...]:
    """Numbers as C ints, cached."""
    return tuple([np.int32(n) for n in numbers])
