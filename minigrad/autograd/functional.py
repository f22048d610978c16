"""Derivatives of functions: products with vectors, Jacobians and Hessians, each a few lines over `grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.autograd.gradients import grad
from minigrad.autograd.modes import GRAD, ModeSwitch
from minigrad.backend import device_of, quiet, to_device


def _tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _points(name: str, inputs: Any, create_graph: bool) -> tuple[Any, ...]:
    """The inputs as tensors to differentiate at: connected to their own graph when that is wanted."""
    points = []
    for x in _tuple(inputs):
        if not isinstance(x, TensorBase):
            raise TypeError(
                f"The inputs given to {name} must be either a Tensor or a tuple of Tensors, got {type(x).__name__}"
            )
        if create_graph and x.node is not None:
            points.append(x.view(x.array.shape))  # type: ignore[attr-defined]
        else:
            point = wrap(x.array)
            point.node = LEAF
            points.append(point)
    return tuple(points)


def _evaluate(name: str, func: Callable[..., Any], points: tuple[Any, ...]) -> Any:
    with ModeSwitch(set_flags=GRAD):
        outputs = func(*points)
    for y in _tuple(outputs):
        if not isinstance(y, TensorBase):
            raise TypeError(
                f"The outputs of the user-provided function given to {name} must be Tensors, got {type(y).__name__}"
            )
    return outputs


def _like(single: Any, values: Any) -> Any:
    """One value where one tensor was given, a tuple where a tuple was."""
    return values[0] if isinstance(single, TensorBase) else tuple(values)


def _gradients(outputs: Any, points: Any, cotangents: Any, create_graph: bool, strict: bool) -> list[Any]:
    pairs = [(y, v) for y, v in zip(_tuple(outputs), cotangents, strict=True) if y.node is not None]
    if len(pairs) < len(_tuple(outputs)) and strict:
        raise RuntimeError(
            "Output 0 of the user-provided function is independent of the inputs. This is not allowed in strict mode."
        )
    if not pairs:
        return [wrap(quiet(np.zeros_like, x.array)) for x in points]
    found = grad(
        [y for y, _ in pairs],
        points,
        [v for _, v in pairs],
        create_graph=create_graph,
        retain_graph=True,
        allow_unused=True,
    )
    if strict and None in found:
        raise RuntimeError(
            f"Output 0 of the user-provided function is independent of input {found.index(None)}. This is not "
            "allowed in strict mode."
        )
    return [wrap(quiet(np.zeros_like, x.array)) if g is None else g for x, g in zip(points, found, strict=True)]


def _cotangents(outputs: Any, v: Any) -> tuple[Any, ...]:
    ys = _tuple(outputs)
    if v is None:
        if len(ys) != 1 or ys[0].array.size != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
        return (wrap(quiet(np.ones_like, ys[0].array)),)
    vs = _tuple(v)
    for y, u in zip(ys, vs, strict=False):
        if y.array.shape != u.array.shape:
            raise RuntimeError(f"v has invalid size: should be {list(y.array.shape)} but got {list(u.array.shape)}.")
    if len(vs) != len(ys):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(ys)} but got {len(vs)}.")
    return vs


def _done(x: Any, create_graph: bool) -> Any:
    if isinstance(x, TensorBase):
        return x if create_graph else wrap(x.array)
    return tuple([_done(y, create_graph) for y in x])


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and ``v^T J``: the gradient of ``<v, func(inputs)>``.

    >>> import minigrad as torch
    >>> torch.autograd.functional.vjp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    points = _points("vjp", inputs, create_graph)
    outputs = _evaluate("vjp", func, points)
    found = _gradients(outputs, points, _cotangents(outputs, v), create_graph, strict)
    return _done(outputs, create_graph), _done(_like(inputs, found), create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and ``J v``: how they change when the inputs move along `v`.

    ``u^T J`` is linear in u, so its gradient with respect to u, along v, is ``J v``.

    >>> import minigrad as torch
    >>> torch.autograd.functional.jvp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    points = _points("jvp", inputs, create_graph)
    directions = _cotangents(inputs, v)
    outputs = _evaluate("jvp", func, points)
    probes = _points("jvp", [wrap(quiet(np.zeros_like, y.array)) for y in _tuple(outputs)], False)
    with ModeSwitch(set_flags=GRAD):
        linear = _gradients(outputs, points, probes, True, strict)
        found = _gradients(linear, probes, directions, create_graph, False)
    return _done(outputs, create_graph), _done(_like(outputs, found), create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """``J[i, j] = d func(x)[i] / d x[j]``, of shape output + input: one backward for each output element.

    >>> import minigrad as torch
    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    points = _points("jacobian", inputs, create_graph)
    outputs = _evaluate("jacobian", func, points)
    rows = []
    for y in _tuple(outputs):
        units = to_device(np.eye(y.array.size, dtype=y.array.dtype), device_of(y.array))
        units = units.reshape(y.array.size, *y.array.shape)
        by_output = [_gradients((y,), points, (wrap(unit),), create_graph, strict) for unit in units]
        blocks = []
        for i, x in enumerate(points):
            shape = (*y.array.shape, *x.array.shape)
            parts = [g[i].reshape(1, -1) for g in by_output]
            blocks.append(_stacked(parts, shape, x))
        rows.append(_like(inputs, blocks))
    return _done(_like(outputs, rows), create_graph)


def _stacked(parts: list[Any], shape: tuple[int, ...], x: Any) -> Any:
    """The rows of one Jacobian block as one tensor; recorded, so that it can be differentiated again."""
    if not parts:
        return wrap(np.zeros(shape, x.array.dtype))
    return np.concatenate(parts).reshape(shape)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The matrix of second derivatives of a function that returns one number: the Jacobian of its gradient.

    >>> import minigrad as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def gradient(*points: Any) -> Any:
        outputs = _evaluate("hessian", func, points)
        found = _gradients(outputs, points, _cotangents(outputs, None), True, strict)
        return _like(inputs, found)

    return jacobian(gradient, inputs, create_graph, strict)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of `func`, and ``v^T H`` with its Hessian H, which is never built."""
    points = _points("vhp", inputs, create_graph)
    outputs = _evaluate("vhp", func, points)
    with ModeSwitch(set_flags=GRAD):
        first = _gradients(outputs, points, _cotangents(outputs, None), True, strict)
        found = _gradients(first, points, _cotangents(inputs, v), create_graph, False)
    return _done(outputs, create_graph), _done(_like(inputs, found), create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of `func`, and ``H v`` with its Hessian H, which is never built (and is symmetric: see `vhp`)."""
    return vhp(func, inputs, v, create_graph, strict)
