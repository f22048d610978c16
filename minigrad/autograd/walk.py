"""The backward walk: gradients flow from results to leaves, each node once, newest first.

A call is recorded after the calls that made its operands, so the order of recording is a topological
order: taking the newest pending node from a heap guarantees that every gradient it will ever
receive has arrived. The walk is a loop, not a recursion: 100,000 chained calls are no deeper than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context
from heapq import heappop, heappush
from typing import Any

import numpy as np

from minigrad.autograd.anomaly import check_gradients
from minigrad.autograd.core import Edge, Hooks, Node, wrap
from minigrad.autograd.messages import from_hook, invalid_gradient
from minigrad.autograd.modes import ANOMALY, GRAD, mode
from minigrad.backend import select


def walk(
    seeds: Sequence[tuple[Edge, Any]],
    create_graph: bool,
    retain_graph: bool,
    wanted: set[Edge] | None,
    outside: Context,
) -> dict[Edge, Any]:
    """Push the `seeds` back to the leaves, or to the `wanted` edges; returns what arrived there.

    Gradients are arrays, or Tensors under `create_graph`. Hooks run in the context `outside`.
    """
    useful = None if wanted is None else _leading_to(wanted, [edge for edge, _ in seeds])
    anomaly = outside.get(mode, GRAD) & ANOMALY
    pending: dict[Edge, Any] = {}  # gradients that arrived so far
    owned: set[Edge] = set()  # whose pending gradient is memory of our own, free to be added into
    results: dict[Edge, Any] = {}
    heap: list[Any] = []

    def add(edge: Edge, gradient: Any) -> None:
        if gradient.__class__ is not np.ndarray:
            select(gradient)
        if edge in owned:
            pending[edge] += gradient  # in place for arrays; NumPy's scalars are bound anew
        else:
            pending[edge] = pending[edge] + gradient
            if not create_graph:
                owned.add(edge)

    for edge, gradient in seeds:
        if edge in pending:
            add(edge, gradient)
        else:
            pending[edge] = gradient
            if isinstance(edge, Node):
                heappush(heap, (-edge.order, edge))
    while heap:
        node = heappop(heap)[1]
        cotangent = pending.pop(node)
        if cotangent.__class__ is not np.ndarray:
            select(cotangent)
        if node.hooks:
            cotangent = outside.run(run_hooks, node.hooks, cotangent, create_graph)
        if wanted is not None and node in wanted:
            results[node] = cotangent if create_graph else cotangent.copy()
        if useful is not None and node not in useful:
            continue
        gradients = node.vjp(cotangent, create_graph)
        if anomaly:
            check_gradients(node, gradients)
        for edge, gradient in zip(node.edges, gradients):  # noqa: B905 (as long, and asked for speed)
            if gradient is None or (useful is not None and edge not in useful):
                continue
            inner = isinstance(edge, Node)
            target: Any = edge if inner else edge.array  # the gradient takes its shape and dtype
            fresh = False
            if target.shape is not None:  # else a call of several results, which takes its parts as they are
                array = gradient.array if create_graph else gradient
                fresh = not create_graph and gradient is not cotangent and gradient.base is None
                if array.shape != target.shape:
                    gradient, fresh = unbroadcast(gradient, target.shape, node), not create_graph
                if array.dtype is not target.dtype and array.dtype != target.dtype:
                    gradient, fresh = gradient.astype(target.dtype), not create_graph
            if edge in pending:
                add(edge, gradient)
                continue
            pending[edge] = gradient
            if fresh:
                owned.add(edge)
            if inner:
                heappush(heap, (-edge.order, edge))
        if not retain_graph:
            node.free()
    for leaf, gradient in pending.items():
        if gradient.__class__ is not np.ndarray:
            select(gradient)
        if leaf.hooks:
            gradient = outside.run(run_hooks, leaf.hooks, gradient, create_graph)
            owned.discard(leaf)
        results[leaf] = gradient if create_graph or leaf in owned else gradient.copy()
    return results


def unbroadcast(gradient: Any, shape: tuple[int, ...], node: Node) -> Any:
    """Sum `gradient` over the axes along which an operand of `shape` was repeated."""
    have = tuple(gradient.shape)
    extra = len(have) - len(shape)
    if extra < 0 or any(n not in (1, m) for n, m in zip(shape, have[extra:], strict=True)):
        raise invalid_gradient(node, shape, have)
    repeated = [*range(extra), *[i + extra for i, n in enumerate(shape) if n == 1 != have[i + extra]]]
    return gradient.sum(axis=tuple(repeated), keepdims=True).reshape(shape)


def _leading_to(wanted: set[Edge], roots: Sequence[Edge]) -> set[Edge]:
    """The edges below `roots` from which a wanted one can be reached: the rest need no gradient."""
    seen: set[Edge] = set()
    stack = list(roots)
    while stack:
        edge = stack.pop()
        if edge not in seen:
            seen.add(edge)
            if isinstance(edge, Node):
                stack.extend(edge.edges)
    useful = wanted & seen
    for node in sorted((e for e in seen if isinstance(e, Node)), key=lambda n: n.order):
        if any(edge in useful for edge in node.edges):
            useful.add(node)
    return useful


def run_hooks(hooks: Hooks, gradient: Any, create_graph: bool) -> Any:
    """Show the gradient to each hook as a Tensor; a hook may return another in its place."""
    for hook in list(hooks.values()):
        changed = hook(gradient if create_graph else wrap(gradient))
        if changed is not None:
            gradient = from_hook(hook, gradient, changed, create_graph)
    return gradient
