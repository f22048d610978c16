"""What is built around a rule: `maximize` and weight decay, blocks of large parameters; and a helper of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from minigrad import parallel
from minigrad.backend import Array
from minigrad.optim.optimizer import BLOCK

Rule: TypeAlias = Callable[..., None]


def extend(rule: Rule, options: dict[str, Any]) -> Rule:
    """`rule` extended by `maximize`, `weight_decay` and `decoupled_weight_decay`."""
    decay = options.get("weight_decay")
    if decay:
        rule = shrink_first(rule, decay) if options.get("decoupled_weight_decay") else add_decay(rule, decay)
    return ascend(rule) if options.get("maximize") else rule


def ascend(rule: Rule) -> Rule:
    """Negates the gradient, for `maximize`."""
    return lambda w, g, *buffers, **numbers: rule(w, -g, *buffers, **numbers)


def add_decay(rule: Rule, decay: float) -> Rule:
    """Adds the gradient of `decay / 2 * |w|^2` to that of the loss."""
    return lambda w, g, *buffers, **numbers: rule(w, g + decay * w, *buffers, **numbers)


def shrink_first(rule: Rule, decay: float) -> Rule:
    """`w <- (1 - lr * decay) * w`, then the step: decoupled weight decay."""

    def step(w: Array, g: Array, *buffers: Any, lr: Any, **numbers: Any) -> None:
        w *= 1 - lr * decay
        rule(w, g, *buffers, lr=lr, **numbers)

    return step


# ---- blocks, so that a rule's temporary arrays stay small ---------------
def run_in_blocks(rule: Callable[..., None], look: Callable[[Array], None], *arrays: Any) -> None:
    """Calls ``rule(*arrays)``, then `look` on the first array, for each block of rows."""

    def run(block: tuple[Any, ...]) -> None:
        rule(*block)
        look(block[0])

    buffers = sum(array is not None for array in arrays[2:])  # with each buffer there is more to compute
    parallel.share(run, [*cut(*arrays)], arrays[0].nbytes * (1 + 2 * buffers) // 3)


def cut(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """Yields the same rows of all arrays (of one shape, or None) in parts of about equal size, at most a block."""
    length, size = len(arrays[0]), arrays[0].size
    rows = -(-length // -(-size // BLOCK))
    for start in range(0, length, rows):
        yield tuple([None if array is None else array[start : start + rows] for array in arrays])


# ---- helpers for rules -----------------------------------------------------------------
def move_towards(g: Array, mean: Array, share: float) -> None:
    """`mean <- mean + share (g - mean)`, in place: a running mean of `g`. A share of 1 gives `g` to the last bit."""
    if share < 0.5:
        mean += share * (g - mean)
    else:
        mean[...] = g - (1 - share) * (g - mean)
