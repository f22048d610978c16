"""`gradcheck`: compares a function's gradients with finite differences of the function.

    slope along d    ``(f(x + eps d) - f(x - eps d)) / (2 eps)``: the reference, two calls of the function
    gradient         one backward walk from the outputs, by the gradient rules: what is checked

The Jacobian ``J[j, k] = d output[k] / d input[j]`` is computed both ways and compared. The other checks use random
cotangents: all ones cannot tell a permuted gradient from the right one, and compares 0 with 0 for softmax. Float32
inputs are checked as float64 copies, because in float32 rounding hides the differences. When a gradient is wrong,
`complaints.py` says where, and `mistakes.py` names the mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.gradients import grad
from minigrad.backend import array_module, copy_array, device_of, on_gpu_of, to_device
from minigrad.devices import CPU


class GradcheckError(RuntimeError):
    """The error for a gradient that differs from finite differences, or fails another check."""


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 0.001,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:  # fmt: skip
    """Compares the gradients of `func` at `inputs` with ``(func(x + eps) - func(x - eps)) / (2 * eps)``.

    Checks every floating-point tensor among `inputs` that requires a gradient: the whole Jacobian, or, in
    `fast_mode`, its product with one random cotangent and one random direction. Also checks that inputs and the
    cotangent stay unmodified, that a zero cotangent gives zero gradients and twice the cotangent twice, that
    running twice agrees within `nondet_tol`, and that a second call leaves the first one's gradients alone.
    Raises GradcheckError (or returns False) naming the worst input and index, and the likely mistake; AssertionError if
    the outputs' shapes or dtypes depend on the values of the inputs. Forward mode
    and batches of gradients are made of the same rules: the flags that check them, and `masked`, change nothing.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, (x,))
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    check = check_direction if fast_mode else check_jacobian
    try:
        on_gpu_of(find_checked(inputs), judge, check, func, inputs, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 0.001, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """`gradcheck`, with its options, of the gradients of `func` with respect to its inputs and to the cotangents.

    The cotangents are random unless `grad_outputs` are given.

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(torch.exp, (x,))
    True
    """
    gradients, arguments = on_gpu_of(find_checked(inputs), differentiate, func, inputs, grad_outputs)
    if not gradients(*arguments):
        return True  # `func` is linear, so its gradients are constants
    return gradcheck(
        gradients, arguments, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        fast_mode=fast_mode
    )  # fmt: skip


class Trial:
    """A function with its inputs and outputs, and the tolerances of the check."""

    def __init__(
        self, func: Callable[..., Any], inputs: Any, eps: float, atol: float, rtol: float, nondet_tol: float
    ) -> None:
        self.func, self.eps, self.atol, self.rtol, self.nondet_tol = func, eps, atol, rtol, nondet_tol
        self.inputs = make_leaves(inputs)
        self.checked = [i for i, x in enumerate(self.inputs) if is_checked(x)]
        with refuse_writes("inputs of the function", self, [self.inputs[i] for i in self.checked]):
            self.outputs = self.call()
        self.draw = np.random.default_rng(0)
        needed = {number: y.array.shape for number, y in enumerate(self.outputs) if y.node is not None}
        self.cotangents = {number: self.draw.standard_normal(shape) for number, shape in needed.items()}

    def call(self) -> list[Any]:
        """Calls the function at its inputs."""
        return float_outputs(self.func(*self.inputs))

    def gradients(self, cotangents: dict[int, Any], outputs: Sequence[Any] | None = None) -> dict[int, Any]:
        """The gradients for each input, from the outputs that have a cotangent."""
        ys = [(outputs or self.outputs)[number] for number in cotangents]
        given = [wrap(place_beside(c, y.array)) for c, y in zip(cotangents.values(), ys, strict=True)]
        targets = [self.inputs[i] for i in self.checked]
        with refuse_writes("what backward reads", self, [*targets, *given]):
            found = grad(ys, targets, given, retain_graph=True, materialize_grads=True)
        return {i: np.array(fetch(g)) for i, g in zip(self.checked, found, strict=True)}

    def call_beside(self, i: int, step: Any) -> list[Any]:
        """The outputs, as arrays, with input `i` moved by `step`."""
        moved = move(self.inputs[i], step)
        outputs = float_outputs(self.func(*self.inputs[:i], moved, *self.inputs[i + 1 :]))
        for number, (here, beside) in enumerate(zip(self.outputs, outputs, strict=True)):
            if here.array.shape != beside.array.shape or here.array.dtype != beside.array.dtype:
                from minigrad.autograd.complaints import describe_change

                raise AssertionError(describe_change(number, here, beside))
        return [fetch(y).astype(np.float64) for y in outputs]

    def slope(self, number: int, i: int, direction: Any) -> Any:
        """The finite difference of output `number` for input `i` along a direction."""
        step = self.eps * direction
        return (self.call_beside(i, step)[number] - self.call_beside(i, -step)[number]) / (2 * self.eps)


# ---- the checks -----------------------------------------------------------------------------------
def judge(check: Callable[[Trial, int, int], None], *case: Any) -> None:
    """Raises GradcheckError unless all checks pass, and `check` for each output and each input."""
    trial = Trial(*case)
    if not trial.cotangents:
        refuse_change(trial)
        return
    check_promises(trial)
    for number in trial.cotangents:
        for i in trial.checked:
            check(trial, number, i)


def check_jacobian(trial: Trial, number: int, i: int) -> None:
    """Compares the whole Jacobian of an output and an input."""
    analytical, numerical = find_jacobian(trial, number, i), measure_jacobian(trial, number, i)
    if not np.allclose(analytical, numerical, trial.rtol, trial.atol):
        from minigrad.autograd.complaints import describe_mismatch

        raise GradcheckError(describe_mismatch(trial, number, i, analytical, numerical))


def find_jacobian(trial: Trial, number: int, i: int) -> Any:
    """J by backward, (inputs, outputs): one column for each unit cotangent."""
    x, y = trial.inputs[i].array, trial.outputs[number].array
    columns = [trial.gradients({number: unit})[i] for unit in make_units(y)]
    return np.reshape(columns, (y.size, x.size)).T


def measure_jacobian(trial: Trial, number: int, i: int) -> Any:
    """J by finite differences, (inputs, outputs): one row for each unit direction."""
    x, y = trial.inputs[i].array, trial.outputs[number].array
    rows = [trial.slope(number, i, unit) for unit in make_units(x)]
    return np.reshape(rows, (x.size, y.size))


def make_units(array: Any) -> Any:
    """Yields, for each element of `array`, an array of its shape that is 1 there and 0 elsewhere."""
    return np.eye(array.size).reshape(array.size, *array.shape)


def check_direction(trial: Trial, number: int, i: int) -> None:
    """Compares <cotangent, J direction> computed both ways: two calls and one backward for any size."""
    cotangent, direction = trial.cotangents[number], trial.draw.standard_normal(trial.inputs[i].array.shape)
    direction /= max(float(np.linalg.norm(direction)), 1e-300)
    numerical = float(np.vdot(cotangent, trial.slope(number, i, direction)))
    analytical = float(np.vdot(trial.gradients({number: cotangent})[i], direction))
    if not np.allclose(analytical, numerical, trial.rtol, trial.atol):
        check_jacobian(trial, number, i)  # raises with the place; a kink may not appear along another direction
        raise GradcheckError(
            f"Jacobian mismatch for output {number} with respect to input {i} along a random direction:\n"
            f"numerical: {numerical:.8g}\nanalytical: {analytical:.8g}"
        )


def check_promises(trial: Trial) -> None:
    """Raises for a rule that would give wrong numbers in a larger graph, such as one that modifies its cotangent."""
    first = trial.gradients(trial.cotangents)
    expect(trial, first, "zero for zero", factor=0)
    expect(trial, first, "the same for another call", outputs=trial.call())
    expect(trial, first, "the same when asked again")
    with refuse_writes("outputs of the first call", trial, trial.outputs):
        steps = [
            trial.draw.uniform(-trial.eps, trial.eps, x.array.shape) if is_float(x) else None for x in trial.inputs
        ]
        trial.func(*[x if step is None else move(x, step) for x, step in zip(trial.inputs, steps, strict=True)])
    expect(trial, first, "the same after a call elsewhere")
    expect(trial, first, "twice for twice", factor=2)


def expect(
    trial: Trial, first: dict[int, Any], promise: str, factor: int = 1, outputs: Sequence[Any] | None = None
) -> None:
    """Raises unless the gradients for `factor` times the cotangents are `factor` times the `first` ones."""
    found = trial.gradients({number: factor * c for number, c in trial.cotangents.items()}, outputs)
    rtol, atol = (trial.rtol, trial.atol) if factor > 1 else (0.0, trial.nondet_tol)
    for i, g in first.items():
        due = factor * g if factor else np.zeros_like(g)  # 0 also where g is inf
        # The test for equality is quick, and usually succeeds.
        if not (np.array_equal(found[i], due) or np.allclose(found[i], due, rtol, atol, equal_nan=factor == 1)):
            from minigrad.autograd.complaints import describe_broken_promise

            raise GradcheckError(describe_broken_promise(trial, promise, i, found[i], due))


def refuse_change(trial: Trial) -> None:
    """Raises for outputs that require no gradient but depend on the inputs."""
    for number in range(len(trial.outputs)):
        for i in trial.checked:
            if np.abs(measure_jacobian(trial, number, i)).max(initial=0.0) > trial.atol:
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero: output {number} needs no gradient, but "
                    f"changes with input {i}"
                )


@contextmanager
def refuse_writes(what: str, trial: Trial, tensors: Sequence[Any]) -> Iterator[None]:
    """Raises if one of the tensors was modified in the context."""
    before = [copy_array(x.array) for x in tensors]
    yield
    for place, (x, array) in enumerate(zip(tensors, before, strict=True)):
        if not np.array_equal(fetch(x), to_device(array, CPU), equal_nan=True):
            from minigrad.autograd.complaints import describe_write

            raise GradcheckError(describe_write(what, trial, place))


# ---- the points -----------------------------------------------------------------------------------
def find_checked(inputs: Any) -> Any:
    """The first input that requires a gradient; everything is computed on its device."""
    for x in as_tuple(inputs):
        if is_checked(x):
            return x
    raise ValueError(
        "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
    )


def make_leaves(inputs: Any) -> tuple[Any, ...]:
    """The inputs, with those that require a gradient copied to float64 leaves with the same memory layout."""
    given = as_tuple(inputs)
    return tuple([wrap(copy_layout(x.array, np.float64)).requires_grad_() if is_checked(x) else x for x in given])


def float_outputs(returned: Any) -> list[Any]:
    """The floating-point tensors among the results of a call."""
    found = [y for y in as_tuple(returned) if is_float(y)]
    if not found:
        raise ValueError("gradcheck expects the function to return at least one floating-point tensor")
    return found


def move(x: Any, step: Any) -> Any:
    """A tensor like `x` at the point `x + step`."""
    array = copy_layout(x.array, x.array.dtype)
    array += place_beside(step, array)
    return wrap(array).requires_grad_(is_checked(x))


def copy_layout(array: Any, dtype: Any) -> Any:
    """A copy that is contiguous only if `array` is, because rules must not rely on the layout."""
    if array.flags.c_contiguous:
        return array.astype(dtype)
    wide = array_module(array).zeros((*array.shape, 2), dtype)
    wide[..., 0] = array
    return wide[..., 0]


def as_tuple(x: Any) -> tuple[Any, ...]:
    """Arguments or results as a tuple, also a single one."""
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def is_checked(x: Any) -> bool:
    """Whether a value is a tensor that requires a gradient."""
    return isinstance(x, TensorBase) and x.node is not None


def is_float(x: Any) -> bool:
    """Whether a value is a floating-point tensor."""
    return isinstance(x, TensorBase) and x.array.dtype.kind == "f"


def fetch(tensor: Any) -> Any:
    """The array of a tensor, copied to the CPU."""
    return to_device(tensor.array, CPU)


def place_beside(array: Any, other: Any) -> Any:
    """`array` with the dtype and on the device of `other`."""
    return to_device(array.astype(other.dtype, copy=False), device_of(other))


# ---- second order ---------------------------------------------------------------------------------
def differentiate(func: Callable[..., Any], inputs: Any, grad_outputs: Any) -> tuple[Callable[..., Any], Any]:
    """The gradients of `func` as a function of inputs and cotangents (random unless given), and its arguments."""
    points = make_leaves(inputs)
    if grad_outputs is None:
        draw = np.random.default_rng(0)
        given = [place_beside(draw.standard_normal(y.array.shape), y.array) for y in float_outputs(func(*points))]
    else:
        given = [g.array.astype(np.float64) for g in as_tuple(grad_outputs)]

    def gradients(*arguments: Any) -> tuple[Any, ...]:
        xs, cotangents = arguments[: len(points)], arguments[len(points) :]
        ys, targets = float_outputs(func(*xs)), filter(is_checked, xs)
        found = grad(ys, targets, cotangents, create_graph=True, allow_unused=True)
        return tuple([g for g in found if is_checked(g)])

    return gradients, (*points, *[wrap(g).requires_grad_() for g in given])
