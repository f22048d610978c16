"""Views: tensors that look at another's memory, and how a write through one reaches the graph.

A view remembers the operation that made it. After a write to that memory its place in the graph is out of date;
`refresh` records the view anew from what it is a view of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.autograd.core import LEAF, RETAIN, TensorBase
from minigrad.autograd.messages import written_since_no_grad, written_with_siblings
from minigrad.autograd.modes import GRAD, mode
from minigrad.autograd.node import Node, next_order

if TYPE_CHECKING:
    from minigrad.autograd.recording import Operation


class View:
    """How a tensor looks at its parent's memory, so that a write through it reaches the graph."""

    __slots__ = ("missed", "operation", "parent", "recorded", "seen", "several", "state", "statics")

    def __init__(self, parent: TensorBase, operation: Operation, statics: dict[str, Any], recorded: bool) -> None:
        self.parent, self.operation, self.statics = parent, operation, statics
        self.state = parent.view_of
        self.several = False  # True when one call made several views, as split does
        link: View | None = parent.view_of
        self.recorded: bool = recorded and (link is None or link.recorded)  # False when made under no_grad
        self.seen = parent.writes[0]  # writes up to here are in the view's node
        self.missed = False  # True when some were made while nothing here was in a graph

    def source(self) -> TensorBase:
        """The parent as it was looked at: ``t_()`` and the like may have turned it since."""
        parent = self.parent
        while parent.view_of is not self.state and parent.view_of is not None:
            parent = parent.view_of.parent
        return parent


def move_retained(before: Any, node: Any) -> None:
    """Let what keeps a tensor's gradient go on with the tensor, from the node that it had to its new one."""
    if before is not None and before is not LEAF and before.hooks and RETAIN in before.hooks and node:
        node.hooks = {RETAIN: before.hooks.pop(RETAIN), **(node.hooks or {})}


def follow_leaf(view: TensorBase) -> None:
    """Let a view say that it requires a gradient, as what it is a view of was asked to later."""
    link, missed = view.view_of, []
    while link is not None:
        parent = link.source()
        missed += [link] if link.missed else []
        if parent.node is not None:
            view.node = Unrecorded(view.array)
            for link in missed:  # what was written to since is recorded anew, as in PyTorch
                link.missed, link.seen = False, -1
            return
        link = parent.view_of


def refresh(view: TensorBase, use: bool = True) -> None:
    """Bring a view's place in the graph up to date after writes through its parent or siblings.

    Raises RuntimeError, unless the view is only asked about (`use=False`), when it is one of several.
    """
    if view.node is None and (len(view.writes) > 1 or not (use or view.view_of is None or view.view_of.recorded)):
        follow_leaf(view)
    stale = []  # from the view towards its root
    while True:
        link = view.view_of
        if link is None or link.seen == view.writes[0]:
            break
        if not link.recorded:
            if use and view.node.__class__ is Unrecorded and mode.get() & GRAD:
                raise written_since_no_grad()
            break
        parent = link.source()
        stale.append((view, link, parent))
        view = parent
    for view, link, parent in reversed(stale):
        if parent.node is not None:
            if link.several:
                if use and mode.get() & GRAD:
                    raise written_with_siblings()
                return
            node = link.operation.plan(1, 1).record((parent,), link.statics, view)
            if node is not None:
                before, view.node = view.node, node
                move_retained(before, node)
        elif view.node is not LEAF:
            view.node, link.missed = None, True
        link.seen = view.writes[0]


class Unrecorded(Node):
    """In the place of a node for a view of a tensor that asks for a gradient, made while nothing was recorded.

    As in PyTorch the view says that it requires a gradient, and what is computed from it is recorded; but what
    flows back to it ends here.
    """

    __slots__ = ()

    def __init__(self, array: Any) -> None:
        self.order, self.hooks, self.trace = next_order(), None, None
        self.edges, self.shape, self.dtype = (), array.shape, array.dtype

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        return []

    def free(self) -> None:
        pass

    def name(self) -> str:
        return "UnrecordedView"
