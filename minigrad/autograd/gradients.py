"""`backward` and `grad`: where a walk starts, and what becomes of the gradients that it brings."""

from __future__ import annotations

import warnings
from _thread import allocate_lock  # `threading` itself takes a millisecond to import
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from minigrad.advice import warn
from minigrad.autograd import leaves
from minigrad.autograd.core import AFTER, LEAF, Edge, TensorBase, edge_of, is_array, wrap
from minigrad.autograd.messages import (
    check_same_library,
    needs_no_gradient,
    no_gradient,
    not_a_tensor,
    not_scalar,
    unused,
)
from minigrad.autograd.modes import GRAD, KEEP, ModeSwitch, mode
from minigrad.autograd.views import Unrecorded, refresh
from minigrad.autograd.walk import Deliver, Seeds, repeated_axes, walk
from minigrad.backend import quiet

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

_adding = allocate_lock()  # two threads may walk into one leaf


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    grad_variables: Any = None, inputs: Any = None,
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
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError("`grad_tensors` and `grad_variables` cannot both be given: leave `grad_variables` out")
        grad_tensors = grad_variables
    if create_graph:
        hint = "minigrad.autograd.grad returns it instead; else set x.grad = None after use"
        warn(f"backward(create_graph=True) makes a cycle between a parameter and its .grad, which keeps memory: {hint}")
    seeds = _make_seeds(tensors, grad_tensors, create_graph)
    if inputs is None:
        for leaf, gradient in _walk_silently(seeds, create_graph, retain_graph, None, accumulate).items():
            accumulate(leaf, gradient, create_graph)
        return
    targets = {_find_edge(target, i): target for i, target in enumerate(_as_tuple(inputs))}
    if not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty")
    for target in targets.values():
        if isinstance(target, TensorBase):
            target.retain_grad()  # type: ignore[attr-defined]  # of a result, as in PyTorch: the hook adds what arrives
    for edge, gradient in _walk_silently(seeds, create_graph, retain_graph, set(targets)).items():
        if edge in targets and targets[edge].node is LEAF:
            accumulate(targets[edge], gradient, create_graph)


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    only_inputs: bool = True, allow_unused: bool | None = None, is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients of `outputs` with respect to `inputs`, returned and not accumulated.

    With `is_grads_batched`, `grad_outputs` have a first axis more, and so have the gradients: one walk for each row.
    Raises RuntimeError when an input needs no gradient, or is not used by the outputs and
    `allow_unused` is False.

    >>> import minigrad
    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> minigrad.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    if not only_inputs:
        hint = "to add to the gradients of all leaves, call torch.autograd.backward"
        warnings.warn(f"only_inputs is ignored: {hint}.", FutureWarning, stacklevel=2)
    if materialize_grads and allow_unused is False:
        raise ValueError("materialize_grads=True gives zeros for unused inputs: leave allow_unused out, or set it True")
    targets = _as_tuple(inputs)
    edges = [_find_edge(target, i) for i, target in enumerate(targets)]
    if not edges:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if is_grads_batched:
        from minigrad.autograd.batches import grad_of_rows

        asked = _as_tuple(outputs), inputs, _as_tuple(grad_outputs)
        return grad_of_rows(*asked, retain_graph, create_graph, allow_unused, materialize_grads)
    seeds = _make_seeds(outputs, grad_outputs, create_graph)
    arrived = _walk_silently(seeds, create_graph, retain_graph, set(edges))
    found: list[Any] = []
    for i, edge in enumerate(edges):
        if edge not in arrived:
            found.append(_replace_unused(targets[i], i, allow_unused, materialize_grads, create_graph))
        else:
            found.append(arrived[edge] if create_graph else wrap(arrived[edge]))
    return tuple(found)


def _replace_unused(
    target: Any, position: int, allow_unused: bool | None, materialize: bool, create_graph: bool
) -> Any:
    """What stands for the gradient of an input that the outputs were not computed from."""
    if materialize:
        zeros = wrap(quiet(np.zeros_like, target.array))
        zeros.node = LEAF if create_graph else None  # as PyTorch's: a second walk may begin there
        return zeros
    if not allow_unused:
        raise unused(target, position)
    return None


def accumulate(leaf: Any, gradient: Any, create_graph: bool) -> None:
    """Add to `leaf.grad`: in place when it is there and no graph is wanted, as PyTorch does."""
    if leaves.hooks_exist:
        gradient = leaves.before_accumulation(leaf, gradient, create_graph)
    with _adding:
        before = leaf.gradient
        if create_graph:
            with ModeSwitch(set_flags=GRAD):  # a copy: others may have been given the same gradient
                leaf.gradient = gradient.clone() if before is None else before + gradient
        elif before is None:
            leaf.gradient = wrap(gradient)
            leaf.gradient.writes = [0]  # counted in inference mode, too: later walks add to it
        elif before.node is not None:
            leaf.gradient = before + wrap(gradient)
        else:
            _add_in_place(before, gradient)
    if leaf.hooks and AFTER in leaf.hooks:
        leaves.run_waiting(leaf, create_graph)
    if leaves.hooks_exist:
        leaves.after_accumulation(leaf, gradient, create_graph)


def _add_in_place(total: Any, gradient: Any) -> None:
    shape, have = total.array.shape, gradient.shape
    if have != shape and repeated_axes(have, shape) is None:  # of a leaf turned by t_()
        shapes = f"{list(shape)} doesn't match the broadcast shape {list(have)}"
        raise RuntimeError(f"output with shape {shapes}: a gradient of another shape than the .grad it is added to")
    quiet(np.add, total.array, gradient, total.array)
    total.writes[0] += 1


def _as_tuple(x: Any) -> tuple[Any, ...]:
    if isinstance(x, TensorBase):
        return (x,)
    alone = _is_edge(x) or is_array(x) or not isinstance(x, Iterable)
    return () if x is None else (x,) if alone else tuple(x)


def _is_edge(x: Any) -> bool:
    """Whether `x` is a `GradientEdge`, which stands for a tensor."""
    return hasattr(x, "output_nr")


def _find_edge(target: Any, position: int) -> Any:
    """Where the gradient of an input goes, a tensor, whose place in the graph is brought up to date, or an edge."""
    if isinstance(target, TensorBase):
        refresh(target, asked=True)
        if target.node is None:
            raise needs_no_gradient(target, position)
        return target if isinstance(target.node, Unrecorded) else edge_of(target)  # to which nothing flows
    if not _is_edge(target):
        raise not_a_tensor(target, "inputs")
    return target.edge


def _walk_silently(
    seeds: Seeds, create_graph: bool, retain_graph: bool | None, wanted: set[Edge] | None,
    deliver: Deliver | None = None,
) -> dict[Edge, Any]:  # fmt: skip
    """The walk, with NumPy's warnings off, and recording on only where a graph of the gradients is wanted."""
    keep = create_graph if retain_graph is None else retain_graph
    if retain_graph is None and mode.get() & KEEP:
        keep = True
    before = mode.set(mode.get() | GRAD if create_graph else mode.get() & ~GRAD)
    try:
        return quiet(walk, seeds, create_graph, keep, wanted, deliver)
    finally:
        mode.reset(before)


def _make_seeds(outputs: Any, gradients: Any, create_graph: bool) -> Seeds:
    """Where a walk starts: edges, each with its first gradient."""
    if isinstance(outputs, TensorBase) and not isinstance(gradients, (tuple, list)):  # nearly always
        return [_make_seed(outputs, gradients, create_graph, 0)]
    roots = _as_tuple(outputs)
    if not roots:
        raise RuntimeError("backward needs at least one tensor to start from, got an empty list")
    given = (None,) * len(roots) if gradients is None else _as_tuple(gradients)
    seeds = [_make_seed(root, g, create_graph, i) for i, (root, g) in enumerate(zip(roots, given, strict=False))]
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    return seeds


def _make_seed(root: Any, gradient: Any, create_graph: bool, position: int) -> tuple[Edge, Any]:
    """Where a walk from `root` starts, and with which gradient; refuses what cannot start one."""
    if not isinstance(root, TensorBase):
        if not _is_edge(root):
            raise not_a_tensor(root, "tensors to start from")
        root = root.stand_in(gradient)
    if root.view_of is not None:
        refresh(root, asked=True)
    node, array = root.node, root.array
    if node is None or node.__class__ is Unrecorded:
        raise no_gradient(root, position)
    edge = root if node is LEAF else node
    if gradient is None:
        if array.size != 1:
            raise not_scalar(array.shape)
        plain = array.__class__ is ndarray and not array.ndim  # a loss
        first = array.dtype.type(1) if plain else quiet(np.ones_like, array)
        return edge, wrap(first) if create_graph else first
    _check_cotangent(gradient, array, position)
    if not create_graph:
        gradient = gradient.array
        if gradient.dtype is not array.dtype:
            gradient = quiet(gradient.astype, array.dtype, copy=False)
    return edge, gradient


def _check_cotangent(gradient: Any, array: Any, position: int) -> None:
    """Refuse what cannot be the gradient of the result that is `array`."""
    if not isinstance(gradient, TensorBase):
        hint = "wrap it with minigrad.tensor(...)"
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}; {hint}")
    g = gradient.array
    if g.shape != array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {tuple(g.shape)} and "
            f"output[{position}] has a shape of {tuple(array.shape)}."
        )
    if g.__class__ is not ndarray or array.__class__ is not ndarray:
        check_same_library("backward from a tensor and its gradient", (array, g))
