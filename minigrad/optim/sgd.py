"""`SGD`: gradient descent, with momentum where asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import Array
from minigrad.optim.optimizer import BLOCK, Optimizer, Params, Rate, blocks, directed, options_of
from minigrad.tensor import Tensor


class SGD(Optimizer):
    r"""Gradient descent: `w <- w - lr * g`, where `g` is the gradient of `w`.

    In this order: `maximize` flips `g`; `weight_decay` adds `weight_decay * w`; with `momentum` mu,
    the velocity is `g` at the first step and `mu * velocity + (1 - dampening) * g` at later ones,
    and takes the place of `g` (`nesterov`: `g + mu * velocity` does). On a quadratic loss plain
    descent converges exactly when `lr < 2 / lambda_max`, the largest eigenvalue of its Hessian.

    `foreach` and `fused` change nothing. Raises `ValueError` for negative options, and for
    `nesterov` without momentum or with dampening.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html; Sutskever et al.,
    On the importance of initialization and momentum in deep learning, 2013.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.SGD([w], lr=0.1).step()
    >>> w
    tensor([0.8000, 0.8000], requires_grad=True)
    """

    def __init__(
        self, params: Params, lr: Rate = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: Rate = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, options_of(locals()))
        self._rate: tuple[float, Any, Array] = (0.0, None, None)

    def _update(self, group: dict[str, Any], parameter: Tensor, gradient: Array) -> None:
        array, lr, momentum = parameter.array, float(group["lr"]), group["momentum"]
        plain = not (momentum or group["weight_decay"] or group["maximize"])
        if plain and array.size <= BLOCK and type(array) is np.ndarray:
            # The small plain case, as lean as it gets: NumPy multiplies by an array of no axes in
            # half the time that it needs to turn a Python float into one.
            rate, dtype, factor = self._rate
            if rate != lr or dtype is not gradient.dtype:
                factor = np.asarray(lr, gradient.dtype)
                self._rate = lr, gradient.dtype, factor
            array -= gradient * factor
            return
        buffer, first = gradient, False  # without momentum, the gradient itself moves the parameter
        if momentum:
            state = self.state[parameter]
            first = state.get("momentum_buffer") is None
            if first:
                state["momentum_buffer"] = wrap(np.empty_like(array))
            buffer = state["momentum_buffer"].array
        for p, g, velocity in blocks(array, gradient, buffer):
            g = directed(g, p, group)
            if momentum:
                if first:
                    velocity[...] = g
                else:
                    velocity *= momentum
                    velocity += (1 - group["dampening"]) * g if group["dampening"] else g
                g = g + momentum * velocity if group["nesterov"] else velocity
            p -= lr * g
