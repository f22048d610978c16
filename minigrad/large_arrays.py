"""The multi-threaded part of `passes.py`: elementwise formulas and reductions of large arrays.

The plan of a formula stands in `blockwise.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from minigrad import parallel, passes
from minigrad.blockwise import find_plan, read_layout

BLOCK = 2**18  # elements of a slice, for functions that combine the elements of a row
MANY = 16  # least steps for which blocks pay in one thread too, because they stay in the cache
UNIT = 32  # of an axis that a reduction is cut along: of a row or two NumPy adds up in another order


def compute_in_parts(function: Callable[..., Any], *operands: Any) -> Any:
    """``function(*operands)`` for `in_parts`. Functions that cannot be traced, arrays that are not in C order, and
    other dtypes than floats are computed as a whole.
    """
    plan = find_plan(function, operands)
    if (
        plan is None
        or (len(plan.calls) < MANY and not parallel.may_spread())
        or plan.cost * prod(plan.shape) < 2 * passes.LARGE
    ):
        return function(*operands)
    return plan.compute(operands)


def add_in_parts(total: Any, more: Any, out: Any) -> Any:
    """``total + more`` of arrays of one shape in C order, written into `out`, one of the two."""
    sums, addends, found = total.reshape(-1), more.reshape(-1), out.reshape(-1)
    parallel.spread(lambda part: np.add(sums[part], addends[part], out=found[part]), sums.size, sums.nbytes // 4)
    return out


def reduce_in_parts(
    reduce: Any, x: Any, axis: tuple[int, ...] | None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    """``reduce(x, axis, dtype, out, keepdims)`` of an array, cut along the longest axis that stays.

    A sum of all elements is cut in the middle.
    """
    if axis is None and dtype in (None, x.dtype) and x.flags.c_contiguous and x.__class__ is np.ndarray:
        return _add_halves(x, keepdims)
    stays = [i for i in range(x.ndim) if axis is not None and i not in axis]
    longest, units = _find_longest(x.shape, stays)
    if units < 2 or x.__class__ is not np.ndarray or not parallel.may_spread() or not read_layout(x).is_in_order():
        return reduce(x, axis, dtype, out, keepdims)
    shape = [n if i in stays else 1 for i, n in enumerate(x.shape)]
    total = np.empty(shape, dtype or x.dtype)

    def reduce_part(part: slice) -> None:
        key = _key_of_units(part, longest, x.shape[longest])
        reduce(x[key], axis, dtype, total[key], True)

    parallel.spread(reduce_part, units, x.nbytes // 4)  # as quick as a copy of x
    return total if keepdims else total.reshape([x.shape[i] for i in stays])


def _add_halves(x: Any, keepdims: bool) -> Any:
    """The sum of all elements, of the two halves in which NumPy's pairwise sum adds them, too."""
    elements = x.reshape(-1)
    middle = elements.size // 2 // 8 * 8
    halves, found = (elements[:middle], elements[middle:]), np.empty(2, x.dtype)

    def add_half(i: int) -> None:
        found[i] = np.add.reduce(halves[i], dtype=x.dtype)

    parallel.share(add_half, (0, 1), x.nbytes // 4)
    total = found[0] + found[1]
    return total.reshape((1,) * x.ndim) if keepdims else total


def _find_longest(shape: tuple[int, ...], stays: Sequence[int]) -> tuple[int, int]:
    """The longest of the axes `stays`, and its length in multiples of `UNIT`."""
    if not stays:
        return 0, 0
    longest = max(stays, key=lambda i: shape[i])
    return longest, shape[longest] // UNIT


def _key_of_units(part: slice, axis: int, length: int) -> tuple[slice, ...]:
    """The index of these units of an axis; the last unit includes the rest."""
    stop = length if part.stop == length // UNIT else part.stop * UNIT
    return (*(slice(None),) * axis, slice(part.start * UNIT, stop))


def map_parts(function: Callable[..., Any], over: Sequence[int], x: Any, *others: Any) -> Any:
    """``function(x, *others)`` for `map_slices`, of a large array."""
    longest, units = _find_longest(x.shape, [i for i in range(x.ndim) if i not in over])
    if units < 2 or not parallel.may_spread():
        return function(x, *others)
    result = _Result(x.shape[longest], longest)
    step = max(1, BLOCK // (UNIT * x.size // x.shape[longest]))  # units at a time

    def compute(part: slice) -> None:
        for start in range(part.start, part.stop, step):
            key = _key_of_units(slice(start, min(start + step, part.stop)), longest, x.shape[longest])
            given = [y if y is None or y.shape[longest] == 1 else y[key] for y in (x, *others)]
            result.put(key, function(*given))

    parallel.spread(compute, units, x.nbytes)
    return result.array


class _Result:
    """The result array, made with its first slice, and filled by several threads."""

    def __init__(self, length: int, axis: int) -> None:
        self.array: Any = None
        self.length, self.axis, self.lock = length, axis, Lock()

    def put(self, key: tuple[slice, ...], found: Any) -> None:
        """Copies a part of the result to its place."""
        with self.lock:
            if self.array is None:
                shape = [self.length if i == self.axis else n for i, n in enumerate(found.shape)]
                self.array = np.empty(shape, found.dtype)
        self.array[key] = found
