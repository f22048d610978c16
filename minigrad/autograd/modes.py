"""Grad modes: whether calls are recorded. Context-local, so threads and coroutines never disturb each other.

All modes live in one integer of flags, so that recording an operation asks one question.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, TypeVar

GRAD = 1  # calls are recorded
ANOMALY = 2  # forward results are checked for NaN and remember the user's line
INFERENCE = 4  # like no_grad, and reported by is_inference_mode_enabled

F = TypeVar("F", bound=Callable[..., Any])

mode: ContextVar[int] = ContextVar("minigrad_mode", default=GRAD)


class ModeSwitch:
    """Sets and clears mode flags; a context manager and a decorator, restored whatever happens."""

    __slots__ = ("_clear", "_set", "_tokens")

    def __init__(self, set_flags: int = 0, clear_flags: int = 0) -> None:
        self._set = set_flags
        self._clear = clear_flags
        self._tokens: list[Token[int]] = []

    def _switch(self) -> Token[int]:
        return mode.set((mode.get() | self._set) & ~self._clear)

    def __enter__(self) -> None:
        self._tokens.append(self._switch())

    def __exit__(self, *_: object) -> None:
        mode.reset(self._tokens.pop())

    def __call__(self, function: F) -> F:
        set_flags, clear_flags = self._set, self._clear

        if inspect.isgeneratorfunction(function):
            # Between two yields the caller's mode holds; inside the generator, ours.
            @functools.wraps(function)
            def resumed(*args: Any, **kwargs: Any) -> Any:
                generator = function(*args, **kwargs)
                sent = None
                while True:
                    with ModeSwitch(set_flags, clear_flags):
                        try:
                            item = generator.send(sent)
                        except StopIteration as stop:
                            return stop.value
                    sent = yield item

            return resumed  # type: ignore[return-value]

        @functools.wraps(function)
        def switched(*args: Any, **kwargs: Any) -> Any:
            with ModeSwitch(set_flags, clear_flags):
                return function(*args, **kwargs)

        return switched  # type: ignore[return-value]


class _BareMode(ModeSwitch):
    """A mode that also decorates without its parentheses: ``@no_grad``."""

    __slots__ = ()

    def __new__(cls, function: Any = None) -> Any:
        return cls()(function) if callable(function) else super().__new__(cls)


class no_grad(_BareMode):
    """Inside, nothing is recorded: results need no gradient. ``@no_grad()`` and ``@no_grad`` decorate.

    >>> import minigrad
    >>> w = minigrad.ones(2, requires_grad=True)
    >>> with minigrad.no_grad():
    ...     (w * 2).requires_grad
    False
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(clear_flags=GRAD)


class enable_grad(_BareMode):
    """Inside, calls are recorded again, also within an outer ``no_grad``."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(set_flags=GRAD)


class inference_mode(_BareMode):
    """``no_grad`` under PyTorch's name for code that never trains. ``inference_mode(False)`` undoes it."""

    __slots__ = ()

    def __init__(self, mode: bool = True) -> None:
        super().__init__(*((INFERENCE, GRAD) if mode else (GRAD, INFERENCE)))


class set_grad_enabled(ModeSwitch):
    """Switches recording on or off at once, and back at the end of a ``with`` block."""

    __slots__ = ("_before",)

    def __init__(self, mode: bool) -> None:
        super().__init__(*((GRAD, 0) if mode else (0, GRAD)))
        self._before: Token[int] | None = self._switch()

    def __enter__(self) -> None:
        if self._before is None:
            super().__enter__()
        else:
            self._tokens.append(self._before)
            self._before = None

    def __call__(self, function: F) -> F:
        if self._before is not None:  # as a decorator it must not act on the code around
            mode.reset(self._before)
            self._before = None
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """True when calls are recorded here and now."""
    return bool(mode.get() & GRAD)


def is_inference_mode_enabled() -> bool:
    """True inside ``inference_mode()``."""
    return bool(mode.get() & INFERENCE)
