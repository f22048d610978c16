"""`Adagrad`: steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import Array, on_its_gpu
from minigrad.nn.parameter import Uninitialized
from minigrad.optim.optimizer import Optimizer, Params, Rate, blocks, directed, options_of, require_nonnegative
from minigrad.tensor import Tensor


class Adagrad(Optimizer):
    r"""Adagrad: `w <- w - lr_t * g / (sqrt(s) + eps)`, with `s <- s + g^2`.

    `s` starts at `initial_accumulator_value`; `lr_t = lr / (1 + (t - 1) * lr_decay)` at step t.

    `foreach` and `fused` change nothing. Raises `ValueError` for negative options.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html; Duchi et al.,
    Adaptive subgradient methods for online learning and stochastic optimization, 2011.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.Adagrad([w], lr=0.1).step()
    >>> w
    tensor([0.9000, 0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        require_nonnegative(
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        super().__init__(params, options_of(locals()))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for parameter in param_group["params"]:
            if not isinstance(parameter, Uninitialized):
                self._start(param_group, parameter)

    @on_its_gpu
    def _start(self, group: dict[str, Any], parameter: Tensor) -> None:
        """The sum of squares before the first step; a lazy layer's has to wait for its shape."""
        start = np.full_like(parameter.array, group["initial_accumulator_value"])
        self.state[parameter]["step"] = wrap(np.zeros((), np.float32))
        self.state[parameter]["sum"] = wrap(start)

    def _update(self, group: dict[str, Any], parameter: Tensor, gradient: Array) -> None:
        if not self.state[parameter]:
            self._start(group, parameter)
        step, buffers = self._buffers(parameter, "sum")
        lr = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        for p, g, total in blocks(parameter.array, gradient, *buffers):
            g = directed(g, p, group)
            total += g * g
            scale = np.sqrt(total)
            scale += group["eps"]
            p -= lr * (g / scale)
