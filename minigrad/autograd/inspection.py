"""Hooks on a gradient, and how they are called; watchers, which see what is recorded and what is walked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.autograd.core import ANOMALY, PACKING, wrap
from minigrad.autograd.failed_calls import call_hook
from minigrad.autograd.messages import take_from_hook

# Keys among the hooks of a node or a leaf. Under RETAIN is the hook that keeps `.grad`; it moves on when its tensor is
# written to. Under each of the others are hooks that `run_hooks` leaves alone: of a node, hooks before and after its
# rules, and notes; of a leaf, hooks that run when its gradient is added to `.grad`, in the order of these keys.
RETAIN, NODE_PREHOOKS, AFTER_GRAD, NODE_HOOKS, NOTES = -1, -2, -3, -4, -5
WATCHED = ANOMALY | PACKING
watchers: dict[int, Callable[[Any], None]] = {}  # by flag: functions that see what was just recorded
gradient_checks: list[Callable[[Any, Any], None]] = []  # anomaly mode's: functions that see what a node's rules gave


def notify_watchers(tensor: Any, flags: int) -> None:
    """Show the result of a call that was just recorded to those who watch."""
    for flag, see in watchers.items():
        if flags & flag:
            see(tensor)


class HooksApart(dict[Any, Any]):
    """The hooks, or the notes, under one of the other keys, in order."""


def run_hooks(hooks: dict[int, Any], gradient: Any, create_graph: bool) -> Any:
    """Show the gradient to each hook as a Tensor, to all the same one; a hook may write to it, or return another."""
    called = [hook for hook in hooks.values() if hook.__class__ is not HooksApart]
    shown = wrap(gradient) if called and not create_graph else gradient
    for hook in called:
        changed = call_hook("gradient", hook, shown)
        if changed is not None:
            shown = take_from_hook(hook, shown, changed)
    return shown.array if called and not create_graph else shown
