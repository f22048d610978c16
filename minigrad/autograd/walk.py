"""The backward walk: gradients flow from results to leaves, each node once, newest first.

A call is recorded after the calls that made its operands, so the order of recording is a topological
order: taking the newest pending node from a heap guarantees that every gradient it will ever
receive has arrived. The walk is a loop, not a recursion: 100,000 chained calls are no deeper than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from minigrad.autograd.core import Edge, Node, TensorBase, edge_of, wrap
from minigrad.autograd.modes import ANOMALY, GRAD, ModeSwitch, mode
from minigrad.autograd.operation import refresh


def walk(
    seeds: Sequence[tuple[Edge, Any]],
    *,
    create_graph: bool,
    retain_graph: bool,
    wanted: set[Edge] | None = None,
) -> dict[Edge, Any]:
    """Push the `seeds` back to the leaves, or to the `wanted` edges; returns what arrived there.

    Gradients are arrays, or Tensors under `create_graph`.
    """
    useful = None if wanted is None else _leading_to(wanted, [edge for edge, _ in seeds])
    pending: dict[Edge, Any] = {}  # gradients that arrived so far
    owned: set[Edge] = set()  # whose pending gradient is memory of our own, free to be added into
    results: dict[Edge, Any] = {}
    heap: list[tuple[int, Node]] = []
    anomaly = mode.get() & ANOMALY

    def arrive(edge: Edge, gradient: Any, fresh: bool) -> None:
        before = pending.get(edge)
        if before is None:
            pending[edge] = gradient
            if fresh:
                owned.add(edge)
            if isinstance(edge, Node):
                heappush(heap, (-edge.order, edge))
        elif edge in owned:
            before += gradient  # in place for arrays; NumPy's scalars are bound anew
            pending[edge] = before
        else:
            pending[edge] = before + gradient
            if not create_graph:
                owned.add(edge)

    for edge, gradient in seeds:
        arrive(edge, gradient, False)
    while heap:
        node = heappop(heap)[1]
        cotangent = pending.pop(node)
        owned.discard(node)
        if node.hooks:
            cotangent = _run_hooks(node.hooks, cotangent, create_graph)
        if wanted is not None and node in wanted:
            results[node] = cotangent if create_graph else cotangent.copy()
        if useful is not None and node not in useful:
            continue
        gradients = node.vjp(cotangent, create_graph)
        if anomaly:
            _check_gradients(node, gradients)
        for edge, gradient in zip(node.edges, gradients, strict=True):
            if gradient is None or (useful is not None and edge not in useful):
                continue
            if edge.__class__ is Node:
                shape, dtype = edge.shape, edge.dtype
            elif isinstance(edge, TensorBase):
                shape, dtype = edge.array.shape, edge.array.dtype
            else:  # a node of several results takes its parts as they are
                arrive(edge, gradient, False)
                continue
            fresh = not create_graph and gradient is not cotangent and gradient.base is None
            array = gradient.array if create_graph else gradient
            if array.shape != shape:
                gradient, fresh = unbroadcast(gradient, shape, node), not create_graph
            if array.dtype != dtype:
                gradient, fresh = gradient.astype(dtype), not create_graph
            arrive(edge, gradient, fresh)
        if not retain_graph:
            node.free()
    for leaf, gradient in pending.items():
        if leaf.hooks:
            gradient = _run_hooks(leaf.hooks, gradient, create_graph)
            owned.discard(leaf)
        results[leaf] = gradient if create_graph or leaf in owned else gradient.copy()
    return results


def unbroadcast(gradient: Any, shape: tuple[int, ...], node: Node) -> Any:
    """Sum `gradient` over the axes along which an operand of `shape` was repeated."""
    extra = gradient.ndim - len(shape)
    repeated = tuple(range(extra)) + tuple(
        [i + extra for i, n in enumerate(shape) if n == 1 and gradient.shape[i + extra] != 1]
    )
    if extra < 0 or any(
        n not in (1, m) for n, m in zip(shape, tuple(gradient.shape)[extra:], strict=True)
    ):
        raise RuntimeError(
            f"{node.name()} returned an invalid gradient: its operand has shape {tuple(shape)}, the "
            f"gradient {tuple(gradient.shape)}. Check the gradient rule of {node.operation.name!r}."
        )
    return gradient.sum(axis=repeated, keepdims=True).reshape(shape)


def _check_gradients(node: Node, gradients: Sequence[Any]) -> None:
    """In anomaly mode: stop at the first rule that returns NaN."""
    for i, gradient in enumerate(gradients):
        array = gradient.array if isinstance(gradient, TensorBase) else gradient
        if array is not None and not isinstance(array, dict) and bool(np.isnan(array).any()):
            where = f", recorded at {node.trace}" if node.trace else ""
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output{where}.")


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


def _run_hooks(hooks: dict[int, Any], gradient: Any, create_graph: bool) -> Any:
    """Show the gradient to each hook as a Tensor; a hook may return another in its place."""
    for hook in list(hooks.values()):
        changed = hook(gradient if create_graph else wrap(gradient))
        if changed is not None:
            gradient = changed if create_graph else changed.array
    return gradient


def _accumulate(leaf: Any, gradient: Any, create_graph: bool) -> None:
    """Add to `leaf.grad`: in place when it is there and no graph is wanted, as PyTorch does."""
    if create_graph:
        leaf.gradient = gradient if leaf.gradient is None else leaf.gradient + gradient
    elif leaf.gradient is None:
        leaf.gradient = wrap(gradient)
    elif leaf.gradient.node is None:
        np.add(leaf.gradient.array, gradient, out=leaf.gradient.array)
        leaf.gradient.bump_version()
    else:
        leaf.gradient = leaf.gradient + wrap(gradient)


def _run(
    seeds: Sequence[tuple[Edge, Any]], create_graph: bool, retain_graph: bool | None, wanted: set[Edge] | None
) -> dict[Edge, Any]:
    keep = create_graph if retain_graph is None else retain_graph
    if create_graph:
        with ModeSwitch(set_flags=GRAD):
            return walk(seeds, create_graph=True, retain_graph=keep, wanted=wanted)
    with np.errstate(all="ignore"):  # inf and nan are values here, as in the forward
        return walk(seeds, create_graph=False, retain_graph=keep, wanted=wanted)


def seed(root: Any, gradient: Any, create_graph: bool, position: int = 0) -> tuple[Edge, Any]:
    """Where a walk from `root` starts, and with which gradient; refuses what cannot start one."""
    refresh(root)
    if root.node is None:
        raise RuntimeError(_no_gradient(root, position))
    array = root.array
    if gradient is None:
        if array.size != 1:
            raise RuntimeError(
                f"grad can be implicitly created only for scalar outputs, got shape {tuple(array.shape)}: "
                "reduce it to one number first, for example .sum() or .mean(), or pass "
                "gradient=<a tensor of that shape>"
            )
        ones = np.ones_like(array)
        return edge_of(root), wrap(ones) if create_graph else ones
    if not isinstance(gradient, TensorBase):
        raise TypeError(
            f"gradients can be either Tensors or None, but got {type(gradient).__name__}; "
            "wrap it with minigrad.tensor(...)"
        )
    if gradient.array.shape != array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {tuple(gradient.array.shape)} and "
            f"output[{position}] has a shape of {tuple(array.shape)}."
        )
    if create_graph:
        return edge_of(root), gradient
    g = gradient.array
    return edge_of(root), g if g.dtype == array.dtype else g.astype(array.dtype)


def _no_gradient(root: Any, position: int) -> str:
    """Say why no gradient can flow from `root`."""
    if root.array.dtype.kind != "f":
        why = f"it has dtype {root.array.dtype}: only floating-point tensors have gradients"
    elif root.cause is not None:
        why = root.cause
    else:
        why = (
            "no tensor that it was computed from has requires_grad=True; set it where the parameter is "
            "made, for example minigrad.tensor(..., requires_grad=True)"
        )
    return (
        f"element {position} of tensors does not require grad and does not have a grad_fn, "
        f"so nothing can flow back from it. The cause: {why}."
    )


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, TensorBase) else () if x is None else tuple(x)


def _seeds(outputs: Any, gradients: Any, create_graph: bool) -> list[tuple[Edge, Any]]:
    roots = _as_tuple(outputs)
    if not roots:
        raise RuntimeError("backward needs at least one tensor to start from, got an empty list")
    given: tuple[Any, ...] = (None,) * len(roots)
    if gradients is not None:
        given = (gradients,) if isinstance(gradients, TensorBase) else tuple(gradients)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    return [seed(r, g, create_graph, i) for i, (r, g) in enumerate(zip(roots, given, strict=True))]


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add d(sum of `tensors` * `grad_tensors`)/d(leaf) to ``.grad`` of every leaf below, or of `inputs`.

    Raises RuntimeError when a tensor needs no gradient, when it is no scalar and no gradient is given,
    or when the graph was freed by an earlier walk.

    >>> import minigrad
    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> minigrad.autograd.backward((x * x).sum()); x.grad
    tensor([2., 4.])
    """
    seeds = _seeds(tensors, grad_tensors, create_graph)
    targets = _as_tuple(inputs)
    if inputs is not None and not targets:
        raise RuntimeError("`inputs` argument to `backward` cannot be empty")
    wanted = {edge_of(t): t for t in targets} if targets else None
    found = _run(seeds, create_graph, retain_graph, None if wanted is None else set(wanted))
    for edge, gradient in found.items():
        if wanted is None:
            _accumulate(edge, gradient, create_graph)
        elif edge in wanted:
            _accumulate(wanted[edge], gradient, create_graph)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `outputs` with respect to `inputs`, returned and not accumulated.

    Raises RuntimeError when an input needs no gradient, or is not used by the outputs and
    `allow_unused` is False.

    >>> import minigrad
    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> minigrad.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    if is_grads_batched:
        raise NotImplementedError("is_grads_batched is not supported: call grad once per row")
    targets = _as_tuple(inputs)
    for i, target in enumerate(targets):
        refresh(target)
        if target.node is None:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad: inputs[{i}] of shape "
                f"{tuple(target.array.shape)}; make it with requires_grad=True"
            )
    seeds = _seeds(outputs, grad_outputs, create_graph)
    found = _run(seeds, create_graph, retain_graph, {edge_of(t) for t in targets})
    return tuple([_found(found, t, i, create_graph, allow_unused, materialize_grads) for i, t in enumerate(targets)])


def _found(
    found: dict[Edge, Any], target: Any, i: int, create_graph: bool, allow_unused: bool | None, materialize: bool
) -> Any:
    gradient = found.get(edge_of(target))
    if gradient is not None:
        return gradient if create_graph else wrap(gradient)
    if materialize:
        return wrap(np.zeros_like(target.array))
    if not allow_unused:
        raise RuntimeError(
            f"One of the differentiated Tensors appears to not have been used in the graph: inputs[{i}] of "
            f"shape {tuple(target.array.shape)}. Set allow_unused=True if this is the desired behavior."
        )
    return None
