"""Elementwise functions, each compiled into one kernel when it is first called.

    square = Elementwise(lambda x: x * x)
    square(x)  # one launch; memory is read and written once

The function is traced for the dtypes of its operands and printed as CUDA C. A thread computes four consecutive
elements: it reads and writes 16 bytes at once, which uses more of the memory bandwidth than one element per thread.
Operands that are broadcast or strided are read by their strides.
A function that cannot be traced runs as it is, with one launch for each of its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.gpu import cuda_c
from minigrad.gpu.launch import THREADS, Kernel, blocks_for
from minigrad.gpu.placement import AT_ONCE, place
from minigrad.tracing import Expression, Number, Untraceable, trace

VARIANTS = 64  # the most kernels of one function: options that change at each call would make ever more
NEW = "new"  # marks operands for which the function was not traced yet
BY_VALUE = "by value"  # marks a function that tests its numbers: it is traced for each value

WRITTEN: dict[str, Expression] = {}  # name of a kernel -> its expression


class Elementwise:
    """An elementwise function of arrays as CUDA kernels.

    The result has the memory order of the operands, the first one taking precedence; with `in_order` it is row-major.
    """

    __slots__ = ("_in_order", "_inputs", "_variants", "function")

    def __init__(self, function: Callable[..., Any], in_order: bool = False) -> None:
        self.function, self._in_order = function, in_order
        self._inputs = getattr(function, "nin", 0)  # of a ufunc
        self._variants: dict[Any, Variant | int | str | None] = {}

    def __call__(self, *operands: Any, out: Any = None, **statics: Any) -> Any:
        if self._inputs and len(operands) > self._inputs:  # a positional out, as in NumPy
            *operands, out = operands  # type: ignore[assignment]
        variant = self._find(operands, statics)
        found = None
        if variant.__class__ is Variant:
            found = variant.compute(operands, out)
        elif variant.__class__ is int and out is None:
            found = operands[variant]
        if found is None:
            found = self.function(*operands, **statics) if out is None else self.function(*operands, out=out, **statics)
        return found

    def _find(self, operands: Sequence[Any], statics: dict[str, Any]) -> Any:
        """The kernel for these operands; or the index of the operand that is the result; or None."""
        array_type = backend.gpu_array_type()
        key: Any = tuple([x.dtype.char if x.__class__ is array_type else _kind_of_number(x) for x in operands])
        try:
            if statics:
                key += tuple([(name, _spell(value)) for name, value in statics.items()])
            variant = self._variants.get(key, NEW)
            if variant is NEW:
                variant = self._write_for_all_numbers(key, operands, statics)
            if variant is BY_VALUE:
                key += tuple([x for x in operands if not isinstance(x, array_type)])
                variant = self._variants.get(key, NEW)
                if variant is NEW:
                    variant = self._write(key, [x.dtype if isinstance(x, array_type) else x for x in operands], statics)
        except TypeError:  # an operand or an option that is not hashable
            return None
        return variant

    def _write_for_all_numbers(self, key: Any, operands: Sequence[Any], statics: dict[str, Any]) -> Any:
        """One kernel for all values of numbers; `BY_VALUE` if the function tests them."""
        known = [x.dtype if isinstance(x, backend.gpu_array_type()) else x for x in operands]
        numbers = [Number(_type_of(x)) if _is_number(x) else x for x in known]
        variant = self._write(key, numbers, statics)
        if variant is None and numbers != known:
            self._variants[key] = BY_VALUE
        return self._variants.get(key)

    def _write(self, key: Any, given: Sequence[Any], statics: dict[str, Any]) -> Variant | int | None:
        """Makes and caches the kernel for `key`."""
        if len(self._variants) >= VARIANTS:
            return None
        variant: Variant | int | None
        try:
            expression = trace(self.function, given, statics, cuda_c.ONE_STEP)
            given_back = expression.result.function == "operand"
            variant = expression.result.value if given_back else Variant(expression, self._in_order)
        except Untraceable:
            variant = None
        self._variants[key] = variant
        return variant


def _kind_of_number(x: Any) -> Any:
    """The part of the key for an operand that is no array: the type of a number."""
    return type(x) if _is_number(x) else x


def _is_number(x: Any) -> bool:
    return type(x) is float or type(x) is int or isinstance(x, np.generic)


def _type_of(number: Any) -> Any:
    return number.dtype if isinstance(number, np.generic) else type(number)


def _spell(value: Any) -> Any:
    """An option as a part of a key. Raises TypeError for functions that were made for one call."""
    if getattr(value, "__closure__", None):
        raise TypeError("a function with a closure")
    return (value, tuple(map(type, value)) if type(value) is tuple else type(value))


class Variant:
    """The kernels of a function for operands of given dtypes, one for each memory layout."""

    __slots__ = (
        "_arrays", "_first", "_flat", "_in_order", "_kernels", "_numbers", "_read", "_rest", "dtype", "expression",
    )  # fmt: skip

    def __init__(self, expression: Expression, in_order: bool) -> None:
        self.expression, self._in_order = expression, in_order
        self._arrays, self._numbers, self.dtype = expression.arrays, expression.numbers, expression.result.dtype
        self._first, *self._rest = expression.over
        self._read = tuple([expression.over.index(i) for i in expression.arrays])
        self._kernels: dict[Any, Kernel] = {}
        self._flat = self._find_kernel(1, (1,) * len(self._read), "long long")  # raises Untraceable for what has no C

    def compute(self, operands: Sequence[Any], out: Any = None) -> Any:
        """The result for these operands, in new memory or in `out`; None if that is not possible."""
        first = operands[self._first]
        shape, flat = first.shape, first.flags.c_contiguous
        for i in self._rest:
            x = operands[i]
            flat = flat and x.shape == shape and x.flags.c_contiguous
        if not flat:
            return self._compute_placed(operands, out)
        if out is None:
            out = first.__class__(shape, self.dtype)
        elif not self._can_write(out, shape, operands):
            return None
        if first.size:
            self._launch(self._flat, out, operands, *_cut_into_blocks(first.size))
        return out

    def _compute_placed(self, operands: Sequence[Any], out: Any) -> Any:
        """The result for operands of different shapes, or not contiguous."""
        over = [operands[i] for i in self.expression.over]
        placement = place(self._in_order, self._read, *[(x.shape, x.strides, x.itemsize) for x in over])
        if placement is None:
            return None
        if out is None:
            out = type(over[0])(placement.stored_shape, self.dtype)
            if placement.transposition is not None:
                out = out.transpose(placement.transposition)
        elif placement.transposition is not None or not self._can_write(out, placement.stored_shape, operands):
            return None
        if placement.size:
            kernel = self._find_kernel(placement.axes, placement.inner, placement.index_type)
            self._launch(kernel, out, operands, (placement.blocks,), placement.arguments)
        return out

    def _can_write(self, out: Any, shape: tuple[int, ...], operands: Sequence[Any]) -> bool:
        """Whether the kernel may write to `out`: it does not overlap an operand, or only element by element."""
        if out.shape != shape or out.dtype != self.dtype or not out.flags.c_contiguous:
            return False
        memory = out if out.base is None else out.base
        over = [operands[i] for i in self.expression.over]
        return all(x is out or (x is not memory and x.base is not memory) for x in over)

    def _find_kernel(self, axes: int, inner: tuple[int, ...] | None, index_type: str) -> Kernel:
        key = axes, inner, index_type
        kernel = self._kernels.get(key)
        if kernel is None:
            kernel = self._kernels[key] = cuda_c.write_kernel(self.expression, *key)
            WRITTEN[kernel.name] = self.expression
        return kernel

    def _launch(
        self, kernel: Kernel, out: Any, operands: Sequence[Any], grid: tuple[int], places: tuple[Any, ...]
    ) -> None:
        arguments = [out, *[operands[i] for i in self._arrays]]
        for i in self._numbers:
            x = operands[i]
            if type(x) is float:
                x = np.float64(x)
            elif type(x) is int:
                x = np.int64(x)
            arguments.append(x)
        kernel(grid, _BLOCK, (*arguments, *places), "?")


_BLOCK = (THREADS,)


@lru_cache(maxsize=4096)
def _cut_into_blocks(count: int) -> tuple[tuple[int], tuple[Any]]:
    """The grid for so many elements that follow one another, and the kernel's last argument."""
    return (blocks_for(count, THREADS * AT_ONCE),), (np.int64(count),)
