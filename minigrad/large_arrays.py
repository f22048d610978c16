"""The multi-threaded part of `side_by_side.py`: elementwise formulas and reductions of large arrays.

`tracing.py` finds the steps of the formula. Each thread runs the steps on its part of the arrays, and its last
step writes that part of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from minigrad import parallel, side_by_side
from minigrad.size import broadcasts
from minigrad.tracing import Expression, Step, Untraceable, trace

# As quick as a copy: three of them take as long as one exponential, and that is worth it from twice LARGE on. It takes
# 0.17 ms then; to wake a thread, and to fill the caches of its core, takes 0.05.
QUICK = {np.add, np.subtract, np.multiply, np.negative, np.abs, np.maximum, np.minimum}
BLOCK = 2**17  # elements in a block: intermediate results are never larger
MANY = 16  # least steps for which blocks pay in one thread too, because they stay in the cache
UNIT = 32  # of an axis that a reduction is cut along: of a row or two NumPy adds up in another order
WORDS = {"operand", "constant", "cast", "where"}  # supported steps other than NumPy's ufuncs


def compute_in_parts(function: Callable[..., Any], *operands: Any) -> Any:
    """``function(*operands)`` for `in_parts`. Functions that cannot be traced, arrays that are not in C order, and
    other dtypes than floats are computed as a whole.
    """
    arrays = [x for x in operands if x.__class__ is np.ndarray]
    if any(x.dtype.char not in "fd" for x in arrays):
        return function(*operands)
    shape: tuple[int, ...] = max(arrays, key=lambda x: x.size).shape
    formula = _trace(function, operands)
    if (
        formula is None
        or (len(formula.calls) < MANY and not parallel.may_spread())
        or formula.cost * prod(shape) < 2 * side_by_side.LARGE
        or not all(_lies_in_order(x) and broadcasts(x.shape, shape) for x in arrays)
        or not any(operands[i].shape == shape for i in formula.over)
    ):
        return function(*operands)
    out = np.empty(shape, formula.dtype)
    if all(x.shape == shape and x.flags.c_contiguous for x in arrays):
        formula.fill(out.reshape(-1), [x.reshape(-1) if x.__class__ is np.ndarray else x for x in operands])
    else:
        formula.fill(out, operands)
    return out


def add_in_parts(total: Any, more: Any) -> Any:
    """``total += more`` of arrays of one shape in C order."""
    sums, addends = total.reshape(-1), more.reshape(-1)
    parallel.spread(lambda part: np.add(sums[part], addends[part], out=sums[part]), sums.size, sums.nbytes // 4)
    return total


def reduce_in_parts(
    reduce: Any, x: Any, axis: tuple[int, ...] | None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    """``reduce(x, axis, dtype, out, keepdims)`` of an array, cut along the longest axis that stays."""
    stays = [i for i in range(x.ndim) if axis is not None and i not in axis]
    longest, units = _find_longest(x.shape, stays)
    if units < 2 or x.__class__ is not np.ndarray or not parallel.may_spread() or not _lies_in_order(x):
        return reduce(x, axis, dtype, out, keepdims)
    shape = [n if i in stays else 1 for i, n in enumerate(x.shape)]
    total = np.empty(shape, dtype or x.dtype)

    def reduce_part(part: slice) -> None:
        key = _key_of_units(part, longest, x.shape[longest])
        reduce(x[key], axis, dtype, total[key], True)

    parallel.spread(reduce_part, units, x.nbytes // 4)  # as quick as a copy of x
    return total if keepdims else total.reshape([x.shape[i] for i in stays])


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


def _trace(function: Callable[..., Any], operands: Sequence[Any]) -> _Formula | None:
    """The traced steps of a function for operands of these types; None if it has unsupported steps."""
    kinds = [x.dtype if x.__class__ is np.ndarray else x for x in operands]
    try:  # a key that distinguishes 1 and 1.0
        return _trace_kinds(function, tuple(kinds), tuple([x.__class__ for x in operands]))
    except TypeError:  # an option that is not hashable
        return None


@lru_cache(maxsize=512)
def _trace_kinds(function: Callable[..., Any], kinds: tuple[Any, ...], types: tuple[type, ...]) -> _Formula | None:
    try:
        expression = trace(function, kinds, {})
    except Untraceable:
        return None
    known = all(isinstance(s.function, np.ufunc) or s.function in WORDS for s in expression.steps)
    # NumPy's power has special cases for some exponents.
    powers = any(s.function is np.power for s in expression.steps)
    calls = [s for s in expression.steps if s.function not in ("operand", "constant")]
    return _Formula(expression, calls) if known and calls and not powers else None


class _Formula:
    """The steps of an expression, with the last use of each value."""

    def __init__(self, expression: Expression, calls: list[Step]) -> None:
        self.steps, self.calls = expression.steps, calls
        self.over, self.dtype = expression.over, expression.result.dtype
        made = set(map(id, calls))
        self.last = {id(x): id(step) for step in calls for x in step.inputs if id(x) in made}
        self.cost = sum(1 / 3 if step.function in QUICK else 1 for step in calls)

    def fill(self, out: Any, operands: Sequence[Any]) -> None:
        """Computes `out` from operands that broadcast to its shape, cut along the first axis longer than 1."""
        axis = next(i for i, n in enumerate(out.shape) if n > 1)
        arrays = (out, *operands)
        cuts = [_find_cut(x, out.ndim - axis) for x in arrays]
        rows = max(1, BLOCK * out.shape[axis] // out.size) if len(self.calls) > 1 else out.shape[axis]

        def follow(part: slice) -> None:
            for start in range(part.start, part.stop, rows):
                key = slice(start, min(start + rows, part.stop))
                self.follow(*[x if cut is None else x[(*cut, key)] for x, cut in zip(arrays, cuts, strict=True)])

        parallel.spread(follow, out.shape[axis], out.nbytes)

    def follow(self, target: Any, *operands: Any) -> None:
        """Runs the steps, the last one into `target`; intermediate results reuse `target` and each other's memory."""
        values = {id(s): operands[s.value] if s.function == "operand" else s.value for s in self.steps}
        rooms = [target]
        for step in self.calls:
            inputs = [values[id(x)] for x in step.inputs]
            if step is self.calls[-1]:
                _take(step, inputs, target)
                return
            rooms += [values.pop(i) for i in {id(x) for x in step.inputs} if self.last.get(i) == id(step)]
            fitting = [i for i, x in enumerate(rooms) if _has_room(x, target.shape, step.dtype)]
            values[id(step)] = _take(step, inputs, rooms.pop(fitting[-1]) if fitting else None)


def _has_room(x: Any, shape: tuple[int, ...], dtype: Any) -> bool:
    return x.__class__ is np.ndarray and x.shape == shape and x.dtype == dtype


def _take(step: Step, inputs: list[Any], room: Any) -> Any:
    """The value of one step, written into `room` if given."""
    if step.function == "cast":
        value = np.asarray(inputs[0]).astype(step.dtype)[()]
    elif step.function == "where":
        mask, x, y = inputs
        value = _choose(mask, x, y, room)
    else:
        return step.function(*inputs, out=room)
    if room is None or np.may_share_memory(value, room):
        return value
    room[...] = value
    return room


def _choose(mask: Any, x: Any, y: Any, room: Any) -> Any:
    """``where(mask, x, y)``, perhaps in `room`."""
    zero = isinstance(y, np.floating) and y == 0 and not np.signbit(y)
    if not zero or x.__class__ is not np.ndarray or mask.__class__ is not np.ndarray:
        return np.where(mask, x, y)
    return side_by_side.keep_where(mask, x, room)


def _find_cut(x: Any, place: int) -> tuple[slice, ...] | None:
    """The leading index to cut the axis that is `place` from the end; None if `x` has no such axis."""
    if x.__class__ is not np.ndarray or x.ndim < place or x.shape[-place] == 1:
        return None
    return (slice(None),) * (x.ndim - place)


def _lies_in_order(x: Any) -> bool:
    """Whether an array is in C order, apart from broadcast axes."""
    steps = [step for step, n in zip(x.strides, x.shape, strict=True) if step and n > 1]
    return all(step > 0 for step in steps) and steps == sorted(steps, reverse=True)
