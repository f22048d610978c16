"""Optimizers that treat a weight as a matrix: Muon orthogonalizes its update, Adafactor factors its second moment."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import Array, is_finite, on_gpu_of
from minigrad.optim.checks import read_options, read_pair
from minigrad.optim.optimizer import Group, NotNegative, Optimizer, Params, Rate, State, options_of
from minigrad.optim.rules import move_towards
from minigrad.optim.state import step_dtype
from minigrad.shown_values import shorten


class _ByMatrix(Optimizer):
    """The base of optimizers that need whole parameters instead of blocks: `_update_matrix` updates one in place."""

    def _update_all(self) -> bool:
        finite = True
        for group in self.param_groups:
            options = read_options(group, self.defaults)
            for parameter in group["params"]:
                if parameter.gradient is not None:
                    w, g = parameter.array, parameter.gradient.array
                    on_gpu_of(w, self._update_matrix, w, g, self.state[parameter], options)
                    parameter.writes[0] += 1
                    if w.__class__ is np.ndarray:  # a step does not wait for a GPU
                        finite = finite and is_finite(w)
        return finite

    def _update_matrix(self, w: Array, g: Array, state: State, options: Group) -> None:
        """One step of one parameter, whose buffers are in `state`."""
        raise NotImplementedError


# ---- Muon ----------------------------------------------------------------------------------------
class Muon(_ByMatrix):
    r"""Muon: `w <- (1 - lr * weight_decay) w - lr' U V^T`, where `U S V^T` is the running mean of the gradient.

    `m <- momentum m + (1 - momentum) g`; with `nesterov`, `momentum m + (1 - momentum) g` is taken for it. Five steps
    of `X <- a X + b (X X^T) X + c (X X^T)^2 X` bring all singular values near 1; they are rounded to bfloat16, as in
    PyTorch. `lr'` is `lr sqrt(max(1, rows / columns))`, or with `adjust_lr_fn="match_rms_adamw"`
    `0.2 lr sqrt(max(rows, columns))`. For matrices only: use AdamW for biases and embeddings.

    Raises `ValueError` for parameters that are no matrices, and for options out of range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.Muon.html; Jordan et al., Muon: an optimizer for
    hidden layers in neural networks, 2024.

    >>> import minigrad as torch
    >>> w = torch.eye(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.Muon([w], lr=0.5).step()
    >>> bool((w.diag() < 0.75).all())
    True
    """

    def __init__(
        self, params: Params, lr: Rate = 1e-3, weight_decay: NotNegative = 0.1, momentum: NotNegative = 0.95,
        nesterov: bool = True, ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: NotNegative = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            known = "'original', 'match_rms_adamw' and None are known"
            raise ValueError(f"Adjust learning rate function {shorten(adjust_lr_fn, str)} is not supported: {known}")
        super().__init__(params, options_of(locals()))
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim != 2:
                    hint = "leave it to another optimizer, such as AdamW"
                    raise ValueError(f"Muon only supports 2D parameters, got one of {parameter.shape}; {hint}")

    def _update_matrix(self, w: Array, g: Array, state: State, options: Group) -> None:
        """One step of one matrix."""
        lr, momentum = options["lr"], options["momentum"]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = wrap(np.zeros_like(g))
        m = state["momentum_buffer"].array
        move_towards(g, m, 1 - momentum)
        direction = m - (1 - momentum) * (m - g) if options["nesterov"] else m
        turned = orthogonalize(direction, options["ns_coefficients"], options["ns_steps"], options["eps"])
        rows, columns = w.shape
        match_rms = options["adjust_lr_fn"] == "match_rms_adamw"
        share = 0.2 * math.sqrt(max(rows, columns)) if match_rms else math.sqrt(max(1, rows / columns))
        w *= 1 - lr * options["weight_decay"]
        w -= (lr * share * turned).astype(w.dtype)


def orthogonalize(x: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """The matrix with singular values near 1, by Newton and Schulz's iteration, rounded as bfloat16 rounds.

    >>> import numpy as np
    >>> from minigrad.optim.matrix import orthogonalize
    >>> orthogonalize(np.eye(2) * 9, (2.0, -1.5, 0.5), 30, 1e-7)
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    if steps >= 100:
        raise ValueError(f"Number of steps must be less than 100 for computational efficiency, got ns_steps={steps}")
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = round_to_bfloat16(x.T if tall else x)
    size = round_to_bfloat16(np.sqrt(np.sum(x * x, keepdims=True)))
    x = round_to_bfloat16(x / np.maximum(size, eps))
    for _ in range(steps):
        gram = round_to_bfloat16(x @ x.T)
        gram = round_to_bfloat16(b * gram + c * (gram @ gram))
        x = round_to_bfloat16(a * x + gram @ x)
    return x.T if tall else x


def round_to_bfloat16(x: Array) -> Array:
    """Numbers as float32 with the 8 significant bits of bfloat16: rounded to the nearest, ties to even.

    >>> import numpy as np
    >>> from minigrad.optim.matrix import round_to_bfloat16
    >>> round_to_bfloat16(np.array([1.0, 1.003, 1.004]))
    array([1.       , 1.       , 1.0078125], dtype=float32)
    """
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


# ---- Adafactor -----------------------------------------------------------------------------------
class Adafactor(_ByMatrix):
    r"""Adafactor: Adam's second moment of a matrix, approximated from a mean for each row and each column.

    `r` and `c` are running means of `g^2` over the columns and over the rows, new ones weighing `t^beta2_decay`;
    `v = r c / mean(r)`, of a vector the mean of `g^2` itself. `u = g / sqrt(max(v, eps1^2))` is divided by
    `max(1, rms(u) / d)`, and `w <- w - max(eps2, rms(w)) min(lr, 1 / sqrt(t)) u`. First `w` is multiplied by
    `1 - lr * weight_decay`. `eps` is (eps1, eps2); without an eps1 it is that of the parameter's type.

    `foreach` changes nothing. Raises `ValueError` for options out of range.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.Adafactor.html; Shazeer and Stern, Adafactor:
    adaptive learning rates with sublinear memory cost, 2018.

    >>> import minigrad as torch
    >>> w = torch.ones(2, 2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> torch.optim.Adafactor([w], lr=0.5).step()
    >>> w
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]], requires_grad=True)
    """

    def __init__(
        self, params: Params, lr: Rate = 1e-2, beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: NotNegative = 0.0, *,
        foreach: bool | None = None, maximize: bool = False,
    ) -> None:  # fmt: skip
        options = options_of(locals())
        eps = read_pair("Adafactor", "eps", eps, may_hold_none=True)
        if not beta2_decay <= 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        super().__init__(params, options)

    def _update_matrix(self, w: Array, g: Array, state: State, options: Group) -> None:
        """One step of one parameter, of any number of axes."""
        if options["maximize"]:
            g = -g
        if not state:
            state |= _first_state(g)
        state["step"].array += 1
        step = float(state["step"].array)
        share = step ** options["beta2_decay"]
        least = np.finfo(w.dtype).eps.item() if options["eps"][0] is None else options["eps"][0]
        rate = max(options["eps"][1], _rms(w)) * min(options["lr"], step**-0.5)
        if options["weight_decay"]:
            w *= 1 - options["lr"] * options["weight_decay"]
        move = g / np.sqrt(np.maximum(_second_moment(g, state, share, least), least * least))
        w -= (rate / max(1.0, _rms(move) / options["d"])) * move


def _first_state(g: Array) -> State:
    state: State = {"step": wrap(np.zeros((), step_dtype()))}
    if g.ndim < 2:
        return state | {"variance": wrap(np.zeros_like(g))}
    rows, columns = np.zeros_like(g[..., :1]), np.zeros_like(g[..., :1, :])
    return state | {"row_var": wrap(rows), "col_var": wrap(columns)}


def _second_moment(g: Array, state: State, share: float, least: float) -> Any:
    """The running mean of ``g^2``, for a matrix as the product of a column and a row."""
    if g.ndim < 2:
        move_towards(g * g, state["variance"].array, share)
        return state["variance"].array
    rows, columns = state["row_var"].array, state["col_var"].array
    move_towards(np.mean(g * g, axis=-1, keepdims=True), rows, share)
    move_towards(np.mean(g * g, axis=-2, keepdims=True), columns, share)
    return (rows @ columns) / np.maximum(np.mean(rows, axis=-2, keepdims=True), least)


def _rms(x: Array) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.sum(x * x))) / math.sqrt(x.size)
