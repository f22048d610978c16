"""`backward` and `grad`: where a walk starts, and what becomes of the gradients that it brings."""

from __future__ import annotations

from _thread import allocate_lock  # `threading` itself takes a millisecond to import
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ForwardRef

import numpy as np
from numpy import ndarray

from minigrad.autograd import core, failed_calls, leaves, messages
from minigrad.autograd.core import GRAD, KEEP, LEAF, Edge, Gradient, Tensor, TensorBase, is_array, is_end, mode, wrap
from minigrad.autograd.overriding import ask
from minigrad.autograd.views import Unrecorded, refresh
from minigrad.autograd.walk import Seeds, unbroadcast, walk
from minigrad.backend import quiet

if TYPE_CHECKING:
    from minigrad.autograd.graph import Cotangents, Tensors
else:  # graph.py is opened when typing.get_type_hints() asks
    Cotangents = ForwardRef("__import__('minigrad.autograd.graph').autograd.graph.Cotangents")
    Tensors = ForwardRef("__import__('minigrad.autograd.graph').autograd.graph.Tensors")

_adding = allocate_lock()  # two threads may walk into one leaf


def backward(
    tensors: Tensors, grad_tensors: Cotangents = None, retain_graph: bool | None = None, create_graph: bool = False,
    grad_variables: Cotangents = None, inputs: Tensors | dict[str, Tensor] | None = None,
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
    if tensors.__class__ not in core.plain_classes:
        given = (tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs)
        if ask(backward, given) is not NotImplemented:
            return
    if grad_variables is not None:
        grad_tensors = messages.take_old_name(grad_tensors, grad_variables)
    if create_graph is not False and messages.read_flag(create_graph, "create_graph"):
        messages.warn_of_cycle()
    seeds = _make_seeds(tensors, grad_tensors, create_graph)
    if inputs is None:
        walk_silently(accumulate, seeds, create_graph, retain_graph)
        return
    from minigrad.autograd.chosen_inputs import accumulate_in  # few programs choose

    accumulate_in(inputs, seeds, create_graph, retain_graph)


def grad(
    outputs: Tensors, inputs: Tensors | dict[str, Tensor], grad_outputs: Cotangents = None,
    retain_graph: bool | None = None, create_graph: bool = False, only_inputs: bool = True,
    allow_unused: bool | None = None, is_grads_batched: bool = False, materialize_grads: bool = False,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients d(sum of `outputs` * `grad_outputs`)/d(input), for each of `inputs`: returned, not accumulated.

    For a dict of inputs, such as ``dict(net.named_parameters())``, they are a dict with its keys.
    `grad_outputs` may be left out where an output is one number. `create_graph` lets the gradients be differentiated
    again; `retain_graph` keeps the graph for another walk, as `create_graph` does. An input that is not used gets None
    with `allow_unused`, and zeros with `materialize_grads`.
    With `is_grads_batched`, `grad_outputs` have a first axis more, and so have the gradients: one walk for each row.
    Raises RuntimeError when an input needs no gradient, or is not used by the outputs and
    `allow_unused` is False.

    >>> import minigrad
    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> minigrad.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    if outputs.__class__ not in core.plain_classes or inputs.__class__ not in core.plain_classes:
        given = outputs, inputs, grad_outputs, retain_graph, create_graph, only_inputs, allow_unused, is_grads_batched
        if (answer := ask(grad, (*given, materialize_grads))) is not NotImplemented:
            return answer
    if create_graph.__class__ is not bool or not only_inputs or materialize_grads:
        messages.check_flags(create_graph, only_inputs, materialize_grads, allow_unused)
    if is_grads_batched:
        from minigrad.autograd.batches import grad_of_rows

        return grad_of_rows(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    targets, edges = read_inputs("grad", inputs)
    seeds = _make_seeds(outputs, grad_outputs, create_graph)
    arrived = walk_silently(dict, seeds, create_graph, retain_graph, set(edges))
    found = [arrived.get(edge) for edge in edges]
    if any(g is None for g in found):
        leaves.fill_unused(found, targets, create_graph, materialize_grads, allow_unused)
    result: Any = tuple([g if create_graph or g is None else wrap(g, cause=messages.OF_GRADIENT) for g in found])
    return dict(zip(inputs, result, strict=True)) if inputs.__class__ is dict else result  # type: ignore[return-value]


def accumulate(arriving: Iterable[tuple[Any, Gradient]]) -> None:
    """Add to the ``.grad`` of each leaf: in place when it is there and no graph is wanted, as PyTorch does."""
    for leaf, gradient in arriving:
        if leaves.leaf_hooks:
            gradient = leaves.leaf_hooks[0].run_hooks_before_adding(leaf, gradient)
        with _adding:
            before, has_graph = leaf.gradient, isinstance(gradient, TensorBase)
            if has_graph:  # a copy: others may have been given the same gradient
                leaf.gradient = leaves.copy_in_graph(gradient, leaf) if before is None else before + gradient
            elif before is None:
                leaf.gradient = wrap(gradient, writes=[0, 0])  # counted in inference mode, too: later walks add to it
            elif gradient.shape != before.array.shape or 0 in before.array.strides:
                before.add_(wrap(gradient))  # says why that cannot be
            else:
                quiet(np.add, before.array, gradient, before.array)
                before.writes[0] += 1
        if leaves.leaf_hooks:
            leaves.leaf_hooks[0].run_hooks_after_adding(leaf, gradient)


def one_or_several(x: Any, dicts: bool = False) -> tuple[Any, ...]:
    """The tensors of an argument that may be one or several, also in a dict where `dicts` are taken."""
    alone = isinstance(x, TensorBase) or is_array(x) or hasattr(x, "stand_in") or not isinstance(x, Iterable)
    return (x,) if alone else tuple(x.values() if dicts and x.__class__ is dict else x)


def _as_tensor(x: Any, role: str, gradient: Any = None, several: bool = False) -> Any:
    """`x`, or the tensor that stands in for it if it is a `GradientEdge`, with its place in the graph up to date."""
    if not isinstance(x, TensorBase):
        if not hasattr(x, "stand_in"):
            raise messages.not_a_tensor(x, role, several)
        x = x.stand_in(gradient)
    refresh(x, asked=True)
    return x


def read_inputs(name: str, inputs: Any) -> tuple[list[Any], list[Edge]]:
    """The tensors to differentiate with respect to, and where the gradient of each goes: to its node; to itself for a
    leaf, and for a view that was not recorded.
    """
    targets = [_as_tensor(x, "inputs", several=x is not inputs) for x in one_or_several(inputs, True)]
    if not targets or any(target.node is None for target in targets):
        raise messages.no_inputs(name, targets)
    return targets, [target if is_end(target.node) else target.node for target in targets]


def walk_silently(
    use: Callable[..., Any], seeds: Seeds, create_graph: bool, retain: bool | None, wanted: set[Edge] | None = None
) -> Any:
    """What `use` makes of a walk, with NumPy's warnings off, and recording on only where gradients want a graph."""
    flags = mode.get()
    keep = (create_graph or flags & KEEP != 0) if retain is None else (retain is True or messages.read_flag(retain))
    before = mode.set(flags | GRAD if create_graph else flags & ~GRAD)
    try:
        return quiet(use, walk(seeds, create_graph, keep, wanted))
    except Exception as error:  # noqa: BLE001 (whatever stops a walk)
        raise messages.leave_out_walk(error)  # noqa: B904 (the same error)
    finally:
        mode.reset(before)


def _make_seeds(outputs: Any, gradients: Any, create_graph: bool) -> Seeds:
    """Where a walk starts: edges, each with its first gradient."""
    if isinstance(outputs, TensorBase) and not isinstance(gradients, (tuple, list)):  # nearly always
        return [make_seed(outputs, gradients, create_graph, 0)]
    roots = one_or_several(outputs)
    given = (None,) * len(roots) if gradients is None else one_or_several(gradients)
    seeds = [make_seed(root, g, create_graph, i) for i, (root, g) in enumerate(zip(roots, given, strict=False))]
    if len(given) != len(roots):
        raise messages.wrong_counts(len(roots), len(given))
    return seeds


def make_seed(root: Any, gradient: Tensor | None, create_graph: bool, position: int) -> tuple[Edge, Gradient]:
    """Where a walk from `root` starts, and with which gradient; refuses what cannot start one."""
    if not isinstance(root, TensorBase) or root.view_of is not None:
        root = _as_tensor(root, "tensors to start from", gradient)
    node, array = root.node, root.array
    if node is None or node.__class__ is Unrecorded:
        raise messages.no_gradient(root, position)
    edge = root if node is LEAF else node
    if gradient is None:
        if array.size != 1:
            raise messages.not_scalar(array.shape)
        first = quiet(np.ones_like, array) if array.ndim or array.__class__ is not ndarray else array.dtype.type(1)
        return edge, wrap(first) if create_graph else first
    if not isinstance(gradient, TensorBase) or gradient.array.shape != array.shape:
        raise messages.unfit_seed(gradient, array, position)
    if gradient.array.__class__ is not ndarray or array.__class__ is not ndarray:
        failed_calls.check_same_library("backward from a tensor and its gradient", (array, gradient.array))
    if node is not LEAF and node.shape not in (None, array.shape):  # t_() and the like, under no_grad(), left the node
        gradient = unbroadcast(gradient, node, node)
    return edge, gradient if create_graph else quiet(gradient.array.astype, array.dtype, copy=False)
