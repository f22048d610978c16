"""Grad modes: whether calls are recorded. Context-local, so threads and coroutines never disturb each other.

All modes are bits of one integer, `mode` in `core.py`, so recording a call tests them at once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from minigrad.advice import warn
from minigrad.autograd.core import ASKED, GRAD, INFERENCE, mode

F = TypeVar("F", bound=Callable[..., Any])


class ModeSwitch:
    """A context manager and decorator that sets and clears mode flags, and restores them afterwards."""

    __slots__ = ("_before", "_flags")

    def __new__(cls, *first: Any, **named: Any) -> Any:  # noqa: ARG004 - __init__ reads it
        bare = first and callable(first[0])  # ``@no_grad`` without its parentheses
        return cls()(first[0]) if bare else super().__new__(cls)

    def __init__(self, set_flags: int = 0, clear_flags: int = 0) -> None:
        if (set_flags | clear_flags) & GRAD:
            clear_flags |= ASKED
        self._flags = set_flags, clear_flags
        self._before: list[int] = []

    def __enter__(self) -> None:
        set_flags, clear_flags = self._flags
        before = mode.get()
        self._before.append(before)
        now = (before | set_flags) & ~clear_flags
        mode.set((now & ~GRAD) | ASKED if now & GRAD and now & INFERENCE else now)

    def __exit__(self, *_: object) -> None:
        # Restored by value, not by token, because another thread or task may finish a generator.
        set_flags, clear_flags = self._flags
        own = set_flags | clear_flags
        mode.set((mode.get() & ~own) | (self._before.pop() & own))

    def __call__(self, function: F) -> F:
        if isinstance(function, type):
            hint = "only their construction runs in the mode. Decorate functions."
            warn(f"Decorating classes is deprecated: {hint}", FutureWarning)
        flags = self._flags
        return _run_within(lambda: ModeSwitch(*flags), function)


def _run_within(context: Callable[[], AbstractContextManager[Any]], function: F) -> F:
    """Decorates `function` to run in a new ``context()``; a generator restores the caller's mode at each yield."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with context():
            return function(*args, **kwargs)

    @functools.wraps(function)
    def resumed(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, given = generator.send, None
        while True:
            with context():
                try:
                    item = resume(given)
                except StopIteration as stop:
                    return stop.value
            try:
                resume, given = generator.send, (yield item)
            except BaseException as error:  # noqa: BLE001 (thrown in, or closed: the generator's to answer)
                resume, given = generator.throw, error

    return resumed if inspect.isgeneratorfunction(function) else called  # type: ignore[return-value]


class no_grad(ModeSwitch):
    """A context without recording: results require no gradient. Also a decorator, ``@no_grad()`` or ``@no_grad``.

    In it a leaf may be written to, so updates by hand stand there; evaluation in it keeps no memory for backward.

    >>> import minigrad
    >>> w = minigrad.ones(2, requires_grad=True)
    >>> with minigrad.no_grad():
    ...     w -= 0.5
    ...     (w * 2).requires_grad
    False
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(clear_flags=GRAD)


class enable_grad(ModeSwitch):
    """A context with recording, also inside an outer ``no_grad``.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad(), torch.enable_grad():
    ...     (w * 2).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(set_flags=GRAD)


def is_grad_enabled() -> bool:
    """True when calls are recorded here and now, or would be but for inference mode.

    >>> import minigrad as torch
    >>> torch.is_grad_enabled()
    True
    """
    return bool(mode.get() & (GRAD | ASKED))


def is_inference_mode_enabled() -> bool:
    """True inside ``inference_mode()``.

    >>> import minigrad as torch
    >>> torch.is_inference_mode_enabled()
    False
    """
    return bool(mode.get() & INFERENCE)
