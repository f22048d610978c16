"""A function on trial at one point: what it returns there, its gradients by rule and its slopes by differences.

Float32 inputs are tried as float64 copies, because in float32 the differences drown in rounding.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.autograd.gradients import grad
from minigrad.autograd.recording import Operation
from minigrad.backend import array_module, copy_array, device_of, on_its_gpu, to_device
from minigrad.devices import CPU


class GradcheckError(RuntimeError):
    """A gradient differs from the finite differences, or another promise of a derivative is broken."""


class Trial:
    """A function at its inputs, and how near numbers must be to count as equal."""

    def __init__(
        self, func: Callable[..., Any], inputs: Any, eps: float, atol: float, rtol: float, nondet_tol: float
    ) -> None:
        self.func, self.eps, self.atol, self.rtol, self.nondet_tol = func, eps, atol, rtol, nondet_tol
        self.inputs = make_leaves(inputs)
        self.checked = [i for i, x in enumerate(self.inputs) if is_checked(x)]
        self.draw = np.random.default_rng(0)

    @property
    def names(self) -> list[str]:
        """What the function's signature calls its arguments."""
        return name_the_arguments(self.func, len(self.inputs))

    def tell(self, i: int) -> str:
        """An input in words: "input 0 (x)", where the function's signature has a name."""
        name = self.names[i]
        return name if name == f"input {i}" else f"input {i} ({name})"

    def outputs(self) -> list[Any]:
        return float_outputs(self.func(*self.inputs))

    def gradients(self, outputs: Sequence[Any], cotangents: dict[int, Any]) -> dict[int, Any]:
        """By input: the gradients of the outputs that have a cotangent. Refuses a rule that writes into either."""
        ys = [outputs[number] for number in cotangents]
        given = [wrap(beside(g.astype(y.array.dtype), y.array)) for y, g in zip(ys, cotangents.values(), strict=True)]
        targets = [self.inputs[i] for i in self.checked]
        kept = [copy_array(tensor.array) for tensor in (*given, *targets)]
        found = grad(ys, targets, given, retain_graph=True, materialize_grads=True)
        for number, (tensor, before) in enumerate(zip((*given, *targets), kept, strict=True)):
            if not is_same(tensor, before):
                raise GradcheckError(self._wrote_into(number - len(given)))
        return {i: np.array(host(g)) for i, g in zip(self.checked, found, strict=True)}

    def _wrote_into(self, position: int) -> str:
        if position >= 0:
            what = self.tell(self.checked[position])
            return f"Backward wrote into {what}; others still read it: compute into a new array."
        return (
            "Backward wrote into the gradient that arrives (by out=g, or g *= 2): others still read it, so that "
            "f(x) + x would get a wrong gradient. Compute into a new array: g * 2."
        )

    @on_its_gpu
    def moved(self, array: Any, step: Any, number: int) -> Any:
        """Output `number` with one input's `array` moved by `step`."""
        before = copy_array(array)
        array[...] = before + beside(step, array)
        try:
            return host(self.outputs()[number]).astype(np.float64)
        finally:
            array[...] = before

    def slope(self, number: int, i: int, direction: Any) -> Any:
        """How fast output `number` changes as input `i` moves, by central differences."""
        array, step = self.inputs[i].array, self.eps * direction
        return (self.moved(array, step, number) - self.moved(array, -step, number)) / (2 * self.eps)

    def numerical(self, number: int, i: int) -> Any:
        """The Jacobian d output / d input by differences, (inputs, outputs)."""
        array = self.inputs[i].array
        rows = [self.slope(number, i, unit.reshape(array.shape)) for unit in np.eye(array.size)]
        return np.array(rows).reshape(array.size, self.outputs()[number].array.size)

    def slope_at(self, number: int, values: Sequence[Any], i: int, direction: Any) -> Any:
        """The slope of output `number` along a direction of input `i`, at other operands."""
        before = {j: copy_array(x.array) for j, x in enumerate(self.inputs) if values[j] is not None}
        try:
            for j in before:
                self.inputs[j].array[...] = beside(values[j], self.inputs[j].array)
            with np.errstate(all="ignore"):  # an operand made of zeros may divide by them
                return self.slope(number, i, direction)
        finally:
            for j, array in before.items():
                self.inputs[j].array[...] = array

    def analytical(self, number: int, i: int) -> Any:
        """The Jacobian by the gradient rules, (inputs, outputs)."""
        y = self.outputs()
        size, shape = y[number].array.size, y[number].array.shape
        units = np.eye(size).reshape(size, *shape)
        columns = [self.gradients(y, {number: unit})[i].ravel() for unit in units]
        return np.array(columns).reshape(size, self.inputs[i].array.size).T

    def close(self, analytical: Any, numerical: Any) -> bool:
        """Equal up to `atol` and `rtol`."""
        return bool(np.allclose(analytical, numerical, rtol=self.rtol, atol=self.atol))


def differentiate(func: Callable[..., Any], inputs: Any, grad_outputs: Any) -> tuple[Callable[..., Any], Any]:
    """The gradients of `func` as a function of its inputs and of cotangents, random unless given; its arguments."""
    points = make_leaves(inputs)
    if grad_outputs is None:
        draw = np.random.default_rng(0)
        arrays = [y.array for y in float_outputs(func(*points))]
        given = [make_leaf(beside(draw.standard_normal(array.shape), array)) for array in arrays]
    else:
        given = [make_leaf(g.array.astype(np.float64)) for g in as_tuple(grad_outputs)]

    def gradients(*arguments: Any) -> tuple[Any, ...]:
        xs, cotangents = arguments[: len(points)], arguments[len(points) :]
        ys, targets = float_outputs(func(*xs)), filter(is_checked, xs)
        found = grad(ys, targets, cotangents, create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None and g.node is not None])

    return gradients, (*points, *given)


def name_the_arguments(func: Any, count: int) -> list[str]:
    """The names in a function's signature; a `Function` has those of its forward without ctx."""
    owner = getattr(func, "__self__", None)
    skipped = 0
    from minigrad.autograd.function import Function

    if isinstance(owner, type) and issubclass(owner, Function):
        skipped = int(owner.setup_context is Function.setup_context)  # ctx
        func = owner.forward
    elif isinstance(func, Operation):
        func = func.forward
    try:
        parameters = list(inspect.signature(func).parameters.values())[skipped:]
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[i] if i < len(named) else f"input {i}" for i in range(count)]


@on_its_gpu
def move_nearby(x: Any, draw: np.random.Generator, eps: float) -> Any:
    """A tensor of its own within `eps` of `x`, where differences go too; what is no float tensor stays."""
    if not is_float(x):
        return x
    step = draw.uniform(-eps, eps, x.array.shape)
    moved = _copy_with_strides(x.array) if is_checked(x) else copy_array(x.array)
    moved += beside(step.astype(moved.dtype), moved)
    return make_leaf(moved) if is_checked(x) else wrap(moved)


def is_float(x: Any) -> bool:
    """A tensor of floating-point numbers."""
    return isinstance(x, TensorBase) and x.array.dtype.kind == "f"


def host(tensor: Any) -> Any:
    """A tensor's array on the CPU."""
    return to_device(tensor.array, CPU)


def is_same(tensor: Any, before: Any) -> bool:
    """Whether a tensor still holds what it held before."""
    return np.array_equal(host(tensor), to_device(before, CPU), equal_nan=True)


def beside(array: Any, other: Any) -> Any:
    """`array` where `other` lives."""
    return to_device(array, device_of(other))


def as_tuple(x: Any) -> tuple[Any, ...]:
    """What a function takes or returns, also where it is one thing alone."""
    return (x,) if isinstance(x, TensorBase) or not isinstance(x, (tuple, list)) else tuple(x)


def make_leaf(array: Any) -> Any:
    """A tensor of this array that asks for a gradient."""
    tensor = wrap(array)
    tensor.node = LEAF
    return tensor


def make_leaves(inputs: Any) -> tuple[Any, ...]:
    """The inputs, those that require a gradient as float64 leaves of their own, in their own memory layout."""
    if not any(map(is_checked, as_tuple(inputs))):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    return tuple([make_leaf(_copy_with_strides(x.array)) if is_checked(x) else x for x in as_tuple(inputs)])


def is_checked(x: Any) -> bool:
    """A tensor that asks for a gradient."""
    return isinstance(x, TensorBase) and x.node is not None


@on_its_gpu
def _copy_with_strides(array: Any) -> Any:
    """A float64 copy that is contiguous only if `array` is: rules must not rely on the layout."""
    if array.flags.c_contiguous:
        return array.astype(np.float64)
    wide = array_module(array).zeros((*array.shape, 2))
    wide[..., 0] = array
    return wide[..., 0]


def float_outputs(returned: Any) -> list[Any]:
    """The floating-point tensors among the results of a call."""
    found = [y for y in as_tuple(returned) if isinstance(y, TensorBase) and y.array.dtype.kind == "f"]
    if not found:
        raise ValueError("gradcheck expects the function to return at least one floating-point tensor")
    return found
