"""Derivatives of functions, each a line or two built on the backward walk. Public as `func` and `autograd.functional`.

Outputs y computed from points x have the Jacobian J = dy/dx, of shape y + x. It is built only where it is asked for:

    pull        v^T J  one walk back from y, seeded with v (the vjp)
    transpose   J^T u  recorded as a function of u; it is linear in u, so where u stands does not matter
    push        J v    the pull of the transpose along v (the jvp, in two walks back)
    jacobian    J      a pull for each element of the outputs
    jacobian_by_inputs the jacobian of the transpose, transposed back: a walk for each element of the points
    hessian            the jacobian of the jacobian, by inputs
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from minigrad.autograd.gradients import grad
from minigrad.autograd.inference import inference_mode
from minigrad.autograd.node import Node
from minigrad.autograd.node_attributes import edge_of
from minigrad.backend import quiet

Tensors = Sequence[Any]
# The call of a function that a transform of `func` differentiates, while it runs.
running: ContextVar[Any] = ContextVar("minigrad_func_call", default=None)


def require_float(name: str, x: Any) -> None:
    """Raises RuntimeError for a tensor of integers or bools, which has no derivative."""
    if not x.is_floating_point():
        raise RuntimeError(f"{name}: only Tensors of floating point dtype can require gradients, got {x.dtype}")


def points_at(inputs: Tensors, connected: bool) -> list[Any]:
    """Tensors that share the memory of the inputs: in the inputs' own graph, or leaves of a new graph."""

    def stand_in(x: Any) -> Any:
        if connected and x.requires_grad:
            return x.view(x.shape)
        return (x.clone() if x.is_inference() else x.detach()).requires_grad_()

    return [stand_in(x) for x in inputs]


def pull(outputs: Tensors, points: Tensors, cotangents: Tensors, create_graph: bool, strict: bool = False) -> list[Any]:
    """``v^T J`` for the `cotangents` v: zeros if no output depends on a point.

    With `strict` that raises, and with `create_graph` a constant gradient too.
    """
    used = [(y, v) for y, v in zip(outputs, cotangents, strict=True) if y.requires_grad]
    unused = [k for k, y in enumerate(outputs) if not y.requires_grad]
    if strict and unused:
        raise _independent(unused[0], "the inputs")
    found: Sequence[Any] = [None] * len(points)
    if used:
        ys, vs = zip(*used, strict=True)
        found = grad(ys, points, vs, retain_graph=True, create_graph=create_graph, allow_unused=True)
    if strict and None in found:
        raise _independent(0, f"input {found.index(None)}")
    constant = [k for k, g in enumerate(found) if g is not None and not g.requires_grad]
    if strict and create_graph and constant:
        where = f"input {constant[0]}. This is not allowed in strict mode when create_graph=True"
        raise RuntimeError(f"The jacobian of the user-provided function is independent of {where}.")
    return [x.new_zeros(x.shape) if g is None else g for x, g in zip(points, found, strict=True)]


@inference_mode(False)  # in any mode of the caller, because the results are differentiated again
def transpose(outputs: Tensors, points: Tensors, strict: bool = False) -> tuple[list[Any], list[Any]]:
    """``J^T u`` recorded as a function of u, and the probes u themselves."""
    probes = [y.new_zeros(y.shape).requires_grad_() for y in outputs]
    return pull(outputs, points, probes, True, strict), probes


def push(outputs: Tensors, points: Tensors, tangents: Tensors, create_graph: bool, strict: bool = False) -> list[Any]:
    """``J v`` for the `tangents` v. Source: J. Townsend, A new trick for calculating Jacobian vector products, 2017."""
    return pull(*transpose(outputs, points, strict), tangents, create_graph, strict)


@inference_mode(False)
def jacobian(outputs: Tensors, points: Tensors, create_graph: bool, strict: bool = False) -> list[list[Any]]:
    """For each output y and each point x a block of shape y + x."""
    blocks = []
    for y in outputs:
        rows = [pull([y], points, [unit], create_graph, strict) for unit in _units(y)]
        blocks.append(_stack(rows, y, points))
    return blocks


@inference_mode(False)
def jacobian_by_inputs(outputs: Tensors, points: Tensors, create_graph: bool) -> list[list[Any]]:
    """The same blocks by one walk for each element of the points: quicker if these have fewer elements."""
    transposed = jacobian(*transpose(outputs, points), create_graph)  # blocks of shape x + y
    return [
        [_turn(transposed[i][k], x.ndim) for i, x in enumerate(points)]  # (x, y) -> (y, x)
        for k in range(len(outputs))
    ]


def hessian(outputs: Tensors, points: Tensors, create_graph: bool) -> list[list[list[Any]]]:
    """For each output y and each two points a block of shape y + x1 + x2."""
    return [jacobian_by_inputs(row, points, create_graph) for row in jacobian(outputs, points, True)]


def reaches_beyond(tensor: Any, own: set[Any], start: int) -> bool:
    """Whether a gradient can flow from `tensor` to calls recorded before `start`, or to a leaf not among `own`."""
    stack, seen = [edge_of(tensor)] if tensor.requires_grad else [], set()
    while stack:
        edge = stack.pop()
        if edge in own or edge in seen:
            continue
        if not isinstance(edge, Node) or edge.order < start:
            return True
        seen.add(edge)
        stack.extend(edge.edges)
    return False


def _independent(k: int, of: str) -> RuntimeError:
    return RuntimeError(
        f"Output {k} of the user-provided function is independent of {of}. This is not allowed in strict mode."
    )


def _stack(rows: Sequence[Tensors], y: Any, points: Tensors) -> list[Any]:
    """Joins the rows for the elements of `y` into blocks of shape y + x."""
    blocks = []
    for i, x in enumerate(points):  # by recorded operations, so that a block is differentiable
        shape = (*y.shape, *x.shape)
        parts = [row[i].reshape(1, -1) for row in rows]
        blocks.append(quiet(np.concatenate, parts).reshape(shape) if parts else x.new_zeros(shape))
    return blocks


def _turn(block: Any, axes: int) -> Any:
    """Moves the first `axes` axes of a block behind the others."""
    return block.permute((*range(axes, block.ndim), *range(axes)))


def _units(y: Any) -> Iterator[Any]:
    """Yields, for each element, a tensor like `y` that is 1 there and 0 elsewhere."""
    for k in range(y.numel()):
        unit = y.new_zeros(y.shape)
        unit.view(-1)[k] = 1
        yield unit
