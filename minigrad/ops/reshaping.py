"""In-place methods that write nothing, such as `t_` and `squeeze_`: the tensor becomes a view of its old self."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from minigrad.autograd import views
from minigrad.autograd.core import GRAD, TensorBase, mode, wrap
from minigrad.autograd.inspectable import derive_named
from minigrad.autograd.node import Node
from minigrad.ops import LaterFunction, strides
from minigrad.ops.complaints import not_a_tensor
from minigrad.ops.describe import name_in_place
from minigrad.ops.inplace import check_writable

F = TypeVar("F", bound=Callable[..., Any])

views.look_as = strides.look_as  # for views of a tensor that was turned; its file is imported by the first call


def reshaping_in_place(function: F) -> F:
    """Makes the in-place version of a `function` that returns a view: ``t`` -> ``t_``.

    No memory is written; the tensor becomes a view of its old self.
    """
    if isinstance(function, LaterFunction):
        return function.then(reshaping_in_place)  # type: ignore[return-value]
    name = f"{function.__name__}_"

    def change(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, TensorBase):
            raise not_a_tensor(name, "input", 1, self)
        check_writable(self, name)
        before = wrap(self.array)
        before.node, before.view_of, before.writes = self.node, self.view_of, self.writes
        after = function(before, *args, **kwargs)
        if isinstance(after.node, Node) and after.node.name()[-1].isdigit():
            _name_in_place(after.node)
        self.array = after.array
        if self.view_of is not None:  # it stays a view of the same base, by one more step
            after.view_of.recorded, after.view_of.several = self.view_of.recorded, self.view_of.several
            self.view_of = after.view_of
        self.writes[0] += 1  # counts as a write, as in PyTorch: a saved tensor would have another shape
        if mode.get() & GRAD:  # else it keeps its node, and a parameter still requires its gradient
            self.node = after.node
            if self.view_of is not None and self.node is not None:
                self.view_of.seen = [*self.writes]
        return self

    return name_in_place(change, function, "by which the tensor itself changes its shape")


def _name_in_place(node: Any) -> None:
    """Renames the node to PyTorch's name for the in-place method, numbered behind the methods that return a view."""
    stem, number = node.name()[:-1], int(node.name()[-1])
    kinds = 3 if stem == "SqueezeBackward" else 1  # squeeze() of all dimensions, of one, or of several
    kind: Any = type(node)
    node.__class__ = derive_named(kind, f"{stem}{number + kinds}")
