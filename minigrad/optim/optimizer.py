"""`Optimizer`: groups of parameters with options, and `step`, which applies a rule to every parameter.

A subclass declares its options in `__init__` and writes one `rule`, the formula, on plain arrays and in place:
`rule(w, g, buffer, ..., *, option, ...)`. The parameter names say what the rule needs. A buffer is kept in the state
of the parameter under its name. An option comes from the group, except `step`, the number of this step, and `first`,
true if the buffers were just made.

`step` runs a rule that needs options alone, as plain gradient descent does. `rules.py` does the rest: buffers, step
counts, weight decay, large parameters and those on a GPU. `checks.py` reads unusual arguments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minigrad.advice import postponed
from minigrad.backend import Array, is_finite, quiet
from minigrad.failed_constructors import NamesOptions
from minigrad.optim.hooks import OptimizerHooks
from minigrad.tensor import Tensor
from minigrad.tensor.graph import clear_gradients

Rate: TypeAlias = float | Tensor  # not negative; a Tensor is kept, for those who change it by writing to it
NotNegative: TypeAlias = float
State: TypeAlias = dict[str, Any]
Group: TypeAlias = dict[str, Any]
Params: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Group]
BLOCK = 2**18  # elements that a rule processes at a time: a few blocks of float32 fit in the third-level cache


class Optimizer(OptimizerHooks, NamesOptions):
    """The base class of all optimizers: `zero_grad`, `step`, `state_dict` over groups of parameters.

    `params` holds tensors, or dicts `{"params": tensors, option: value}`; `defaults` are the
    options of groups that do not set them. Raises `TypeError` for what is no tensor, `ValueError`
    for an empty list, a tensor that is no leaf, a parameter in two groups.

    Three mistakes give advice, once each: a parameter that is no longer finite, a second `step()` on a gradient
    that was accumulated and never zeroed, and a `step()` where no parameter has a gradient.
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
    # advance(counts, options, step) -> further values for the rule; it updates the counters other than `step`
    advance: ClassVar[Any] = None
    _rules: Any = None  # `BoundRules`, from the first step on that needs them
    _zeroed = False  # whether `zero_grad` was called since the last step
    _held: set[int] | None = None  # ids of the parameters of all groups, while the constructor adds these one by one

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        given: list[Any] = list(params) if isinstance(params, Iterable) and not isinstance(params, Tensor) else []
        if not given:
            from minigrad.optim.checks import no_parameters

            raise no_parameters(params)
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._held = set()
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)
        if postponed:
            self._give_advice()
        del self._held

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
        held = self._held
        if held is None:
            held = {id(p) for group in self.param_groups for p in group["params"]}
        params = list_parameters(param_group, self.param_groups, held)
        for name, value in self.defaults.items():
            if param_group.setdefault(name, value) is required:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
        param_group["params"] = params
        held.update(map(id, params))
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
        self._zeroed = True

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
            from minigrad.optim.checks import call_closure

            loss = call_closure(closure)
        finite, zeroed = quiet(self._update_all), self._zeroed
        self._zeroed = False
        if not (finite and zeroed):
            from minigrad.optim.mistakes import advise_after_step  # imported with the first step that may be a mistake

            advise_after_step(self, finite, zeroed)
        return loss

    def _update_all(self) -> bool | None:
        """Updates every parameter that has a gradient; returns whether all are finite then, or None if none has one."""
        finite: bool | None = None
        for number, group in enumerate(self.param_groups):
            rule, others = self._bind_plainly(group), []
            for parameter in group["params"]:
                if parameter.gradient is None:
                    continue
                parameter.writes[0] += 1  # so that a graph that saved the parameter notices
                w = parameter.array
                if rule is None or w.__class__ is not np.ndarray or w.size > BLOCK:
                    others.append(parameter)
                else:
                    rule(w, parameter.gradient.array)
                    finite = is_finite(w) and (finite is None or finite)
            if others:
                if self._rules is None:
                    from minigrad.optim.rules import BoundRules

                    self._rules = BoundRules()
                finite = self._rules.step(self, number, others) and (finite is None or finite)
        return finite

    def _bind_plainly(self, group: Group) -> Callable[[Array, Array], None] | None:
        """`rule` with the options of a group, if it needs nothing else; with None `rules.py` updates the group."""
        return None

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
        """The state for copies: without hooks, as in PyTorch, and without what is made anew."""
        return {**vars(self), "_rules": None, "_hooks_by_place": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        groups = ""
        for i, group in enumerate(self.param_groups):
            options = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            groups += f"\nParameter Group {i}\n{''.join(options)}"
        return f"{type(self).__name__} ({groups})"


# ---- groups and options ------------------------------------------------------------------------------
class _Required:
    """The default in older custom optimizers for an option that every group must give: ``lr=required``."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def list_parameters(group: Any, others: list[Group], held: set[int]) -> list[Tensor]:
    """The parameters of a new group beside the `others`, which hold parameters with the ids `held`.

    Here they are a list of leaves, each once. `checks.py` reads any other group, or raises.
    """
    params = group.get("params") if isinstance(group, dict) else None
    if isinstance(params, list) and "param_names" not in {*group, *(others[0] if others else ())}:
        own = {id(p) for p in params if isinstance(p, Tensor) and p.is_leaf}
        if len(own) == len(params) and held.isdisjoint(own):
            return [*params]
    from minigrad.optim.checks import read_parameters

    return read_parameters(group, others, held)


_NUMBERS = {"int", "float", "NotNegative", "Rate"}  # annotations for which a plain number, not negative, is right


def options_of(arguments: Group, order: str = "") -> Group:
    """The options among the `locals()` of an optimizer's `__init__`, as numbers, after checks by their annotations.

    Among the `locals()` is `__class__`, because the method calls `super()`: the class whose annotations count.
    `order` names those that come first, where PyTorch's order in a group is not that of the arguments.
    `foreach` and `fused` do not change the result: here all parameters on a GPU are updated in one launch anyway. With
    `fused` or `capturable` the steps of a parameter on a GPU are counted on the GPU, so that a CUDA graph may capture
    the step.

    Raises `ValueError` for a negative `Rate` or `NotNegative`, for a NaN there, for betas outside of [0, 1), and for a
    Tensor with several elements; `TypeError` for what is no number; `RuntimeError` for flags that exclude each other,
    and `NotImplementedError` for `differentiable`.
    """
    options = {n: arguments[n] for n in [*order.split(), *arguments] if n not in ("self", "params", "__class__")}
    for name, value in options.items():
        kind = arguments["__class__"].__init__.__annotations__[name]
        if "bool" not in kind and (kind not in _NUMBERS or type(value) not in (int, float) or not value >= 0):
            from minigrad.optim.checks import read_option

            options[name] = read_option(arguments, name)
    if options.get("differentiable") or options.get("fused"):
        from minigrad.optim.checks import check_flags

        check_flags(**options)
    return options
