"""`SGD`: gradient descent, optionally with momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from minigrad.backend import Array
from minigrad.ops.elementwise import make_0d
from minigrad.optim.optimizer import Group, NotNegative, Optimizer, Params, Rate, options_of


class SGD(Optimizer):
    r"""Gradient descent: `w <- w - lr * g`, where `g` is the gradient of `w`.

    In this order: `maximize` flips `g`; `weight_decay` adds `weight_decay * w`; with `momentum` mu,
    the velocity is `g` at the first step and `mu * velocity + (1 - dampening) * g` at later ones,
    and replaces `g` (with `nesterov`, `g + mu * velocity` does). On a quadratic loss plain
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

    optional: ClassVar = {"momentum_buffer": "momentum"}  # no buffer without momentum
    counters: ClassVar = {}  # no step count

    def __init__(
        self, params: Params, lr: Rate = 1e-3, momentum: NotNegative = 0, dampening: float = 0, weight_decay: Rate = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        options = options_of(locals())
        if nesterov and (momentum <= 0 or dampening != 0):
            got = f"momentum={momentum}, dampening={dampening}"
            raise ValueError(f"Nesterov momentum requires a momentum and zero dampening, got {got}")
        super().__init__(params, options)

    def _bind_plainly(self, group: Group) -> Callable[[Array, Array], None] | None:
        # Momentum, weight decay and a rate in a Tensor are for `rules.py`, and so is an option that is missing.
        if group.get("momentum", True) or group.get("weight_decay", True) or group.get("maximize", True):
            return None
        if type(rate := group.get("lr")) not in (int, float):
            return None
        return lambda w, g: self.rule(w, g, lr=make_0d(rate, w.dtype.char))  # by which NumPy multiplies sooner

    @staticmethod
    def rule(
        w: Array, g: Array, momentum_buffer: Array | None = None, *,
        lr: float, momentum: float = 0, dampening: float = 0, nesterov: bool = False, first: bool = False,
    ) -> None:  # fmt: skip
        """One step, in place."""
        velocity = momentum_buffer
        if velocity is not None:
            velocity *= momentum
            velocity += g if first or not dampening else (1 - dampening) * g
            g = g + momentum * velocity if nesterov else velocity
        w -= lr * g
