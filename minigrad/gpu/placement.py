"""The strides by which a kernel reads operands that are broadcast, transposed or sliced.

The axes of the result are sorted by their order in memory, and axes that are contiguous in every operand are merged:
(N, C, H, W) with (1, C, 1, 1) is read as (N, C, H*W).
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minigrad.gpu.launch import THREADS, blocks_for
from minigrad.layout import find_memory_order, invert

AT_ONCE = 4  # consecutive elements of a thread
Steps = tuple[int, ...]  # strides in elements, innermost axis first


class Placement(NamedTuple):
    """The kernel variant and its arguments for one choice of shapes and strides."""

    stored_shape: tuple[int, ...]  # of the result, its axes in memory order
    transposition: tuple[int, ...] | None  # from memory order to the caller's, if they differ
    size: int  # elements of the result
    axes: int
    inner: tuple[int, ...] | None  # each operand's step along the innermost axis, where all are 0 or 1
    index_type: str
    blocks: int
    arguments: tuple[Any, ...]  # the count, the sizes of all axes but the outermost, each operand's steps


@lru_cache(maxsize=4096)
def place(
    in_order: bool, read: tuple[int, ...], *operands: tuple[tuple[int, ...], tuple[int, ...], int]
) -> Placement | None:
    """For operands of (shape, strides, itemsize), of which the kernel gets those in `read`.

    The result is row-major if `in_order`, else in the memory order of the operands, the first taking precedence.

    None if the shapes do not broadcast, or a stride is no whole number of elements.
    """
    shapes = [shape for shape, _, _ in operands]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    if any(stride % size for _, strides, size in operands for stride in strides):
        return None
    steps = [_spread_steps(shape, *operand) for operand in operands]
    if in_order:
        order = list(range(len(shape)))
    else:
        order = find_memory_order(shape, *[[abs(n) for n in s] for s in steps])
    stored_shape = tuple([shape[i] for i in order])
    transposition = None if order == sorted(order) else tuple(invert(order))
    return _plan(stored_shape, transposition, *_merge(stored_shape, [[steps[k][i] for i in order] for k in read]))


def _plan(stored_shape: Steps, transposition: Steps | None, sizes: list[int], every: list[list[int]]) -> Placement:
    """The arguments of a kernel for axes of these sizes and the operands' strides, innermost axis first."""
    count = prod(stored_shape)
    inner = tuple([s[0] for s in every]) if all(s[0] in (0, 1) for s in every) else None
    lies_in_one_piece = len(sizes) == 1 and bool(inner)
    is_short = _fits_an_int(count, sizes, every) and not lies_in_one_piece
    index_type, number = ("int", np.int32) if is_short else ("long long", np.int64)
    passed = [s[1:] if inner else s for s in every]
    arguments = tuple([number(n) for n in (count, *sizes[:-1], *[step for s in passed for step in s])])
    threads = count if inner is None else count // max(1, sizes[0]) * blocks_for(sizes[0], AT_ONCE)
    return Placement(stored_shape, transposition, count, len(sizes), inner, index_type, blocks_for(threads), arguments)


def _fits_an_int(count: int, sizes: list[int], every: list[list[int]]) -> bool:
    """Whether an int holds every index that the kernel computes, also in threads past the end."""
    reach = max([sum(abs(a) * (n - 1) for a, n in zip(s, sizes, strict=True)) for s in every] + [count])
    return reach + sizes[0] + AT_ONCE * THREADS < 2**31


def _spread_steps(shape: tuple[int, ...], own: tuple[int, ...], strides: tuple[int, ...], size: int) -> Steps:
    """The strides of an operand along the axes of the result: 0 for broadcast axes."""
    steps = [0 if n == 1 else stride // size for n, stride in zip(own, strides, strict=True)]
    return (*[0] * (len(shape) - len(own)), *steps)


def _merge(shape: tuple[int, ...], every: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Sizes and each operand's steps, innermost axis first; axes that are contiguous in every operand are merged."""
    sizes: list[int] = []
    merged: list[list[int]] = [[] for _ in every]
    for i in reversed(range(len(shape))):
        if shape[i] == 1:
            continue
        if sizes and all(s[i] == m[-1] * sizes[-1] for s, m in zip(every, merged, strict=True)):
            sizes[-1] *= shape[i]
            continue
        sizes.append(shape[i])
        for s, m in zip(every, merged, strict=True):
            m.append(s[i])
    return (sizes, merged) if sizes else ([1], [[0] for _ in every])
