"""Judges an answer: tries the cases of its exercise, and says in a sentence what is wrong with it."""

from __future__ import annotations

import builtins
import contextlib
import copy
import dis
import inspect
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad.autograd import enable_grad, no_grad
from minigrad.course.calling import (
    WroteIntoArgumentsError,
    describe_error,
    guard,
    is_raised_by_answer,
    refuse_parameters,
)
from minigrad.course.comparing import LOOP, as_array, can_be_explained, describe_difference, is_data, try_arguments
from minigrad.course.exercise import Exercise, draw_point
from minigrad.course.gradients import check_gradients
from minigrad.course.limit import TooLong, memory_limit, time_limit
from minigrad.random import fork_rng, manual_seed

PRINTED = 9  # numbers of a tensor, at most, that are shown: enough to try an answer on paper
GIBIBYTES = 2  # memory limit, more than any exercise needs
KEEPS = "called once more with the same arguments it answers differently: does it keep something between calls?"
SAME_AGAIN = "does it use all of its arguments? Does it keep something between calls?"
SPOKEN_OF = (WroteIntoArgumentsError, NotImplementedError, RecursionError, MemoryError)  # errors with their own message


def judge(exercise: Exercise, answer: Any) -> str | None:
    """A sentence that says what is wrong with an answer; None if it is right. Never raises."""
    if complaint := _refuse(exercise, answer):
        return complaint
    try:
        with (
            time_limit(exercise.seconds),
            memory_limit(GIBIBYTES),
            enable_grad(),
            _exit_leaves_input_open(),
            _draws_the_same_numbers(),
        ):
            return _punctuate(_judge_by_kind(exercise, answer))
    except TooLong:
        return (
            f"It was stopped after {exercise.seconds:g} seconds and had not finished: is there a loop that never ends, "
            "such as a `while` whose condition stays true?"
        )
    except WroteIntoArgumentsError:
        return "It wrote into its arguments; work on a new tensor."
    except NotImplementedError as error:
        if not is_raised_by_answer(error):
            return describe_error(error)
        return "It is still empty: write its body in place of `raise NotImplementedError`."
    except RecursionError:
        return "It calls itself without end (RecursionError): what ends the recursion?"
    except SystemExit:
        return "It ends Python, by exit(): return the answer instead."
    except Exception as error:  # noqa: BLE001 (a student's code may raise anything)
        return describe_error(error, by_hand=exercise.by_hand)


@contextlib.contextmanager
def _draws_the_same_numbers() -> Iterator[None]:
    """An answer is judged alike each time, and the program that calls the check draws on as if it had not."""
    with fork_rng():
        manual_seed(0)
        yield


@contextlib.contextmanager
def _exit_leaves_input_open() -> Iterator[None]:
    """Python's own exit() and quit() close `sys.stdin`, which stays closed when the SystemExit is caught."""
    own = {name: getattr(builtins, name) for name in ("exit", "quit") if hasattr(builtins, name)}
    try:
        vars(builtins).update(dict.fromkeys(own, sys.exit))
        yield
    finally:
        vars(builtins).update(own)


def _refuse(exercise: Exercise, answer: Any) -> str | None:
    """A complaint about an answer that is no function, is empty, or has other parameters."""
    if callable(answer) and is_empty(answer):
        return "It is still empty: write its body."
    if not exercise.parameters:
        return None
    if not callable(answer):
        got = type(answer).__name__
        return f"A function of ({', '.join(exercise.parameters)}) is due; got {got}: give its name, without a call."
    if exercise.judge is not None and not inspect.isfunction(answer):
        return None  # the judge checks other values
    longest = len(exercise.calls[0])
    complaints = [refuse_parameters(answer, names, longest) for names in exercise.calls]
    return complaints[0] or next(filter(None, reversed(complaints)), None)  # the shortest lacks all default values


def _judge_by_kind(exercise: Exercise, answer: Any) -> str | None:
    """A complaint by a check of gradients, by the value that is due, by the cases, or then by the exercise's judge."""
    if exercise.by_hand and callable(answer):
        answer = partial(_without_graph, answer)
    if exercise.gradient_of:
        return _judge_gradient(exercise, guard(answer, start=1))  # g itself is guarded by check_gradients
    if exercise.judge is None and not callable(answer):
        return describe_difference(answer, exercise.solution())
    complaint = _judge_cases(exercise, guard(answer)) if exercise.cases or exercise.hidden else None
    return complaint or (exercise.judge(answer) if exercise.judge is not None else None)


def is_empty(answer: Any) -> bool:
    """Whether a function is a stub: its body does nothing and it returns None."""
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    idle = {"RESUME", "NOP", "CACHE", "POP_TOP", "RETURN_VALUE"}
    return all(i.opname in idle or ("CONST" in i.opname and i.argval is None) for i in dis.get_instructions(code))


def _judge_cases(exercise: Exercise, answer: Callable[..., Any]) -> str | None:
    """A complaint about the first case that is answered wrongly, or about an answer that keeps state."""
    cases = [*exercise.cases, *exercise.hidden]
    told = [""] * len(exercise.cases) + [f"in a hidden case{f' ({words})' if words else ''}" for words in exercise.told]
    for case, hidden in zip(cases, told, strict=True):
        try:
            returned = answer(*copy.deepcopy(case))
        except SPOKEN_OF:
            raise
        except Exception as error:
            if hidden:
                return f"{hidden}: it raised {type(error).__name__}"  # its message might reveal the case
            raise
        difference = describe_difference(returned, exercise.solution(*copy.deepcopy(case)))
        if difference is None:
            continue
        is_first = case is cases[0]
        if not is_first and _keeps_state(exercise, answer, cases[0]):
            return KEEPS
        where = hidden or f"for {show_case(case, exercise.parameters)}"
        if not is_first and is_data(returned) and returned.ndim and _is_right(exercise, cases[0], returned):
            return f"{where}: it gives the answer of its first call again: {SAME_AGAIN}"
        slip = _name_slip(exercise, answer, cases if hidden else exercise.cases)
        if hidden:
            difference = f"{'its shape' if difference.startswith('its shape') else 'the answer'} is not right"
        elif not difference.startswith("it is the right answer"):
            difference = _explain(exercise, answer, returned, case) or difference
        return f"{where}: {_add_slip(difference, slip)}"
    return KEEPS if _keeps_state(exercise, answer, cases[0]) else None


def _name_slip(exercise: Exercise, answer: Callable[..., Any], cases: Sequence[tuple[Any, ...]]) -> str:
    """What is wrong with an answer that gives the same numbers as a known wrong one, for all of these cases."""
    given = _answer_all(answer, cases) if exercise.slips else None
    for words, wrong in exercise.slips.items():
        if describe_difference(given, _answer_all(wrong, cases)) is None:
            return words
    return ""


def _add_slip(difference: str, slip: str) -> str:
    """A difference and, if known, what is wrong: it takes the place of a guess at the reason for a wrong shape."""
    if not slip:
        return difference
    shapes, is_due, _ = difference.removesuffix(LOOP).partition(" is due: ")
    return f"{shapes}{is_due or ': '}{slip}"


def _answer_all(answer: Callable[..., Any], cases: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """What it returns for each case, or the class of what it raises; None if it raises for all."""
    returned: list[Any] = []
    for case in cases:
        try:
            returned.append(_call_again(answer, case))
        except Exception as error:  # noqa: BLE001 (a student's code may raise anything)
            returned.append(type(error).__name__)
    return None if all(isinstance(x, str) for x in returned) else tuple(returned)


def _call_again(answer: Callable[..., Any], case: tuple[Any, ...]) -> Any:
    """What an answer returns; what it prints is not shown a second time."""
    with contextlib.redirect_stdout(io.StringIO()):
        return answer(*copy.deepcopy(case))


def _draw_gradient_cases(exercise: Exercise) -> list[tuple[Any, ...]]:
    """At each point of a gradient exercise the arguments of its answer: a random g, and the operands."""
    points = [list(draw_point(shapes, seed=number).values()) for number, shapes in enumerate(exercise.points)]
    results = [exercise.solution(*operands) for operands in points]
    cotangents = [draw_point({"g": tuple(y.shape)}, seed=len(points))["g"] for y in results]
    return [(g, *operands) for g, operands in zip(cotangents, points, strict=True)]


def _explain(exercise: Exercise, answer: Callable[..., Any], returned: Any, case: tuple[Any, ...]) -> str | None:
    """The change of the arguments that makes a wrong answer right, for this case and for all others that are shown.

    In a regular image, such as 0 to 8 in three rows, different changes give the same numbers; another case rules out
    those that agree by chance.
    """
    if not can_be_explained(returned):
        return None
    ruled_out = [_rule_out(exercise, answer, other) for other in exercise.cases if other is not case]
    for text, fits in try_arguments(returned, exercise.solution, case, exercise.parameters):
        if fits and not any(text in texts for texts in ruled_out):
            return text
    return None


def _rule_out(exercise: Exercise, answer: Callable[..., Any], case: tuple[Any, ...]) -> set[str]:
    """The changes of the arguments that do not make an answer right for this case."""
    try:
        returned = _call_again(answer, case)
    except Exception:  # noqa: BLE001 (a student's code may raise anything)
        return set()
    if not can_be_explained(returned):
        return set()
    tried = try_arguments(returned, exercise.solution, case, exercise.parameters)
    return {text for text, fits in tried if not fits}


def _is_right(exercise: Exercise, case: tuple[Any, ...], returned: Any) -> bool:
    return describe_difference(returned, exercise.solution(*copy.deepcopy(case))) is None


def _keeps_state(exercise: Exercise, answer: Callable[..., Any], case: tuple[Any, ...]) -> bool:
    """Whether an answer keeps state: right for a case at first, wrong when called again."""
    return not _is_right(exercise, case, _call_again(answer, case))


def _judge_gradient(exercise: Exercise, answer: Callable[..., Any]) -> str | None:
    names = exercise.parameters[1:]
    for number, shapes in enumerate(exercise.points):
        point = draw_point(shapes, seed=number)
        report = check_gradients(
            exercise.solution, point, lambda g, *operands: {exercise.gradient_of: answer(g, *operands)}
        )
        if report.wrong:
            sizes = ", ".join(f"{name} {tuple(point[name].shape)}" for name in names)
            slip = _name_slip(exercise, answer, _draw_gradient_cases(exercise))
            return f"at {sizes}: {slip or report.wrong[exercise.gradient_of]}"
        if not report.right:
            return "It returned None: is `return` missing?"
    return None


def _without_graph(answer: Callable[..., Any], *given: Any) -> Any:
    """Calls a rule without recording, and restores the grad mode afterwards."""
    with no_grad():
        return answer(*given)


def show_case(case: tuple[Any, ...], names: Sequence[str]) -> str:
    """The text for the arguments of a call: tensors by name and shape, numbers and small whole tensors by value."""
    return ", ".join(f"{name} {_show(x)}" for name, x in zip(names, case, strict=False))


def _show(x: Any) -> str:
    if not (is_data(x) and x.ndim):
        return f"= {x!r}"
    numbers = as_array(x)
    if numbers.size <= PRINTED and np.array_equal(numbers, np.round(numbers)):
        return f"= {numbers.astype(int).tolist()}"
    return f"{tuple(x.shape)}"


def _punctuate(complaint: str | None) -> str | None:
    if complaint is None:
        return None
    text = complaint[0].upper() + complaint[1:]
    return text if text.endswith((".", "?")) else f"{text}."
