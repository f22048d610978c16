"""How a hook is hung on a node or a leaf, and the handle that takes it away again."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.inspection import HooksApart


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
    found: HooksApart = holder.hooks.setdefault(key, HooksApart())
    return found


def require_callable(hook: Any) -> None:
    """Raise TypeError for a hook that cannot be called, where it is registered."""
    if not callable(hook):
        raise TypeError(f"a hook must be a function or another callable, got {type(hook).__name__} {hook!r:.80}")
