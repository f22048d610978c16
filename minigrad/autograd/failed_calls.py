"""What the errors of a failed call name: the function that was called, the option meant, and its operands' devices.

Also which calls their tracebacks show.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from re import match, sub
from types import FrameType
from typing import Any, TypeVar

import numpy as np

from minigrad.autograd.core import is_array, plain_classes
from minigrad.autograd.overriding import ask, find_operands
from minigrad.backend import device_of

F = TypeVar("F", bound=Callable[..., Any])

SAME_DEVICE = ": expected all tensors to be on the same device, but operand "
NO_MEMORY = "(): not enough memory: "
FAILURES = (TypeError, RuntimeError, MemoryError, ValueError, IndexError)  # what `explain_failure` has words for


def explain_failure(error: Exception, function: Callable[..., Any], *further: str) -> None:
    """Adds to an error that a public function raised the name of the function, or what was meant.

    The name is added where the error does not tell it, as that for a `dim` that is no int. What was meant, an option or
    NumPy's call, is added to Python's error for arguments that the function does not take. It takes the parameters of
    its signature, and `further` ones.
    """
    if not isinstance(error, TypeError):
        name_failed_call(error, function.__name__)
        return
    from minigrad.spelling import explain_call

    leave_out_inner_calls(error)
    words = sub(r"^(\w+) must be an int, got ", r"argument '\1' must be int, not ", str(error))
    if match(r"argument '\w+' must be ", words):
        error.args = (f"{function.__name__}(): {words}",)
    known = [name for name in signature(function).parameters if name != "self"]
    error.args = (explain_call(function.__name__, str(error), [*known, *further]),)


def names_options(function: F) -> F:
    """Decorates a function whose error for an option that it does not take names the one that was meant.

    >>> from minigrad.autograd.failed_calls import names_options
    >>> names_options(lambda input, inplace=False: input)(1)
    1
    """
    takes_one = len(find_operands(function)) == 1

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        usual = takes_one and args and args[0].__class__ in plain_classes
        if not usual and (answer := ask(call, args, kwargs)) is not NotImplemented:
            return answer
        try:
            return function(*args, **kwargs)
        except FAILURES as refused:
            explain_failure(refused, function)
            raise

    return call  # type: ignore[return-value]


def is_ours(module: str) -> bool:
    """Whether a module of this name is of this library."""
    return module.startswith("minigrad.")


def find_written(symbol: str) -> str:
    """`symbol` if the user's line is written with it, "" otherwise: for ``x @= y`` Python asks `__matmul__`, too."""
    frame = sys._getframe(1)
    while frame.f_back and _is_of_library(frame):
        frame = frame.f_back
    steps = dis.get_instructions(frame.f_code)
    return symbol if any(step.offset == frame.f_lasti and step.argrepr == symbol for step in steps) else ""


def call_hook(parameters: str, hook: Callable[..., Any], *given: Any) -> Any:
    """The result of a user's hook; the error for another number of parameters says which ones it is called with."""
    try:
        return hook(*given)
    except TypeError as refused:
        if refused.__traceback__ is not None and refused.__traceback__.tb_next is None:  # it did not begin to run
            refused.args = (f"{refused}: it is called as hook({parameters})",)
        raise


def leave_out_inner_calls(error: Exception) -> None:
    """Shortens the traceback of `error`: of the library's calls in a row stay the first, and the one that raised it.

    The user's own lines all stay. Python's development mode, ``python -X dev``, keeps all calls.
    """
    call = None if sys.flags.dev_mode else error.__traceback__
    while call and call.tb_next:
        after = call.tb_next
        while after.tb_next and _is_of_library(call.tb_frame) and _is_of_library(after.tb_frame):
            after = after.tb_next
        call.tb_next = after
        call = after


def is_raised_here(error: BaseException) -> bool:
    """Whether no function of the user's was called on the way to the error, such as the `__len__` of a dataset."""
    from traceback import walk_tb  # takes half a millisecond to import, and few calls fail

    return all(_is_of_library(frame) for frame, _ in walk_tb(error.__traceback__))


def _is_of_library(frame: FrameType) -> bool:
    return is_ours(str(frame.f_globals.get("__name__")))


def name_failed_call(error: Exception, name: str, arrays: Sequence[Any] = ()) -> None:
    """Names the public function in what a step of it could not do: compute on two devices, read an array as a flag.

    Raises RuntimeError, as PyTorch does, where the arrays of an operation are on two devices, or NumPy lacks memory.
    """
    leave_out_inner_calls(error)
    check_same_library(name, arrays)
    words = str(error)
    for refusal in (SAME_DEVICE, NO_MEMORY):
        _, refused, rest = words.partition(refusal)
        if refused:
            error.args = (f"{name}{refused}{rest}",)
    if words.startswith("The truth value of an array"):
        error.args = (f"{name}(): {words}: was one given where a flag, a word or one number is expected?",)
    too_large = words.startswith(("array is too big", "Maximum allowed"))  # for the pointers of this machine
    if not isinstance(error, RuntimeError) and (too_large or isinstance(error, MemoryError)):
        needed = "more bytes than there are addresses" if too_large else words or "more than there is"
        raise RuntimeError(f"{name}{NO_MEMORY}{needed}") from None


def check_same_library(name: str, arrays: Sequence[Any], operands: Sequence[Any] = ()) -> None:
    """Raises for operands on different devices; the error names the one to move and how.

    `operands`, where given, tell which of the arrays are tensors', and which the user's own.
    """
    first = None
    for i, array in enumerate(arrays):
        if not is_array(array):
            continue
        if first is None:
            first = (i, array)
        elif type(array) is not type(first[1]) or (
            type(array) is not np.ndarray and device_of(array) != device_of(first[1])
        ):
            here, there = device_of(first[1]), device_of(array)
            for j, other in ((first[0], there), (i, here)):
                if operands and type(operands[j]) is np.ndarray:
                    raise RuntimeError(
                        f"{name}{SAME_DEVICE}{j} is a NumPy array of shape {operands[j].shape}, on cpu, beside a "
                        f"tensor on {other}. Move it there with minigrad.from_numpy(array).to('{other}')"
                    )
            raise RuntimeError(
                f"{name}{SAME_DEVICE}{first[0]} of shape {tuple(first[1].shape)} is on {here} and operand {i} of "
                f"shape {tuple(array.shape)} is on {there}. Move one of them, for example operand {i} with "
                f".to('{here}')"
            )
