"""Advice on two mistakes that a step can see: a forgotten `zero_grad()`, and a learning rate that diverges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.advice import advise, is_wanted
from minigrad.backend import Array

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Optimizer

NOT_FINITE = "a parameter that is no longer finite"  # the name of this advice


class Watch:
    """Watches the steps of one optimizer, and gives each advice once."""

    steps = 8  # in which a forgotten zero_grad() is looked for; it shows from the second step on
    writes: Any = None  # the version counter of a gradient of the last step,
    count = 0  # and what it was then
    found_infinite = False

    def look(self, w: Array) -> None:
        """Notes whether a parameter is no longer finite; for nearly all arrays one product finds it out."""
        if not (np.vdot(w, w) < np.inf or np.isfinite(w).all()) and is_wanted(NOT_FINITE):
            self.found_infinite = True

    def advise(self, optimizer: Optimizer) -> None:
        """Gives advice after a step of `optimizer`, where a mistake was seen."""
        if self.steps:
            self.steps -= 1
            self.compare_writes(optimizer)
        if self.found_infinite:
            self.found_infinite = False
            advise_of_infinite(optimizer)

    def compare_writes(self, optimizer: Optimizer) -> None:
        """Gives advice if the gradient of the last step is the same tensor, and was written to once: added to.

        Zeroing and adding are two writes, and after setting it to None it is another tensor.
        """
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        writes = next((p.gradient.writes for p in parameters if p.gradient is not None), None)
        if writes is None:
            return
        if writes is self.writes and writes[0] == self.count + 1:
            advise(
                "a step on a gradient that was never zeroed",
                "optimizer.step() was called a second time on a gradient that backward() added to and that was never "
                "zeroed, so it is the sum of both rounds. Call optimizer.zero_grad() in every round, before backward()",
            )
        self.writes, self.count = writes, writes[0]


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
