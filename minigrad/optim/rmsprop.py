"""`RMSprop`: steps divided by the root of a running mean of squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import Array
from minigrad.optim.optimizer import Optimizer, Params, Rate, blocks, directed, options_of, require_nonnegative
from minigrad.tensor import Tensor


class RMSprop(Optimizer):
    r"""RMSprop: `w <- w - lr * g / (sqrt(v) + eps)`, with `v <- alpha v + (1 - alpha) g^2`.

    `centered` takes the square of a running mean of `g` off `v`, which estimates the variance. With
    `momentum` mu, `b <- mu b + g / (sqrt(v) + eps)` and `w <- w - lr * b`.

    `foreach` and `capturable` change nothing. Raises `ValueError` for negative options.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html; Tieleman and
    Hinton, Lecture 6.5, Neural networks for machine learning, 2012; Graves, 2013 (centered).

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.RMSprop([w], lr=0.01).step()
    >>> w
    tensor([0.9000, 0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        require_nonnegative(lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, options_of(locals()))

    def _update(self, group: dict[str, Any], parameter: Tensor, gradient: Array) -> None:
        names = ["square_avg"]
        names += ["momentum_buffer"] * (group["momentum"] > 0) + ["grad_avg"] * group["centered"]
        _, buffers = self._buffers(parameter, *names)
        lr, alpha, eps = float(group["lr"]), group["alpha"], group["eps"]
        for p, g, v, *others in blocks(parameter.array, gradient, *buffers):
            g = directed(g, p, group)
            v *= alpha
            v += (1 - alpha) * (g * g)
            if group["centered"]:
                mean = others[-1]
                mean += (1 - alpha) * (g - mean)
                scale = np.sqrt(v - mean * mean)
            else:
                scale = np.sqrt(v)
            scale += eps
            direction = g / scale
            if group["momentum"] > 0:
                velocity = others[0]
                velocity *= group["momentum"]
                velocity += direction
                direction = velocity
            p -= lr * direction
