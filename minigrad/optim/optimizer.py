"""`Optimizer`: groups of parameters with options, and `step`, which applies a rule to every parameter.

A subclass declares its options in `__init__` and writes one `rule`, the formula, on plain arrays and in place:
`rule(w, g, buffer, ..., *, option, ...)`. The parameter names say what the rule needs. A buffer is kept in the state
of the parameter under its name. An option comes from the group, except `step`, the number of this step, and `first`,
true if the buffers were just made. `bound_rule.py` runs it: it reads the state (`state.py`), adds `maximize` and weight
decay, and passes large parameters in blocks that fit the processor's cache (`rules.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from minigrad.autograd.modes import enable_grad
from minigrad.backend import quiet
from minigrad.nn.constructors import NamesOptions
from minigrad.nn.hooks import OptimizerHooks
from minigrad.nn.module import clear_gradients
from minigrad.optim.bound_rule import BoundRule

# Older custom optimizers import `required` from here.
from minigrad.optim.options import Group, Params, complete_group, list_groups, required  # noqa: F401
from minigrad.optim.watch import Watch

State: TypeAlias = dict[str, Any]


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
            self._bind_rule(number, group).update_all(self)

    def _bind_rule(self, number: int, group: Group) -> BoundRule:
        """The rule with the options of a group, which are read again only if one of them has changed."""
        rule = self._rules.get(number)
        if rule is None or not rule.serves(group):
            self._rules[number] = rule = BoundRule(type(self), group, self.defaults)
        return rule

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
