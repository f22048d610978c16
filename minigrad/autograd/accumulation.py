"""Where gradients end: added into `.grad` of a leaf, and then shown to the hooks that wait for that.

A leaf is used by several calls, and the walk brings their gradients one by one. Normally all leaves are served
when the walk is over. A leaf with such a hook is served as soon as its last gradient has come, while the walk
goes on below: that is what lets several processes exchange gradients during the backward pass. Which node gives it
is found out beforehand, and only where such a hook was ever hung.
"""

from __future__ import annotations

from _thread import allocate_lock  # `threading` itself takes a millisecond to import
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.autograd.core import AFTER, TensorBase, wrap
from minigrad.autograd.inspection import after_accumulation, before_accumulation, leaf_hooks_exist
from minigrad.autograd.modes import GRAD, ModeSwitch
from minigrad.autograd.node import Node
from minigrad.backend import quiet

_adding = allocate_lock()  # two threads may walk into one leaf
hung = False  # whether a hook was ever hung


class AfterAccumulation(dict[int, Callable[[Any], object]]):
    """The hooks of one leaf that want its `.grad`; among the hooks that see its gradients, it leaves them alone."""

    def __call__(self, gradient: Any) -> None:
        """Nothing: what it waits for comes later."""


def hang(leaf: Any, hook: Callable[[Any], object]) -> tuple[dict[int, Any], int]:
    """Call ``hook(leaf)`` whenever a gradient was added to its `.grad`: where it hangs, and under which key."""
    global hung
    hung = True
    if leaf.hooks is None:
        leaf.hooks = {}
    waiting = leaf.hooks.setdefault(AFTER, AfterAccumulation())
    key = max(waiting, default=-1) + 1
    waiting[key] = hook
    return waiting, key


def accumulate(leaf: Any, gradient: Any, create_graph: bool) -> None:
    """Add to `leaf.grad`: in place when it is there and no graph is wanted, as PyTorch does."""
    if leaf_hooks_exist:
        gradient = before_accumulation(leaf, gradient, create_graph)
    with _adding:
        before = leaf.gradient
        if create_graph:
            with ModeSwitch(set_flags=GRAD):  # a copy: others may have been given the same gradient
                leaf.gradient = gradient.clone() if before is None else before + gradient
        elif before is None:
            leaf.gradient = wrap(gradient)
            leaf.gradient.writes = [0]  # counted in inference mode, too: later walks add to it
        elif before.node is not None:
            leaf.gradient = before + wrap(gradient)
        else:
            _add_in_place(before, gradient)
    if leaf.hooks and AFTER in leaf.hooks:
        with ModeSwitch(set_flags=GRAD) if create_graph else ModeSwitch(clear_flags=GRAD):
            for hook in list(leaf.hooks[AFTER].values()):
                returned = hook(leaf)
                if returned is not None and returned is not leaf:  # in-place methods return the leaf
                    kind = RuntimeError if isinstance(returned, TensorBase) else TypeError
                    raise kind(f"Tensor post accumulate grad hooks should return None, {hook!r} gave {type(returned)}.")
    if leaf_hooks_exist:
        after_accumulation(leaf, gradient, create_graph)


def _add_in_place(total: Any, gradient: Any) -> None:
    if gradient.shape != total.array.shape:  # the leaf was turned, by t_() for instance, after the call was recorded
        shapes = f"{list(total.array.shape)} doesn't match the broadcast shape {list(gradient.shape)}"
        raise RuntimeError(f"output with shape {shapes}: a gradient of another shape than the .grad it is added to")
    quiet(np.add, total.array, gradient, total.array)
    total.writes[0] += 1


def find_last_users(roots: Iterable[Any]) -> dict[Any, list[Any]]:
    """The leaves that are to be served at once, by the last node of a walk from `roots` that has an edge to them."""
    last: dict[Any, Any] = {}
    stack = [root for root in roots if isinstance(root, Node)]
    seen = set(stack)
    while stack:
        node = stack.pop()
        for edge in node.edges:
            if isinstance(edge, Node):
                if edge not in seen:
                    seen.add(edge)
                    stack.append(edge)
            elif edge.hooks and edge.hooks.get(AFTER) and (edge not in last or node.order < last[edge].order):
                last[edge] = node
    users: dict[Any, list[Any]] = {}
    for leaf, node in last.items():
        users.setdefault(node, []).append(leaf)
    return users
