"""`gradcheck` and `gradgradcheck`: compare a function's gradients with finite differences of the function.

    slope along d    ``(f(x + eps d) - f(x - eps d)) / (2 eps)``: the reference, two calls of the function
    gradient         one backward walk from the outputs, by the gradient rules: what is checked

The Jacobian ``J[j, k] = d output[k] / d input[j]`` is computed both ways and compared. The other checks use random
cotangents: all ones cannot tell a permuted gradient from the right one, and compares 0 with 0 for softmax. Float32
inputs are checked as float64 copies, because in float32 rounding hides the differences. When a gradient is wrong,
`complaints.py` says where, and `mistakes.py` names the mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.autograd.gradients import grad, make_seed, one_or_several, walk_silently
from minigrad.backend import Array, array_module, device_of, on_gpu_of, quiet, to_device
from minigrad.devices import CPU
from minigrad.shown_values import show_value

Inputs: TypeAlias = Any  # a tensor, or a tuple of tensors and other arguments


class GradcheckError(RuntimeError):
    """The error for a gradient that differs from finite differences, or fails another check."""


def gradcheck(
    func: Callable[..., Any], inputs: Inputs, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 0.001,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:  # fmt: skip
    """Compares the gradients of `func` at `inputs` with ``(func(x + eps) - func(x - eps)) / (2 * eps)``.

    Checks every floating-point tensor among `inputs` that requires a gradient: the whole Jacobian, or, in
    `fast_mode`, its product with one random cotangent and one random direction. Also checks that inputs and the
    cotangent stay unmodified, that the gradient is linear in the cotangent, that running twice agrees within
    `nondet_tol`, and that a second call leaves the first one's gradients alone.
    Raises GradcheckError (or returns False) naming the worst input and index, and the likely mistake; AssertionError if
    the outputs' shapes or dtypes depend on the values of the inputs. Forward mode
    and batches of gradients are made of the same rules: the flags that check them, and `masked`, change nothing.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, (x,))
    True
    """
    if not check_forward_ad and (check_batched_forward_grad or not check_backward_ad):
        raise AssertionError(open_complaints().describe_flags(check_backward_ad))
    check = check_direction if fast_mode else check_jacobian
    try:
        on_gpu_of(find_checked(inputs), judge, check, func, inputs, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any], inputs: Inputs, grad_outputs: Tensor | Sequence[Tensor] | None = None, *,
    eps: float = 1e-6, atol: float = 1e-5, rtol: float = 0.001, gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True, fast_mode: bool = False, masked: bool = False,
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
        self, func: Callable[..., Any], inputs: Inputs, eps: float, atol: float, rtol: float, nondet_tol: float
    ) -> None:
        for name, number in (("eps", eps), ("atol", atol), ("rtol", rtol), ("nondet_tol", nondet_tol)):
            if not isinstance(number, (int, float)):
                raise TypeError(f"gradcheck(): argument '{name}' must be a number, not {show_value(number)}")
        self.func, self.eps, self.atol, self.rtol, self.nondet_tol = func, eps, atol, rtol, nondet_tol
        self.inputs = make_leaves(inputs)
        self.checked = {i: x for i, x in enumerate(self.inputs) if is_checked(x)}
        with refuse_writes("inputs of the function", self, self.checked.values()):
            self.outputs = call(func, self.inputs)
        draw = self.draw = np.random.default_rng(0)
        self.cotangents = {n: draw.standard_normal(y.array.shape) for n, y in enumerate(self.outputs) if is_checked(y)}

    def gradients(self, cotangents: dict[int, Array], outputs: Sequence[Tensor] | None = None) -> dict[int, Array]:
        """The gradients for each input, from the outputs that have a cotangent."""
        outputs = outputs or self.outputs
        given = {n: wrap(to_device(c, device_of(outputs[n].array))) for n, c in cotangents.items()}
        seeds = [make_seed(outputs[n], c, False, n) for n, c in given.items()]
        with refuse_writes("what backward reads", self, [*self.checked.values(), *given.values()]):
            found = walk_silently(dict, seeds, False, True, wanted=set(self.checked.values()))
        return {i: np.array(to_device(found.get(x, np.zeros_like(x.array)), CPU)) for i, x in self.checked.items()}

    def call_beside(self, i: int, step: Array) -> list[Array]:
        """The outputs, as arrays, with input `i` moved by `step`."""
        outputs = call(self.func, [move(x, step) if j == i else x for j, x in enumerate(self.inputs)])
        kinds, known = [[(y.array.shape, y.array.dtype) for y in ys] for ys in (outputs, self.outputs)]
        if kinds != known:
            raise AssertionError(open_complaints().describe_change(self.outputs, outputs))
        return [to_device(y.array, CPU).astype(np.float64) for y in outputs]

    def slope(self, number: int, i: int, direction: Array) -> Array:
        """The finite difference of output `number` for input `i` along a direction."""
        ahead, behind = [self.call_beside(i, step * direction)[number] for step in (self.eps, -self.eps)]
        return quiet(np.divide, quiet(np.subtract, ahead, behind), 2 * self.eps)


# ---- the checks -----------------------------------------------------------------------------------
def judge(check: Callable[[Trial, int, int], None], *case: Any) -> None:
    """Raises GradcheckError unless all checks pass, and `check` for each output and each input."""
    trial = Trial(*case)
    if not trial.cotangents:
        refuse_slopes(trial)
        return
    check_repetition(trial)
    for number, i in product(trial.cotangents, trial.checked):
        check(trial, number, i)


def check_repetition(trial: Trial) -> None:
    """Raises for a rule that gives wrong numbers where the function is called or differentiated more than once."""
    first = trial.gradients(trial.cotangents)
    with refuse_writes("outputs of the first call", trial, trial.outputs):
        again = call(trial.func, trial.inputs)
        near = [move(x, trial.eps * trial.draw.random(x.array.shape)) if is_float(x) else x for x in trial.inputs]
        try:
            call(trial.func, near)
        except Exception:  # noqa: BLE001 - targets and samples may be refused at other numbers than their own
            call(trial.func, [near[i] if i in trial.checked else x for i, x in enumerate(trial.inputs)])
    for outputs in (again, trial.outputs):
        found = trial.gradients(trial.cotangents, outputs)
        if not all(np.allclose(found[i], first[i], 0.0, trial.nondet_tol, equal_nan=True) for i in first):
            raise GradcheckError(open_complaints().describe_repetition(trial, first))


def check_jacobian(trial: Trial, number: int, i: int) -> None:
    """Compares the Jacobian J of an output and an input, (inputs, outputs), computed both ways, and J cotangent."""
    x, y, cotangent = trial.inputs[i].array, trial.outputs[number].array, trial.cotangents[number]
    numerical = np.reshape([trial.slope(number, i, unit) for unit in make_units(x)], (x.size, y.size))
    analytical = np.reshape([trial.gradients({number: unit})[i] for unit in make_units(y)], (y.size, x.size)).T
    mixed = trial.gradients({number: cotangent})[i].ravel()  # another product, if the rule is not linear in g
    pairs = (analytical, numerical), (mixed, analytical @ cotangent.ravel())
    if not all(np.allclose(found, due, trial.rtol, trial.atol) for found, due in pairs):
        raise GradcheckError(open_complaints().describe_mismatch(trial, number, i, analytical, numerical))


def make_units(array: Array) -> Array:
    """For each element of `array` an array of its shape that is 1 there and 0 elsewhere."""
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


def refuse_slopes(trial: Trial) -> None:
    """Raises for outputs that require no gradient but depend on the inputs."""
    for number, (i, x) in product(range(len(trial.outputs)), trial.checked.items()):
        slopes = [np.abs(trial.slope(number, i, unit)).max(initial=0.0) for unit in make_units(x.array)]
        if max(slopes, default=0.0) > trial.atol:
            detail = f"output {number} needs no gradient, but changes with input {i}"
            raise GradcheckError(f"Numerical gradient for function expected to be zero: {detail}")


@contextmanager
def refuse_writes(what: str, trial: Trial, tensors: Iterable[Tensor]) -> Iterator[None]:
    """Raises if one of the tensors was modified in the context."""
    before = [x.array.copy() for x in tensors]
    yield
    same = [np.array_equal(x.array, array, equal_nan=True) for x, array in zip(tensors, before, strict=True)]
    if not all(same):
        raise GradcheckError(open_complaints().describe_write(what, trial, same.index(False)))


def open_complaints() -> Any:
    """The module of the error texts, imported when the first check fails."""
    from minigrad.autograd import complaints

    return complaints


# ---- the points -----------------------------------------------------------------------------------
def find_checked(inputs: Inputs) -> Tensor:
    """The first input that requires a gradient; everything is computed on its device."""
    checked = [x for x in one_or_several(inputs) if is_checked(x)]
    if not checked:
        detail = "but none of them have requires_grad=True."
        raise ValueError(f"gradcheck expects at least one input tensor to require gradient, {detail}")
    return checked[0]


def make_leaves(inputs: Inputs) -> tuple[Any, ...]:
    """The inputs, with those that require a gradient copied to float64 leaves with the same memory layout."""
    return tuple([move(x, 0.0, np.float64) if is_checked(x) else x for x in one_or_several(inputs)])


def call(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Tensor]:
    """The floating-point tensors among the results of a function."""
    found = [y for y in one_or_several(func(*inputs)) if is_float(y)]
    if not found:
        raise ValueError("gradcheck expects the function to return at least one floating-point tensor")
    return found


def move(x: Tensor, step: Array | float, dtype: Any = None) -> Any:
    """A leaf like the tensor `x` at the point `x + step`; contiguous only if `x` is: rules must not rely on it.

    It has the user's hooks on its gradient, which a wrong gradient may come from.
    """
    dtype = dtype or x.array.dtype
    array = x.array.astype(dtype) if x.array.flags.c_contiguous else copy_with_gaps(x.array, dtype)
    array += to_device(np.asarray(step), device_of(array))
    leaf = wrap(array).requires_grad_(is_checked(x))
    leaf.hooks = {key: hook for key, hook in (x.hooks or {}).items() if key >= 0} or None
    return leaf


def copy_with_gaps(array: Array, dtype: Any) -> Array:
    """A copy between whose elements there is room for others."""
    wide = array_module(array).zeros((*array.shape, 2), dtype)
    wide[..., 0] = array
    return wide[..., 0]


def is_checked(x: Any) -> TypeGuard[Tensor]:
    """Whether a value is a tensor that requires a gradient."""
    return is_float(x) and x.requires_grad


def is_float(x: Any) -> TypeGuard[Tensor]:
    """Whether a value is a floating-point tensor."""
    return isinstance(x, TensorBase) and x.array.dtype.kind == "f"


# ---- second order ---------------------------------------------------------------------------------
def differentiate(func: Callable[..., Any], inputs: Any, grad_outputs: Any) -> tuple[Callable[..., Any], Any]:
    """The gradients of `func` as a function of inputs and cotangents (random unless given), and its arguments."""
    points = make_leaves(inputs)
    if grad_outputs is None:
        draw = np.random.default_rng(0)
        arrays = [y.array for y in call(func, points)]
        given = [to_device(draw.standard_normal(y.shape).astype(y.dtype), device_of(y)) for y in arrays]
    else:
        given = [g.array.astype(np.float64) for g in one_or_several(grad_outputs)]

    def gradients(*arguments: Any) -> tuple[Any, ...]:
        xs, cotangents = arguments[: len(points)], arguments[len(points) :]
        ys, targets = call(func, xs), filter(is_checked, xs)
        found = grad(ys, targets, cotangents, create_graph=True, allow_unused=True)
        return tuple([g for g in found if is_checked(g)])

    return gradients, (*points, *[wrap(g).requires_grad_() for g in given])
