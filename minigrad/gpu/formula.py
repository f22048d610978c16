"""Traces an optimizer's rule, which writes into its arrays, into the steps that it computes for each element.

Steps on numbers alone, `lr / (1 - b1**step)`, are the same for all elements and come first. The values of these numbers
are arguments of the kernel, so that other values need no other kernel.

A rule may branch on a number that only the GPU knows (`if mu == 1`): then it is traced once for each branch, and the
kernel selects one of the results. Symbols and steps are those of `minigrad.tracing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.tracing import Notes, NumberSymbol, Step, Symbol, Untraceable, put_in_order

_DOUBLE = np.dtype(np.float64)
_BY_WORD: dict[str, Callable[..., Any]] = {"where": np.where, "at_least": np.maximum, "at_most": np.minimum}


def _number(notes: Notes, double: Step) -> Symbol:
    """A double as a Python number, which adapts to other dtypes."""
    return NumberSymbol(notes, notes.note("cast", (double,), float))


class _UnknownCondition(BaseException):
    """Raised when a rule tests a number that only the GPU knows."""

    def __init__(self, condition: Step) -> None:
        self.condition = condition


class RuleNotes(Notes):
    """The steps of all runs of a rule, one for each outcome of its tests, and the constants of the rule."""

    def __init__(self) -> None:
        super().__init__()
        self.constants: dict[Any, tuple[Step, float]] = {}  # by the answers before it, and its position after them
        self.answers: tuple[bool, ...] = ()
        self.asked = self.met = 0

    def begin(self, answers: tuple[bool, ...]) -> None:
        """Starts another run, with these outcomes of the first tests."""
        self.answers, self.asked, self.met = answers, 0, 0

    def in_type(self, x: Any, dtype: Any) -> Step:
        if isinstance(x, Symbol) and x.step.dtype is not float:
            return super().in_type(x, dtype)
        double = x.step.inputs[0] if isinstance(x, Symbol) else self._note_constant(x)
        return double if dtype == _DOUBLE else self.note("cast", (double,), dtype)

    def _note_constant(self, number: Any) -> Step:
        place = (self.answers[: self.asked], self.met)
        self.met += 1
        if place not in self.constants:
            self.constants[place] = Step("number", (), _DOUBLE, f"s{len(self.constants)}"), float(number)
        return self.constants[place][0]

    def convert(self, x: Symbol, dtype: Any) -> Symbol:
        """A number in memory is computed with in its dtype; converted to double, it acts as a Python number."""
        found = self.in_type(x, dtype)
        return Symbol(self, found) if found.over or dtype != _DOUBLE else _number(self, found)

    def of_numbers(self, ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
        """Any ufunc: the numbers of a rule are computed in double precision, on the CPU or on the GPU."""
        *_, result = ufunc.resolve_dtypes((*[_DOUBLE] * ufunc.nin, None))
        step = self.note(ufunc, tuple([self.in_type(x, _DOUBLE) for x in inputs]), result)
        return _number(self, step) if result.kind == "f" else Symbol(self, step)

    def decide(self, condition: Symbol) -> bool:
        if condition.step.over:
            raise Untraceable("one element's truth is not all elements'; use np.where")
        if self.asked == len(self.answers):
            raise _UnknownCondition(condition.step)
        self.asked, self.met = self.asked + 1, 0
        return self.answers[self.asked - 1]


class Program:
    """The traced program of a rule, for one element of each array and for the counters."""

    def __init__(self, before: Sequence[Step], after: Sequence[Step], constants: Sequence[Step]) -> None:
        self.before = before  # arrays, counts, numbers of one step
        self.after, self.constants = after, constants
        steps: list[Step] = []
        seen = set(map(id, (*before, *constants)))
        for old, new in zip(before, after, strict=False):
            if new is not old:
                put_in_order(new, steps, seen)
        self.of_numbers = [s for s in steps if not s.over]
        self.of_elements = [s for s in steps if s.over]

    def compute_numbers(self, values: dict[Step, Any]) -> dict[Step, Any]:
        """Computes the steps on numbers alone, from `values` of the given numbers and the constants."""
        for step in self.of_numbers:
            inputs = [values[s] for s in step.inputs]
            values[step] = compute_step(step, inputs)
        return values


def compute_step(step: Step, inputs: Sequence[Any]) -> Any:
    """Computes a step by NumPy."""
    if step.function == "constant":
        return step.value
    if step.function == "cast":
        return np.asarray(inputs[0]).astype(step.dtype)[()]
    return _BY_WORD.get(step.function, step.function)(*inputs)


def trace_rule(
    rule: Callable[..., None], arrays: Sequence[Any], counts: Sequence[Any], given: Sequence[str]
) -> tuple[Program, list[float]]:
    """The program of ``rule(*arrays, *counts, *given)``, and its constants.

    `arrays` and `counts` (numbers in memory) are given by their dtypes, `given` by the names of the step's numbers.
    Raises `Untraceable`, or the rule's own error, if the rule is not elementwise.
    """
    notes = RuleNotes()
    before = [Step("operand", (), dtype, i, frozenset([i])) for i, dtype in enumerate(arrays)]
    before += [Step("number", (), dtype, f"c{i}") for i, dtype in enumerate(counts)]
    before += [Step("number", (), _DOUBLE, name) for name in given]

    def run() -> list[Step]:
        kinds: list[Any] = [Symbol] * (len(arrays) + len(counts)) + [_number] * len(given)
        symbols = [kind(notes, step) for kind, step in zip(kinds, before, strict=True)]
        rule(*symbols)
        return [symbol.step for symbol in symbols[: len(arrays) + len(counts)]]

    after = _run_for_all_answers(run, notes)
    return Program(before, after, [s for s, _ in notes.constants.values()]), [x for _, x in notes.constants.values()]


def _run_for_all_answers(run: Callable[[], list[Step]], notes: RuleNotes, answers: tuple[bool, ...] = ()) -> list[Step]:
    """Traces `run` for each outcome of its tests, with a selection between the results."""
    notes.begin(answers)
    try:
        return run()
    except _UnknownCondition as question:
        yes, no = (_run_for_all_answers(run, notes, (*answers, answer)) for answer in (True, False))
        return [
            a if a is b else notes.note("where", (question.condition, a, b), a.dtype)
            for a, b in zip(yes, no, strict=True)
        ]
