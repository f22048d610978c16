"""What is put around a rule by options that all optimizers have, and what rules are written with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from minigrad.backend import Array

Rule: TypeAlias = Callable[..., None]


def extend(rule: Rule, options: dict[str, Any]) -> Rule:
    """`rule` as `maximize`, `weight_decay` and `decoupled_weight_decay` have it."""
    decay = options.get("weight_decay")
    if decay:
        rule = shrink_first(rule, decay) if options.get("decoupled_weight_decay") else add_decay(rule, decay)
    return ascend(rule) if options.get("maximize") else rule


def ascend(rule: Rule) -> Rule:
    """Along the gradient, not against it."""
    return lambda w, g, *buffers, **numbers: rule(w, -g, *buffers, **numbers)


def add_decay(rule: Rule, decay: float) -> Rule:
    """The gradient of `decay / 2 * |w|^2` is added to that of the loss."""
    return lambda w, g, *buffers, **numbers: rule(w, g + decay * w, *buffers, **numbers)


def shrink_first(rule: Rule, decay: float) -> Rule:
    """`w <- (1 - lr * decay) * w`, and then the step."""

    def step(w: Array, g: Array, *buffers: Any, lr: Any, **numbers: Any) -> None:
        w *= 1 - lr * decay
        rule(w, g, *buffers, lr=lr, **numbers)

    return step


def move_towards(g: Array, mean: Array, share: float) -> None:
    """`mean <- mean + share (g - mean)`, in place: a running mean of `g`. A share of 1 gives `g` to the last bit."""
    if share < 0.5:
        mean += share * (g - mean)
    else:
        mean[...] = g - (1 - share) * (g - mean)
