"""Derivatives of functions at given points: products with vectors, Jacobians and Hessians.

Public functions on `autograd.derivatives` for one tensor or a tuple; `create_graph` makes the results differentiable.
Source: https://docs.pytorch.org/docs/stable/autograd.html#functional-higher-level-api
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.autograd import derivatives
from minigrad.autograd.core import TensorBase
from minigrad.autograd.modes import enable_grad
from minigrad.autograd.trees import as_tuple
from minigrad.shown_values import shorten

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and ``v^T J``: the gradient of ``<v, func(inputs)>``.

    >>> import minigrad as torch
    >>> torch.autograd.functional.vjp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    points, returned, outputs = _trace("vjp", func, inputs, create_graph)
    found = derivatives.pull(outputs, points, _read_vectors(outputs, v), create_graph, strict)
    return _hand_out((returned, _match_form(inputs, found)), create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and the Jacobian-vector product ``J v``.

    >>> import minigrad as torch
    >>> torch.autograd.functional.jvp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    points, returned, outputs = _trace("jvp", func, inputs, create_graph)
    found = derivatives.push(outputs, points, _read_vectors(points, v), create_graph, strict)
    return _hand_out((returned, _match_form(returned, found)), create_graph)


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """``J[i, j] = d func(x)[i] / d x[j]``, of shape output + input.

    One walk back for each element of the outputs, or in "forward-mode" for each element of the inputs. For several
    inputs or outputs a tuple, or a tuple of tuples. With `create_graph` it can be differentiated again. Raises
    RuntimeError with `strict` where an output does not depend on an input, else it has zeros there.

    >>> import minigrad as torch
    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    forward = _is_forward("strategy", strategy)
    points, returned, outputs = _trace("jacobian", func, inputs, create_graph)
    if forward:
        blocks = derivatives.jacobian_by_inputs(outputs, points, create_graph)
    else:
        blocks = derivatives.jacobian(outputs, points, create_graph, strict)
    return _hand_out(_match_form(returned, [_match_form(inputs, row) for row in blocks]), create_graph)


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The matrix of second derivatives of a function that returns one number: the Jacobian of its gradient.

    ``H[i, j] = d^2 func(x) / (d x[i] d x[j])``, of shape input + input; for several inputs a tuple of tuples. Raises
    RuntimeError for a function that returns several numbers.

    >>> import minigrad as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    _is_forward("outer_jacobian_strategy", outer_jacobian_strategy)  # H is symmetric: either way gives the same
    points, _, outputs = _trace("hessian", func, inputs, create_graph)
    blocks = derivatives.jacobian(_differentiate("hessian", outputs, points, strict), points, create_graph, strict)
    return _hand_out(_match_form(inputs, [_match_form(inputs, row) for row in blocks]), create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of `func`, and ``H v`` with its Hessian H, which is never built.

    >>> import minigrad as torch
    >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0]))
    (tensor(9.), tensor([ 0., 12.]))
    """
    points, returned, outputs = _trace("hvp", func, inputs, create_graph)
    gradient = _differentiate("hvp", outputs, points, strict)
    found = derivatives.pull(gradient, points, _read_vectors(points, v), create_graph)
    return _hand_out((returned, _match_form(inputs, found)), create_graph)


vhp = hvp  # H is symmetric


def _differentiate(name: str, outputs: tuple[Any, ...], points: list[Any], strict: bool) -> list[Any]:
    """The gradient of the one number among the `outputs`, to be differentiated again."""
    if len(outputs) != 1 or outputs[0].numel() != 1:
        got = " and ".join([str(tuple(y.shape)) for y in outputs])
        detail = f"which should contain a single element; got shape {got}"
        raise RuntimeError(f"The function given to {name} should return a single Tensor, {detail}")
    return derivatives.pull(outputs, points, [outputs[0].new_ones(outputs[0].shape)], True, strict)


def _match_form(like: Any, values: Any) -> Any:
    """One value if one tensor was given, else a tuple."""
    return values[0] if isinstance(like, TensorBase) else tuple(values)


def _trace(
    name: str, func: Callable[..., Any], inputs: Any, create_graph: bool
) -> tuple[list[Any], Any, tuple[Any, ...]]:
    """The points, the recorded result of `func` there, and the result as a tuple."""
    if not create_graph and derivatives.running.get() is not None:
        raise RuntimeError(
            f"autograd.functional.{name}() within a function that torch.func differentiates would be a constant there, "
            f"of derivative 0. Give create_graph=True, or use the transforms of torch.func"
        )
    for x in as_tuple(inputs):
        _require_tensor(x, f"The inputs given to {name}")
        derivatives.require_float(name, x)
    with enable_grad():
        points = derivatives.points_at(as_tuple(inputs), create_graph)
        returned = func(*points)
    for y in as_tuple(returned):
        _require_tensor(y, f"The outputs of the user-provided function given to {name}")
    return points, returned, as_tuple(returned)


def _require_tensor(x: Any, role: str) -> None:
    """Raises TypeError unless the value is a tensor."""
    if not isinstance(x, TensorBase):
        raise TypeError(f"{role} must be either a Tensor or a tuple of Tensors, got {type(x).__name__}")


def _read_vectors(values: Any, v: Any) -> tuple[Any, ...]:
    """`v` as one vector for each of `values`; None is allowed for a single number."""
    if v is None:
        if len(values) != 1 or values[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if there is a single Tensor with a single element to multiply it with: "
                "the output of the function in vjp, its input in jvp and hvp."
            )
        return (values[0].new_ones(values[0].shape),)
    vectors = as_tuple(v)
    for u in vectors:
        _require_tensor(u, "The v given")
    for x, u in zip(values, vectors, strict=False):
        if x.shape != u.shape:
            raise RuntimeError(f"v has invalid size: should be {list(x.shape)} but got {list(u.shape)}.")
    if len(vectors) != len(values):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(values)} but got {len(vectors)}.")
    return vectors


def _is_forward(name: str, strategy: str) -> bool:
    """Whether a strategy is "forward-mode". Raises AssertionError for anything but the two names."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f'Expected {name} to be either "forward-mode" or "reverse-mode", got {shorten(strategy)}')
    return strategy == "forward-mode"


def _hand_out(x: Any, create_graph: bool) -> Any:
    """A result for the caller, detached unless `create_graph`."""
    if create_graph:
        return x
    if isinstance(x, (tuple, list)):
        return tuple([_hand_out(y, create_graph) for y in x])
    return x.detach()
