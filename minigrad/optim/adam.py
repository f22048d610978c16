"""Adam and its variants: running means of the gradient and of its square, corrected for their start at zero."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import numpy as np

from minigrad.backend import Array
from minigrad.optim.optimizer import NotNegative, Optimizer, Params, Rate, options_of
from minigrad.optim.rules import decay_towards, move_towards
from minigrad.optim.state import as_number
from minigrad.tensor import Tensor

Betas: TypeAlias = tuple[Rate, Rate]


class Adam(Optimizer):
    r"""Adam: `w <- w - lr * m^ / (sqrt(v^) + eps)`.

    `m <- b1 m + (1 - b1) g` and `v <- b2 v + (1 - b2) g^2` are running means of the gradient and
    of its square; `m^ = m / (1 - b1^t)` and `v^ = v / (1 - b2^t)` undo their start at zero, t being
    the number of steps. `amsgrad` uses the largest `v` seen. `weight_decay * w` is added to the
    gradient, or, with `decoupled_weight_decay`, `w` is multiplied by `1 - lr * weight_decay`
    first (AdamW).

    On a GPU, `fused` and `capturable` count the steps there, so that a CUDA graph may record one; `foreach` changes
    nothing. Raises `ValueError` for options out of range, `AssertionError` for `capturable` on the CPU.
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

    optional: ClassVar = {"max_exp_avg_sq": "amsgrad"}

    def __init__(
        self, params: Params, lr: Rate = 1e-3, betas: Betas = (0.9, 0.999), eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals())
        if not any(isinstance(betas[0], kind) and isinstance(betas[1], kind) for kind in (float, Tensor)):
            raise ValueError(f"betas must be either both floats or both Tensors, got {betas}")
        for name, value in {"lr": lr, "betas[0]": betas[0]}.items():
            if isinstance(value, Tensor) and foreach and not capturable:
                hint = "give a number"
                raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True; {hint}")
        super().__init__(params, options)

    @staticmethod
    def rule(
        w: Array, g: Array, exp_avg: Array, exp_avg_sq: Array, max_exp_avg_sq: Array | None, *,
        lr: float, betas: tuple[float, float], eps: float, step: float,
    ) -> None:  # fmt: skip
        """One step, in place."""
        m, v, (b1, b2) = exp_avg, exp_avg_sq, betas
        update_means(m, v, g, betas)
        if max_exp_avg_sq is not None:
            v = np.maximum(max_exp_avg_sq, v, out=max_exp_avg_sq)
        w -= lr / (1 - b1**step) * (m / (np.sqrt(v) / (1 - b2**step) ** 0.5 + eps))


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
        self, params: Params, lr: Rate = 1e-3, betas: Betas = (0.9, 0.999), eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip


class Adamax(Optimizer):
    r"""Adamax: `w <- w - lr / (1 - b1^t) * m / u`.

    `m <- b1 m + (1 - b1) g` as in Adam; `u <- max(b2 u, |g| + eps)` is a decaying maximum of the
    gradient, instead of the mean of its squares.

    `foreach` changes nothing; `capturable` is Adam's. Raises `ValueError` for options out of range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.Adamax.html; Kingma and Ba,
    Adam: a method for stochastic optimization, 2014, section 7.1.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.Adamax([w], lr=0.1).step()
    >>> w
    tensor([0.9000, 0.9000], requires_grad=True)
    """

    def __init__(
        self, params: Params, lr: Rate = 2e-3, betas: Betas = (0.9, 0.999), eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0, foreach: bool | None = None, *, maximize: bool = False,
        differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, options_of(locals()))

    @staticmethod
    def rule(
        w: Array, g: Array, exp_avg: Array, exp_inf: Array, *,
        lr: float, betas: tuple[float, float], eps: float, step: float,
    ) -> None:  # fmt: skip
        """One step, in place."""
        m, u, (b1, b2) = exp_avg, exp_inf, betas
        move_towards(g, m, 1 - b1)
        np.maximum(b2 * u, np.abs(g) + eps, out=u)
        w -= lr / (1 - b1**step) * (m / u)


class NAdam(Optimizer):
    r"""Adam with Nesterov's momentum: `w <- w - lr * ((1 - mu_t) g / (1 - P_t) + mu_{t+1} m / (1 - P_{t+1})) / d`.

    `m`, `v` and `d = sqrt(v^) + eps` are Adam's; the momentum grows with the steps,
    `mu_t = b1 (1 - 0.96^(t * momentum_decay) / 2)`, and `P_t` is the product of all up to step t.

    `foreach` changes nothing; `capturable` is Adam's. Raises `ValueError` for options out of range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.NAdam.html; Dozat,
    Incorporating Nesterov momentum into Adam, 2016.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.NAdam([w], lr=0.1).step()
    >>> w
    tensor([0.8944, 0.8944], requires_grad=True)
    """

    counters: ClassVar = {"step": 0, "mu_product": 1}

    def __init__(
        self, params: Params, lr: Rate = 2e-3, betas: Betas = (0.9, 0.999), eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0, momentum_decay: NotNegative = 4e-3, decoupled_weight_decay: bool = False, *,
        foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
        differentiable: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals(), order="lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize")
        super().__init__(params, options)

    @staticmethod
    def advance(counts: dict[str, Any], options: dict[str, Any], step: Any) -> dict[str, Any]:
        """The momentum of this step and of the next, and the product of all momenta up to this step."""
        b1, decay = options["betas"][0], options["momentum_decay"]
        mu, mu_next = (b1 * (1 - 0.5 * 0.96 ** (t * decay)) for t in (step, step + 1))
        product = counts["mu_product"]
        product *= mu
        return {"mu": mu, "mu_next": mu_next, "mu_product": as_number(product)}

    @staticmethod
    def rule(
        w: Array, g: Array, exp_avg: Array, exp_avg_sq: Array, *, lr: float, betas: tuple[float, float], eps: float,
        step: float, mu: float, mu_next: float, mu_product: float,
    ) -> None:  # fmt: skip
        """One step, in place."""
        m, v, b2 = exp_avg, exp_avg_sq, betas[1]
        update_means(m, v, g, betas)
        d = np.sqrt(v / (1 - b2**step)) + eps
        w -= lr * (1 - mu) / (1 - mu_product) * (g / d)
        w -= lr * mu_next / (1 - mu_product * mu_next) * (m / d)


class RAdam(Optimizer):
    r"""Adam whose first steps are rectified: `w <- w - lr * m^ * r_t / (sqrt(v^) + eps')`.

    `m^` and `v^` are Adam's. With `rho = 2 / (1 - b2) - 1` and `rho_t = rho - 2 t b2^t / (1 - b2^t)`,
    the number of gradients that `v` has seen, `r_t^2 = (rho_t - 4) (rho_t - 2) rho / ((rho - 4)
    (rho - 2) rho_t)`. While `rho_t <= 5` the variance of `v` is too large, and the step is `lr * m^`.

    `foreach` changes nothing; `capturable` is Adam's. Raises `ValueError` for options out of range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.RAdam.html; Liu et al., On
    the variance of the adaptive learning rate and beyond, 2019.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.RAdam([w], lr=0.1).step()
    >>> w
    tensor([0.8000, 0.8000], requires_grad=True)
    """

    def __init__(
        self, params: Params, lr: Rate = 1e-3, betas: Betas = (0.9, 0.999), eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, options_of(locals(), order="lr betas eps weight_decay maximize foreach capturable"))

    @staticmethod
    def rule(
        w: Array, g: Array, exp_avg: Array, exp_avg_sq: Array, *,
        lr: float, betas: tuple[float, float], eps: float, step: float,
    ) -> None:  # fmt: skip
        """One step, in place."""
        m, v, (b1, b2) = exp_avg, exp_avg_sq, betas
        update_means(m, v, g, betas)
        direction = m / (1 - b1**step)
        rho = 2 / (1 - b2) - 1
        rho_t = rho - 2 * step * b2**step / (1 - b2**step)
        if rho_t > 5:
            r = ((rho_t - 4) * (rho_t - 2) * rho / ((rho - 4) * (rho - 2) * rho_t)) ** 0.5
            direction *= r * (1 - b2**step) ** 0.5 / (np.sqrt(v) + eps)
        w -= lr * direction


def update_means(m: Array, v: Array, g: Array, betas: tuple[float, float]) -> None:
    """`m <- b1 m + (1 - b1) g` and `v <- b2 v + (1 - b2) g^2`, in place."""
    b1, b2 = betas
    move_towards(g, m, 1 - b1)
    decay_towards(g * g, v, b2)
