"""An elementwise formula as a list of NumPy's calls, which several threads run on blocks of large arrays.

`tracing.py` finds the steps of the formula. A `Plan` is made once for operands of certain dtypes and layouts. It says
which call writes into which memory, so little Python runs between two calls: a thread that has to wait for the
interpreter lock sleeps, and to wake up takes it longer than a short call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minigrad import parallel, passes
from minigrad.size import broadcasts
from minigrad.tracing import Expression, Step, Untraceable, trace

# As quick as a copy: three of them take as long as one exponential, and that is worth it from twice LARGE on. It takes
# 0.17 ms then; to wake a thread, and to fill the caches of its core, takes 0.05.
QUICK = {np.add, np.subtract, np.multiply, np.negative, np.abs, np.maximum, np.minimum, np.less_equal, np.invert}
# Elements in the memory that the results of one block take: few enough for the third cache, and so many that two
# threads seldom ask for the interpreter's lock at the same time. A quarter of it took up to twice as long.
BLOCK = 2**20
WORDS = {"operand", "constant", "cast", "where"}  # supported steps other than NumPy's ufuncs


class OperandLayout(NamedTuple):
    """How an operand lies in memory."""

    dtype: Any
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    is_contiguous: bool

    def is_in_order(self) -> bool:
        """Whether it is in C order, apart from broadcast axes."""
        steps = [step for step, n in zip(self.strides, self.shape, strict=True) if step and n > 1]
        return all(step > 0 for step in steps) and steps == sorted(steps, reverse=True)


def read_layout(x: Any) -> OperandLayout:
    """How an array lies."""
    return OperandLayout(x.dtype, x.shape, x.strides, x.flags.c_contiguous)


def find_plan(function: Callable[..., Any], operands: Sequence[Any]) -> Plan | None:
    """The plan of an elementwise function for operands that lie like these; None if it must be computed as a whole."""
    kinds = [read_layout(x) if x.__class__ is np.ndarray else x for x in operands]
    try:  # a key that distinguishes 1 and 1.0
        return _make_plan(function, tuple(kinds), tuple([x.__class__ for x in operands]))
    except TypeError:  # an option that is not hashable
        return None


@lru_cache(maxsize=512)
def _make_plan(function: Callable[..., Any], kinds: tuple[Any, ...], types: tuple[type, ...]) -> Plan | None:
    layouts = {i: kind for i, kind in enumerate(kinds) if types[i] is np.ndarray}
    shape: tuple[int, ...] = max([x.shape for x in layouts.values()], key=prod)
    for x in layouts.values():
        if x.dtype.char not in "fd" or not x.is_in_order() or not broadcasts(x.shape, shape):
            return None
    formula = _trace(function, tuple([layouts[i].dtype if i in layouts else x for i, x in enumerate(kinds)]), types)
    if formula is None or not any(layouts[i].shape == shape for i in formula.over):
        return None
    return Plan(formula, layouts, len(kinds), shape)


@lru_cache(maxsize=512)
def _trace(function: Callable[..., Any], kinds: tuple[Any, ...], types: tuple[type, ...]) -> Expression | None:
    """The traced steps of a function for operands of these dtypes; None if it has unsupported steps."""
    try:
        expression = trace(function, kinds, {})
    except Untraceable:
        return None
    known = all(isinstance(s.function, np.ufunc) or s.function in WORDS for s in expression.steps)
    # NumPy's power has special cases for some exponents.
    powers = any(s.function is np.power for s in expression.steps)
    return expression if known and expression.result.inputs and not powers else None


class Plan:
    """The calls of a formula in order: what each reads, and where its result goes.

    Values have numbers: first the operands, then the result, then constants and intermediate results. An intermediate
    result is written into the result's memory, or into that of one which is not read any more, and takes its number.
    """

    def __init__(
        self, formula: Expression, layouts: dict[int, OperandLayout], operands: int, shape: tuple[int, ...]
    ) -> None:
        self.shape, self.dtype, self.result = shape, formula.result.dtype, operands
        self.is_flat = all(x.shape == shape and x.is_contiguous for x in layouts.values())
        self.values: list[Any] = [None] * (operands + 1)  # by number: the constants
        self.memory = {operands: self.dtype}  # by number: the dtype of memory of our own
        self.calls: list[tuple[Callable[..., Any], list[int], int]] = []
        self.cost = 0.0
        numbers = {id(step): step.value for step in formula.steps if step.function == "operand"}
        last_use = {id(x): step for step in formula.steps for x in step.inputs}
        free = [self.result]  # memory whose value is not read any more
        for step in formula.steps:
            if step.function == "constant":
                numbers[id(step)] = self._add(step.value)
            elif step.function != "operand":
                inputs = [numbers[id(x)] for x in step.inputs]
                unread = dict.fromkeys([numbers[id(x)] for x in step.inputs if last_use[id(x)] is step])
                free += [number for number in unread if number in self.memory]
                is_whole = np.broadcast_shapes(*[layouts[i].shape for i in step.over]) == shape
                if step is formula.result:
                    number = self.result
                else:
                    number = self._find_memory(step.dtype, free) if is_whole else self._add()
                numbers[id(step)] = number
                self.calls.append((_function_of(step), inputs, number))
                self.cost += 1 / 3 if step.function in QUICK else 1

    def _add(self, value: Any = None) -> int:
        """The number of a new value."""
        self.values.append(value)
        return len(self.values) - 1

    def _find_memory(self, dtype: Any, free: list[int]) -> int:
        """The number of memory for an intermediate result: what was read last, else new memory."""
        number = next((number for number in reversed(free) if self.memory[number] == dtype), None)
        if number is None:
            number = self._add()
            self.memory[number] = dtype
        else:
            free.remove(number)
        return number

    def compute(self, operands: Sequence[Any]) -> Any:
        """The formula of operands that lie as planned, cut along the first axis longer than 1."""
        out = np.empty(self.shape, self.dtype)
        arrays = [*operands, out]
        if self.is_flat:
            arrays = [x.reshape(-1) if x.__class__ is np.ndarray else x for x in arrays]
        shape = arrays[-1].shape
        axis = next(i for i, n in enumerate(shape) if n > 1)
        rows = max(1, BLOCK * shape[axis] // (len(self.memory) * out.size)) if len(self.calls) > 1 else shape[axis]
        cuts, ahead = [_find_cut(x, len(shape) - axis) for x in arrays], (slice(None),) * axis

        def follow(part: slice) -> None:
            block = (*shape[:axis], min(rows, part.stop - part.start), *shape[axis + 1 :])
            rooms = {i: np.empty(block, dtype) for i, dtype in self.memory.items() if i != self.result}
            for start in range(part.start, part.stop, rows):
                stop = min(start + rows, part.stop)
                memory = self.values.copy()
                for i, (x, cut) in enumerate(zip(arrays, cuts, strict=True)):
                    memory[i] = x if cut is None else x[(*cut, slice(start, stop))]
                for i, room in rooms.items():
                    memory[i] = room[(*ahead, slice(stop - start))]
                self.run(memory)

        parallel.spread(follow, shape[axis], out.nbytes)
        return out

    def run(self, memory: Sequence[Any]) -> None:
        """Runs the calls on a block: `memory` holds operands, constants, and arrays for results."""
        values = [*memory]
        for function, inputs, number in self.calls:
            values[number] = function(*[values[i] for i in inputs], out=memory[number])


def _function_of(step: Step) -> Callable[..., Any]:
    """The function of a step, which takes `out`, an array for its result or None."""
    if step.function == "cast":
        return partial(_cast, step.dtype)
    if step.function in (np.maximum, np.minimum) and any(x.function == "constant" for x in step.inputs):
        return partial(_limit, step.function)
    return _choose if step.function == "where" else step.function


def _limit(function: Callable[..., Any], x: Any, y: Any, out: Any) -> Any:
    """The maximum or minimum, for which NumPy has a quick loop over two arrays, but none over a number and an array."""
    if out is None or np.may_share_memory(out, x) or np.may_share_memory(out, y):  # a value whose place it takes
        return function(x, y, out=out)
    if x.__class__ is np.ndarray:
        out.fill(y)
        return function(x, out, out=out)
    out.fill(x)
    return function(out, y, out=out)


def _cast(dtype: Any, x: Any, out: Any) -> Any:
    if out is None:
        return np.asarray(x).astype(dtype)[()]
    np.copyto(out, x, casting="unsafe")
    return out


def _choose(mask: Any, x: Any, y: Any, out: Any) -> Any:
    """``where(mask, x, y)``."""
    zero = isinstance(y, np.floating) and y == 0 and not np.signbit(y)
    if zero and x.__class__ is np.ndarray and mask.__class__ is np.ndarray:
        return passes.keep_where(mask, x, out)
    found = np.where(mask, x, y)
    if out is None:
        return found
    out[...] = found
    return out


def _find_cut(x: Any, place: int) -> tuple[slice, ...] | None:
    """The leading index to cut the axis that is `place` from the end; None if `x` has no such axis."""
    if x.__class__ is not np.ndarray or x.ndim < place or x.shape[-place] == 1:
        return None
    return (slice(None),) * (x.ndim - place)
