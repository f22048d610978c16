"""Shared by the CUDA convolutions: launches, adding the sums of several blocks, and estimates of running times."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import THREADS, Kernel, blocks_for
from minigrad.kernels.algorithms import Machine
from minigrad.kernels.geometry import Problem

# From Volta on a GPU reads a struct argument in place, without a copy, if it is declared `__grid_constant__`.
BEFORE_VOLTA = """#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 700
#define __grid_constant__
#endif
"""


class StructKernel(Kernel):
    """A kernel whose last parameters, all integers, are passed as a struct: CuPy takes half a microsecond per argument.

    The source declares them as usual; the compiled kernel takes a struct and unpacks it. `as_struct` makes the struct.
    """

    def source(self, char: str) -> str:
        """The CUDA C of the kernel for the element type of that letter."""
        text = super().source(char)
        found = re.search(r"__global__[^{]*?((?:,\s*int \w+)+)\)\s*\{", text)
        if found is None:
            raise ValueError(f"{self.name}: the last parameters of this kernel are not ints")
        names = re.findall(r"int (\w+)", found[1])
        named = ", ".join(f"{name} = numbers.v[{i}]" for i, name in enumerate(names))
        struct = f"struct Numbers {{ int v[{len(names)}]; }};\n{BEFORE_VOLTA}"
        head, body = text[: found.start(1)], text[found.end() :]
        return f"{struct}{head}, const __grid_constant__ Numbers numbers)\n{{\n    const int {named};{body}"


@lru_cache(maxsize=4096)
def as_struct(*numbers: int) -> tuple[Any, ...]:
    """The integers of a `StructKernel` as one argument, made once and cached."""
    return (np.array(numbers, np.int32).view([("v", np.int32, (len(numbers),))]),)


class Launch(NamedTuple):
    """A prepared launch, valid for all calls with the same shapes and strides."""

    kernel: Kernel
    grid: tuple[int, ...]
    block: tuple[int, ...]
    numbers: tuple[Any, ...]
    shape: tuple[int, ...]  # of the result
    shared: int = 0

    def __call__(self, char: str, *arguments: Any) -> None:
        """Launches the kernel for the element type of that letter."""
        self.kernel(self.grid, self.block, (*arguments, *self.numbers), char, self.shared)


NULL = np.int64(0)  # a null pointer


def bias_argument(b: Array | None) -> Any:
    """The argument for `const T* bias`: the array, or a null pointer."""
    return NULL if b is None else array_module(b).ascontiguousarray(b)


# One thread per element of the sum; its terms lie `count` apart.
ADD_PARTS = StructKernel(
    "add_parts",
    """
extern "C" __global__ void add_parts(const T* parts, T* sum, int count, int terms)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    T total = T(0);
    for (int k = 0; k < terms; k++) total += parts[(size_t)k * count + i];
    sum[i] = total;
}
""",
)


def add_parts(parts: Array) -> Array:
    """The sum along the first axis, added in order."""
    if len(parts) == 1:
        return parts[0]
    total = array_module(parts).empty(parts.shape[1:], parts.dtype)
    numbers = as_struct(total.size, len(parts))
    ADD_PARTS((blocks_for(total.size),), (THREADS,), (parts, total, *numbers), parts.dtype.char)
    return total


class Gpu(NamedTuple):
    """The speed of a GPU, with an H100's figures. Only their ratios decide the choice.

    The factors at the head of each algorithm's file are fitted to the times that ``python benchmarks/gpu_ways.py``
    prints on an H100.
    """

    peak: float = 24e12  # multiplications a second in single precision; half of that in double
    memory: float = 2.8e12  # bytes a second
    launch: float = 8e-6
    processors: int = 132  # multiprocessors

    def time(self, launches: int, problem: Problem, moved: float, share: float, waste: float = 1.0) -> float:
        """Seconds of launches, of moving `moved` elements, and of arithmetic or memory traffic, whichever is longer."""
        (N, C, H, W), size = problem.image, np.dtype(problem.char).itemsize
        products = problem.windows * problem.outputs * (C // problem.geometry.groups) * problem.taps * waste
        operands = N * C * H * W + problem.windows * problem.outputs
        arithmetic = products * (size / 4) / (self.peak * share)
        return self.launch * launches + moved * size / self.memory + max(operands * size / self.memory, arithmetic)


GPU = Gpu()
FUNCTIONS = ("conv2d", "conv2d_input", "conv2d_weight")


def make_cost(seconds: Callable[[str, Problem], float]) -> Callable[[Problem, Machine], float]:
    """Makes the `cost` of an algorithm: the sum of its seconds for the three functions."""
    return lambda problem, machine: sum(seconds(function, problem) for function in FUNCTIONS)


MOST_ELEMENTS = 2**31 - 1  # the kernels count elements in 32 bits
MOST_BLOCKS = 65535  # along a grid's second and third axis


def is_reachable(array: Array) -> bool:
    """Whether 32-bit offsets reach all elements of the array."""
    if array.flags.c_contiguous:
        return bool(array.size <= MOST_ELEMENTS)
    reach = sum((length - 1) * abs(step) for length, step in zip(array.shape, array.strides, strict=True))
    return bool(reach // array.itemsize < MOST_ELEMENTS)


def steps_of(array: Array) -> tuple[int, ...]:
    """The array's strides, in elements."""
    size = array.itemsize
    return tuple([step // size for step in array.strides])


def group_strides(steps: tuple[int, ...], outputs: int, *, adjoint: bool = False) -> tuple[int, ...]:
    """Strides of a kernel (O, C/groups, kh, kw): group, output, channel, taps; `adjoint` swaps output and channel."""
    outer, inner, *taps = steps
    return (outputs * outer, inner, outer, *taps) if adjoint else (outputs * outer, outer, inner, *taps)


def is_countable(problem: Problem) -> bool:
    """Whether the arrays are CuPy's and not empty, and 32-bit offsets reach all elements."""
    pixels = prod(problem.image)
    results = problem.windows * problem.outputs
    return not problem.on_host and 0 < pixels <= MOST_ELEMENTS and 0 < results <= MOST_ELEMENTS
