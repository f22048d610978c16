"""`backward` and `grad`: where a walk starts, and what becomes of the gradients that it brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.accumulation import accumulate
from minigrad.autograd.core import Edge, TensorBase, edge_of, is_array, wrap
from minigrad.autograd.messages import check_same_library, no_gradient, not_scalar
from minigrad.autograd.modes import GRAD, mode
from minigrad.autograd.recording import refresh
from minigrad.autograd.walk import Deliver, walk
from minigrad.backend import SILENT, WARNINGS, on_gpu_of, quiet

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:  # fmt: skip
    """Add d(sum of `tensors` * `grad_tensors`)/d(leaf) to ``.grad`` of every leaf below, or of `inputs`.

    Raises RuntimeError when a tensor needs no gradient, when it is no scalar and no gradient is given,
    or when the graph was freed by an earlier walk.

    >>> import minigrad
    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> minigrad.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    seeds = _seeds(tensors, grad_tensors, create_graph)
    if inputs is None:
        for leaf, gradient in _run(seeds, create_graph, retain_graph, None, accumulate).items():
            accumulate(leaf, gradient, create_graph)
        return
    targets = {edge_of(t): t for t in _differentiable(inputs)}
    if not targets:
        raise RuntimeError("`inputs` argument to `backward` cannot be empty")
    for edge, gradient in _run(seeds, create_graph, retain_graph, set(targets)).items():
        if edge in targets:
            accumulate(targets[edge], gradient, create_graph)


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    allow_unused: bool | None = None, is_grads_batched: bool = False, materialize_grads: bool = False,
) -> tuple[Tensor, ...]:  # fmt: skip
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
    if materialize_grads and allow_unused is False:
        raise ValueError("materialize_grads=True gives zeros for unused inputs: leave allow_unused out, or set it True")
    targets = _differentiable(inputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    seeds = _seeds(outputs, grad_outputs, create_graph)
    found = _run(seeds, create_graph, retain_graph, {edge_of(t) for t in targets})
    gradients = []
    for i, target in enumerate(targets):
        gradient = found.get(edge_of(target))
        if gradient is not None:
            gradients.append(gradient if create_graph else wrap(gradient))
        elif materialize_grads:
            gradients.append(wrap(quiet(np.zeros_like, target.array)))
        elif allow_unused:
            gradients.append(None)
        else:
            raise RuntimeError(
                f"One of the differentiated Tensors appears to not have been used in the graph: inputs[{i}] of "
                f"shape {tuple(target.array.shape)}. Set allow_unused=True if this is the desired behavior."
            )
    return tuple(gradients)


def _differentiable(inputs: Any) -> tuple[Any, ...]:
    """The tensors to differentiate with respect to, each with its place in the graph up to date."""
    targets = _as_tuple(inputs)
    for i, target in enumerate(targets):
        if not isinstance(target, TensorBase):
            raise _not_a_tensor(target, "inputs")
        refresh(target)
        if target.node is None:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad: inputs[{i}] of shape "
                f"{tuple(target.array.shape)}; make it with requires_grad=True"
            )
    return targets


def _run(
    seeds: Sequence[tuple[Edge, Any]], create_graph: bool, retain_graph: bool | None, wanted: set[Edge] | None,
    deliver: Deliver | None = None,
) -> dict[Edge, Any]:  # fmt: skip
    """The walk, with NumPy's warnings off, and recording on only where a graph of the gradients is wanted."""
    keep = create_graph if retain_graph is None else retain_graph
    warnings = WARNINGS.set(SILENT)
    before = mode.set(mode.get() | GRAD if create_graph else mode.get() & ~GRAD)
    try:
        return on_gpu_of(seeds[0][1], walk, seeds, create_graph, keep, wanted, deliver)
    finally:
        mode.reset(before)
        WARNINGS.reset(warnings)


def _seeds(outputs: Any, gradients: Any, create_graph: bool) -> list[tuple[Edge, Any]]:
    if isinstance(outputs, TensorBase) and not isinstance(gradients, (tuple, list)):
        return [_seed(outputs, gradients, create_graph, 0)]
    roots = _as_tuple(outputs)
    if not roots:
        raise RuntimeError("backward needs at least one tensor to start from, got an empty list")
    given = (None,) * len(roots) if gradients is None else _as_tuple(gradients)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    return [_seed(r, g, create_graph, i) for i, (r, g) in enumerate(zip(roots, given, strict=True))]


def _seed(root: Any, gradient: Any, create_graph: bool, position: int) -> tuple[Edge, Any]:
    """Where a walk from `root` starts, and with which gradient; refuses what cannot start one."""
    if not isinstance(root, TensorBase):
        raise _not_a_tensor(root, "tensors to start from")
    if root.view_of is not None:
        refresh(root)
    if root.node is None:
        raise no_gradient(root, position)
    array = root.array
    if gradient is None:
        if array.size != 1:
            raise not_scalar(array.shape)
        plain = array.__class__ is np.ndarray and not array.shape  # a loss
        one = array.dtype.type(1) if plain else quiet(np.ones_like, array)
        return edge_of(root), wrap(one) if create_graph else one
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
    check_same_library("backward from a tensor and its gradient", (array, gradient.array))
    if create_graph:
        return edge_of(root), gradient
    g = gradient.array
    return edge_of(root), g if g.dtype == array.dtype else quiet(g.astype, array.dtype)


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, TensorBase) or is_array(x) else () if x is None else tuple(x)


def _not_a_tensor(x: Any, role: str) -> TypeError:
    return TypeError(f"{role} must be Tensors, got {type(x).__name__}; wrap it with minigrad.tensor(...)")
