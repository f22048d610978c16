"""`torch.autograd.graph`: nodes, edges, and hooks on the tensors saved for backward.

Source: https://docs.pytorch.org/docs/stable/autograd.html#autograd-graph
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.handles import RemovableHandle, require_callable
from minigrad.autograd.leaf_hooks import Announced, announce_walks
from minigrad.autograd.node import Node
from minigrad.autograd.node_attributes import AccumulateGrad, edge_of, see_edge
from minigrad.autograd.saved import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)  # fmt: skip
from minigrad.autograd.views import refresh
from minigrad.backend import array_module, on_gpu_of
from minigrad.missing import explain_missing

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


class GradientEdge(NamedTuple):
    """The edge to which a tensor's gradient flows: `grad` and `backward` accept it instead of the tensor.

    >>> import minigrad as torch
    >>> x = torch.ones(1, requires_grad=True)
    >>> torch.autograd.graph.get_gradient_edge(x * 2).output_nr
    0
    """

    node: Any
    output_nr: int
    ownership_token: Any = None

    @property
    def edge(self) -> Any:
        """The engine's edge: the node of one result, or the leaf itself."""
        return self.node.variable if isinstance(self.node, AccumulateGrad) else self.node.node_of(self.output_nr)

    def stand_in(self, gradient: Any) -> Any:
        """A placeholder tensor for this edge, on the device of its gradient.

        >>> import minigrad as torch
        >>> edge = torch.autograd.graph.get_gradient_edge(torch.ones(2, requires_grad=True) * 2)
        >>> edge.stand_in(None).shape
        minigrad.Size([2])
        """
        edge = self.edge
        if isinstance(edge, TensorBase):
            return edge
        beside = edge if gradient is None else gradient
        while not isinstance(beside, TensorBase):
            beside = next(other for other in beside.edges if other is not None)
        zero = on_gpu_of(beside.array, array_module(beside.array).zeros, (), edge.dtype)
        tensor = wrap(np.broadcast_to(zero, edge.shape))
        tensor.node = edge
        return tensor


# What `backward` and `grad` take: where a walk starts and ends, and with which gradients.
Tensors: TypeAlias = Tensor | GradientEdge | Iterable[Tensor | GradientEdge]
Cotangents: TypeAlias = Tensor | Sequence[Tensor | None] | None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The edge of `tensor`, by which its gradient can be computed without keeping the tensor.

    >>> import minigrad as torch
    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> y = x * x
    >>> edge = torch.autograd.graph.get_gradient_edge(y)
    >>> torch.autograd.grad((y * 2).sum(), edge)
    (tensor([2.]),)
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    refresh(tensor, asked=True)
    return GradientEdge(*see_edge(edge_of(tensor)))


def increment_version(tensor: Any) -> None:
    """Increments the version counter of tensors whose memory was modified by other means.

    >>> import minigrad as torch
    >>> x = torch.ones(2)
    >>> torch.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    several: list[Any] = [tensor]
    if not isinstance(tensor, TensorBase) and isinstance(tensor, Iterable):
        several = list(tensor)
    if not all(isinstance(x, TensorBase) for x in several):
        raise RuntimeError(f"increment_version expects a Tensor or several, got {type(tensor).__name__}")
    for x in several:
        if not x.is_inference():  # its writes are not counted
            x.bump_version()


class _MultiHandle(RemovableHandle):
    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Removes the hook from all tensors."""
        for handle in self._handles:
            handle.remove()


class _Gathering:
    """The gradients of several tensors in one walk, for a hook that waits for all that will come, or for the first."""

    def __init__(self, fn: Callable[..., None], mode: str, count: int) -> None:
        self.fn, self.mode, self.count = fn, mode, count
        self.walk: object = None  # to which the following belongs
        self.awaited: set[int] = set()
        self.arrived: dict[int, Any] = {}
        self.lock = Lock()

    def take(self, i: int, gradient: Any) -> None:
        """Note the gradient of tensor `i`."""
        with self.lock:
            self.arrived[i] = gradient
            first, complete = len(self.arrived) == 1, self.arrived.keys() >= self.awaited
            found = [self.arrived.get(k) for k in range(self.count)] if complete else []
        if self.mode == "any" and first:
            self.fn(gradient)
        elif self.mode == "all" and complete:
            self.fn(found)


class _OneOfSeveral(Announced):
    """The hook on tensor `i` of several."""

    def __init__(self, gathering: _Gathering, i: int) -> None:
        self.gathering, self.i = gathering, i

    def announce(self, walk: object) -> None:
        """Say that the gradient of this tensor will come in `walk`."""
        with self.gathering.lock:
            if self.gathering.walk is not walk:
                self.gathering.walk, self.gathering.awaited, self.gathering.arrived = walk, set(), {}
            self.gathering.awaited.add(self.i)

    def __call__(self, gradient: Any) -> None:
        self.gathering.take(self.i, gradient)


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[..., None], *, mode: str = "all") -> RemovableHandle:
    """Calls `fn` in each backward with the list of gradients, when the last has come, or in mode "any" with the first.

    In the list None stands for a tensor that the backward does not reach. If it reaches none, `fn` is not called.

    >>> import minigrad as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> y, z = x * 2, x * 3
    >>> handle = torch.autograd.graph.register_multi_grad_hook((y, z), print)
    >>> (y + z).sum().backward(retain_graph=True)
    [tensor([1., 1.]), tensor([1., 1.])]
    >>> y.sum().backward()
    [tensor([1., 1.]), None]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any'), got {mode}")
    require_callable(fn)
    gathering = _Gathering(fn, mode, len(tensors))
    announce_walks()
    return _MultiHandle([x.register_hook(_OneOfSeveral(gathering, i)) for i, x in enumerate(tensors)])


explain_missing("torch.autograd.graph", globals())
