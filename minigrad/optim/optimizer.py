"""`Optimizer`: groups of parameters with options, and `step`, which applies a rule to every parameter.

A subclass declares its options in `__init__` and writes one `rule`, the formula, on plain arrays and in place:
`rule(w, g, buffer, ..., *, option, ...)`. The parameter names say what the rule needs. A buffer is kept in the state
of the parameter under its name. An option comes from the group, except `step`, the number of this step, and `first`,
true if the buffers were just made. The base class does what all rules need: it adds `maximize` and weight decay to a
rule (`rules.py`), reads the state (`state.py`), and passes large parameters in blocks that fit the processor's cache.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from inspect import getfullargspec
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minigrad.advice import is_wanted, warn
from minigrad.autograd.modes import enable_grad
from minigrad.backend import Array, quiet
from minigrad.nn.constructors import NamesOptions
from minigrad.nn.hooks import OptimizerHooks
from minigrad.optim.options import Group, Params, list_groups, parameters_of, read_options
from minigrad.tensor import Tensor

State: TypeAlias = dict[str, Any]
NOT_FINITE = "a parameter that is no longer finite"  # the name of this advice
BLOCK = 65536  # elements that a rule processes at a time: a few blocks of float32 fit in the second-level cache


class _Required:
    """The default in older custom optimizers for an option that every group must give: ``lr=required``."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


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
    buffers: ClassVar[tuple[str, ...]] = ()  # the rule's positional parameters after `w` and `g`,
    reads: ClassVar[frozenset[str]] = frozenset()  # and its keyword parameters; both are read from its signature
    optional: ClassVar[dict[str, str]] = {}  # buffer -> the option that must be set for it to exist
    starts: ClassVar[dict[str, str]] = {}  # buffer -> the option with its initial value, if not zeros
    counters: ClassVar[dict[str, float | str]] = {"step": 0}  # counter -> its start, or the option with it
    group_order: ClassVar[str] = ""  # of the options of a group, where PyTorch's is not that of the arguments
    # advance(counts, options, step) -> further values for the rule; it updates the counters other than `step`
    advance: ClassVar[Any] = None

    _watched_steps = 8  # steps in which a forgotten zero_grad() is looked for; it shows from the second step on
    _last_writes: tuple[Any, int] = (None, 0)  # a gradient of the last step, and its version counter then
    _sees_infinite = False  # whether a parameter has become inf or NaN

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.rule is not None:
            signature = getfullargspec(cls.rule)
            cls.buffers, cls.reads = tuple(signature.args[2:]), frozenset(signature.kwonlyargs)

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._taken: set[int] = set()  # ids of the parameters of all groups
        self._rules: dict[int, BoundRule] = {}  # by group number, from the first step on
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
        if not isinstance(param_group, dict):
            raise TypeError(f'param_group must be a dict, but got {type(param_group)}; write {{"params": tensors}}')
        params = parameters_of(param_group)
        own = set(map(id, params))
        if self.param_groups:
            self._check_beside_others(own, "param_names" in param_group)
        if len(own) < len(params):
            warn(
                "optimizer contains a parameter group with duplicate parameters: each would be "
                "updated more than once in a step"
            )
        for name, value in self.defaults.items():
            if param_group.setdefault(name, value) is required:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
        param_group["params"] = params
        self._taken |= own
        self.param_groups.append(param_group)

    def _check_beside_others(self, own: set[int], named: bool) -> None:
        """Raises if a group shares parameters with another, or if only some groups have named parameters."""
        if named is not ("param_names" in self.param_groups[0]):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )
        if not self._taken.isdisjoint(own):
            raise ValueError("some parameters appear in more than one parameter group")

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
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad.detach_().zero_()

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
        if self._watched_steps:
            self._compare_writes()
        if self._sees_infinite:
            self._advise_of_infinite()
        return loss

    def _update_all(self) -> None:
        """Updates every parameter that has a gradient."""
        for i, group in enumerate(self.param_groups):
            rule = self._bind_rule(i, group)
            on_gpu = []
            for parameter in group["params"]:
                if parameter.gradient is None:
                    continue
                if parameter.array.__class__ is np.ndarray:
                    rule.update(parameter, self)
                else:
                    on_gpu.append(parameter)
                parameter.writes[0] += 1  # so that a graph that saved the parameter notices
            if on_gpu:
                from minigrad.optim.lanes import update_together  # imported with the first parameter on a GPU

                update_together(self, i, rule, on_gpu)

    def _bind_rule(self, i: int, group: Group) -> BoundRule:
        """The rule with the options of group `i`, which are read again only if one of them has changed."""
        rule = self._rules.get(i)
        if rule is None or rule.params is not group["params"] or rule.group != group:
            self._rules[i] = rule = BoundRule(type(self), group, read_options(group, self.defaults))
        return rule

    # ---- two mistakes that a step can detect; watch.py has the texts -----------------------------

    def _compare_writes(self) -> None:
        """Gives advice if the gradient of the last step is the same tensor, and was written to once: added to.

        Zeroing and adding are two writes, and after setting it to None it is another tensor.
        """
        self._watched_steps -= 1
        gradients = [p.gradient for group in self.param_groups for p in group["params"] if p.gradient is not None]
        if gradients:
            writes, last = gradients[0].writes, self._last_writes
            self._last_writes = writes, writes[0]
            if writes is last[0] and writes[0] == last[1] + 1:
                from minigrad.optim.watch import advise_to_zero

                advise_to_zero()

    def _note_infinite(self, w: Array) -> None:
        """Records whether `w` is no longer finite; for nearly all arrays one product finds it out."""
        if is_wanted(NOT_FINITE) and not (np.vdot(w, w) < np.inf or np.isfinite(w).all()):
            self._sees_infinite = True

    def _advise_of_infinite(self) -> None:
        from minigrad.optim.watch import advise_of_infinite

        self._sees_infinite = False
        advise_of_infinite(self)

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
        return {**vars(self), "_rules": {}, "_last_writes": (None, 0), "_hooks": None}

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
    """An optimizer's rule with the options of one group; `update` applies it to one parameter."""

    def __init__(self, kind: type[Optimizer], group: Group, options: Group) -> None:
        self.kind, self.options = kind, options
        may_change = any(isinstance(option, Tensor) for option in group.values())  # a Tensor may be written to
        self.group = None if may_change else dict(group)  # a copy, to notice changes of options
        self.params = group["params"]  # the same list, because comparing lists would compare tensors
        rule = kind.rule
        if rule is None:
            raise NotImplementedError(
                f"{kind.__name__} does not say how to update a parameter: override step(), or write a rule"
            )
        if options.get("maximize") or options.get("weight_decay"):
            from minigrad.optim.rules import extend

            rule = extend(rule, options)
        self.step = partial(rule, **{name: options[name] for name in kind.reads & options.keys()})
        unused = [buffer for buffer, option in kind.optional.items() if not options[option]]
        self.buffers = [None if buffer in unused else buffer for buffer in kind.buffers]
        self.memory: Any = None  # plain gradient descent needs neither buffers nor step counts
        if any(self.buffers) or kind.counters:
            from minigrad.optim.state import Memory

            self.memory = Memory(kind, options, self.buffers)

    def update(self, parameter: Any, optimizer: Optimizer) -> None:
        """Writes the next value of `parameter` into its array, block by block if it is large."""
        w, g = parameter.array, parameter.gradient.array
        buffers, counted = self.buffers, {}
        if self.memory is not None:
            buffers, counted = self.memory.read(parameter, optimizer.state[parameter])
        if w.size <= BLOCK:
            self.step(w, g, *buffers, **counted)
            optimizer._note_infinite(w)
        else:
            from minigrad.optim.rules import run_in_blocks

            run_in_blocks(partial(self.step, **counted), optimizer._note_infinite, w, g, *buffers)
