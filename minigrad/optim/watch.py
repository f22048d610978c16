"""Advice on two mistakes that a step can see: a forgotten `zero_grad()`, and a rate that diverges."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
from numpy import inf, vdot

from minigrad.advice import advise, is_wanted
from minigrad.backend import Array
from minigrad.tensor import Tensor

NOT_ZEROED = "a step on a gradient that was never zeroed"
NOT_FINITE = "a parameter that is no longer finite"


class Watch:
    """What an optimizer remembers of its steps to see the two mistakes.

    Who forgets to zero the gradients forgets it from the second step on, so the first steps tell it.
    """

    def __init__(self) -> None:
        self.awake = True  # wants to be asked for advice after this step
        self._sees_infinite = False
        self._steps = 8  # whose gradients are still looked at
        self._last: ref[Tensor] | None = None  # one of the last step,
        self._version = 0  # and how often it had been written to

    def look(self, w: Array) -> None:
        """Wake up where `w` is no longer finite: one product tells it of nearly all arrays."""
        if is_wanted(NOT_FINITE) and not (vdot(w, w) < inf or np.isfinite(w).all()):
            self.awake = self._sees_infinite = True

    def advise(self, optimizer: Any) -> None:
        """Say what was seen in a step."""
        updated = [p for group in optimizer.param_groups for p in group["params"] if p.gradient is not None]
        if self._steps and updated:
            self._steps -= 1
            self._compare(updated[0].gradient)
        if self._sees_infinite:
            spoilt = next(p for p in updated if p.array.__class__ is np.ndarray and not np.isfinite(p.array).all())
            self._sees_infinite = False
            advise(NOT_FINITE, _describe(optimizer, spoilt))
        self.awake = self._steps > 0

    def _compare(self, gradient: Tensor) -> None:
        """Say so where the gradient of the last step is still there and was written to once: added to.

        To zero it and to add to it are two writes, and one that was set to None is another tensor.
        """
        version, known = gradient.writes[0], self._last is not None and self._last() is gradient
        self._last, last_version, self._version = ref(gradient), self._version, version
        if known and version == last_version + 1:
            advise(
                NOT_ZEROED,
                "optimizer.step() was called a second time on a gradient that backward() added to and that was never "
                "zeroed, so it is the sum of both rounds. Call optimizer.zero_grad() in every round, before backward()",
            )


def _describe(optimizer: Any, parameter: Tensor) -> str:
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
