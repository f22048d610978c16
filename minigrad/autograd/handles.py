"""How hooks are hung on a node, a leaf, a module or an optimizer, and the handle that takes one away again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from itertools import count
from typing import Any

from minigrad.autograd.inspection import HooksApart

_numbers = count()


class RemovableHandle:
    """Takes a hook away again: ``handle.remove()``, or at the end of a ``with`` block."""

    def __init__(self: Any, hooks: dict[int, Any], key: int) -> None:
        self._hooks, self.id = hooks, key

    def remove(self: Any) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self: Any) -> RemovableHandle:
        return self

    def __exit__(self: Any, *_: object) -> None:
        self.remove()


def open_hooks(holder: Any, key: int) -> HooksApart:
    """The hooks under `key` of a node or a leaf, to add others to."""
    if holder.hooks is None:
        holder.hooks = {}
    return holder.hooks.setdefault(key, HooksApart())


def require_callable(hook: Any) -> None:
    """Raise TypeError for a hook that cannot be called, where it is registered."""
    if not callable(hook):
        raise TypeError(f"a hook must be a function or another callable, got {type(hook).__name__} {hook!r:.80}")


# ---- on a module or an optimizer --------------------------------------------------------------------
class Hooks:
    """The hooks of one module or optimizer, by the point at which they run, each with its options."""

    def __init__(self) -> None:
        self._places: dict[str, OrderedDict[int, tuple[Any, ...]]] = defaultdict(OrderedDict)

    def add(self, place: str, hook: Any, prepend: bool, options: Any) -> RemovableHandle:
        """Adds `hook` at `place`, after the others or before them."""
        require_callable(hook)
        hung, number = self._places[place], next(_numbers)
        hung[number] = (hook, *options)
        if prepend:
            hung.move_to_end(number, last=False)
        return RemovableHandle(hung, number)

    def remove(self, place: str, number: int) -> None:
        """Removes hook `number` at `place`."""
        self._places[place].pop(number, None)

    def at(self, place: str) -> list[tuple[Any, ...]]:
        """The hooks at `place`: functions with their options."""
        return list(self._places[place].values())

    def functions(self, place: str) -> OrderedDict[int, Any]:
        """The hooks at `place` by their numbers, without options."""
        return OrderedDict((number, hung[0]) for number, hung in self._places[place].items())


class Hookable:
    """The base of classes that have hooks: modules and optimizers."""

    _hooks_by_place: Hooks | None  # None until the first hook is added, so that a call needs only one test

    def _hang(self, place: str, hook: Callable[..., Any], prepend: bool = False, *options: bool) -> RemovableHandle:
        if self._hooks_by_place is None:
            self._hooks_by_place = Hooks()
        return self._hooks_by_place.add(place, hook, prepend, options)

    def _hooks_at(self, place: str) -> list[tuple[Any, ...]]:
        return [] if self._hooks_by_place is None else self._hooks_by_place.at(place)


def as_pair(what: str, given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments that a hook gave instead of those of `what`: positional ones and keywords. Raises for others."""
    if isinstance(given, tuple) and len(given) == 2:
        return given
    raise RuntimeError(f"{what} pre-hook must return None or a tuple of (new_args, new_kwargs), but got {given!r}")
