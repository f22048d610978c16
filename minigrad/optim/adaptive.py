"""RMSprop, Adagrad, Adadelta, Rprop: the step of each element is scaled by the history of its gradients."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad import nn
from minigrad.backend import Array
from minigrad.optim.optimizer import NotNegative, Optimizer, Params, Rate, options_of
from minigrad.optim.rules import BoundRule, decay_towards, move_towards


class RMSprop(Optimizer):
    r"""RMSprop: `w <- w - lr * g / (sqrt(v) + eps)`, with `v <- alpha v + (1 - alpha) g^2`.

    `centered` subtracts the square of a running mean of `g` from `v`, which then estimates the variance. With
    `momentum` mu, `b <- mu b + g / (sqrt(v) + eps)` and `w <- w - lr * b`.

    `foreach` changes nothing; `capturable` is Adam's. Raises `ValueError` for negative options.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html; Tieleman and
    Hinton, Lecture 6.5, Neural networks for machine learning, 2012; Graves, 2013 (centered).

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.RMSprop([w], lr=0.01).step()
    >>> w
    tensor([0.9000, 0.9000], requires_grad=True)
    """

    optional: ClassVar = {"momentum_buffer": "momentum", "grad_avg": "centered"}

    def __init__(
        self, params: Params, lr: Rate = 1e-2, alpha: NotNegative = 0.99, eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0, momentum: NotNegative = 0, centered: bool = False, capturable: bool = False,
        foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals(), order="lr momentum alpha eps centered weight_decay capturable foreach maximize")
        super().__init__(params, options)

    @staticmethod
    def rule(
        w: Array, g: Array, square_avg: Array, momentum_buffer: Array | None, grad_avg: Array | None, *,
        lr: float, alpha: float, eps: float, momentum: float,
    ) -> None:  # fmt: skip
        """One step, in place."""
        v, b, mean = square_avg, momentum_buffer, grad_avg
        decay_towards(g * g, v, alpha)
        if mean is not None:
            move_towards(g, mean, 1 - alpha)
            v = v - mean * mean
        direction = g / (np.sqrt(v) + eps)
        if b is not None:
            b *= momentum
            b += direction
            direction = b
        w -= lr * direction


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

    starts: ClassVar = {"sum": "initial_accumulator_value"}

    def __init__(
        self, params: Params, lr: Rate = 1e-2, lr_decay: NotNegative = 0, weight_decay: NotNegative = 0,
        initial_accumulator_value: NotNegative = 0, eps: NotNegative = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(params, options_of(locals(), order="lr lr_decay eps weight_decay"))
        for group in self.param_groups:  # as in PyTorch, the sums of the first groups are made here
            rule = BoundRule(type(self), group, self.defaults)
            for parameter in group["params"]:
                if not isinstance(parameter, nn.UninitializedParameter):  # that of a lazy layer has no shape yet
                    rule.read_state(parameter, self.state)

    @staticmethod
    def rule(w: Array, g: Array, sum: Array, *, lr: float, lr_decay: float, eps: float, step: float) -> None:
        """One step, in place."""
        sum += g * g
        w -= lr / (1 + (step - 1) * lr_decay) * (g / (np.sqrt(sum) + eps))


class Adadelta(Optimizer):
    r"""Adadelta: `w <- w - lr * d`, with `d = g * sqrt(u + eps) / sqrt(v + eps)`.

    `v <- rho v + (1 - rho) g^2` before the step and `u <- rho u + (1 - rho) d^2` after it are
    running means of squared gradients and squared steps.

    `foreach` changes nothing; `capturable` is Adam's. Raises `ValueError` for options out of range.
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
        self, params: Params, lr: Rate = 1.0, rho: NotNegative = 0.9, eps: NotNegative = 1e-6,
        weight_decay: NotNegative = 0, foreach: bool | None = None, *, capturable: bool = False,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals(), order="lr rho eps weight_decay maximize capturable")
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}; it must lie in [0, 1]")
        super().__init__(params, options)

    @staticmethod
    def rule(w: Array, g: Array, square_avg: Array, acc_delta: Array, *, lr: float, rho: float, eps: float) -> None:
        """One step, in place."""
        v, u = square_avg, acc_delta
        decay_towards(g * g, v, rho)
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        decay_towards(d * d, u, rho)
        w -= lr * d


class Rprop(Optimizer):
    r"""Resilient propagation: `w <- w - sign(g) * s`, a step length `s` for each number.

    `s` starts at `lr`. It is multiplied by `etas[1]` where the gradient has the sign of the last
    one, and by `etas[0]`, with no step this time, where the sign has changed; it stays within
    `step_sizes`. For full-batch training: the signs of small batches are noisy.

    `foreach` changes nothing; `capturable` is Adam's. Raises `ValueError` for options out of range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.Rprop.html; Riedmiller and
    Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, 1993.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.Rprop([w], lr=0.1).step()
    >>> w
    tensor([0.9000, 0.9000], requires_grad=True)
    """

    starts: ClassVar = {"step_size": "lr"}

    def __init__(
        self, params: Params, lr: Rate = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals(), order="lr etas step_sizes foreach maximize differentiable")
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}; the first lies in (0, 1), the second above")
        super().__init__(params, options)

    @staticmethod
    def rule(
        w: Array, g: Array, prev: Array, step_size: Array, *,
        etas: tuple[float, float], step_sizes: tuple[float, float],
    ) -> None:  # fmt: skip
        """One step, in place."""
        agree = np.sign(g * prev)
        turned = agree < 0
        step_size *= np.where(turned, etas[0], np.where(agree > 0, etas[1], 1)).astype(w.dtype)
        np.clip(step_size, *step_sizes, out=step_size)
        g = np.where(turned, 0, g).astype(w.dtype)
        direction = np.where(np.isnan(g), 0, np.sign(g)).astype(w.dtype)  # as in PyTorch, no step for NaN
        w -= direction * step_size
        prev[...] = g
