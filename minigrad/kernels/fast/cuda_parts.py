"""Shared by the CUDA convolutions: adding the sums of several blocks, and estimates of running times."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array, array_module
from minigrad.gpu.launch import THREADS, Kernel, blocks_for
from minigrad.kernels.way import Machine, Problem

# A GPU before Volta copies a struct that it is given; later ones read it where it lies, if told that nobody writes it.
OLD = """#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 700
#define __grid_constant__
#endif
"""


class Counted(Kernel):
    """A kernel whose last parameters, whole numbers, travel as one: CuPy takes half a microsecond for each argument.

    The source declares them as usual; what is compiled takes a struct and begins by naming its numbers. `as_one`
    makes the argument.
    """

    def source(self, char: str) -> str:
        """The CUDA C of the kernel for the element type of that letter."""
        text = super().source(char)
        found = re.search(r"__global__[^{]*?((?:,\s*int \w+)+)\)\s*\{", text)
        if found is None:
            raise ValueError(f"{self.name}: the last parameters of this kernel are no whole numbers")
        names = re.findall(r"int (\w+)", found[1])
        named = ", ".join(f"{name} = numbers.v[{i}]" for i, name in enumerate(names))
        struct = f"struct Numbers {{ int v[{len(names)}]; }};\n{OLD}"
        head, body = text[: found.start(1)], text[found.end() :]
        return f"{struct}{head}, const __grid_constant__ Numbers numbers)\n{{\n    const int {named};{body}"


@lru_cache(maxsize=4096)
def as_one(*numbers: int) -> tuple[Any, ...]:
    """The whole numbers that a `Counted` kernel takes, as one argument that is made once."""
    return (np.array(numbers, np.int32).view([("v", np.int32, (len(numbers),))]),)


class Launch(NamedTuple):
    """What a call needs that does not change while shapes and strides do not."""

    kernel: Kernel
    grid: tuple[int, ...]
    block: tuple[int, ...]
    numbers: tuple[Any, ...]
    shape: tuple[int, ...]  # of the result
    shared: int = 0

    def __call__(self, char: str, *arguments: Any) -> None:
        self.kernel(self.grid, self.block, (*arguments, *self.numbers), char, self.shared)


NOTHING = np.int64(0)  # a pointer to nothing


def bias_argument(b: Array | None) -> Any:
    """What kernels take for `const T* bias`."""
    return NOTHING if b is None else array_module(b).ascontiguousarray(b)


# One thread per element of the sum; its terms lie `count` apart.
ADD_PARTS = Counted(
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
    """The sum along the first axis, whose terms are added in their order."""
    if len(parts) == 1:
        return parts[0]
    total = array_module(parts).empty(parts.shape[1:], parts.dtype)
    numbers = as_one(total.size, len(parts))
    ADD_PARTS((blocks_for(total.size),), (THREADS,), (parts, total, *numbers), parts.dtype.char)
    return total


class Gpu(NamedTuple):
    """What a GPU needs, in seconds; an H100's figures. It is their ratios that choose."""

    peak: float = 24e12  # multiplications a second in single precision; half of that in double
    memory: float = 2.8e12  # bytes a second
    launch: float = 8e-6

    def time(self, launches: int, problem: Problem, moved: float, share: float, waste: float = 1.0) -> float:
        """So many launches, `moved` elements, then the longer of arithmetic and the operands' way through memory."""
        (N, C, H, W), size = problem.image, np.dtype(problem.char).itemsize
        products = problem.windows * problem.outputs * (C // problem.geometry.groups) * problem.taps * waste
        operands = N * C * H * W + problem.windows * problem.outputs
        arithmetic = products * (size / 4) / (self.peak * share)
        return self.launch * launches + moved * size / self.memory + max(operands * size / self.memory, arithmetic)


GPU = Gpu()
FACES = ("conv2d", "conv2d_input", "conv2d_weight")


def cost_by(seconds: Callable[[str, Problem], float]) -> Callable[[Problem, Machine], float]:
    """A way's `cost` from its seconds for each of the three functions."""
    return lambda problem, machine: sum(seconds(face, problem) for face in FACES)


LIMIT = 2**31 - 1  # the kernels count elements in 32 bits
MOST_BLOCKS = 65535  # along a grid's second and third axis


def is_near(array: Array) -> bool:
    """Whether 32 bits count the elements from the array's first to its last."""
    if array.flags.c_contiguous:
        return bool(array.size <= LIMIT)
    reach = sum((length - 1) * abs(step) for length, step in zip(array.shape, array.strides, strict=True))
    return bool(reach // array.itemsize < LIMIT)


def elements(array: Array) -> tuple[int, ...]:
    """The array's strides, in elements."""
    size = array.itemsize
    return tuple([step // size for step in array.strides])


def by_group(steps: tuple[int, ...], outputs: int, *, adjoint: bool = False) -> tuple[int, ...]:
    """The steps of a kernel (O, C/groups, kh, kw) by group, output, channel, tap; in the `adjoint` the roles change."""
    outer, inner, *taps = steps
    return (outputs * outer, inner, outer, *taps) if adjoint else (outputs * outer, outer, inner, *taps)


def is_countable(problem: Problem) -> bool:
    """Whether it lies on a GPU, and 32 bits count image and outputs, of which there are some."""
    pixels = prod(problem.image)
    return not problem.on_host and 0 < pixels <= LIMIT and 0 < problem.windows * problem.outputs <= LIMIT
