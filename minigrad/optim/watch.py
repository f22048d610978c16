"""Advice on two mistakes that a step can detect: a forgotten `zero_grad()`, and a learning rate that diverges."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
from numpy import inf, vdot

from minigrad.advice import advise, is_wanted
from minigrad.backend import Array

NOT_ZEROED = "a step on a gradient that was never zeroed"
NOT_FINITE = "a parameter that is no longer finite"


class Watch:
    """What an optimizer remembers of its steps to see the two mistakes."""

    def __init__(self) -> None:
        self.steps = 8  # whose gradients are still compared: who forgets to zero them forgets it from the second on
        self.sees_infinite = False
        self._last: ref[Any] | None = None  # a gradient of the last step,
        self._version = 0  # and how often it had been written to

    def look(self, w: Array) -> None:
        """Remember it where `w` is no longer finite: one product tells it of nearly all arrays."""
        if is_wanted(NOT_FINITE) and not (vdot(w, w) < inf or np.isfinite(w).all()):
            self.sees_infinite = True

    def advise(self, optimizer: Any) -> None:
        """Say what was seen in a step."""
        updated = [p for group in optimizer.param_groups for p in group["params"] if p.gradient is not None]
        if self.steps and updated:
            self.steps -= 1
            self._compare(updated[0].gradient)
        if self.sees_infinite:
            self.sees_infinite = False
            spoilt = next(p for p in updated if p.array.__class__ is np.ndarray and not np.isfinite(p.array).all())
            advise(NOT_FINITE, _describe(optimizer, spoilt))

    def _compare(self, gradient: Any) -> None:
        """Say so where the gradient of the last step is still there and was written to once: added to.

        To zero it and to add to it are two writes, and one that was set to None is another tensor.
        """
        stayed = self._last is not None and self._last() is gradient
        writes, self._last, self._version = gradient.writes[0] - self._version, ref(gradient), gradient.writes[0]
        if stayed and writes == 1:
            advise(
                NOT_ZEROED,
                "optimizer.step() was called a second time on a gradient that backward() added to and that was never "
                "zeroed, so it is the sum of both rounds. Call optimizer.zero_grad() in every round, before backward()",
            )


def _describe(optimizer: Any, parameter: Any) -> str:
    name = "a parameter"
    for number, group in enumerate(optimizer.param_groups):
        for i, p in enumerate(group["params"]):
            if p is parameter:
                own = repr(group["param_names"][i]) if "param_names" in group else i
                name = f"parameter {own} of group {number}, of shape {tuple(p.shape)},"
    if parameter.grad is not None and not np.isfinite(parameter.grad.array).all():
        cause = "neither was its gradient: look for the first loss that is inf or nan"
    else:
        cause = "its gradient was, so the step was too long: try a smaller learning rate"
    return f"{name} is no longer finite after this step of {type(optimizer).__name__}; {cause}"
