"""Advice on two mistakes that a step can see: a forgotten `zero_grad()`, and a learning rate that diverges."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.advice import advise
from minigrad.optim.optimizer import NOT_FINITE, Optimizer


def advise_of_sum() -> None:
    """Gives advice on a second step with a gradient that was added to and not zeroed."""
    advise(
        "a step on a gradient that was never zeroed",
        "optimizer.step() was called a second time on a gradient that backward() added to and that was never "
        "zeroed, so it is the sum of both rounds. Call optimizer.zero_grad() in every round, before backward()",
    )


def advise_of_infinite(optimizer: Optimizer) -> None:
    """Gives advice that names the first parameter that is no longer finite after this step, and the likely cause."""
    for number, group in enumerate(optimizer.param_groups):
        for i, parameter in enumerate(group["params"]):
            if parameter.array.__class__ is np.ndarray and parameter.grad is not None and not _is_finite(parameter):
                own = repr(group["param_names"][i]) if "param_names" in group else i
                name = f"parameter {own} of group {number}, of shape {tuple(parameter.shape)},"
                step = f"this step of {type(optimizer).__name__}; {_find_cause(parameter)}"
                advise(NOT_FINITE, f"{name} is no longer finite after {step}")
                return


def _find_cause(parameter: Any) -> str:
    if _is_finite(parameter.grad):
        return "its gradient was, so the step was too long: try a smaller learning rate"
    return "neither was its gradient: look for the first loss that is inf or nan"


def _is_finite(tensor: Any) -> bool:
    return bool(np.isfinite(tensor.array).all())
