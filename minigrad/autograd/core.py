"""The engine's half of a tensor: an array, its gradient, and its place in the graph.

A graph is made of nodes that point backwards (`recording.py` makes them). An edge ends either in the
node of the call that made an operand, or in the leaf tensor itself. A node never refers to its own
output, so plain reference counting frees a graph as soon as the last tensor made by it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy import ndarray

from minigrad.autograd.modes import INFERENCE, inference_was_entered, mode

if TYPE_CHECKING:
    from minigrad.autograd.node import Node
    from minigrad.autograd.views import View
    from minigrad.tensor import Tensor

Edge: TypeAlias = "Node | TensorBase"
Hooks: TypeAlias = "dict[int, Callable[[Any], Any]]"

RETAIN = -1  # the key among a node's hooks of the one that keeps `.grad`: it moves on when its tensor is written to
AFTER = -2  # the key among a leaf's hooks of those that wait until a gradient was added to `.grad`
_new = object.__new__


class Leaf:
    """Stands in the place of a node for a tensor that asks for a gradient and was made by no call."""

    __slots__ = ()

    hooks: None = None  # a leaf's hooks are its own


LEAF: Any = Leaf()


class Uncounted(list[int]):
    """In the place of the count of writes for memory made in inference mode: nobody may write there outside of it."""

    __slots__ = ()

    def __setitem__(self, i: Any, value: Any) -> None:
        if not mode.get() & INFERENCE:
            raise RuntimeError(
                "Inplace update to inference tensor outside InferenceMode is not allowed: it was made in "
                "inference_mode(). Write into a copy, x.clone(), or make it under no_grad()"
            )


def new_count() -> list[int]:
    """A count of writes for new memory."""
    return Uncounted([0]) if mode.get() & INFERENCE else [0]


class TensorBase:
    """An array, its gradient and its place in the graph. The user's `Tensor` derives from this."""

    __slots__ = ("array", "cause", "gradient", "hooks", "node", "view_of", "writes")

    array: Any  # NumPy or CuPy
    node: Any  # the call that made it, LEAF, or None: no gradient flows here
    gradient: Tensor | None
    writes: list[int]  # shared by all that look at the same memory: how often it was written to
    view_of: View | None
    hooks: Hooks | None
    cause: str | None  # why no gradient flows here, when a call could tell

    def bump_version(self) -> None:
        """Note that the memory was written to; saved values that needed it are then refused.

        >>> import minigrad as torch
        >>> x = torch.ones(2)
        >>> x.bump_version()
        >>> x._version
        1
        """
        self.writes[0] += 1


class Key(tuple[Any, ...]):
    """An index with arrays in it, which remembers the tensors whose memory these arrays may share.

    A node that keeps one checks it before its rules run: an index that was written to after the
    forward would put gradients into other places.
    """

    watched: tuple[tuple[list[int], int, tuple[int, ...]], ...] = ()  # counter, version then, shape


def watch(key: tuple[Any, ...], *tensors: Any) -> Key:
    """`key` as a `Key` that watches `tensors`, and what it watched already."""
    made = Key(key)
    seen = tuple([(t.writes, t.writes[0], t.array.shape) for t in tensors if isinstance(t, TensorBase)])
    made.watched = getattr(key, "watched", ()) + seen
    return made


result_class: type[Any] = TensorBase  # the module that defines `Tensor` names it here, once


def wrap(array: Any, cls: type[Any] | None = None) -> Any:
    """A tensor around `array`: no copy, no graph. NumPy's scalars become arrays with 0 dimensions."""
    tensor = _new(cls or result_class)
    if array.__class__ is not ndarray and (isinstance(array, np.generic) or not is_array(array)):
        if array is None:
            raise TypeError("the forward of an operation returned None, not an array: does its `return` stand there?")
        array = np.asarray(array)
    tensor.array = array
    tensor.node = tensor.gradient = tensor.view_of = tensor.hooks = tensor.cause = None
    tensor.writes = new_count() if inference_was_entered else [0]
    return tensor


def is_array(x: Any) -> bool:
    """True for NumPy's and CuPy's arrays, not for scalars or tensors."""
    return x.__class__ is ndarray or (
        hasattr(x, "__array_ufunc__") and hasattr(x, "strides") and not isinstance(x, (TensorBase, np.generic))
    )


def edge_of(tensor: Any) -> Any:
    """Where the gradient of `tensor` goes: the node that made it, or the leaf itself."""
    return tensor if tensor.node is LEAF else tensor.node
