"""`BoundRules` run any rule: buffers, step counts, `maximize`, weight decay, large parameters and those on GPUs.

And two helpers of rules, `move_towards` and `decay_towards`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from inspect import getfullargspec
from typing import Any, TypeAlias

import numpy as np

from minigrad import parallel
from minigrad.backend import Array, is_finite
from minigrad.optim.checks import read_options
from minigrad.optim.optimizer import BLOCK, Group, Optimizer, State
from minigrad.optim.state import StateKeeper
from minigrad.tensor import Tensor

Rule: TypeAlias = Callable[..., None]


class BoundRule(StateKeeper):
    """An optimizer's rule with the options of one group."""

    def __init__(self, kind: type[Optimizer], group: Group, defaults: Group, last: BoundRule | None = None) -> None:
        if kind.rule is None:
            detail = "override step(), or write a rule"
            raise NotImplementedError(f"{kind.__name__} does not say how to update a parameter: {detail}")
        self.kind, self.options = kind, read_options(group, defaults)
        names = getfullargspec(kind.rule)  # `w`, `g` and the buffers, then the keywords: options and counters
        self.reads, options = names.kwonlyargs, self.options
        given = {name: options[name] for name in self.reads if name in options}
        self.step: Rule = partial(extend(kind.rule, options), **given)
        self.buffers = [name if options.get(kind.optional.get(name, ""), True) else None for name in names.args[2:]]
        self.keeps = any(self.buffers) or bool(kind.counters)
        may_change = any(isinstance(option, Tensor) for option in group.values())  # a Tensor may be written to
        self.group = None if may_change else dict(group)  # a copy, to notice changes of options
        self.params = group["params"]  # the same list, because comparing lists would compare tensors
        # What `gpu/optimizers.py` knows about the rule, valid until an option other than the rate changes.
        self.kernels: dict[Any, Any] = (
            last.kernels if last is not None and _agree_but_for_rates(options, last.options) else {}
        )

    def serves(self, group: Group) -> bool:
        """Whether the group has these parameters and options still."""
        return self.params is group["params"] and self.group == group

    def update(self, parameter: Any, states: dict[Any, State]) -> Any:
        """Updates one parameter on the CPU, block by block if it is large; returns whether it is finite then."""
        w, g = parameter.array, parameter.gradient.array
        buffers, counted = self.read(parameter, states)
        if w.size > BLOCK:
            return run_in_blocks(partial(self.step, **counted), w, g, *buffers)
        self.step(w, g, *buffers, **counted)
        return is_finite(w)


class BoundRules(dict[int, BoundRule]):
    """The rules of one optimizer, by group number."""

    def step(self, optimizer: Optimizer, number: int, parameters: Sequence[Any]) -> bool:
        """Updates these parameters of a group, which have gradients; returns whether those on the CPU are finite."""
        group, rule = optimizer.param_groups[number], self.get(number)
        if rule is None or not rule.serves(group):  # the options are read again only if one of them has changed
            self[number] = rule = BoundRule(type(optimizer), group, optimizer.defaults, rule)
        finite, on_gpu = True, []
        for parameter in parameters:
            if parameter.array.__class__ is np.ndarray:
                finite = rule.update(parameter, optimizer.state) and finite
            else:
                on_gpu.append(parameter)
        if on_gpu:
            from minigrad.optim.fused import update_together  # imported with the first parameter on a GPU

            update_together(rule, on_gpu, optimizer.state)
        return finite


def _agree_but_for_rates(options: Group, others: Group) -> bool:
    rates = [some.get("lr") for some in (options, others)]
    return type(rates[0]) is type(rates[1]) and {**options, "lr": 0} == {**others, "lr": 0}


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
def run_in_blocks(rule: Rule, *arrays: Any) -> bool:
    """Calls ``rule(*arrays)`` for each block of rows; returns whether the first array is finite then."""
    finite = []

    def run(block: tuple[Any, ...]) -> None:
        rule(*block)
        finite.append(is_finite(block[0]))

    buffers = sum(array is not None for array in arrays[2:])  # with each buffer there is more to compute
    parallel.share(run, [*cut(*arrays)], arrays[0].nbytes * (1 + 2 * buffers) // 3)
    return all(finite)


def cut(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """Yields the same rows of all arrays (of one shape, or None), in parts of about equal size: at most a block, or
    one row where rows are longer.
    """
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


def decay_towards(x: Array, mean: Array, decay: float) -> None:
    """`mean <- decay mean + (1 - decay) x`, in place: `move_towards` as PyTorch rounds it for squares."""
    mean *= decay
    mean += (1 - decay) * x
