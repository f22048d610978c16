"""The backward walk, which is the chain rule: gradients flow from results to leaves, each node once, newest first.

A call is recorded after the calls that made its operands, so the order of recording is a topological
order: taking the newest pending node from a heap guarantees that every gradient it will ever
receive has arrived. The walk is a loop, not a recursion: 100,000 chained calls are no deeper than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, TypeAlias

from numpy import ndarray

from minigrad import passes
from minigrad.autograd import leaves
from minigrad.autograd.core import LEAF, Edge, Gradient
from minigrad.autograd.inspection import gradient_checks, run_hooks
from minigrad.autograd.node import Node, nodes_below
from minigrad.backend import copy_array

Seeds: TypeAlias = Sequence[tuple[Edge, Gradient]]  # where a walk starts, and with which gradients


def walk(
    seeds: Seeds, create_graph: bool, retain_graph: bool, wanted: set[Edge] | None = None
) -> Iterator[tuple[Edge, Gradient]]:
    """Push the `seeds` back to the leaves, or to the `wanted` edges; yields these, each with its gradient.

    Gradients are arrays, or Tensors under `create_graph`. Leaves come at the end; one with hooks comes as soon as
    its gradient is complete.
    """
    route = None if wanted is None else find_route(wanted, [edge for edge, _ in seeds])
    arrivals = Arrivals([seed for seed in seeds if route is None or seed[0] in route], create_graph)
    pending, newest = arrivals.pending, arrivals.newest
    last_users = leaves.leaf_hooks[0].find_last_users(pending, route) if leaves.leaf_hooks else None
    while newest:
        node = heappop(newest)[1]  # the calls that read its result came later, so they are done
        cotangent = pending.pop(node)  # and this sum is complete
        if node.hooks:
            leaves.separate(arrivals.borrowers, arrivals.pending)  # a hook may write
            cotangent = run_hooks(node.hooks, cotangent, create_graph)
        if wanted and node in wanted:
            yield node, cotangent if create_graph else copy_array(cotangent)
        if route is not None and route.isdisjoint(node.edges):  # nothing below is wanted
            continue
        gradients = node.vjp(cotangent, create_graph, route)
        for check in gradient_checks:
            check(node, gradients)
        arrivals.receive(node, gradients, cotangent)
        if not retain_graph:
            node.free()
        if last_users and node in last_users:  # leaves with hooks to which nothing more will come
            yield from arrivals.take(last_users[node])
    yield from arrivals.take([*pending])


def find_route(wanted: set[Edge], roots: Iterable[Edge]) -> set[Edge]:
    """The edges that a walk from `roots` follows: the `wanted` ones, and those that lead to a wanted one."""
    route = set(wanted)
    for node in sorted(nodes_below(roots), key=lambda node: node.order):  # operands come before their results
        if not route.isdisjoint(node.edges):
            route.add(node)
    return route


class Arrivals:
    """The gradients that have arrived and were not passed on yet: for each edge their sum."""

    __slots__ = ("borrowers", "create_graph", "newest", "owned", "pending")

    def __init__(self, seeds: Seeds, create_graph: bool) -> None:
        self.create_graph = create_graph
        self.pending: dict[Any, Gradient] = {}  # by edge
        self.owned: set[Edge] = set()  # edges whose sum has memory of its own, so that it can be added to in place
        self.borrowers: list[Any] = []  # leaves whose gradient may be that of a node, too
        for edge, seed in seeds:
            self.pending[edge] = passes.add_arrays(self.pending[edge], seed, None) if edge in self.pending else seed
        # a heap of the nodes among the edges, the newest on top
        self.newest = sorted([(-edge.order, edge) for edge in self.pending if isinstance(edge, Node)])

    def receive(self, node: Node, gradients: Sequence[Gradient | None], cotangent: Gradient) -> None:
        """Take in what `node` made of its `cotangent`: a gradient along each of its edges, or None."""
        pending, create_graph = self.pending, self.create_graph
        for edge, gradient in zip(node.edges, gradients):  # noqa: B905 (as long, and asked for speed)
            if gradient is None:
                continue
            target = edge if isinstance(edge, Node) else edge.array  # has the shape and dtype that are due
            if gradient.shape != target.shape or gradient.dtype is not target.dtype:
                gradient = fit(gradient, target, node, create_graph)
            own = None if create_graph or gradient is cotangent or gradient.base is not None else gradient
            if edge in pending:
                self.add(edge, gradient, own)
                continue
            pending[edge] = gradient
            if target is edge:  # a node; a leaf waits for the end
                heappush(self.newest, (-edge.order, edge))
            if own is not None:  # any other gradient may share its memory
                self.owned.add(edge)
            elif target is not edge and not create_graph:
                self.borrowers.append(edge)

    def add(self, edge: Any, gradient: Gradient, own: Gradient | None) -> None:
        """Add `gradient` to what waits at `edge`: into the memory of one of them that is ours, else into new memory."""
        waiting = self.pending[edge]
        self.pending[edge] = passes.add_arrays(waiting, gradient, waiting if edge in self.owned else own)
        self.owned.add(edge)

    def take(self, complete: Iterable[Any]) -> list[tuple[Edge, Gradient]]:
        """The leaves among these to which gradients came, each with their sum.

        It has memory of its own, in which its axes lie as those of its leaf.
        """
        found: list[tuple[Edge, Gradient]] = []  # all are ready before the first is handed out, because hooks may raise
        for leaf in complete:
            gradient, owned = self.pending.pop(leaf, None), leaf in self.owned
            if gradient is not None and (leaf.hooks or leaf.node is not LEAF):
                gradient, owned = leaves.show_to_hooks(leaf, gradient, owned, self.create_graph)
            if gradient is None:  # none came, or the leaf was frozen since
                continue
            if not (self.create_graph or (owned and gradient.strides == leaf.array.strides)):
                gradient = leaves.copy_as_leaf_lies(gradient, leaf)
            found.append((leaf, gradient))
        return found


def fit(gradient: Gradient, target: Any, node: Node, create_graph: bool) -> Gradient:
    """`gradient` in the shape and dtype of `target`, which it is the gradient of: broadcasting is undone."""
    array = gradient.array if create_graph else gradient
    if array.shape != target.shape:
        gradient = unbroadcast(gradient, target, node)
    return gradient if array.dtype == target.dtype else gradient.astype(target.dtype)


def unbroadcast(gradient: Gradient, target: Any, node: Node) -> Gradient:
    """Sum `gradient` over the axes along which the operand `target` was repeated."""
    shape, have = target.shape, gradient.shape
    axes = repeated_axes(shape, have)
    if axes is None:
        return leaves.undo_unsqueeze(gradient, target, node)
    keepdims = len(axes) + len(shape) != len(have)  # else there are new axes in front alone
    if gradient.__class__ is ndarray:
        gradient = passes.add_up(gradient, axes, None, keepdims)
    else:
        gradient = gradient.sum(axis=axes, keepdims=keepdims)
    return gradient.reshape(shape) if keepdims and len(have) > len(shape) else gradient


@lru_cache(maxsize=1024)
def repeated_axes(shape: tuple[int, ...], have: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes of `have` along which an array of `shape` is repeated when it is broadcast to it; None if it cannot."""
    extra = len(have) - len(shape)
    if extra < 0 or any(n not in (1, m) for n, m in zip(shape, have[extra:], strict=True)):
        return None
    return *range(extra), *[i + extra for i, n in enumerate(shape) if n == 1 != have[i + extra]]
