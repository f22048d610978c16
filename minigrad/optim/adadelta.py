"""`Adadelta`: steps in the parameters' own unit, from running means of squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import Array
from minigrad.optim.optimizer import Optimizer, Params, Rate, blocks, directed, options_of, require_nonnegative
from minigrad.tensor import Tensor


class Adadelta(Optimizer):
    r"""Adadelta: `w <- w - lr * d`, with `d = g * sqrt(u + eps) / sqrt(v + eps)`.

    `v <- rho v + (1 - rho) g^2` before the step and `u <- rho u + (1 - rho) d^2` after it are
    running means of squared gradients and squared steps.

    `foreach` and `capturable` change nothing. Raises `ValueError` for options out of range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html; Zeiler,
    ADADELTA: an adaptive learning rate method, 2012.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.Adadelta([w]).step()
    >>> w
    tensor([0.9968, 0.9968], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        require_nonnegative(lr, eps=eps, weight_decay=weight_decay)
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}; it must lie in [0, 1]")
        super().__init__(params, options_of(locals()))

    def _update(self, group: dict[str, Any], parameter: Tensor, gradient: Array) -> None:
        _, buffers = self._buffers(parameter, "square_avg", "acc_delta")
        lr, rho, eps = float(group["lr"]), group["rho"], group["eps"]
        for p, g, v, u in blocks(parameter.array, gradient, *buffers):
            g = directed(g, p, group)
            v *= rho
            v += (1 - rho) * (g * g)
            delta = np.sqrt(u + eps)
            delta /= np.sqrt(v + eps)
            delta *= g
            u *= rho
            u += (1 - rho) * (delta * delta)
            p -= lr * delta
