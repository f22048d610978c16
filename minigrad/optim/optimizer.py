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
from functools import partial, wraps
from inspect import getfullargspec
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.modes import enable_grad
from minigrad.backend import Array, quiet
from minigrad.nn.constructors import check_options
from minigrad.nn.hooks import OptimizerHooks
from minigrad.optim.options import Group, Params, list_groups, parameters_of, read_options
from minigrad.optim.watch import Watch
from minigrad.tensor import Tensor

State: TypeAlias = dict[str, Any]
BLOCK = 65536  # elements that a rule is given at a time: a few blocks of float32 fit in the second-level cache


def run_between_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step`, between the optimizer's hooks where it has any."""

    @wraps(step)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._stepped = True
        return step(self, *args, **kwargs) if self._hooks is None else self._hooks.step(self, step, args, kwargs)

    return call


class _Required:
    """What older optimizers of one's own write for an option that every group has to give: ``lr=required``."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


class Optimizer(OptimizerHooks):
    """The base of all optimizers: `zero_grad`, `step`, `state_dict` over groups of parameters.

    `params` holds tensors, or dicts `{"params": tensors, option: value}`; `defaults` are the
    options of groups that do not set them. Raises `TypeError` for what is no tensor, `ValueError`
    for an empty list, a tensor that is no leaf, a parameter in two groups.

    Two mistakes are told, once: a parameter that is no longer finite, and a second `step()` on a
    gradient that was added to and never zeroed.
    Follows https://docs.pytorch.org/docs/stable/optim.html.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> torch.optim.SGD([{"params": [w], "lr": 0.5}], lr=0.1).param_groups[0]["lr"]
    0.5
    """

    rule: ClassVar[Any] = None  # a subclass's formula, a static method
    buffers: ClassVar[tuple[str, ...]] = ()  # what it takes by place after `w` and `g`,
    reads: ClassVar[frozenset[str]] = frozenset()  # and by name: both are read from its signature
    optional: ClassVar[dict[str, str]] = {}  # a buffer -> the option without which there is none
    starts: ClassVar[dict[str, str]] = {}  # a buffer -> the option that it is full of at first, where not of zeros
    counters: ClassVar[dict[str, float | str]] = {"step": 0}  # what is counted -> its start, or the option that is it
    group_order: ClassVar[str] = ""  # of the options of a group, where PyTorch's is not that of the arguments
    # advance(counts, options, step) -> what the rule reads of the counts beside the steps, which it moves on.
    advance: ClassVar[Any] = None

    _stepped = False  # the schedulers warn when they step first

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = run_between_hooks(cls.step)  # type: ignore[method-assign]
        if cls.rule is not None:
            signature = getfullargspec(cls.rule)
            cls.buffers, cls.reads = tuple(signature.args[2:]), frozenset(signature.kwonlyargs)

    def __new__(cls, *_: Any, **options: Any) -> Self:
        check_options(cls, options)
        return object.__new__(cls)

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._taken: set[int] = set()  # the parameters of all groups
        self._rules: dict[int, BoundRule] = {}  # by the number of their group
        self._watch = Watch()
        for group in list_groups(params):
            self.add_param_group(group)

    # ---- groups -------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more parameters, `{"params": tensors, option: value}`, from the next step on.

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
        named = "param_names" in param_group
        if self.param_groups and named is not ("param_names" in self.param_groups[0]):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )
        own = set(map(id, params))
        if len(own) < len(params):
            warn(
                "optimizer contains a parameter group with duplicate parameters: each would be "
                "updated more than once in a step"
            )
        if not self._taken.isdisjoint(own):
            raise ValueError("some parameters appear in more than one parameter group")
        missing = [name for name, value in self.defaults.items() if value is required and name not in param_group]
        if missing:
            raise ValueError(f"parameter group didn't specify a value of required optimization parameter {missing[0]}")
        self._taken |= own
        param_group.update({**self.defaults, **param_group, "params": params})
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; `set_to_none=False` fills them with zeros instead.

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

    @run_between_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place.

        `closure`, where given, computes the loss and calls `backward()` first; its result is
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
        if self._watch.steps or self._watch.sees_infinite:
            self._watch.advise(self)
        return loss

    def _update_all(self) -> None:
        """Update every parameter that has a gradient."""
        for i, group in enumerate(self.param_groups):
            rule = self._bind_rule(i, group)
            on_gpu = []
            for parameter in group["params"]:
                if parameter.gradient is None:
                    continue
                if parameter.array.__class__ is np.ndarray:
                    rule.update(parameter, self.state)
                else:
                    on_gpu.append(parameter)
                parameter.writes[0] += 1  # a graph that saved its values notices
            if on_gpu:
                from minigrad.optim.lanes import update_together  # opens with the first parameter on a GPU

                update_together(self, i, rule, on_gpu)

    def _bind_rule(self, i: int, group: Group) -> BoundRule:
        """The rule with the options of group `i`, which are read anew only where one of them has changed."""
        rule = self._rules.get(i)
        if rule is not None and rule.params is group["params"] and rule.group == group:
            return rule
        if self.rule is None:
            raise NotImplementedError(
                f"{type(self).__name__} does not say how to update a parameter: override step(), or write a rule"
            )
        self._rules[i] = rule = BoundRule(type(self), group, read_options(group, self.defaults), self._watch.look)
        return rule

    # ---- saving and loading -------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """`{"state": {index: buffers}, "param_groups": [...]}`: the parameters by their index.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
        >>> optimizer.state_dict()["param_groups"][0]["params"]
        [0]
        """
        from minigrad.optim.saving import save  # opens with the first state that is saved or loaded

        self._run_hooks("save_pre")
        return self._run_hooks("save_post", save(self))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over options and state that `state_dict()` gave, copied to each parameter's type
        and device. Raises `ValueError` where the groups differ in number or length.

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
        """For copies: all but the hooks, as in PyTorch, and what is remembered of the last step."""
        return {**vars(self), "_watch": Watch(), "_rules": {}, "_hooks": None}

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
    """An optimizer's rule with the options of one group filled in: `update` takes the step of one parameter."""

    def __init__(self, kind: type[Optimizer], group: Group, options: Group, look: Callable[[Array], None]) -> None:
        self.kind, self.options, self.look = kind, options, look
        may_change = any(isinstance(option, Tensor) for option in group.values())  # it can be written to
        self.group = None if may_change else dict(group)  # as it was when its options were read
        self.params = group["params"]  # of another list, tensors would be compared
        rule = kind.rule
        if options.get("maximize") or options.get("weight_decay"):
            from minigrad.optim.rules import extend

            rule = extend(rule, options)
        self.step = partial(rule, **{name: options[name] for name in kind.reads & options.keys()})
        unused = [buffer for buffer, option in kind.optional.items() if not options[option]]
        self.buffers = [None if buffer in unused else buffer for buffer in kind.buffers]
        self.memory: Any = None  # plain gradient descent needs neither buffers nor a count of its steps
        if any(self.buffers) or kind.counters:
            from minigrad.optim.state import Memory

            self.memory = Memory(kind, options, self.buffers)

    def update(self, parameter: Any, states: dict[Any, State]) -> None:
        """Write the next value of `parameter` into its array, block by block where it is large."""
        w, g = parameter.array, parameter.gradient.array
        buffers, counted = self.memory.read(parameter, states[parameter]) if self.memory else (self.buffers, {})
        if w.size <= BLOCK:
            self.step(w, g, *buffers, **counted)
            self.look(w)
        else:
            from minigrad.optim.rules import run_in_blocks

            run_in_blocks(partial(self.step, **counted), self.look, w, g, *buffers)
