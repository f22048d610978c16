"""Random numbers in the order of a tensor's memory, as PyTorch gives them: by columns for a transpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.generator import Array, Generator
from minigrad.layout import find_memory_order, invert
from minigrad.random import source_of


def in_memory_order(array: Any, draw: Callable[[tuple[int, ...]], Any]) -> Any:
    """The array of the shape of `array` that `draw(shape)` makes in its memory order."""
    if array.flags.c_contiguous:
        return draw(array.shape)
    order = find_memory_order(array.shape, array.strides)
    return draw(tuple([array.shape[axis] for axis in order])).transpose(invert(order))  # -> axes in their own order


def follow_memory(generator: Any, out: Any) -> Any:
    """The generator that draws the numbers of the tensor `out`: None is the default one."""
    return generator if out.array.flags.c_contiguous else GeneratorInOrder(generator, out.array)


class GeneratorInOrder(Generator):
    """A generator whose numbers are for the memory of `out`. If that has gaps, normal numbers are drawn in pairs."""

    __slots__ = ("given", "out", "source")

    def __new__(cls, *_: Any) -> GeneratorInOrder:
        return object.__new__(cls)

    def __init__(self, generator: Any, out: Any) -> None:
        self.given, self.out = generator, out
        self.source = source_of(generator, array_module(out))
        self.device = self.source.device

    def uniform(self, shape: Sequence[int], dtype: Any = np.float32, low: float = 0.0, high: float = 1.0) -> Array:
        return self._draw(shape, lambda ordered, _: self.source.uniform(ordered, dtype, low, high))

    def normal(
        self, shape: Sequence[int], dtype: Any = np.float32, mean: float = 0.0, std: float = 1.0, *, pairs: bool = False
    ) -> Array:
        return self._draw(shape, lambda ordered, gaps: self.source.normal(ordered, dtype, mean, std, pairs=gaps))

    def randint(self, low: int, high: int | None, shape: Sequence[int], dtype: Any = np.int64) -> Array:
        return self._draw(shape, lambda ordered, _: self.source.randint(low, high, ordered, dtype))

    def permutation(self, n: int, dtype: Any = np.int64) -> Array:
        source = source_of(None) if self.given is None else self.source  # PyTorch permutes on the CPU
        return source.permutation(n, dtype)

    def _draw(self, shape: Sequence[int], draw: Callable[[tuple[int, ...], bool], Any]) -> Any:
        """Numbers for an `out` of this shape; another one gets new memory, by rows."""
        if self.out.shape != tuple(shape):
            return draw(tuple(shape), False)
        return in_memory_order(self.out, lambda ordered: draw(ordered, True))
