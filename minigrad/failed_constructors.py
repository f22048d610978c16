"""What the errors of a constructor name: the class, what it was given, and the option meant.

`names_constructor` adds them to an error; a class derived from `NamesOptions` has this, and its options are checked.
"""

from __future__ import annotations

from functools import wraps
from inspect import signature
from re import findall, sub
from reprlib import Repr
from typing import Any, Self, TypeVar

from minigrad.autograd.failed_calls import is_ours, is_raised_here, leave_out_inner_calls
from minigrad.ops.complaints import as_flag
from minigrad.shown_values import LONGEST, shorten

C = TypeVar("C", bound=type)

_in_short = Repr()  # of a list the beginning: a dataset may be one
_in_short.maxstring = _in_short.maxother = LONGEST


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
            ours = [c for c in type(self).__mro__ if is_ours(c.__module__)]
            called = next((c for c in ours if "__init__" in vars(c)), None)  # not one whose constructor another calls
            if called is cls and is_raised_here(refused):
                _name_constructor(refused, ours[0], args, kwargs)
            raise
        except KeyError as refused:
            leave_out_inner_calls(refused)
            raise

    __init__.names_class = True  # type: ignore[attr-defined]
    __init__.__signature__ = signature(construct)  # type: ignore[attr-defined] # `inspect.getfullargspec` reads it
    cls.__init__ = __init__  # type: ignore[misc]
    return cls


class NamesOptions:
    """A class whose constructor, and those of the classes derived from it in this library, names itself in errors.

    It names the option that was meant for one that it does not take, and a flag of arrays.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if is_ours(cls.__module__):
            names_constructor(cls)

    def __new__(cls, *_: Any, **options: Any) -> Self:
        code: Any = getattr(getattr(cls.__init__, "__wrapped__", cls.__init__), "__code__", None)
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code else options
        if not options.keys() <= set(names) or any(hasattr(value, "ndim") for value in options.values()):
            _refuse_options(cls, options)
        return object.__new__(cls)


def _refuse_options(cls: type, options: dict[str, Any]) -> None:
    """Raises TypeError for an option that the constructor does not take, and for several numbers as a flag."""
    known = signature(cls).parameters
    if not options.keys() <= known.keys() and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        raise unknown_option(cls, options, tuple(name for name, p in known.items() if p.kind is not p.VAR_POSITIONAL))
    types = cls.__init__.__annotations__  # type: ignore[misc]
    for name, value in options.items():
        if str(types.get(name)).startswith("bool"):
            as_flag(cls.__name__, name, value)


def unknown_option(cls: type, options: dict[str, Any], known: tuple[str, ...]) -> TypeError:
    """The error for the first of `options` that is not `known`, with the one that was meant."""
    from minigrad.spelling import find_meant  # imported with the first misspelt option

    option = next(name for name in options if name not in known)
    meant = find_meant(option, known)
    hint = f"; did you mean {meant!r}?" if meant else f"; it takes {', '.join(known) or 'none by name'}"
    return TypeError(f"{cls.__name__}.__init__() got an unexpected keyword argument {option!r}{hint}")


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
