"""`swap_tensors`: two tensors exchange their contents."""

from __future__ import annotations

import weakref

from minigrad.autograd.core import TensorBase
from minigrad.ops.arguments import require_tensor
from minigrad.tensor import Tensor


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchanges numbers, gradient, graph node, class and attributes of two tensor objects.

    A module or an optimizer that holds one of them has the other's numbers afterwards. Raises RuntimeError if there is
    a weak reference to one of them, or their classes differ in slots.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.utils.swap_tensors.html

    >>> import minigrad as torch
    >>> a, b = torch.zeros(2), torch.ones(3)
    >>> torch.utils.swap_tensors(a, b)
    >>> a
    tensor([1., 1., 1.])
    """
    for position, (name, x) in enumerate((("t1", t1), ("t2", t2)), 1):
        require_tensor("swap_tensors", name, position, x)
        if weakref.getweakrefs(x):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    try:
        t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    except TypeError:
        raise RuntimeError("Cannot swap t1 and t2 if they have different slots") from None
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__
    for slot in TensorBase.__slots__:
        here, there = getattr(t1, slot), getattr(t2, slot)
        setattr(t1, slot, there)
        setattr(t2, slot, here)
