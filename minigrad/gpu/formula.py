"""Rules traced into CUDA C: a rule runs once on symbols, and what it did to them is a kernel's body.

A symbol is an element of an array (of type `T`), one number for all of them (a double), or a truth value. It answers
to operators and to NumPy's functions, and writes down a statement for each: `t3 = multiply(a1, t2)`. Numbers that the
rule brings along become arguments of the kernel, so that other numbers need no other kernel. Equal statements are one.

A rule may ask what holds of one number for all (`if mu == 1`): then it runs once for each answer, and the kernel
chooses. What cannot be said so, a sum over an array among it, raises `Untraceable`.

The idea is tracing's as JAX and HIPS autograd do it; one type and one shape make it small.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

# NumPy's functions in C. A NaN goes through `maximum` and its kin, as it does in NumPy.
IN_C = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}", "sqrt": "sqrt({0})", "power": "pow({0}, {1})", "absolute": "fabs({0})", "exp": "exp({0})",
    "sign": "{0} != {0} ? {0} : {type}(({0} > 0) - ({0} < 0))",
    "maximum": "{0} > {1} || {0} != {0} ? {0} : {1}", "minimum": "{0} < {1} || {0} != {0} ? {0} : {1}",
    "less": "{0} < {1}", "greater": "{0} > {1}", "less_equal": "{0} <= {1}", "greater_equal": "{0} >= {1}",
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "where": "{0} ? {1} : {2}",
    "positive": "{0}", "single": "(float){0}",  # a number as its float in memory holds it
}  # fmt: skip
ON_NUMBERS: dict[str, Callable[..., Any]] = {  # and in Python, for what the processor knows beforehand
    "where": lambda condition, x, y: x if condition else y, "single": lambda x: float(np.float32(x)),
    "absolute": abs, "maximum": np.maximum, "minimum": np.minimum, "sign": np.sign, "sqrt": np.sqrt, "exp": np.exp,
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": np.divide,
    "power": np.float_power, "negative": operator.neg, "positive": operator.pos, "less": operator.lt,
    "greater": operator.gt, "less_equal": operator.le, "greater_equal": operator.ge, "equal": operator.eq,
    "not_equal": operator.ne,
}  # fmt: skip
COMPARISONS = ("less", "greater", "less_equal", "greater_equal", "equal", "not_equal")


class Untraceable(TypeError):  # noqa: N818 (an answer, not a fault)
    """A rule does to its arrays what a kernel that sees one element cannot do."""


class Statement(NamedTuple):
    """`name = operation(operands)`; the type is T, double or bool."""

    name: str
    operation: str
    operands: tuple[str, ...]
    type: str
    of_elements: bool  # or of numbers that are the same for all elements

    def in_c(self, types: dict[str, str]) -> str:
        """The line of C."""
        compared = "T" if any(types[x] == "T" for x in self.operands) else "double"
        wanted = compared if self.operation in COMPARISONS else self.type
        shown = [x if types[x] in (wanted, "bool") else f"{wanted}({x})" for x in self.operands]
        return f"{self.type} {self.name} = {IN_C[self.operation].format(*shown, type=wanted)};"


class Program(NamedTuple):
    """What a rule does to one element, and to the numbers that are the same for all."""

    inputs: tuple[tuple[str, str], ...]  # names and types
    statements: tuple[Statement, ...]
    results: tuple[tuple[str, str], ...]  # an input and the name of its new value, where it has one
    numbers: tuple[str, ...]  # that the rule brought along

    def in_c(self, of_elements: bool) -> list[str]:
        """The lines of C for one element, or those that come before, for what is the same for all."""
        types = dict.fromkeys(self.numbers, "double") | {s.name: s.type for s in self.statements}
        types |= {name: "T" if kind == "T" else "double" for name, kind in self.inputs}
        return [s.in_c(types) for s in self.statements if s.of_elements is of_elements]

    def compute_numbers(self, values: dict[str, float]) -> dict[str, float]:
        """What is the same for all elements, computed here from `values` of the inputs and numbers."""
        values = dict(values)
        for s in self.statements:
            if not s.of_elements:
                values[s.name] = ON_NUMBERS[s.operation](*[values[x] for x in s.operands])
        return values


class Symbol(NDArrayOperatorsMixin):
    """An array, or a number for all, of which a kernel holds the value called `name`."""

    __slots__ = ("name", "rounds", "trace")

    def __init__(self, trace: Trace, name: str, rounds: bool = False) -> None:
        self.trace, self.name, self.rounds = trace, name, rounds

    def take(self, name: str) -> Symbol:
        """Hold another value from now on: that of `name`, rounded where memory holds a float of it."""
        self.name = self.trace.state("single", (name,)).name if self.rounds else name
        return self

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        if method != "__call__" or options:
            raise Untraceable(f"{function.__name__}.{method} with {sorted(options)} sees more than one element")
        return self.trace.apply(function.__name__, inputs, *out)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if function is np.where and len(inputs) == 3 and not options:
            return self.trace.apply("where", inputs)
        if function is np.clip and len(inputs) == 3 and not options.keys() - {"out"}:
            lowest = self.trace.apply("maximum", inputs[:2])
            return self.trace.apply("minimum", (lowest, inputs[2]), *[x for x in [options.get("out")] if x is not None])
        raise Untraceable(f"{function.__name__} sees more than one element")

    def __setitem__(self, key: Any, value: Any) -> None:
        if key is not Ellipsis:
            raise Untraceable("a part of an array is not an element")
        self.take(self.trace.name_of(value))

    def __bool__(self) -> bool:
        return self.trace.decide(self)

    @property
    def dtype(self) -> str:
        return "T"

    def astype(self, dtype: Any, copy: bool = True) -> Symbol:
        """The same value: elements have the one type that all arrays of a rule have, and numbers are doubles."""
        if dtype != ("T" if self.name in self.trace.elements else np.float64):
            raise Untraceable(f"a kernel computes in one type, not in {dtype}")
        return Symbol(self.trace, self.name)


class _Asked(BaseException):
    """A rule wants to know what holds of a number that only the GPU knows."""

    def __init__(self, condition: str) -> None:
        self.condition = condition


class Trace:
    """The runs of a rule on symbols, one for each answer that it may get, and the statements of all of them."""

    def __init__(self, inputs: dict[str, str]) -> None:
        self.inputs = inputs  # by name: an element, T, or a number for all, which memory holds as a float or a double
        self.types = {name: "T" if kind == "T" else "double" for name, kind in inputs.items()}
        self.statements: dict[tuple[str, ...], Statement] = {}
        self.elements = {name for name, kind in inputs.items() if kind == "T"}  # what differs from element to element
        self.numbers: dict[tuple[Any, ...], tuple[str, float]] = {}  # by the answers before one, and its place after
        self.answers: tuple[bool, ...] = ()
        self.asked = self.met = 0

    def run(self, rule: Callable[..., Any], answers: tuple[bool, ...] = ()) -> dict[str, str]:
        """The value that each input has after `rule(*symbols)`, by name."""
        self.answers, self.asked, self.met = answers, 0, 0
        symbols = [Symbol(self, name, kind == "float") for name, kind in self.inputs.items()]
        try:
            rule(*symbols)
        except _Asked as question:
            yes, no = (self.run(rule, (*answers, answer)) for answer in (True, False))
            return {
                name: value if value == no[name] else self.state("where", (question.condition, value, no[name])).name
                for name, value in yes.items()
            }
        return {name: symbol.name for name, symbol in zip(self.inputs, symbols, strict=True)}

    def apply(self, operation: str, operands: Sequence[Any], out: Any = None) -> Symbol:
        """Write down a statement; its symbol, or `out`, which takes its value."""
        if operation not in IN_C:
            raise Untraceable(f"{operation} has no name in C here")
        names = tuple(map(self.name_of, operands))
        if out is None:
            return Symbol(self, self.state(operation, names).name)
        if not isinstance(out, Symbol):
            raise Untraceable("a result goes to an array that the rule was not given")
        if out.rounds:  # NumPy computes in the type that the number has in memory
            names = tuple([x if x == out.name else self.state("single", (x,)).name for x in names])
        return out.take(self.state(operation, names).name)

    def state(self, operation: str, names: tuple[str, ...]) -> Statement:
        """The statement that holds this operation on the values of that name; a new one where there is none."""
        if (operation, *names) in self.statements:
            return self.statements[operation, *names]
        of_elements = not self.elements.isdisjoint(names)
        values = [self.types[name] for name in names[operation == "where" :]]
        kind = "bool" if operation in COMPARISONS or set(values) == {"bool"} else "T" if of_elements else "double"
        statement = Statement(f"t{len(self.statements)}", operation, names, kind, of_elements)
        self.statements[operation, *names] = statement
        self.types[statement.name] = kind
        if of_elements:
            self.elements.add(statement.name)
        return statement

    def name_of(self, value: Any) -> str:
        """The name of a symbol, or of the argument that brings a number."""
        if isinstance(value, Symbol):
            return value.name
        if not isinstance(value, (int, float, np.number)):
            raise Untraceable(f"{type(value).__name__} is neither an array of the rule nor a number")
        place = (self.answers[: self.asked], self.met)
        self.met += 1
        if place not in self.numbers:
            name = f"s{len(self.numbers)}"
            self.types[name], self.numbers[place] = "double", (name, float(value))
        return self.numbers[place][0]

    def decide(self, condition: Symbol) -> bool:
        """What a rule is told that asks for a truth value."""
        if condition.name in self.elements:
            raise Untraceable("one element's truth is not all elements'; use np.where")
        if self.asked == len(self.answers):
            raise _Asked(condition.name)
        self.asked, self.met = self.asked + 1, 0
        return self.answers[self.asked - 1]


def trace(rule: Callable[..., Any], inputs: dict[str, str]) -> tuple[Program, dict[str, float]]:
    """The program of `rule`, called with a symbol for each of `inputs`, and the numbers that it brought along.

    `inputs` says by name what each is: an element, "T", or a number for all elements, which memory holds as a
    "float" or a "double". Raises `Untraceable` for what no element can do alone.
    """
    tracing = Trace(inputs)
    after = tracing.run(rule)
    results = tuple([(name, value) for name, value in after.items() if value != name])
    numbers = dict(tracing.numbers.values())
    return Program(tuple(inputs.items()), tuple(tracing.statements.values()), results, tuple(numbers)), numbers
