"""What the errors of a failed call name: the function that was called, the option meant, and its operands' devices.

Also which calls their tracebacks show.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from re import findall, match, sub
from reprlib import Repr
from traceback import walk_tb
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from minigrad.autograd.core import is_array
from minigrad.autograd.overriding import Overridden, call_overridden
from minigrad.backend import device_of
from minigrad.shown_values import LONGEST, shorten

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

SAME_DEVICE = ": expected all tensors to be on the same device, but operand "
_in_short = Repr()  # of a list the beginning: a dataset may be one
_in_short.maxstring = _in_short.maxother = LONGEST
NO_MEMORY = "(): not enough memory: "
FAILURES = (TypeError, RuntimeError, MemoryError, ValueError)  # what `explain_failure` has words for


def explain_failure(error: Exception, function: Callable[..., Any], *further: str) -> None:
    """Adds to one of `FAILURES` of a public function the option that was meant, or the name of the function.

    The function also takes the options `further`, which are not in its signature.
    """
    if isinstance(error, TypeError):
        name_option(error, function, *further)
    else:
        name_failed_call(error, function.__name__)


def name_option(error: TypeError, function: Callable[..., Any], *further: str) -> None:
    """Adds to Python's error for arguments that `function` does not take what was meant: an option, or NumPy's call.

    To an error for what is no int, such as a `dim`, it adds the function. That takes the parameters of its signature,
    and `further` ones.
    """
    from minigrad.spelling import explain_call

    leave_out_inner_calls(error)
    if match(r"\w+ must be an int, got ", str(error)):
        error.args = (f"{function.__name__}(): {error}",)
    known = [name for name in signature(function).parameters if name != "self"]
    error.args = (explain_call(function.__name__, str(error), [*known, *further]),)


def names_options(function: F) -> F:
    """Decorates a function whose error for an option that it does not take names the one that was meant.

    >>> from minigrad.autograd.failed_calls import names_options
    >>> names_options(lambda input, inplace=False: input)(1)
    1
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Overridden:
            return call_overridden(call, args, kwargs)
        except FAILURES as refused:
            explain_failure(refused, function)
            raise

    return call  # type: ignore[return-value]


def names_constructor(cls: C) -> C:
    """Lets the errors of the own constructor of `cls`, a class of this library, tell the class and what it was given.

    That of a class derived from it, if of this library, tells of that class.

    >>> import minigrad as torch
    >>> torch.nn.Dropout(2)
    Traceback (most recent call last):
        ...
    ValueError: dropout probability has to be between 0 and 1, but got 2 (in Dropout(p=2))
    """
    construct = vars(cls).get("__init__")
    if construct is None:
        return cls

    @wraps(construct)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 (it is the method)
        try:
            construct(self, *args, **kwargs)
        except (TypeError, ValueError, RuntimeError, AssertionError, AttributeError, ArithmeticError) as refused:
            leave_out_inner_calls(refused)
            ours = [c for c in type(self).__mro__ if _is_ours(c.__module__)]
            called = next((c for c in ours if "__init__" in vars(c)), None)  # not one whose constructor another calls
            if called is cls and _is_raised_here(refused):
                _name_constructor(refused, ours[0], args, kwargs)
            raise

    __init__.names_class = True  # type: ignore[attr-defined]
    __init__.__signature__ = signature(construct)  # type: ignore[attr-defined] # `inspect.getfullargspec` reads it
    cls.__init__ = __init__  # type: ignore[misc]
    return cls


class NamesItself:
    """A class whose constructor, and those of the classes derived from it in this library, names itself in errors."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if _is_ours(cls.__module__):
            names_constructor(cls)


def _is_ours(module: str) -> bool:
    return module.startswith("minigrad.")


def leave_out_inner_calls(error: Exception) -> None:
    """Shortens the traceback of `error`: of the library's calls in a row, only the first and the last stay.

    The user's own lines all stay. Python's development mode, ``python -X dev``, keeps all calls.
    """
    call = None if sys.flags.dev_mode else error.__traceback__
    while call and call.tb_next:
        after = call.tb_next
        while after.tb_next and all(map(_is_of_library, (call, after, after.tb_next))):
            after = after.tb_next
        call.tb_next = after
        call = after


def _is_of_library(trace: TracebackType) -> bool:
    return _is_ours(str(trace.tb_frame.f_globals.get("__name__")))


def _is_raised_here(error: Exception) -> bool:
    """Whether no function of the user's was called on the way to the error, such as the `__len__` of a dataset."""
    return all(_is_ours(str(frame.f_globals.get("__name__"))) for frame, _ in walk_tb(error.__traceback__))


def _name_constructor(error: Exception, cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Adds to an error the call of the constructor, and puts the class in the place of a function that it called.

    An error that names the class and the parameter, is Python's own for a missing argument, or tells of a class that
    is not there, stays as it is. Of several constructors in one another, the outer one is named, which the user called.
    """
    words, name = vars(error).setdefault("words", str(error)), cls.__name__
    places = [p.name for p in signature(cls).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][: len(args)]
    given = dict(zip(places, args, strict=False)) | kwargs
    is_named = name in words and (not (args or kwargs) or not given.keys().isdisjoint(findall(r"\w+", words)))
    if f"{name}." in words or is_named or len(error.args) != 1 or isinstance(error, NotImplementedError):
        return
    shown = [*map(_show_in_a_line, args[len(places) :])]  # of a constructor that takes any number
    shown += [f"{parameter}={_show_in_a_line(value)}" for parameter, value in given.items()]
    words = sub(r"^\w+\(\): ", f"{name}(): ", words)
    error.args = (f"{words} (in {name}({', '.join(shown)}))",)


def _show_in_a_line(value: Any) -> str:
    text = shorten(value, _in_short.repr)
    if "\n" in text or " at 0x" in text or text.startswith("<"):  # an object without words of its own
        text = getattr(value, "__name__", f"{type(value).__name__}(...)")
    return text


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
