"""Traces a function of arrays, written with NumPy's functions, into the list of its elementwise steps.

`trace` calls the function once with symbols in place of arrays. A symbol records the NumPy functions and
Python operators that are applied to it: `lambda g, out: g * (1 - out * out)` gives three steps, out * out,
1 - that, g times that. The dtypes of the steps are those of NumPy's ufuncs.

A function that is not the same list of steps for every element raises `Untraceable`: one that reads a shape
or a value, reduces, or calls a function that is not NumPy's. (JAX's "autodidax" explains tracing.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

import numpy as np

KNOWN = frozenset("?bBhHiIlLqQefd")  # the dtypes that kernels know
_DOUBLE = np.dtype(np.float64)


class Untraceable(Exception):  # noqa: N818 (an answer, not a fault)
    """The error for a function that cannot be traced; the message says what it does."""


class Step:
    """One step: a function applied to earlier steps, and the dtype of its result.

    `function` is a ufunc, or one of these words. "operand" and "number": what was given at the place `value`;
    "constant": `value`; "cast": the input in another type; "where": the second input where the first is true,
    else the third; "at_least" and "at_most": NumPy's clip, one limit at a time; or a function of ours by its name.
    """

    __slots__ = ("dtype", "function", "inputs", "over", "value")

    def __init__(
        self, function: Any, inputs: tuple[Step, ...] = (), dtype: Any = None, value: Any = None, over: Any = None
    ) -> None:
        self.function, self.inputs, self.dtype, self.value = function, inputs, dtype, value
        # The operands that determine the result's shape; zeros_like(x) uses only the shape of x.
        self.over: frozenset[int] = frozenset().union(*[s.over for s in inputs]) if over is None else over


class Expression:
    """A traced function: its steps in order, each once."""

    __slots__ = ("arrays", "numbers", "over", "result", "steps")

    def __init__(self, result: Step) -> None:
        self.result = result
        self.steps: list[Step] = []
        put_in_order(result, self.steps, set())
        self.over = sorted(result.over)
        self.arrays = sorted({s.value for s in self.steps if s.function == "operand"})  # indices of operands
        self.numbers = sorted({s.value for s in self.steps if s.function == "number"})


def put_in_order(step: Step, steps: list[Step], seen: set[int]) -> None:
    """Appends a step to `steps` after the steps that it reads; `seen` are ids of steps that are not needed again."""
    if id(step) not in seen:
        seen.add(id(step))
        for before in step.inputs:
            put_in_order(before, steps, seen)
        steps.append(step)


def trace(
    function: Callable[..., Any], operands: Sequence[Any], statics: dict[str, Any], names: Collection[str] = ()
) -> Expression:
    """Traces ``function(*operands, **statics)``, where dtypes stand for arrays.

    A `Number` stands for a number that differs from call to call; other values are passed on. `names` are functions,
    such as erf, that are traced as one step. Raises Untraceable.
    """
    notes = Notes(names)
    given = []
    for place, x in enumerate(operands):
        if isinstance(x, np.dtype):
            given.append(Symbol(notes, Step("operand", (), _require_known(x), place, frozenset([place])), given=True))
        elif isinstance(x, Number):
            given.append(NumberSymbol(notes, Step("number", (), x.dtype, place), given=True))
        else:
            given.append(x)
    try:
        found = function(*given, **statics)
    except Untraceable:
        raise
    except Exception as error:
        raise Untraceable(f"{type(error).__name__}: {error}") from error
    if type(found) is not Symbol or not found.step.over:
        raise Untraceable("the result is no array of the operands' shape")
    return Expression(found.step)


class Number:
    """Stands for a number: a NumPy scalar of a dtype, or a Python `int` or `float`, which adapts to other dtypes."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype


class Notes:
    """The recorded steps, so that equal steps are shared; `names` are functions that are one step."""

    def __init__(self, names: Collection[str] = ()) -> None:
        self.steps: dict[Any, Step] = {}
        self.names = names

    def note(self, function: Any, inputs: tuple[Step, ...], dtype: Any, value: Any = None, over: Any = None) -> Step:
        key = (function, tuple(map(id, inputs)), dtype, repr(value), over)
        if key not in self.steps:
            self.steps[key] = Step(function, inputs, dtype, value, over)
        return self.steps[key]

    def in_type(self, x: Any, dtype: Any) -> Step:
        """The step of a symbol or a number, cast to that dtype."""
        if not isinstance(x, Symbol):
            return self.note("constant", (), dtype, dtype.type(x))
        if x.step.dtype is int and dtype.kind != "f":
            raise Untraceable("a number that may not fit")
        return x.step if x.step.dtype is dtype else self.note("cast", (x.step,), dtype)

    def call(self, ufunc: np.ufunc, inputs: Sequence[Any], dtype: Any = None) -> Symbol:
        """Records a ufunc of symbols and numbers, with the dtypes that NumPy would use."""
        if ufunc.nout != 1 or ufunc.signature is not None:
            raise Untraceable(f"{ufunc} has several results, or takes whole rows")
        kinds = [_kind(x) for x in inputs]
        if all(isinstance(kind, type) for kind in kinds):
            return self.of_numbers(ufunc, inputs)
        asked: dict[str, Any] = {} if dtype is None else {"signature": (*[None] * ufunc.nin, np.dtype(dtype))}
        *types, result = ufunc.resolve_dtypes((*kinds, None), **asked)
        for found in (*types, result):
            _require_known(found)
        steps = tuple([self.in_type(x, t) for x, t in zip(inputs, types, strict=True)])
        return Symbol(self, self.note(ufunc, steps, result))

    def convert(self, x: Symbol, dtype: Any) -> Symbol:
        """`x` in another type."""
        return Symbol(self, self.in_type(x, dtype))

    def decide(self, condition: Symbol) -> bool:
        """The answer to a test (``if x > 0``) in the traced function: Untraceable, as it differs between elements."""
        raise Untraceable("a value")

    def of_numbers(self, ufunc: np.ufunc, inputs: Sequence[Any]) -> NumberSymbol:
        """Python's arithmetic with a float, whose result is again a Python number."""
        counts = any(type(x) is NumberSymbol and x.step.dtype is int for x in inputs)
        if counts or ufunc not in (np.add, np.subtract, np.multiply, np.negative, np.absolute):
            raise Untraceable(f"{ufunc} of Python's numbers")
        number = self.note(ufunc, tuple([self.in_type(x, _DOUBLE) for x in inputs]), _DOUBLE)
        return NumberSymbol(self, self.note("cast", (number,), float))


def _kind(x: Any) -> Any:
    """The type for NumPy's promotion: a dtype, or Python's type of a number."""
    if isinstance(x, Symbol):
        return x.step.dtype
    if type(x) in (int, float):
        return type(x)
    if isinstance(x, (bool, np.generic)):
        return np.dtype(type(x))
    raise Untraceable(f"a {type(x).__name__} among the operands")


def _require_known(dtype: Any) -> Any:
    if dtype.char not in KNOWN:
        raise Untraceable(f"the type {dtype}")
    return dtype


class _Many:
    """The size of a symbol: larger than any number it is compared with."""

    def __gt__(self, other: Any) -> bool:
        return True

    __ge__ = __gt__

    def __lt__(self, other: Any) -> bool:
        return False

    __le__ = __lt__


class Symbol(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for an array while a function is traced. Writing into a symbol replaces its step."""

    __slots__ = ("_given", "_notes", "step")
    __hash__ = None  # type: ignore[assignment]
    strides: tuple[int, ...] = ()  # arrays have strides, numbers have not; no axis is broadcast here
    size = _Many()

    def __init__(self, notes: Notes, step: Step, given: bool = False) -> None:
        self._notes, self.step, self._given = notes, step, given

    @property
    def dtype(self) -> Any:
        if isinstance(self.step.dtype, type):
            raise Untraceable("the type of a Python number")
        return self.step.dtype

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, dtype: Any = None) -> Any:
        if method != "__call__":
            raise Untraceable(f"{ufunc.__name__}.{method}")
        found = self._notes.call(ufunc, inputs, dtype)
        return found if out is None else out[0].become(found)

    def become(self, other: Symbol) -> Symbol:
        """Takes the step of `other`, cast to its own dtype."""
        if self._given or not np.can_cast(other.dtype, self.dtype, "same_kind"):
            raise Untraceable("a write into an operand")
        self.step = self._notes.in_type(other, self.dtype)
        return self

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        known = _FUNCTIONS.get(function)
        if known is None:
            raise Untraceable(f"numpy.{function.__name__}")
        return known(self._notes, *args, **kwargs)

    def __pow__(self, exponent: Any) -> Any:  # as in NumPy, the exponent 2 is a product
        return np.square(self) if type(exponent) in (int, float) and exponent == 2 else np.power(self, exponent)

    def astype(self, dtype: Any, copy: bool = True, order: str = "K") -> Symbol:  # the kernel decides the order
        wanted = _require_known(np.dtype(dtype))
        if wanted == self.dtype:
            return self.copy() if copy else self
        return self._notes.convert(self, wanted)

    def copy(self, order: str = "C") -> Symbol:
        return Symbol(self._notes, self._notes.note("cast", (self.step,), self.dtype))

    def clip(self, low: Any = None, high: Any = None) -> Symbol:
        return _clip(self._notes, self, low, high)

    def as_one_step(self, name: str) -> Symbol | None:
        """The step of our function with that name, if it is traced as one step; else None."""
        return (
            Symbol(self._notes, self._notes.note(name, (self.step,), self.dtype)) if name in self._notes.names else None
        )

    def __getitem__(self, key: Any) -> Symbol:
        return self if key is Ellipsis else self._refuse()

    def __setitem__(self, key: Any, value: Any) -> None:
        if key is not Ellipsis or self._given:
            raise Untraceable("a write into a part, or into an operand")
        self.step = self._notes.in_type(value, self.dtype)

    def __bool__(self) -> bool:
        return self._notes.decide(self)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Untraceable("a value")

    __float__ = __int__ = __index__ = __len__ = __iter__ = __array__ = _refuse


class NumberSymbol(Symbol):
    """Stands for a number. A function that tests its value or type is traced for each case."""

    __slots__ = ()

    @property
    def __class__(self) -> Any:
        raise Untraceable("what a number is")

    @__class__.setter
    def __class__(self, other: Any) -> NoReturn:
        raise TypeError("a symbol stays what it is")


# ---- NumPy's functions that are no ufuncs --------------------------------------------------------
def _where(notes: Notes, condition: Any, x: Any, y: Any) -> Symbol:
    kinds = [_kind(z) for z in (x, y)]
    dtype = _require_known(np.result_type(*[kind(0) if isinstance(kind, type) else kind for kind in kinds]))
    steps = (notes.in_type(condition, np.dtype(bool)), notes.in_type(x, dtype), notes.in_type(y, dtype))
    return Symbol(notes, notes.note("where", steps, dtype))


def _clip(notes: Notes, x: Any, low: Any = None, high: Any = None, out: Any = None) -> Symbol:
    found = x
    for word, ufunc, limit in (("at_least", np.maximum, low), ("at_most", np.minimum, high)):
        if limit is not None:
            step = notes.call(ufunc, (found, limit)).step
            found = Symbol(notes, notes.note(word, step.inputs, step.dtype))
    return found if out is None else out.become(found)


def _make_filling(value: int) -> Callable[..., Symbol]:
    """Makes ``zeros_like`` and its relatives, which use only the shape and dtype of an array."""

    def make(notes: Notes, x: Any, dtype: Any = None) -> Symbol:
        wanted = x.dtype if dtype is None else _require_known(np.dtype(dtype))
        return Symbol(notes, notes.note("constant", (), wanted, wanted.type(value), over=x.step.over))

    return make


_FUNCTIONS: dict[Any, Callable[..., Symbol]] = {
    np.where: _where,
    np.clip: _clip,
    np.zeros_like: _make_filling(0),
    np.ones_like: _make_filling(1),
    np.empty_like: _make_filling(0),
}
