"""Is a gradient right? Compared with finite differences, and when it is wrong: what is the mistake?

Central differences of the function are the judge. Float32 inputs are checked as float64 copies, because
in float32 the differences drown in rounding. The cotangent is random: all ones cannot tell a permuted
gradient from the right one, and compares 0 with 0 for softmax and normalisations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.core import LEAF, TensorBase, is_array, wrap
from minigrad.autograd.gradients import grad
from minigrad.backend import CPU, array_module, copied, device_of, on_its_gpu, to_device


class GradcheckError(RuntimeError):
    """A gradient differs from the finite differences, or another promise of a derivative is broken."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 0.001,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of `func` at `inputs` with ``(func(x + eps) - func(x - eps)) / (2 * eps)``.

    Checks every floating-point tensor among `inputs` that requires a gradient: the whole Jacobian, or, in
    `fast_mode`, its product with one random cotangent and one random direction. Also checks that inputs stay
    unmodified, that a zero cotangent gives zero gradients, and that running twice agrees within `nondet_tol`.
    Raises GradcheckError (or returns False) naming the worst input and index, and the likely mistake.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, (x,))
    True
    """
    check = _Check(func, inputs, eps, atol, rtol, nondet_tol)
    try:
        check.run(fast_mode)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 0.001,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """`gradcheck` of the gradients of `func`, with respect to its inputs and to the cotangents.

    The cotangents are random unless `grad_outputs` are given.

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(torch.exp, (x,))
    True
    """
    points = _points(inputs)
    if grad_outputs is None:
        draw = np.random.default_rng(0)
        given = [_leaf(_beside(draw.standard_normal(y.array.shape), y.array)) for y in _outputs(func(*points))]
    else:
        given = [_leaf(_beside(_host(g).astype(np.float64), g.array)) for g in _tuple(grad_outputs)]
    count = len(points)

    def gradients(*arguments: Any) -> tuple[Any, ...]:
        xs = arguments[:count]
        wanted = [x for x in xs if isinstance(x, TensorBase) and x.node is not None]
        found = grad(_outputs(func(*xs)), wanted, arguments[count:], create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None and g.node is not None])

    if not gradients(*points, *given):
        return True  # linear in everything: there is nothing left to differentiate
    return gradcheck(
        gradients,
        (*points, *given),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        fast_mode=fast_mode,
    )


class _Check:
    """One function at one point, and what its derivative is held against."""

    def __init__(self, func: Any, inputs: Any, eps: float, atol: float, rtol: float, nondet_tol: float) -> None:
        self.func, self.eps, self.atol, self.rtol, self.nondet_tol = func, eps, atol, rtol, nondet_tol
        self.inputs = _points(inputs)
        self.checked = [i for i, x in enumerate(self.inputs) if isinstance(x, TensorBase) and x.node is not None]
        if not self.checked:
            raise ValueError(
                "gradcheck expects at least one input tensor to require gradient, but none of them have "
                "requires_grad=True."
            )
        self.draw = np.random.default_rng(0)

    def run(self, fast_mode: bool) -> None:
        before = [copied(self.inputs[i].array) for i in self.checked]
        outputs = self.outputs()
        for i, array in zip(self.checked, before, strict=True):
            if not np.array_equal(to_device(array, CPU), _host(self.inputs[i]), equal_nan=True):
                raise GradcheckError(f"The function wrote into its input {i}; a derivative needs it unmodified.")
        if not any(y.node is not None for y in outputs):
            self.expect_constant(outputs)
            return
        cotangents = [self.draw.standard_normal(y.array.shape) for y in outputs]
        self.check_cotangents(outputs, cotangents)
        for number, y in enumerate(outputs):
            if y.node is None:
                continue
            for i in self.checked:
                if fast_mode:
                    self.check_direction(number, i, cotangents[number])
                else:
                    self.check_jacobian(number, i)

    def outputs(self) -> list[Any]:
        return _outputs(self.func(*self.inputs))

    def gradients(self, outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.node is not None]
        found = grad(
            [y for y, _ in pairs],
            [self.inputs[i] for i in self.checked],
            [wrap(_beside(g.astype(y.array.dtype), y.array)) for y, g in pairs],
            retain_graph=True,
            allow_unused=True,
        )
        return [
            np.zeros_like(_host(self.inputs[i])) if g is None else np.array(_host(g))
            for i, g in zip(self.checked, found, strict=True)
        ]

    def expect_constant(self, outputs: list[Any]) -> None:
        """Outputs that need no gradient must not change with the inputs."""
        for number in range(len(outputs)):
            for i in self.checked:
                if np.abs(self.numerical(number, i)).max(initial=0.0) > self.atol:
                    raise GradcheckError(
                        f"Numerical gradient for function expected to be zero: output {number} needs no gradient, but "
                        f"changes with input {i}"
                    )

    def check_cotangents(self, outputs: list[Any], cotangents: list[Any]) -> None:
        """Zero in gives zero out, and running twice agrees."""
        for i, g in zip(self.checked, self.gradients(outputs, [c * 0 for c in cotangents]), strict=True):
            if not np.array_equal(g, np.zeros_like(g)):
                raise GradcheckError(
                    f"backward not multiplied by grad_output: a zero cotangent gave the gradient {g.ravel()[:3]}... "
                    "for "
                    f"input {i}; a gradient rule must be linear in the gradient that arrives"
                )
        first, second = self.gradients(outputs, cotangents), self.gradients(self.outputs(), cotangents)
        for i, a, b in zip(self.checked, first, second, strict=True):
            if not np.allclose(a, b, rtol=0, atol=self.nondet_tol, equal_nan=True):
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running it twice gave different gradients for input {i}: they "
                    f"differ by {np.abs(a - b).max():.3g}"
                )

    def numerical(self, number: int, i: int) -> Any:
        """The Jacobian d output / d input by central differences, (inputs, outputs)."""
        array = self.inputs[i].array
        rows = []
        for index in np.ndindex(array.shape):
            above, below = self.moved(number, array, index, self.eps), self.moved(number, array, index, -self.eps)
            rows.append((above - below).ravel() / (2 * self.eps))
        return np.stack(rows) if rows else np.zeros((0, self.outputs()[number].array.size))

    @on_its_gpu
    def moved(self, number: int, array: Any, index: Any, step: float) -> Any:
        """Output `number` with one element, or all along a direction, of one input moved."""
        before = array[index].copy() if is_array(array[index]) else array[index]
        array[index] = before + step
        try:
            return _host(self.outputs()[number]).astype(np.float64)
        finally:
            array[index] = before

    def check_jacobian(self, number: int, i: int) -> None:
        y = self.outputs()
        size = y[number].array.size
        columns = []
        for k in range(size):
            unit = [np.zeros(o.array.shape) for o in y]
            unit[number].ravel()[k] = 1.0
            columns.append(self.gradients(y, unit)[self.checked.index(i)].ravel())
        analytical = np.stack(columns, axis=1) if columns else np.zeros((self.inputs[i].array.size, 0))
        numerical = self.numerical(number, i)
        if _close(analytical, numerical, self.atol, self.rtol):
            return
        error = np.abs(analytical - numerical)
        row, column = np.unravel_index(int(np.nanargmax(np.where(np.isnan(error), np.inf, error))), error.shape)
        self.fail(
            number, i, int(row), numerical[row, column], analytical[row, column], int(column), numerical, analytical
        )

    def check_direction(self, number: int, i: int, cotangent: Any) -> None:
        """<cotangent, J direction> both ways: two evaluations and one backward, whatever the size."""
        array = self.inputs[i].array
        direction = self.draw.standard_normal(array.shape)
        direction /= max(float(np.linalg.norm(direction)), 1e-300)
        before, along = copied(array), _beside(direction, array)
        sides = []
        for step in (self.eps, -self.eps):
            _write(array, before, step, along)
            sides.append(_host(self.outputs()[number]).astype(np.float64))
        _write(array, before, 0.0, along)
        numerical = float(np.vdot(cotangent, (sides[0] - sides[1]) / (2 * self.eps)))
        y = self.outputs()
        weights = [cotangent if k == number else np.zeros(o.array.shape) for k, o in enumerate(y)]
        analytical = float(np.vdot(self.gradients(y, weights)[self.checked.index(i)], direction))
        if not _close(analytical, numerical, self.atol, self.rtol):
            self.check_jacobian(number, i)  # says where; a kink may not show along another direction
            raise GradcheckError(
                f"Jacobian mismatch for output {number} with respect to input {i} along a random direction:\n"
                f"numerical: {numerical:.8g}\nanalytical: {analytical:.8g}"
            )

    def fail(
        self,
        number: int,
        i: int,
        row: int,
        numerical: float,
        analytical: float,
        column: int,
        all_numerical: Any,
        all_analytical: Any,
    ) -> None:
        array = self.inputs[i].array
        index = tuple(int(k) for k in np.unravel_index(row, array.shape))
        text = (
            f"Jacobian mismatch for output {number} with respect to input {i},\nworst at input index {index} "
            f"(value {float(array[index]):.6g}), output element {column}:\nnumerical: {numerical:.8g}\nanalytical: "
            f"{analytical:.8g}"
        )
        centre = _host(self.outputs()[number]).astype(np.float64).ravel()[column]
        right = (self.moved(number, array, index, self.eps).ravel()[column] - centre) / self.eps
        left = (centre - self.moved(number, array, index, -self.eps).ravel()[column]) / self.eps
        if abs(right - left) > 0.01 * max(abs(right), abs(left), self.atol * 100):
            text += (
                f"\nThe function has a kink there: its slope is {left:.4g} to the left and {right:.4g} to the right, "
                "so no "
                "gradient is right or wrong. Check it away from that point."
            )
        else:
            mistake = name_the_mistake(all_analytical, all_numerical, array.shape)
            text += f"\nThe likely mistake: {mistake}." if mistake else ""
        raise GradcheckError(text)


def _host(tensor: Any) -> Any:
    return to_device(tensor.array, CPU)


def _beside(array: Any, other: Any) -> Any:
    """`array` where `other` lives."""
    return to_device(array, device_of(other))


@on_its_gpu
def _write(array: Any, before: Any, step: float, direction: Any) -> None:
    array[...] = before + step * direction if step else before


def name_the_mistake(wrong: Any, right: Any, shape: tuple[int, ...]) -> str | None:
    """What turns the `right` Jacobian (inputs, outputs) into the `wrong` one, when it is a known mistake."""

    def same(candidate: Any) -> bool:
        return candidate.shape == wrong.shape and bool(np.allclose(wrong, candidate, rtol=1e-4, atol=1e-6))

    if not wrong.size or same(right):
        return None
    if not np.any(wrong):
        return "the gradient is zero: the graph is cut, or the gradient is never added up"
    if same(-right):
        return "this is the right gradient negated"
    by_axes = right.reshape(*shape, -1)
    if len(shape) >= 2:
        if same(by_axes[..., ::-1, ::-1, :].reshape(right.shape)):
            return (
                "this is the right gradient flipped along the last two axes, as by an unflipped or twice flipped kernel"
            )
        if shape[-1] == shape[-2] and same(np.swapaxes(by_axes, -2, -3).reshape(right.shape)):
            return "this is the right gradient transposed"
    scale = float(np.vdot(wrong, right) / max(float(np.vdot(right, right)), 1e-300))
    if scale and same(scale * right):
        n = round(scale) if abs(scale) > 1 else round(1 / scale)
        if n and abs((scale if abs(scale) > 1 else 1 / scale) - n) < 1e-3:
            return f"this is the right gradient {'times' if abs(scale) > 1 else 'divided by'} {n}"
        return f"this is the right gradient times {scale:.4g}"
    if len(set(map(tuple, np.round(wrong.T, 6)))) == 1 and wrong.shape[1] > 1:
        return "the gradient does not depend on the one that arrives: it is not multiplied by the upstream gradient"
    return None


def _close(a: Any, b: Any, atol: float, rtol: float) -> bool:
    return bool(np.allclose(a, b, rtol=rtol, atol=atol))


def _tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, TensorBase) or not isinstance(x, (tuple, list)) else tuple(x)


def _leaf(array: Any) -> Any:
    tensor = wrap(array)
    tensor.node = LEAF
    return tensor


def _points(inputs: Any) -> tuple[Any, ...]:
    """The inputs, those that require a gradient as float64 leaves of their own, in their own memory layout."""
    return tuple(
        [
            _leaf(_copied_with_strides(x.array)) if isinstance(x, TensorBase) and x.node is not None else x
            for x in _tuple(inputs)
        ]
    )


@on_its_gpu
def _copied_with_strides(array: Any) -> Any:
    """A float64 copy that is contiguous only if `array` is: rules must not rely on the layout."""
    if array.flags.c_contiguous:
        return array.astype(np.float64)
    wide = array_module(array).zeros((*array.shape, 2))
    wide[..., 0] = array
    return wide[..., 0]


def _outputs(returned: Any) -> list[Any]:
    found = [y for y in _tuple(returned) if isinstance(y, TensorBase) and y.array.dtype.kind == "f"]
    if not found:
        raise ValueError("gradcheck expects the function to return at least one floating-point tensor")
    return found
