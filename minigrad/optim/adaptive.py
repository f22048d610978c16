"""Steps scaled for each number by the history of its gradients: Adam, AdamW, RMSprop, Adagrad, Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import Array
from minigrad.nn.parameter import Uninitialized
from minigrad.optim.optimizer import Betas, Optimizer, Params, Rate, blocks, directed, options_of
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
        self, params: Params, lr: Rate = 1e-3, betas: Betas = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals())
        for i, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}; it must lie in [0, 1)")
        if not any(isinstance(betas[0], kind) and isinstance(betas[1], kind) for kind in (float, Tensor)):
            raise ValueError(f"betas must be either both floats or both Tensors, got {betas}")
        for name, value in {"lr": lr, "betas[0]": betas[0]}.items():
            if isinstance(value, Tensor) and foreach and not capturable:
                raise ValueError(
                    f"{name} as a Tensor is not supported for capturable=False and foreach=True; give a number"
                )
        super().__init__(params, {**options, "betas": tuple(map(float, betas))})

    def _update(self, group: dict[str, Any], parameter: Tensor, gradient: Array) -> None:
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * group["amsgrad"]
        step, buffers = self._buffers(parameter, *names)
        lr, eps, decay, (beta1, beta2) = float(group["lr"]), group["eps"], group["weight_decay"], group["betas"]
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
        self, params: Params, lr: Rate = 1e-3, betas: Betas = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        if "decoupled_weight_decay" in options:
            raise TypeError("AdamW decouples weight decay always: use Adam to choose")
        options["decoupled_weight_decay"] = True
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **options)


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
        self, params: Params, lr: Rate = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
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
        self, params: Params, lr: Rate = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(params, options_of(locals()))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for parameter in param_group["params"]:
            if not isinstance(parameter, Uninitialized):  # a lazy layer's has to wait for its shape
                self._buffers(parameter, "sum", start=param_group["initial_accumulator_value"], steps=0)

    def _update(self, group: dict[str, Any], parameter: Tensor, gradient: Array) -> None:
        step, buffers = self._buffers(parameter, "sum", start=group["initial_accumulator_value"])
        lr = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        for p, g, total in blocks(parameter.array, gradient, *buffers):
            g = directed(g, p, group)
            total += g * g
            scale = np.sqrt(total)
            scale += group["eps"]
            p -= lr * (g / scale)


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
        self, params: Params, lr: Rate = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False,
        differentiable: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals())
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}; it must lie in [0, 1]")
        super().__init__(params, options)

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
