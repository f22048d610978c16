"""`BoundRule`: the rule of an optimizer with the options of one group, which gives parameters their next values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.backend import Array
from minigrad.optim.options import Group, read_options
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Optimizer

BLOCK = 65536  # elements that a rule processes at a time: a few blocks of float32 fit in the second-level cache


class BoundRule:
    """An optimizer's rule with the options of one group."""

    def __init__(self, kind: type[Optimizer], group: Group, defaults: Group) -> None:
        if kind.rule is None:
            raise NotImplementedError(
                f"{kind.__name__} does not say how to update a parameter: override step(), or write a rule"
            )
        self.kind, self.options = kind, read_options(group, defaults)
        buffers, self.reads = _read_names(kind.rule)
        given = {name: self.options[name] for name in self.reads if name in self.options}
        self.step: Callable[..., None] = partial(_extend(kind.rule, self.options), **given)
        self.buffers = [name if self.options.get(kind.optional.get(name, ""), True) else None for name in buffers]
        self.keeper: Any = None  # plain gradient descent needs neither buffers nor step counts
        if any(self.buffers) or kind.counters:
            from minigrad.optim.state import StateKeeper

            self.keeper = StateKeeper(kind, self.options, self.buffers, self.reads)
        may_change = any(isinstance(option, Tensor) for option in group.values())  # a Tensor may be written to
        self.group = None if may_change else dict(group)  # a copy, to notice changes of options
        self.params = group["params"]  # the same list, because comparing lists would compare tensors

    def serves(self, group: Group) -> bool:
        """Whether the group has these parameters and options still."""
        return self.params is group["params"] and self.group == group

    def update_all(self, optimizer: Optimizer) -> None:
        """Writes the next value of each parameter of the group that has a gradient into its array."""
        on_gpu, state, look = [], optimizer.state, optimizer._watch.look
        for parameter in self.params:
            if parameter.gradient is None:
                continue
            parameter.writes[0] += 1  # so that a graph that saved the parameter notices
            if parameter.array.__class__ is np.ndarray:
                self.update(parameter, state, look)
            else:
                on_gpu.append(parameter)
        if on_gpu:
            from minigrad.optim.fused import update_together  # imported with the first parameter on a GPU

            update_together(optimizer, self, on_gpu)

    def update(self, parameter: Any, state: Any, look: Callable[[Array], None]) -> None:
        """Updates one parameter on the CPU, block by block if it is large, and shows `look` the new values."""
        w, g = parameter.array, parameter.gradient.array
        buffers, counted = self.buffers, {}
        if self.keeper is not None:
            buffers, counted = self.keeper.read(parameter, state[parameter])
        if w.size > BLOCK:
            from minigrad.optim.rules import run_in_blocks

            run_in_blocks(partial(self.step, **counted), look, w, g, *buffers)
        else:
            self.step(w, g, *buffers, **counted)
            look(w)


def _read_names(rule: Any) -> tuple[Sequence[str], Sequence[str]]:
    """The names of a rule's buffers, behind `w` and `g`, and of its keywords: options and counters."""
    names, count = rule.__code__.co_varnames, rule.__code__.co_argcount
    return names[2:count], names[count : count + rule.__code__.co_kwonlyargcount]


def _extend(rule: Any, options: Group) -> Any:
    """The rule with `maximize` and weight decay, if the group asks for them."""
    if not (options.get("maximize") or options.get("weight_decay")):
        return rule
    from minigrad.optim.rules import extend

    return extend(rule, options)
