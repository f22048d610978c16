"""Hooks on the gradient of a tensor: called with what arrives, or when it was added to ``.grad``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.autograd.core import Tensor, TensorBase, is_end
from minigrad.autograd.handles import RemovableHandle
from minigrad.autograd.inspection import AFTER_GRAD
from minigrad.autograd.leaf_hooks import add_hook
from minigrad.autograd.views import Unrecorded, refresh


class HookMethods(TensorBase):
    """The hooks of a tensor."""

    __slots__: tuple[()] = ()

    def register_hook(self: Any, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Calls `hook` with each gradient that arrives here; what it returns goes on in its place.

        >>> import minigrad as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda gradient: gradient * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        _refuse_hook_without_gradient(self)
        if not (self.hooks and isinstance(self.node, Unrecorded)):  # a second one there is hung without a question
            refresh(self, asked=True)
        if is_end(self.node):  # to what was not recorded no gradient comes
            from minigrad.autograd import leaf_hooks

            return leaf_hooks.hang_gradient_hook(self, hook)
        if self.node.hooks is None:
            self.node.hooks = {}
        return add_hook(self.node.hooks, hook)

    def register_post_accumulate_grad_hook(self: Any, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Calls ``hook(tensor)`` whenever a gradient was added to ``.grad`` of this leaf, as soon as it is complete.

        Recording is off within, so that a hook may update the tensor. Raises RuntimeError for a tensor that is no leaf
        or needs no gradient.

        >>> import minigrad as torch
        >>> w = torch.zeros(2, requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda w: w.sub_(0.5 * w.grad))
        >>> w.sum().backward()
        >>> w.detach()
        tensor([-0.5000, -0.5000])
        """
        _refuse_hook_without_gradient(self)
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        from minigrad.autograd import leaf_hooks

        return leaf_hooks.hang_hook(self, AFTER_GRAD, hook)


def _refuse_hook_without_gradient(tensor: Any) -> None:
    if not tensor.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
