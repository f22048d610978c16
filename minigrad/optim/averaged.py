"""`ASGD`: gradient descent that also keeps the average of all its iterates."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad.backend import Array
from minigrad.optim.optimizer import NotNegative, Optimizer, Params, Rate, options_of
from minigrad.optim.state import as_number


class ASGD(Optimizer):
    r"""Averaged gradient descent: `w <- (1 - lambd * eta) w - eta * g`, and `ax`, the mean of late `w`.

    `eta = lr / (1 + lambd * lr * t)^alpha` falls with t, the number of steps before this one. `ax` is `w` itself up to
    step `t0 + 2`, and then the mean of all `w` since. It stands in the state: `optimizer.state[w]["ax"]`.

    `foreach` changes nothing; `capturable` is Adam's. Raises `ValueError` for a negative `lr` or `weight_decay`.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.ASGD.html; Polyak and
    Juditsky, Acceleration of stochastic approximation by averaging, 1992.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.ASGD([w], lr=0.1, lambd=0).step()
    >>> w
    tensor([0.8000, 0.8000], requires_grad=True)
    """

    counters: ClassVar = {"step": 0, "eta": "lr", "mu": 1}

    def __init__(
        self, params: Params, lr: Rate = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: NotNegative = 0, foreach: bool | None = None, maximize: bool = False,
        differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, options_of(locals()))

    @staticmethod
    def advance(counts: dict[str, Any], options: dict[str, Any], step: Any) -> dict[str, Any]:
        """The rate of this step and its weight in the average; stores those of the next step in the state."""
        lr, eta, mu = options["lr"], counts["eta"], counts["mu"]
        now = {"eta": as_number(eta), "mu": as_number(mu)}
        eta[...] = lr / (1 + options["lambd"] * lr * step) ** options["alpha"]
        mu[...] = 1 / np.maximum(1, step - options["t0"])
        return now

    @staticmethod
    def rule(w: Array, g: Array, ax: Array, *, lambd: float, eta: float, mu: float) -> None:
        """One step, in place."""
        w *= 1 - lambd * eta
        w -= eta * g
        if mu == 1:
            ax[...] = w
        else:
            ax += mu * (w - ax)
