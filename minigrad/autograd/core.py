"""The engine's half of a tensor: an array, its gradient, and its place in the graph.

A graph is made of nodes that point backwards (`node.py` records them). An edge ends either in the
node of the call that made an operand, or in the leaf tensor itself. A node never refers to its own
output, so plain reference counting frees a graph as soon as the last tensor made by it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ForwardRef, TypeAlias

import numpy as np
from numpy import ndarray

if TYPE_CHECKING:
    from minigrad.autograd.node import Node
    from minigrad.autograd.recording import Operation
    from minigrad.tensor import Tensor as Tensor  # noqa: PLC0414 (which says that the name is for other files, too)
else:  # the files below tensor/ cannot import the class itself; typing.get_type_hints() finds it for their functions
    Tensor = ForwardRef("__import__('minigrad').Tensor")

# The grad mode, as flags of one integer, so that a call reads one variable; `modes.py` switches them.
GRAD = 1  # calls are recorded
INFERENCE = 2  # nothing is recorded, whatever is asked for, and what is made can never be
ASKED = 4  # recording was asked for within inference mode, and is reported
PACKING = 8  # what is saved for backward goes through the user's hooks
ANOMALY = 16  # a call records the user's line
CHECK_NAN = 32  # results and gradients are searched for NaN
KEEP = 64  # a walk keeps what was saved for it, as another example of the same vmap may walk there too
mode: ContextVar[int] = ContextVar("minigrad_mode", default=GRAD)
# Empty until inference mode is first entered; then it holds `inference.new_count`, which makes counters of new memory.
inference_was_entered: list[Callable[[], list[int]]] = []

Edge: TypeAlias = "Node | TensorBase"
Gradient: TypeAlias = Any  # an array, or under create_graph a Tensor

_new = object.__new__
LEAF: Any = object()  # in the place of a node, for a tensor that asks for a gradient and was made by no call


class TensorBase:
    """An array, its gradient and its place in the graph. The user's `Tensor` derives from this."""

    __slots__ = ("array", "cause", "gradient", "hooks", "node", "view_of", "writes")

    array: Any  # NumPy or CuPy
    node: Any  # the call that made it, LEAF, or None: no gradient flows here
    gradient: Tensor | None
    # One list for all tensors that look at the same memory: how often it was written to, and how often one of them
    # began or ceased to ask for a gradient.
    writes: list[int]
    view_of: View | None
    hooks: dict[int, Any] | None  # on its gradient, by number
    cause: str | None  # why no gradient flows here, when a call could tell


class View:
    """How a tensor looks at its parent's memory. After a write its place in the graph is out of date (`views.py`)."""

    __slots__ = ("array", "operation", "parent", "recorded", "seen", "several", "statics")

    def __init__(self, parent: TensorBase, operation: Operation, statics: dict[str, Any]) -> None:
        self.parent, self.operation, self.statics = parent, operation, statics
        self.array = parent.array  # the parent may get another one later
        link = parent.view_of
        self.recorded: bool = mode.get() & GRAD != 0 and (link is None or link.recorded)  # False: made under no_grad
        self.several: bool = link is not None and link.several  # True when one call made several views, as split does
        self.seen = [*parent.writes]  # the counts that the view's node knows of


plain_classes: set[Any] = set()  # the classes of tensors with which no function is overridden (`overriding.py`)
result_class: type[Any] = TensorBase  # the module that defines `Tensor` names it here, once


def wrap(array: Any, cls: type[Any] | None = None, cause: str | None = None, writes: Any = None) -> Any:
    """A tensor around `array`, without a copy and outside the graph. NumPy's scalars become arrays with 0 dimensions.

    `cause` tells why no gradient flows to it, `writes` are the counts of its memory if another tensor has that too.
    """
    tensor = _new(cls or result_class)
    if array.__class__ is not ndarray:
        array = array[...] if isinstance(array, np.generic) else _as_array(array)  # type: ignore[index]
    tensor.array = array
    tensor.node = tensor.gradient = tensor.view_of = tensor.hooks = None
    tensor.cause = cause
    tensor.writes = writes or (inference_was_entered[0]() if inference_was_entered else [0, 0])
    return tensor


def _as_array(made: Any) -> Any:
    """What a forward made as an array: CuPy's arrays as they are, Python's numbers with 0 dimensions."""
    if made is None:
        raise TypeError("the forward of an operation returned None, not an array: does its `return` stand there?")
    return made if is_array(made) else np.asarray(made)


def is_array(x: Any) -> bool:
    """True for NumPy's and CuPy's arrays, not for scalars or tensors."""
    return x.__class__ is ndarray or (
        hasattr(x, "__array_ufunc__") and hasattr(x, "strides") and not isinstance(x, (TensorBase, np.generic))
    )


def is_end(node: Any) -> bool:
    """Whether no recorded call stands behind a tensor with this node."""
    return node is None or node is LEAF or node.unrecorded


def value_of(x: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return x.array if isinstance(x, TensorBase) else x
