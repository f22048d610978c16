"""Derivatives of functions: products with vectors, Jacobians and Hessians, each a few lines over `grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.autograd.gradients import grad
from minigrad.autograd.modes import GRAD, ModeSwitch
from minigrad.backend import device_of, quiet, to_device

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _point(name: str, x: Any, create_graph: bool) -> Any:
    """An input as a tensor to differentiate at: connected to its own graph when that is wanted."""
    if not isinstance(x, TensorBase):
        raise TypeError(
            f"The inputs given to {name} must be either a Tensor or a tuple of Tensors, got {type(x).__name__}"
        )
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: only Tensors of floating point dtype can require gradients, got {x.array.dtype}")
    if create_graph and x.node is not None:
        return x.view(x.array.shape)  # type: ignore[attr-defined]
    point = wrap(x.array)
    point.node = LEAF
    return point


def traced(
    name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, error: type[Exception] = TypeError
) -> tuple[tuple[Any, ...], Any]:
    """The points that stand for the inputs, and what `func` returns there, recorded."""
    points = tuple([_point(name, x, create_graph) for x in _tuple(inputs)])
    with ModeSwitch(set_flags=GRAD):
        outputs = func(*points)
    for y in _tuple(outputs):
        if not isinstance(y, TensorBase):
            raise error(
                f"The outputs of the user-provided function given to {name} must be Tensors, got {type(y).__name__}"
            )
    return points, outputs


def like(single: Any, values: Any) -> Any:
    """One value where one tensor was given, a tuple where a tuple was."""
    return values[0] if isinstance(single, TensorBase) else tuple(values)


def gradients(outputs: Any, points: Any, cotangents: Any, create_graph: bool, strict: bool = False) -> list[Any]:
    """The gradients of `outputs` along `cotangents`: zeros where nothing depends on a point."""
    pairs = [(y, v) for y, v in zip(_tuple(outputs), cotangents, strict=True) if y.node is not None]
    if len(pairs) < len(_tuple(outputs)) and strict:
        raise RuntimeError(
            "Output 0 of the user-provided function is independent of the inputs. This is not allowed in strict mode."
        )
    if not pairs:
        return [wrap(quiet(np.zeros_like, x.array)) for x in points]
    ys, vs = zip(*pairs, strict=True)
    found = grad(ys, points, vs, retain_graph=True, create_graph=create_graph, allow_unused=True)
    if strict and None in found:
        raise RuntimeError(
            f"Output 0 of the user-provided function is independent of input {found.index(None)}. This is not "
            "allowed in strict mode."
        )
    return [wrap(quiet(np.zeros_like, x.array)) if g is None else g for x, g in zip(points, found, strict=True)]


def cotangents_of(outputs: Any, v: Any) -> tuple[Any, ...]:
    """`v` as one cotangent for each output; None will do for a single number."""
    ys = _tuple(outputs)
    if v is None:
        if len(ys) != 1 or ys[0].array.size != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
        return (wrap(quiet(np.ones_like, ys[0].array)),)
    vs = _tuple(v)
    for u in vs:
        if not isinstance(u, TensorBase):
            raise TypeError(f"The v given must be either a Tensor or a tuple of Tensors, got {type(u).__name__}")
    for y, u in zip(ys, vs, strict=False):
        if y.array.shape != u.array.shape:
            raise RuntimeError(f"v has invalid size: should be {list(y.array.shape)} but got {list(u.array.shape)}.")
    if len(vs) != len(ys):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(ys)} but got {len(vs)}.")
    return vs


def done(x: Any, create_graph: bool) -> Any:
    """What is handed out: outside the graph, unless one is wanted."""
    if isinstance(x, TensorBase):
        return x if create_graph else wrap(x.array)
    if isinstance(x, dict):
        return {key: done(y, create_graph) for key, y in x.items()}
    return type(x)([done(y, create_graph) for y in x]) if type(x) in (tuple, list) else x


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and ``v^T J``: the gradient of ``<v, func(inputs)>``.

    >>> import minigrad as torch
    >>> torch.autograd.functional.vjp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    points, outputs = traced("vjp", func, inputs, create_graph)
    found = gradients(outputs, points, cotangents_of(outputs, v), create_graph, strict)
    return done(outputs, create_graph), done(like(inputs, found), create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and ``J v``: how they change when the inputs move along `v`.

    ``u^T J`` is linear in u, so its gradient with respect to u, along v, is ``J v``.

    >>> import minigrad as torch
    >>> torch.autograd.functional.jvp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    points, outputs = traced("jvp", func, inputs, create_graph)
    probes = [_point("jvp", wrap(quiet(np.zeros_like, y.array)), False) for y in _tuple(outputs)]
    linear = gradients(outputs, points, probes, True, strict)
    found = gradients(linear, probes, cotangents_of(inputs, v), create_graph)
    return done(outputs, create_graph), done(like(outputs, found), create_graph)


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """``J[i, j] = d func(x)[i] / d x[j]``, of shape output + input: one backward for each output element.

    >>> import minigrad as torch
    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    points, outputs = traced("jacobian", func, inputs, create_graph)
    rows = []
    for y in _tuple(outputs):
        units = to_device(np.eye(y.array.size, dtype=y.array.dtype), device_of(y.array))
        units = units.reshape(y.array.size, *y.array.shape)
        by_output = [gradients(y, points, (wrap(unit),), create_graph, strict) for unit in units]
        blocks = []
        for i, x in enumerate(points):  # joined by recorded calls, so that a block can be differentiated again
            parts = [found[i].reshape(1, -1) for found in by_output] or [wrap(np.zeros(0, x.array.dtype))]
            blocks.append(np.concatenate(parts).reshape(*y.array.shape, *x.array.shape))
        rows.append(like(inputs, blocks))
    return done(like(outputs, rows), create_graph)


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The matrix of second derivatives of a function that returns one number: the Jacobian of its gradient.

    >>> import minigrad as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def gradient(*points: Any) -> Any:
        return like(inputs, vjp(func, points, create_graph=True, strict=strict)[1])

    return jacobian(gradient, inputs, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of `func`, and ``H v`` with its Hessian H, which is never built.

    >>> import minigrad as torch
    >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0]))
    (tensor(9.), tensor([ 0., 12.]))
    """
    points, outputs = traced("hvp", func, inputs, create_graph)
    first = gradients(outputs, points, cotangents_of(outputs, None), True, strict)
    found = gradients(first, points, cotangents_of(inputs, v), create_graph)
    return done(outputs, create_graph), done(like(inputs, found), create_graph)


vhp = hvp  # H is symmetric
