"""Advice on what a step can see: no gradient at all, a forgotten `zero_grad()`, a learning rate that diverges."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.advice import advise, is_wanted
from minigrad.backend import quiet
from minigrad.optim.optimizer import Optimizer

NOT_FINITE = "a parameter that is no longer finite"  # the name of this advice
STEPS = 8  # without zero_grad(), in which a sum of gradients is looked for; it shows from the second one on
# For each optimizer: how many are left; of a gradient in the last step: its counter of writes, their count, numbers.
_SEEN: WeakKeyDictionary[Optimizer, tuple[int, list[int], int, Any]] = WeakKeyDictionary()
_IDLE: WeakKeyDictionary[Optimizer, int] = WeakKeyDictionary()  # writes to the parameters, at a step without gradients


def advise_after_step(optimizer: Optimizer, finite: bool | None, zeroed: bool) -> None:
    """Gives advice after a step: was `zero_grad` called since the last one, and are all parameters surely `finite`?

    `finite` is None if no parameter had a gradient.
    """
    if finite is None:
        _advise_of_no_gradient(optimizer)
        return
    if not zeroed:
        _compare_gradients(optimizer)
    if not finite and is_wanted(NOT_FINITE):
        _advise_of_infinite(optimizer)


def _advise_of_no_gradient(optimizer: Optimizer) -> None:
    """Gives advice on a second step in a row that changed nothing, unless a schedule is being tried without training.

    One such step may be meant, where two optimizers take turns. Others between them show in the parameters' counters.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not parameters or "initial_lr" in optimizer.param_groups[0]:  # of a schedule
        return
    frozen = not any(parameter.requires_grad for parameter in parameters)
    writes = sum(parameter.writes[0] for parameter in parameters)
    last, _IDLE[optimizer] = _IDLE.get(optimizer), writes
    if last != writes and not frozen:
        return
    cause = (
        "Call loss.backward(), with its brackets, after zero_grad() and before step(). Or does the loss not come from "
        "these parameters: were layers replaced after the optimizer was made?"
    )
    if frozen:
        cause = "None requires one: make the tensors with requires_grad=True"
    name = type(optimizer).__name__
    advise("a step without gradients", f"step() of {name} changed nothing: no parameter has a gradient. {cause}")


def _compare_gradients(optimizer: Optimizer) -> None:
    """Gives advice if the gradient of the last step is the same tensor, and was written to once: added to.

    Zeroing and adding are two writes, and after setting it to None it is another tensor. Zeroing by ``.grad.data`` is
    not counted, and one write may be the user's own: the numbers tell these apart.
    """
    left, last, count, before = _SEEN.get(optimizer, (STEPS, [], 0, None))
    if left:
        gradients = [parameter.gradient for group in optimizer.param_groups for parameter in group["params"]]
        gradient = next((g for g in gradients if g is not None), None)
        if gradient is None:
            return
        some = _copy_some(gradient.array)
        _SEEN[optimizer] = left - 1, gradient.writes, gradient.writes[0], some
        if gradient.writes is last and gradient.writes[0] == count + 1 and quiet(_holds, some, before):
            _advise_of_sum()


def _copy_some(array: Any) -> Any:
    """A copy of some numbers, spread over all axes: a step over a large parameter has little memory of its own."""
    return array[tuple([slice(None, None, max(1, n // 8)) for n in array.shape])].copy()


def _holds(now: Any, before: Any) -> bool:
    """Whether a gradient seems to be the one `before` plus another: steps are short, so the two resemble each other."""
    return bool((now * before).sum() > 1.5 * (before * before).sum())


def _advise_of_sum() -> None:
    """Gives advice on a second step with a gradient that was added to and not zeroed."""
    advise(
        "a step on a gradient that was never zeroed",
        "optimizer.step() was called a second time on a gradient that backward() added to and that was never "
        "zeroed, so it is the sum of both rounds. Call optimizer.zero_grad() in every round, before backward()",
    )


def _advise_of_infinite(optimizer: Optimizer) -> None:
    """Gives advice that names the first parameter that is no longer finite after this step, and the likely cause."""
    for number, group in enumerate(optimizer.param_groups):
        for i, parameter in enumerate(group["params"]):
            if parameter.array.__class__ is np.ndarray and parameter.grad is not None and quiet(_has_burst, parameter):
                own = repr(group["param_names"][i]) if "param_names" in group else i
                name = f"parameter {own} of group {number}, of shape {tuple(parameter.shape)},"
                step = f"this step of {type(optimizer).__name__}; {_find_cause(parameter)}"
                advise(NOT_FINITE, f"{name} is no longer finite after {step}")
                return


def _has_burst(parameter: Any) -> bool:
    """Whether a step made elements infinite or NaN; those without a gradient were it before, as a mask of -inf is."""
    return bool((parameter.grad.array[~np.isfinite(parameter.array)] != 0).any())


def _find_cause(parameter: Any) -> str:
    if _is_finite(parameter.grad):
        return "its gradient was, so the step was too long: try a smaller learning rate"
    return (
        "neither was its gradient: look for the first loss that is inf or nan. Where the losses grew before it, the "
        "learning rate is too large"
    )


def _is_finite(tensor: Any) -> bool:
    return bool(quiet(lambda x: np.isfinite(x).all(), tensor.array))
