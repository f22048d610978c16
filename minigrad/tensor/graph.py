"""Methods on the graph: `backward`, `detach`, `requires_grad_`, hooks."""

from __future__ import annotations

from collections.abc import Iterable
from sys import getrefcount
from typing import Any
from weakref import ref

from minigrad.autograd import gradients
from minigrad.autograd.core import LEAF, Tensor, TensorBase, inference_was_entered, is_end, wrap
from minigrad.autograd.inspectable import show_name
from minigrad.autograd.inspection import RETAIN
from minigrad.autograd.messages import user_line
from minigrad.autograd.node import Node
from minigrad.autograd.views import Unrecorded, refresh, root_of
from minigrad.ops.arguments import of_tensors
from minigrad.ops.complaints import as_flag, not_a_bool
from minigrad.tensor.complaints import check_can_require_grad, check_data, check_gradient, warn_of_missing_gradient


def _is_seen(view: Any) -> bool:
    """Whether the program holds a tensor whose memory `view` shares: a result may be a view of an intermediate one."""
    link = view.view_of
    while link is not None:
        if getrefcount(link.parent) > 2:  # the link's, and that of this call
            return True
        link = link.parent.view_of
    return False


class GraphMethods(TensorBase):
    """What autograd offers on a tensor."""

    __slots__ = ()

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it: a leaf that asks for one, or a result computed from such a leaf.

        >>> import minigrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> w.requires_grad, (w * 2).requires_grad, torch.ones(2).requires_grad
        (True, True, False)
        """
        if self.view_of is not None and (self.node is None or isinstance(self.node, Unrecorded)):
            return type(self.writes) is list and root_of(self).node is not None and self.array.dtype.kind == "f"
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(value).__name__} {value!r}")
        if value and not self.is_leaf:
            hint = "this one is a result, which requires grad already; .retain_grad() keeps its gradient"
            raise RuntimeError(f"you can only change requires_grad flags of leaf variables: {hint}")
        self.requires_grad_(value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward added up here, in the tensor's shape; None before, and for tensors that keep none.

        Each `backward` adds to it, until it is set to None, as `zero_grad` does. Only leaves keep one, and results
        after `retain_grad()`.

        >>> import minigrad as torch
        >>> w = torch.tensor([3.0], requires_grad=True)
        >>> for _ in range(2):
        ...     (w * w).backward()
        >>> w.grad  # 6, twice
        tensor([12.])
        """
        if self.gradient is None and self.node not in (None, LEAF) and not (is_end(self.node) or self.retains_grad):
            warn_of_missing_gradient(self.node)
        return self.gradient

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            check_gradient(self, value)
        self.gradient = value

    @grad.deleter
    def grad(self) -> None:
        self.gradient = None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the call that made it; None for leaves. Its `next_functions` lead to those of the operands.

        >>> import minigrad as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> (w * 2).exp().grad_fn.next_functions[0][0].name()
        'MulBackward0'
        """
        return None if self.is_leaf else show_name(self.node.call)

    @property
    def is_leaf(self) -> bool:
        """True unless a recorded call made it. Optimizers take leaves, and `backward` fills their `.grad`.

        >>> import minigrad as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> w.is_leaf, (w * 2).is_leaf
        (True, False)
        """
        if self.view_of is not None:
            refresh(self, asked=True)
        return is_end(self.node)

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph: writes through it are not seen by autograd.

        >>> import minigrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> w.data -= 0.5  # an update by hand, which is not recorded
        >>> w
        tensor([0.5000, 0.5000], requires_grad=True)
        """
        alias: Tensor = wrap(self.array, writes=self.writes.__class__((0, 0)))  # counted or not, as this tensor's
        if self.node is LEAF:  # nearly always an update by hand: looking up the user's line would take too long
            alias.cause = "it was taken with .data, which leaves the graph"
        elif self.node is not None:
            alias.cause = f"it was taken with .data, which leaves the graph, at {user_line()}"
        return alias

    @data.setter
    def data(self, value: Tensor) -> None:
        check_data(self, value)
        self.array = value.array
        if self.gradient is not None and self.gradient.array.shape != value.array.shape:
            self.gradient = None  # it belonged to numbers that are gone: nothing could be added to it

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete the tensor instead.")

    def backward(
        self: Any, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
        inputs: Any = None,
    ) -> None:  # fmt: skip
        """Adds d(sum of self * gradient)/d(leaf) to ``.grad`` of every leaf it was computed from, or of `inputs`.

        `gradient` has the tensor's shape; a tensor of one number, such as a loss, needs none. What was saved for the
        rules is freed, unless `retain_graph`; with `create_graph` the gradients can be differentiated again. Raises
        RuntimeError for a tensor that requires no gradient, for several numbers without `gradient`, and for a graph
        that was freed.

        >>> import minigrad as torch
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        """
        gradients.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self: Any) -> Tensor:
        """The same numbers in the same memory, outside the graph; writes through it are noticed by autograd.

        No gradient flows through it: for the rule it is a constant.

        >>> import minigrad as torch
        >>> x = torch.tensor([3.0], requires_grad=True)
        >>> (x * x.detach()).backward()
        >>> x.grad  # 3, where x * x has 6
        tensor([3.])
        """
        alias: Tensor = wrap(self.array, writes=self.writes)
        if self.node is not None:
            alias.cause = f"it, or something it was computed from, was detached at {user_line()}"
        return alias

    @of_tensors
    def detach_(self: Any) -> Tensor:
        """Leaves the graph: the tensor becomes a leaf that needs no gradient.

        >>> import minigrad as torch
        >>> y = torch.ones(2, requires_grad=True) * 2
        >>> y.detach_().requires_grad
        False
        """
        if _is_seen(self):
            hint = "what it is a view of would stay in the graph. Use detach(), which makes another tensor"
            raise RuntimeError(f"Can't detach views in-place: {hint}")
        if self.node is not None:
            self.writes[1] += 1  # a sign for its views
        self.node = self.view_of = None
        return self

    def requires_grad_(self: Any, requires_grad: Any = True) -> Tensor:
        """Sets whether a gradient is wanted. Raises RuntimeError for integers and for results of recorded calls.

        >>> import minigrad as torch
        >>> torch.ones(2).requires_grad_()
        tensor([1., 1.], requires_grad=True)
        """
        if not isinstance(requires_grad, bool):
            raise not_a_bool("requires_grad_", "requires_grad", requires_grad)
        if not is_end(self.node):
            if not requires_grad:
                hint = "to use a computed one in a subgraph that needs no derivative, take x.detach()"
                raise RuntimeError(f"you can only change requires_grad flags of leaf variables; {hint}")
            return self
        if requires_grad and (self.array.dtype.kind != "f" or inference_was_entered):
            check_can_require_grad(self)
        if (self.node is LEAF) is not requires_grad:
            self.writes[1] += 1  # a sign for the views of its memory, should there be any
            self.node = LEAF if requires_grad else None
        return self

    def is_inference(self: Any) -> bool:
        """True when its memory was made in inference mode: it is written to, and differentiated, only there.

        >>> import minigrad as torch
        >>> with torch.inference_mode():
        ...     x = torch.ones(2)
        >>> x.is_inference(), x.clone().is_inference()
        (True, False)
        """
        return self.writes.__class__ is not list

    def retain_grad(self: Any) -> None:
        """Makes the next backward fill ``.grad`` of this result too, though it is no leaf.

        >>> import minigrad as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> y = x * 2
        >>> y.retain_grad()
        >>> y.sum().backward()
        >>> y.grad
        tensor([1., 1.])
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if is_end(self.node) or self.is_leaf:  # in this order: a part of a split that was written to is not asked
            return
        node: Any = self.node
        kept = ref(self)

        def keep(gradient: Tensor) -> None:
            tensor = kept()
            if tensor is not None:
                tensor.gradient = gradient.clone() if tensor.gradient is None else tensor.gradient + gradient

        if node.hooks is None:
            node.hooks = {}
        node.hooks[RETAIN] = keep

    @property
    def retains_grad(self: Any) -> bool:
        """True for a result of a call on which retain_grad() was called."""
        return not is_end(self.node) and RETAIN in (self.node.hooks or {})


def clear_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Sets the gradients to None, or those that are there to zeros."""
    for parameter in parameters:
        if set_to_none is True or as_flag("zero_grad", "set_to_none", set_to_none):
            parameter.gradient = None
        elif parameter.grad is not None:
            parameter.grad.detach_().zero_()
