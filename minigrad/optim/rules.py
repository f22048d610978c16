"""A rule at work: bound to the options of a group, extended by weight decay and `maximize`, run block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minigrad import parallel
from minigrad.backend import Array
from minigrad.optim.options import Group, read_options
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Optimizer

Rule: TypeAlias = Callable[..., None]
BLOCK = 65536  # elements that a rule processes at a time: a few blocks of float32 fit in the second-level cache


class BoundRule:
    """An optimizer's rule with the options of one group."""

    def __init__(self, kind: type[Optimizer], group: Group, defaults: Group) -> None:
        if kind.rule is None:
            raise NotImplementedError(
                f"{kind.__name__} does not say how to update a parameter: override step(), or write a rule"
            )
        self.kind, self.options = kind, read_options(group, defaults)
        may_change = any(isinstance(option, Tensor) for option in group.values())  # a Tensor may be written to
        self.group = None if may_change else dict(group)  # a copy, to notice changes of options
        self.params = group["params"]  # the same list, because comparing lists would compare tensors
        names, count = kind.rule.__code__.co_varnames, kind.rule.__code__.co_argcount
        self.reads = names[count : count + kind.rule.__code__.co_kwonlyargcount]  # options and counters
        given = {name: self.options[name] for name in self.reads if name in self.options}
        self.step: Rule = partial(extend(kind.rule, self.options), **given)
        # Of the parameters after `w` and `g`, a buffer whose option is off is None.
        self.buffers = [
            name if self.options.get(kind.optional.get(name, ""), True) else None for name in names[2:count]
        ]
        self.keeper: Any = None  # plain gradient descent needs neither buffers nor step counts
        if any(self.buffers) or kind.counters:
            from minigrad.optim.state import StateKeeper

            self.keeper = StateKeeper(kind, self.options, self.buffers, self.reads)

    def serves(self, group: Group) -> bool:
        """Whether the group has these parameters and options still."""
        return self.params is group["params"] and self.group == group

    def update_all(self, parameters: Sequence[Any], optimizer: Optimizer) -> None:
        """Writes the next value of each parameter, which has a gradient, into its array."""
        on_gpu = []
        for parameter in parameters:
            parameter.writes[0] += 1  # so that a graph that saved the parameter notices
            if parameter.array.__class__ is np.ndarray:
                self.update(parameter, optimizer)
            else:
                on_gpu.append(parameter)
        if on_gpu:
            from minigrad.optim.fused import update_together  # imported with the first parameter on a GPU

            update_together(optimizer, self, on_gpu)

    def update(self, parameter: Any, optimizer: Optimizer) -> None:
        """Updates one parameter on the CPU, block by block if it is large."""
        w, g, look = parameter.array, parameter.gradient.array, optimizer._watch.look
        buffers, counted = self.buffers, {}
        if self.keeper is not None:
            buffers, counted = self.keeper.read(parameter, optimizer.state[parameter])
        if w.size > BLOCK:
            run_in_blocks(partial(self.step, **counted), look, w, g, *buffers)
        else:
            self.step(w, g, *buffers, **counted)
            look(w)


# ---- options that every rule has -----------------------------------------------------------------
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
