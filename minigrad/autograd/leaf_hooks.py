"""Hooks on leaf tensors: they run when a gradient is added to `.grad`, or before.

A leaf with hooks gets its `.grad` as soon as its last gradient has arrived, while the walk continues: so several
processes can exchange gradients during the backward pass, and hooks of leaves and results run in PyTorch's order. The
node that delivers the last gradient is found before the walk, and only if such a hook was ever registered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

from minigrad.autograd import leaves
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.handles import RemovableHandle, open_hooks, require_callable
from minigrad.autograd.inspection import AFTER_GRAD, NODE_HOOKS, NODE_PREHOOKS, RETAIN
from minigrad.autograd.messages import take_from_hook
from minigrad.autograd.node import nodes_below

_keys = count(10).__next__  # far from the keys that have a meaning


class Announced:
    """A hook on a gradient that is told, before each walk that comes to its tensor, that the gradient will come."""

    def announce(self, walk: object) -> None:
        """Take note of a new `walk`."""
        raise NotImplementedError


def announce_walks() -> None:
    """From now on hooks that are `Announced` are told of walks."""
    leaves.leaf_hooks[:] = [sys.modules[__name__]]


def add_hook(hooks: dict[int, Any], hook: Any) -> RemovableHandle:
    """Hang `hook` behind the others of its kind, and before what keeps the gradient."""
    require_callable(hook)
    key = _keys()
    hooks[key] = hook
    if RETAIN in hooks:
        hooks[RETAIN] = hooks.pop(RETAIN)
    return RemovableHandle(hooks, key)


def hang_hook(leaf: Any, when: int, hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook` whenever backward adds to ``leaf.grad``: `when` is NODE_PREHOOKS, AFTER_GRAD or NODE_HOOKS."""
    announce_walks()
    return add_hook(open_hooks(leaf, when), hook)


def hang_gradient_hook(leaf: Any, hook: Callable[..., Any]) -> RemovableHandle:
    """Show `hook` the complete gradient of `leaf`, before it is added."""
    announce_walks()
    if leaf.hooks is None:
        leaf.hooks = {}
    return add_hook(leaf.hooks, hook)


def run_hooks_before_adding(leaf: Any, gradient: Any) -> Any:
    """The gradient that is about to be added, as the prehooks of the leaf's node change it."""
    hooks, create_graph = find_hooks(leaf, NODE_PREHOOKS), isinstance(gradient, TensorBase)
    shown = gradient if create_graph else wrap(gradient[...])  # an array, which a hook may write to
    for hook in hooks:
        changed = hook((shown,))
        if changed is not None:
            (shown,) = replace_some(hook, [shown], changed)
    if create_graph:
        return shown
    return leaves.copy_as_leaf_lies(shown.array, leaf) if hooks else shown.array


def run_hooks_after_adding(leaf: Any, gradient: Any) -> None:
    """Call the hooks that waited for the `.grad` of `leaf`, and tell those of its node which gradient was added."""
    for hook in find_hooks(leaf, AFTER_GRAD):
        returned = hook(leaf)
        if returned is not None and returned is not leaf:  # in-place methods return the leaf
            kind = RuntimeError if isinstance(returned, TensorBase) else TypeError
            raise kind(f"Tensor post accumulate grad hooks should return None, {hook!r} gave {type(returned)}.")
    for hook in find_hooks(leaf, NODE_HOOKS):
        hook((), (gradient if isinstance(gradient, TensorBase) else wrap(gradient),))


def find_last_users(roots: Iterable[Any], route: set[Any] | None) -> dict[Any, list[Any]]:
    """The leaves that are to be served at once, by the last node of a walk from `roots` that has an edge to them.

    The walk takes the edges of its `route`, if there is one. Hooks that it will run are told so.
    """
    last: dict[Any, Any] = {}
    nodes = nodes_below(roots) if route is None else nodes_below(roots) & route
    for node in sorted(nodes, key=lambda node: -node.order):  # the oldest comes last
        for edge in node.edges:
            if isinstance(edge, TensorBase) and edge.hooks and (route is None or edge in route):
                last[edge] = node
    walk = object()
    for edge in (*roots, *nodes, *last):
        for hook in (edge.hooks or {}).values():
            if isinstance(hook, Announced):
                hook.announce(walk)
    users: dict[Any, list[Any]] = {}
    for leaf, node in last.items():
        users.setdefault(node, []).append(leaf)
    return users


def find_hooks(holder: Any, key: int) -> list[Any]:
    """The hooks under `key`, in a list of their own: a hook may remove itself while it runs."""
    return list((holder.hooks or {}).get(key, {}).values())


def replace_some(hook: Any, gradients: Sequence[Any], changed: Any) -> list[Any]:
    """The `gradients` with what a hook returned in place of some. Raises where that is no tuple of as many."""
    name = getattr(hook, "__name__", repr(hook))
    if not isinstance(changed, tuple):
        raise TypeError(f"expected tuple, but hook {name!r} returned '{type(changed).__name__}'")
    if len(changed) != len(gradients):
        counts = f"(got {len(changed)}, but expected {len(gradients)})"
        raise RuntimeError(f"hook {name!r} has returned an incorrect number of values {counts}")
    pairs = zip(gradients, changed, strict=True)
    return [g if c is None else take_from_hook(hook, g, c) for g, c in pairs]
