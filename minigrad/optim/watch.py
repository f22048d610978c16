"""Advice on two mistakes that a step can see: a forgotten `zero_grad()`, and a rate that diverges."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
from numpy import inf, vdot

from minigrad.advice import advise
from minigrad.backend import Array
from minigrad.optim.rules import blocks
from minigrad.tensor import Tensor

NOT_ZEROED = "a step on a gradient that was never zeroed"
NOT_FINITE = "a parameter that is no longer finite"


class Watch:
    """What an optimizer remembers of its last step to see whether a gradient was zeroed since.

    Who forgets it forgets it from the second step on, so a few steps tell, and later ones cost nothing.
    """

    suspects = False  # there is something to advise
    zeroed = True
    rounds = 8  # that are still looked at

    def __init__(self) -> None:
        self._last: ref[Tensor] | None = None  # a gradient,
        self._version = 0  # and how often it had been written to

    def see(self, gradient: Tensor) -> None:
        """Suspect where the gradient of the last step is still there and was written to once: added to.

        To zero it and to add to it are two writes, and one that was set to None is another tensor.
        """
        self.rounds -= 1
        version = gradient.writes[0]
        if version == self._version + 1 and self._last is not None and self._last() is gradient:
            self.suspects, self.zeroed = True, False
        self._last, self._version = ref(gradient), version

    def advise(self, optimizer: Any, spoilt: Tensor | None) -> None:
        """Say what is suspected; `spoilt` is a parameter that is no longer finite."""
        zeroed, self.suspects, self.zeroed = self.zeroed, False, True
        if not zeroed:
            advise(
                NOT_ZEROED,
                "optimizer.step() was called a second time on a gradient that backward() added to and that was never "
                "zeroed, so it is the sum of both rounds. Call optimizer.zero_grad() in every round, before backward()",
            )
        if spoilt is not None:
            advise(NOT_FINITE, _describe(optimizer, spoilt))


def is_finite(w: Array) -> bool:
    """Whether all is finite: one product tells it of nearly all arrays. True on a GPU, which would have to wait."""
    if w.__class__ is not np.ndarray:
        return True
    return bool(vdot(w, w) < inf) or all(np.isfinite(block).all() for (block,) in blocks(w))


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
