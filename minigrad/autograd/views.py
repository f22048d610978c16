"""Views: tensors that share another tensor's memory, and how the graph records a write through a view.

A view remembers the operation that made it. A write to the shared memory makes the view's graph node out of date;
`refresh` records the view again, from the base tensor of all views of that memory.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import GRAD, LEAF, TensorBase, View, is_end, mode, wrap
from minigrad.autograd.inspection import RETAIN
from minigrad.autograd.messages import written_since_no_grad, written_with_siblings
from minigrad.autograd.node import Node, next_order

if TYPE_CHECKING:
    from minigrad.autograd.recording import Operation


# Functions of `ops/strides.py` and `ops/inplace.py`, set by `ops/reshaping.py` and `ops/inplace.py`.
look_as: Any = None  # (array, other) -> the view operation, with its options, that makes `other` of `array`
move_on: Any = None  # (target, value): records that a tensor was written to


def source_of(link: View) -> TensorBase:
    """What a view looks at, as it was then: ``t_()`` and the like may have turned it since."""
    parent = link.parent
    if parent.array is link.array or (link.array.size and not np.may_share_memory(parent.array, link.array)):
        return parent
    before: TensorBase = wrap(link.array, writes=parent.writes)
    before.view_of = View(parent, *look_as(parent.array, link.array))
    return before


def steps_to(view: TensorBase) -> tuple[TensorBase, list[tuple[Operation, dict[str, Any], Any]]]:
    """The tensor that all views of a memory go back to, and the views from there to this one: each operation, its
    options, and the array that it was applied to.
    """
    steps = []
    while view.view_of is not None:
        link = view.view_of
        view = source_of(link)
        steps.append((link.operation, link.statics, link.array))
    return view, steps[::-1]


def root_of(view: TensorBase) -> TensorBase:
    """The tensor that all views of a memory go back to."""
    while view.view_of is not None:
        view = source_of(view.view_of)
    return view


def move_retained(before: Any, node: Any) -> None:
    """Move the hook of `retain_grad` from the node that a tensor had `before` to its new one."""
    if before is not None and before is not LEAF and before.hooks and RETAIN in before.hooks and node:
        node.hooks = {RETAIN: before.hooks.pop(RETAIN), **(node.hooks or {})}


def refresh(view: TensorBase, asked: bool = False) -> None:
    """Bring a view's place in the graph up to date after writes to its memory.

    Raises RuntimeError where its place is unknown, if calls are recorded or the place is `asked` for.
    """
    link = view.view_of
    if link is None or link.seen == view.writes:
        return
    root, steps = steps_to(view)
    link.seen[1] = view.writes[1]
    if root.node is None and is_end(view.node):  # what it looks at no longer requires a gradient
        view.node = LEAF if view.node is LEAF else None
        return
    if view.node is None:
        view.node = Unrecorded(view.array)  # what it looks at requires a gradient since
    if link.seen == view.writes or not (asked or mode.get() & GRAD):
        return
    if not link.recorded:
        raise written_since_no_grad()
    if link.several:
        raise written_with_siblings()
    before, view.node, link.seen = view.node, record_from(root, steps, view), [*view.writes]
    move_retained(before, view.node)


def is_in_graph(x: Any) -> bool:
    """Whether `x` is a tensor to which gradients flow, after the writes to its memory."""
    if not isinstance(x, TensorBase):
        return False
    if x.view_of is not None:
        refresh(x)
    return x.node is not None


def record_from(root: TensorBase, steps: list[tuple[Operation, dict[str, Any], Any]], view: TensorBase) -> Any:
    """A new node for `view`, recorded from its root on: the views between get new nodes too, without their hooks."""
    operand = root
    if root.node is None:  # it left the graph: what flows back ends there
        operand = wrap(root.array)
        operand.node = Unrecorded(root.array)
    for (operation, statics, _), (_, _, array) in pairwise(steps):
        made: TensorBase = wrap(array)
        made.node = operation.plan(1).record((operand,), statics, made)
        operand = made
    operation, statics, _ = steps[-1]
    return operation.plan(1).record((operand,), statics, view)


class Unrecorded(Node):
    """In the place of a node for a view of a tensor that asks for a gradient, made while nothing was recorded.

    As in PyTorch the view says that it requires a gradient, and what is computed from it is recorded; but what
    flows back to it ends here.
    """

    __slots__ = ()

    unrecorded = True

    def __init__(self, array: Any) -> None:
        self.order, self.hooks = next_order(), None
        self.edges, self.shape, self.dtype = (), array.shape, array.dtype

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        return []

    def free(self) -> None:
        pass

    def name(self) -> str:
        return "UnrecordedView"


def leave_unrecorded(result: Any) -> Any:
    """The result of a call under `no_grad`, although an operand asks for a gradient."""
    result.cause = "it was made under no_grad() or inference_mode()"
    if result.view_of is not None and type(result.writes) is list:  # counted: of memory that can enter a graph
        result.node = Unrecorded(result.array)
    return result
