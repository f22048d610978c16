"""`Optimizer`: groups of parameters with options, and `step`, which applies a rule to every parameter.

A subclass declares its options in `__init__` and writes one `rule`, the formula, on plain arrays and in place:
`rule(w, g, buffer, ..., *, option, ...)`. The parameter names say what the rule needs. A buffer is kept in the state
of the parameter under its name. An option comes from the group, except `step`, the number of this step, and `first`,
true if the buffers were just made. `BoundRule` runs it: it reads the state (`state.py`), adds `maximize` and weight
decay, and passes large parameters in blocks that fit the processor's cache (`rules.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minigrad.advice import is_wanted
from minigrad.autograd.modes import enable_grad
from minigrad.backend import Array, quiet
from minigrad.nn.constructors import NamesOptions
from minigrad.nn.hooks import OptimizerHooks
from minigrad.nn.module import clear_gradients

# Older custom optimizers import `required` from here.
from minigrad.optim.options import Group, Params, complete_group, list_groups, read_options, required  # noqa: F401
from minigrad.tensor import Tensor

State: TypeAlias = dict[str, Any]
BLOCK = 2**18  # elements that a rule processes at a time: a few blocks of float32 fit in the third-level cache
NOT_FINITE = "a parameter that is no longer finite"  # the name of this advice


class Optimizer(OptimizerHooks, NamesOptions):
    """The base class of all optimizers: `zero_grad`, `step`, `state_dict` over groups of parameters.

    `params` holds tensors, or dicts `{"params": tensors, option: value}`; `defaults` are the
    options of groups that do not set them. Raises `TypeError` for what is no tensor, `ValueError`
    for an empty list, a tensor that is no leaf, a parameter in two groups.

    Two mistakes give advice, once each: a parameter that is no longer finite, and a second `step()` on a
    gradient that was accumulated and never zeroed.
    Follows https://docs.pytorch.org/docs/stable/optim.html.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> torch.optim.SGD([{"params": [w], "lr": 0.5}], lr=0.1).param_groups[0]["lr"]
    0.5
    """

    rule: ClassVar[Any] = None  # a subclass's formula, a static method
    optional: ClassVar[dict[str, str]] = {}  # buffer -> the option that must be set for it to exist
    starts: ClassVar[dict[str, str]] = {}  # buffer -> the option with its initial value, if not zeros
    counters: ClassVar[dict[str, float | str]] = {"step": 0}  # counter -> its start, or the option with it
    group_order: ClassVar[str] = ""  # of the options of a group, where PyTorch's is not that of the arguments
    # advance(counts, options, step) -> further values for the rule; it updates the counters other than `step`
    advance: ClassVar[Any] = None
    _opt_called = False  # whether `step` was called; PyTorch's name

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._taken: set[int] = set()  # ids of the parameters of all groups
        self._rules: dict[int, BoundRule] = {}  # by group number, from the first step on
        self._watch = Watch()
        for group in list_groups(params):
            self.add_param_group(group)

    # ---- groups -------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group of parameters, `{"params": tensors, option: value}`.

        The tensors may be pairs with their names, as `named_parameters()` gives them.

        Raises as the constructor does.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
        >>> optimizer.add_param_group({"params": torch.ones(2, requires_grad=True), "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        complete_group(param_group, self.defaults, self.param_groups, self._taken)
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Sets the gradients to None, or with `set_to_none=False` to zeros.

        >>> import minigrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> (w * w).sum().backward()
        >>> torch.optim.SGD([w]).zero_grad()
        >>> print(w.grad)
        None
        """
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    # ---- a step -------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates every parameter that has a gradient, in place.

        `closure`, if given, is called first: it computes the loss and calls `backward()`. Its result is
        returned.

        >>> import minigrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> (w * w).sum().backward()
        >>> torch.optim.SGD([w], lr=0.25).step()
        >>> w
        tensor([0.5000, 0.5000], requires_grad=True)
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        quiet(self._update_all)
        self._opt_called = True
        self._watch.advise(self)
        return loss

    def _update_all(self) -> None:
        """Updates every parameter that has a gradient."""
        for number, group in enumerate(self.param_groups):
            rule = self._rules.get(number)
            if rule is None or not rule.serves(group):  # the options are read again only if one of them has changed
                self._rules[number] = rule = BoundRule(type(self), group, self.defaults)
            rule.update_all(self)

    # ---- saving and loading -------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """`{"state": {index: buffers}, "param_groups": [...]}`, with parameters replaced by their indices.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
        >>> optimizer.state_dict()["param_groups"][0]["params"]
        [0]
        """
        from minigrad.optim.saving import save  # imported with the first state that is saved or loaded

        self._run_hooks("save_pre")
        return self._run_hooks("save_post", save(self))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores options and state from `state_dict()`, converted to each parameter's dtype and device.
        Raises `ValueError` if the groups differ in number or length.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
        >>> other = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=7.0)
        >>> other.load_state_dict(optimizer.state_dict())
        >>> other.param_groups[0]["lr"]
        0.1
        """
        from minigrad.optim.saving import as_dict, load

        load(self, self._run_hooks("load_pre", as_dict(state_dict)))
        self._run_hooks("load_post")

    def __getstate__(self) -> dict[str, Any]:
        """The state for copies: without hooks, as in PyTorch, and without records of the last step."""
        return {**vars(self), "_rules": {}, "_watch": Watch(), "_hooks": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._taken = {id(parameter) for group in self.param_groups for parameter in group["params"]}

    def __repr__(self) -> str:
        groups = ""
        for i, group in enumerate(self.param_groups):
            options = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            groups += f"\nParameter Group {i}\n{''.join(options)}"
        return f"{type(self).__name__} ({groups})"


class BoundRule:
    """An optimizer's rule with the options of one group."""

    def __init__(self, kind: type[Optimizer], group: Group, defaults: Group) -> None:
        if kind.rule is None:
            raise NotImplementedError(
                f"{kind.__name__} does not say how to update a parameter: override step(), or write a rule"
            )
        self.kind, self.options = kind, read_options(group, defaults)
        code = kind.rule.__code__  # its names: `w`, `g` and the buffers, then the keywords: options and counters
        names, count = code.co_varnames, code.co_argcount
        buffers, self.reads = names[2:count], names[count : count + code.co_kwonlyargcount]
        given = {name: self.options[name] for name in self.reads if name in self.options}
        rule = kind.rule
        if self.options.get("maximize") or self.options.get("weight_decay"):
            from minigrad.optim.rules import extend

            rule = extend(rule, self.options)
        self.step: Callable[..., None] = partial(rule, **given)
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


class Watch:
    """Watches the steps of one optimizer, and gives each advice once."""

    steps = 8  # in which a forgotten zero_grad() is looked for; it shows from the second step on
    writes: Any = None  # the version counter of a gradient of the last step,
    count = 0  # and what it was then
    found_infinite = False

    def look(self, w: Array) -> None:
        """Notes whether a parameter is no longer finite; for nearly all arrays one product finds it out."""
        if not (np.vdot(w, w) < np.inf or np.isfinite(w).all()) and is_wanted(NOT_FINITE):
            self.found_infinite = True

    def advise(self, optimizer: Optimizer) -> None:
        """Gives advice after a step of `optimizer`, where a mistake was seen."""
        if self.steps:
            self.steps -= 1
            self.compare_writes(optimizer)
        if self.found_infinite:
            self.found_infinite = False
            from minigrad.optim.mistakes import advise_of_infinite  # the words of advice

            advise_of_infinite(optimizer)

    def compare_writes(self, optimizer: Optimizer) -> None:
        """Gives advice if the gradient of the last step is the same tensor, and was written to once: added to.

        Zeroing and adding are two writes, and after setting it to None it is another tensor.
        """
        gradients = [parameter.gradient for group in optimizer.param_groups for parameter in group["params"]]
        writes = next((g.writes for g in gradients if g is not None), [-1])
        if writes is self.writes and writes[0] == self.count + 1:
            from minigrad.optim.mistakes import advise_of_sum

            advise_of_sum()
        self.writes, self.count = writes, writes[0]
