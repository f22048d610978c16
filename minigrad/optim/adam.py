"""`Adam` and `AdamW`: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import Array
from minigrad.optim.optimizer import Optimizer, Params, Rate, blocks, directed, options_of, require_nonnegative
from minigrad.tensor import Tensor


class Adam(Optimizer):
    r"""Adam: `w <- w - lr * m^ / (sqrt(v^) + eps)`.

    `m <- b1 m + (1 - b1) g` and `v <- b2 v + (1 - b2) g^2` are running means of the gradient and
    of its square; `m^ = m / (1 - b1^t)` and `v^ = v / (1 - b2^t)` undo their start at zero, t being
    the number of steps. `amsgrad` uses the largest `v` seen. `weight_decay * w` is added to the
    gradient, or, with `decoupled_weight_decay`, `w` is multiplied by `1 - lr * weight_decay`
    first (AdamW).

    `foreach`, `fused` and `capturable` change nothing. Raises `ValueError` for options out of
    range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html; Kingma and Ba,
    Adam: a method for stochastic optimization, 2014; Reddi et al., On the convergence of Adam and
    beyond, 2018.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.Adam([w], lr=0.1).step()
    >>> w
    tensor([0.9000, 0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        options = options_of(locals())
        require_nonnegative(lr, eps=eps, weight_decay=weight_decay)
        if isinstance(betas[0], Tensor) is not isinstance(betas[1], Tensor):
            raise ValueError(f"betas must be either both floats or both Tensors, got {betas}")
        for name, value in (("lr", lr), ("betas[0]", betas[0])):
            if foreach and not capturable and isinstance(value, Tensor):
                raise ValueError(
                    f"{name} as a Tensor is not supported for capturable=False and foreach=True; give a number"
                )
        for i in range(2):
            if not 0 <= float(betas[i]) < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}; it must lie in [0, 1)")
        super().__init__(params, options)

    def _update(self, group: dict[str, Any], parameter: Tensor, gradient: Array) -> None:
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * group["amsgrad"]
        step, buffers = self._buffers(parameter, *names)
        lr, eps, decay = float(group["lr"]), group["eps"], group["weight_decay"]
        beta1, beta2 = map(float, group["betas"])
        rate = lr / (1 - beta1**step)
        correction = (1 - beta2**step) ** 0.5
        for p, g, m, v, *largest in blocks(parameter.array, gradient, *buffers):
            if decay and group["decoupled_weight_decay"]:
                p *= 1 - lr * decay
                g = -g if group["maximize"] else g
            else:
                g = directed(g, p, group)
            m += (1 - beta1) * (g - m)
            v *= beta2
            v += (1 - beta2) * (g * g)
            if largest:
                np.maximum(largest[0], v, out=largest[0])
            scale = np.sqrt(largest[0] if largest else v)
            scale /= correction
            scale += eps
            p -= rate * (m / scale)


class AdamW(Adam):
    r"""Adam with decoupled weight decay: `w <- (1 - lr * weight_decay) * w`, then Adam's step.

    Options and errors as `Adam`. Follows
    https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html; Loshchilov and Hutter,
    Decoupled weight decay regularization, 2017.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> w
    tensor([0.8500, 0.8500], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        if "decoupled_weight_decay" in options:
            raise TypeError("AdamW decouples weight decay always: use Adam to choose")
        options["decoupled_weight_decay"] = True
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **options)
