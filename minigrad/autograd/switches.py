"""Modes that are set by a call, `set_grad_enabled` and kin: `with` and a decorator undo it at their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from minigrad.autograd.core import GRAD
from minigrad.autograd.modes import ModeSwitch

F = TypeVar("F", bound=Callable[..., Any])


class ImmediateSwitch(ModeSwitch):
    """A mode that is set by the constructor; ``with`` restores it at its end, and decorating undoes the setting."""

    __slots__ = ()

    def __init__(self, set_flags: int = 0, clear_flags: int = 0) -> None:
        super().__init__(set_flags, clear_flags)
        super().__enter__()

    def __enter__(self) -> None:
        if not self._before:  # entered a second time
            super().__enter__()

    def __call__(self, function: F) -> F:
        self.__exit__()
        return super().__call__(function)


class set_grad_enabled(ImmediateSwitch):
    """Switches recording on or off at once, and back at the end of a ``with`` block.

    >>> import minigrad as torch
    >>> with torch.set_grad_enabled(False):
    ...     torch.is_grad_enabled()
    False
    """

    __slots__ = ()

    def __init__(self, mode: bool) -> None:
        wanted: Any = mode
        if not isinstance(wanted, bool):
            from minigrad.shown_values import show_value

            raise TypeError(f"set_grad_enabled(): argument 'mode' (position 1) must be bool, not {show_value(wanted)}")
        if mode:
            super().__init__(GRAD, 0)
        else:
            super().__init__(0, GRAD)

    def __repr__(self) -> str:
        return f"minigrad.autograd.grad_mode.set_grad_enabled(mode={bool(self._flags[0])})"
