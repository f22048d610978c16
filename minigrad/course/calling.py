"""Calls a student's function on copies of the arguments, and describes the error if it raises one."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.course.comparing import as_array, is_data
from minigrad.course.limit import LIBRARIES

LONGEST = 500  # characters of an error's message that are shown
CURES = {  # words of Python's own messages -> advice
    "for ^": "a power is written x ** y",
    "can't multiply sequence": "autograd.grad returns a tuple, here of one gradient: take its [0]",
    "'float' object has no attribute 'backward'": "a number has no history: call backward() before .item()",
    "No module named 'torch'": "minigrad stands for it here: import minigrad as torch",
}


class WroteIntoArgumentsError(Exception):
    """The error for an answer that changed its arguments."""


def guard(answer: Callable[..., Any], start: int = 0) -> Callable[..., Any]:
    """`answer`, which raises WroteIntoArgumentsError if it changes a tensor among its arguments from `start` on.

    A list that is an argument may be changed, but not the tensors in it.
    """

    def call(*given: Any) -> Any:
        before = [(x, as_array(x).copy()) for x in _find_data(given[start:])]
        returned = answer(*given)
        if not all(np.array_equal(as_array(x), numbers, equal_nan=True) for x, numbers in before):
            raise WroteIntoArgumentsError
        return returned

    return call


def _find_data(given: Any) -> Iterator[Any]:
    """The tensors and arrays among the arguments, and in lists of them."""
    if is_data(given):
        yield given
    elif isinstance(given, (list, tuple)):
        for part in given:
            yield from _find_data(part)


def refuse_parameters(answer: Callable[..., Any], names: Sequence[str], most: int | None = None) -> str | None:
    """A complaint if `answer` cannot be called with these arguments in this order; else None.

    `most` is the number of arguments of the exercise's longest call.
    """
    if isinstance(answer, type):
        return f"A function of ({', '.join(names)}) is due; got the class {answer.__name__}."
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some functions written in C have no signature
        return None
    try:
        signature.bind(*names)
    except TypeError:
        required = [
            p.name for p in signature.parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]  # fmt: skip
        cure = "the parameters do not fit"
        if len(names) < len(required) <= (most or 0):
            cure = f"write a default value for {' and '.join(required[len(names) :])}, as in the question"
        return f"It is called with ({', '.join(names)}), and takes {signature}: {cure}."
    return None


def describe_error(error: Exception, *, by_hand: bool = False) -> str:
    """The text for an exception in an answer: its class, its message and the student's line, shortened.

    `by_hand`: the exercise asks for a rule without autograd.
    """
    if isinstance(error, MemoryError) or "not enough memory" in str(error):
        return f"It asks for too much memory{_cite(error)}: is a size too large, or does something grow in a loop?"
    if by_hand and "does not require grad" in str(error):
        return f"It asks autograd for a gradient; this one is worked out by hand, and no graph is kept{_cite(error)}."
    message = str(error)
    if len(message) > LONGEST:
        message = f"{message[:LONGEST]} ..."
    if cure := next((cure for words, cure in CURES.items() if words in message), ""):
        message += f"; {cure}"
    return f"It raised {type(error).__name__}{': ' if message else ''}{message}{_cite(error)}"


def is_raised_by_answer(error: BaseException) -> bool:
    """Whether the student's own code raised it, and not a library that it called."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and not frames[-1].filename.startswith(LIBRARIES)


def _cite(error: Exception) -> str:
    """The last line of the student's code in the traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(LIBRARIES)]
    if not frames or not frames[-1].line:
        return ""
    line = frames[-1].line
    return f" (line {frames[-1].lineno}: {line if len(line) <= 100 else f'{line[:100]} ...'})"
