"""Grad modes: whether calls are recorded. Context-local, so threads and coroutines never disturb each other.

All modes live in one integer of flags, so that recording an operation asks one question.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, TypeVar

from minigrad.autograd.within import within

GRAD = 1  # calls are recorded
ANOMALY = 2  # forward results are checked for NaN and remember the user's line
INFERENCE = 4  # like no_grad, and reported by is_inference_mode_enabled

F = TypeVar("F", bound=Callable[..., Any])

mode: ContextVar[int] = ContextVar("minigrad_mode", default=GRAD)


class ModeSwitch:
    """Sets and clears mode flags; a context manager and a decorator, restored whatever happens."""

    __slots__ = ("_flags", "_tokens")

    def __new__(cls, *first: Any, **named: Any) -> Any:  # noqa: ARG004 - __init__ reads it
        bare = first and callable(first[0])  # ``@no_grad`` without its parentheses
        return cls()(first[0]) if bare else super().__new__(cls)

    def __init__(self, set_flags: int = 0, clear_flags: int = 0) -> None:
        self._flags = set_flags, clear_flags
        self._tokens: list[Token[int]] = []

    def __enter__(self) -> None:
        set_flags, clear_flags = self._flags
        self._tokens.append(mode.set((mode.get() | set_flags) & ~clear_flags))

    def __exit__(self, *_: object) -> None:
        mode.reset(self._tokens.pop())

    def __call__(self, function: F) -> F:
        flags = self._flags
        return within(lambda: ModeSwitch(*flags), function)


class no_grad(ModeSwitch):
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


class enable_grad(ModeSwitch):
    """Inside, calls are recorded again, also within an outer ``no_grad``.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad(), torch.enable_grad():
    ...     (w * 2).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(set_flags=GRAD)


class inference_mode(ModeSwitch):
    """``no_grad`` under PyTorch's name for code that never trains. ``inference_mode(False)`` undoes it.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with torch.inference_mode():
    ...     (w * 2).requires_grad
    False
    """

    __slots__ = ()

    def __init__(self, mode: bool = True) -> None:
        super().__init__(*((INFERENCE, GRAD) if mode else (GRAD, INFERENCE)))


class AtOnce(ModeSwitch):
    """A mode that holds from the moment it is made; ``with`` gives it an end, decorating takes it back."""

    __slots__ = ()

    def __init__(self, set_flags: int = 0, clear_flags: int = 0) -> None:
        super().__init__(set_flags, clear_flags)
        super().__enter__()

    def __enter__(self) -> None:
        if not self._tokens:  # entered a second time
            super().__enter__()

    def __call__(self, function: F) -> F:
        self.__exit__()
        return super().__call__(function)


class set_grad_enabled(AtOnce):
    """Switches recording on or off at once, and back at the end of a ``with`` block.

    >>> import minigrad as torch
    >>> with torch.set_grad_enabled(False):
    ...     torch.is_grad_enabled()
    False
    """

    __slots__ = ()

    def __init__(self, mode: bool) -> None:
        super().__init__(*((GRAD, 0) if mode else (0, GRAD)))


def is_grad_enabled() -> bool:
    """True when calls are recorded here and now.

    >>> import minigrad as torch
    >>> torch.is_grad_enabled()
    True
    """
    return bool(mode.get() & GRAD)


def is_inference_mode_enabled() -> bool:
    """True inside ``inference_mode()``.

    >>> import minigrad as torch
    >>> torch.is_inference_mode_enabled()
    False
    """
    return bool(mode.get() & INFERENCE)
