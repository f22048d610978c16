"""`Optimizer`: groups of parameters, their options and state, and the walk over them in a step.

A subclass declares its options in `__init__` and writes one `rule`, the formula, on plain arrays and
in place: `rule(w, g, buffer, ..., *, option, ...)`. The names say what it needs. A buffer is kept in
the parameter's state under its name; an option comes from the group, but for `step`, the number of
this step, and `first`, true where the buffers were just made. All else is done here, once for all
rules: `maximize`, weight decay, and the cutting of large parameters into blocks that stay in the
processor's cache, so that a rule's temporaries are a block long, never a parameter long.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from math import inf
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy import vdot

from minigrad import dtypes
from minigrad.advice import is_wanted
from minigrad.autograd import enable_grad
from minigrad.autograd.core import wrap
from minigrad.autograd.recording import compute
from minigrad.backend import Array, quiet, select
from minigrad.optim.hooks import StepHooks, run_between_hooks
from minigrad.optim.options import Params, parameters_of, refuse_flags
from minigrad.optim.rules import BLOCK, Plan, Signature, blocks
from minigrad.optim.watch import NOT_FINITE, Watch, is_finite
from minigrad.tensor import Tensor

State: TypeAlias = dict[str, Any]


class Optimizer(StepHooks):
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
    optional: ClassVar[dict[str, str]] = {}  # a buffer -> the option without which there is none
    starts: ClassVar[dict[str, str]] = {}  # a buffer -> the option that it is full of at first, where not of zeros
    counts_steps: ClassVar[bool] = True

    _stepped = False  # the schedulers warn when they step first

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in cls.__dict__:
            cls.step = run_between_hooks(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got one Tensor of shape {tuple(params.shape)}; put it into a list: [tensor]"
            )
        refuse_flags(defaults)
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._taken: set[int] = set()  # the parameters of all groups
        self._watch = Watch()
        self._signature = None if self.rule is None else Signature.read(self.rule, defaults)
        self._plans: list[Plan] = []
        if not isinstance(params, Iterable):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}; write net.parameters(), with the brackets"
            )
        given: list[Any] = list(params)
        if not given:
            raise ValueError(
                "optimizer got an empty parameter list: the model has no parameters (layers in a "
                "plain list? use nn.ModuleList), or model.parameters() was already used up"
            )
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
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
        if any(named is not ("param_names" in group) for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )
        own = set(map(id, params))
        if len(own) < len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters: each would be "
                "updated more than once in a step",
                stacklevel=3,
            )
        if not self._taken.isdisjoint(own):
            raise ValueError("some parameters appear in more than one parameter group")
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
        spoilt = quiet(self._update_all)
        if self._watch.suspects:
            self._watch.advise(self, spoilt)
        return loss

    def _update_all(self) -> Tensor | None:
        """Update all parameters; returns the first that is no longer finite, while such advice is wanted."""
        spoilt, looks, watches, rule = None, is_wanted(NOT_FINITE), self._watch.rounds > 0, self.rule
        for i, group in enumerate(self.param_groups):
            plan = self._plan(i, group)
            for parameter in group["params"]:
                gradient = parameter.gradient
                if gradient is None:
                    continue
                if watches:
                    self._watch.see(gradient)
                    watches = False  # the first one tells it for all
                w = parameter.array
                if small := w.__class__ is np.ndarray and w.size <= BLOCK and plan.lean:
                    numbers = plan.typed.get(w.dtype) or plan.as_arrays(w.dtype)
                    rule(w, gradient.array, *plan.buffers, **numbers)
                else:
                    self._update(plan, parameter, w, gradient.array)
                parameter.bump_version()
                if looks and not (small and vdot(w, w) < inf) and not is_finite(w):
                    self._watch.suspects, spoilt, looks = True, parameter, False
        return spoilt

    def _plan(self, i: int, group: dict[str, Any]) -> Plan:
        """What the options of group `i` mean for a step: read anew only where one has changed."""
        plans, signature = self._plans, self._signature
        if signature is None:
            raise NotImplementedError(
                f"{type(self).__name__} does not say how to update a parameter: override step(), or write a rule"
            )
        if i < len(plans):
            plan = plans[i]
            if plan.picked is not None and plan.picked == signature.pick(group):
                return plan
        plan = signature.plan(group, self.optional, self.counts_steps)
        plans[i : i + 1] = [plan]
        return plan

    def _update(self, plan: Plan, parameter: Tensor, w: Array, g: Array) -> None:
        """Write the next value of `parameter`, whose gradient is `g`, into its array `w`."""
        if w.__class__ is not np.ndarray:
            select(w)  # `quiet` selects the one before again
        numbers, buffers = self._prepare(plan, parameter)
        for rows, gradient, *parts in blocks(w, g, *buffers):
            self.rule(rows, plan.descent_direction(rows, gradient), *parts, **numbers)

    # ---- the state of a parameter -------------------------------------------------------------

    def _prepare(self, plan: Plan, parameter: Tensor) -> tuple[dict[str, Any], Sequence[Array | None]]:
        """What the rule reads of this step, and the parameter's buffers, made where they are new."""
        if plan.stateless:
            return plan.numbers, plan.buffers
        state, numbers = self.state[parameter], plan.numbers
        buffers, first = self._buffers(plan, state, parameter)
        if self.counts_steps:
            count = self._counter(state)
            count += 1
            step = float(count)
            numbers = {**numbers, **self.advance(state, plan.options, step)}
            if "step" in plan.given:
                numbers["step"] = step
        if first and "first" in plan.given:
            numbers = {**numbers, "first": True}
        return numbers, buffers

    def _counter(self, state: State) -> Array:
        if "step" not in state:
            state["step"] = wrap(np.zeros((), step_dtype()))
        return state["step"].array

    def _buffers(self, plan: Plan, state: State, parameter: Tensor) -> tuple[list[Array | None], bool]:
        """The buffers that `plan` names, and whether one was new."""
        arrays: list[Array | None] = []
        first, shape = False, parameter.array.shape
        for name in plan.buffers:
            if name is None:
                arrays.append(None)
                continue
            buffer = state.get(name)
            if buffer is None:
                start = plan.options[self.starts[name]] if name in self.starts else 0
                buffer, first = compute(np.full_like, parameter, start), True
                state[name] = buffer
            if buffer.array.shape != shape:
                raise RuntimeError(
                    f"the optimizer's {name} has shape {tuple(buffer.shape)}, its parameter {tuple(shape)}: was the "
                    "state_dict taken from another model?"
                )
            arrays.append(buffer.array)
        return arrays, first

    def advance(self, state: State, options: dict[str, Any], step: float) -> dict[str, float]:
        """Count on what is one number for each parameter; returns what the rule reads of it.

        A subclass with such numbers overrides it; `state` is the parameter's, `options` its group's.
        """
        return {}

    def state_dict(self) -> dict[str, Any]:
        """`{"state": {index: buffers}, "param_groups": [...]}`: the parameters by their index.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
        >>> optimizer.state_dict()["param_groups"][0]["params"]
        [0]
        """
        self._run_hooks("save_pre")
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        index = {id(parameter): i for i, parameter in enumerate(dict.fromkeys(parameters))}
        state_dict = {
            "state": {index.get(id(key), key): value for key, value in self.state.items()},
            "param_groups": [
                {k: v for k, v in group.items() if k != "params"}
                | {"params": [index[id(parameter)] for parameter in group["params"]]}
                for group in self.param_groups
            ],
        }
        return self._run_hooks("save_post", state_dict)

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
        state_dict = self._run_hooks("load_pre", dict(state_dict))
        saved = deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups: "
                f"{len(saved)}, and the optimizer has {len(self.param_groups)}"
            )
        by_index: dict[Any, Tensor] = {}
        for i, (group, held) in enumerate(zip(saved, self.param_groups, strict=True)):
            if len(group["params"]) != len(held["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"group {i} has {len(group['params'])} parameters, expected {len(held['params'])}"
                )
            by_index.update(zip(group["params"], held["params"], strict=True))
            group.update({key: held[key] for key in ("params", "param_names") if key in held})
            for key, value in self.defaults.items():
                if value is None or isinstance(value, bool):
                    group.setdefault(key, value)  # a flag that is younger than the file
        state: defaultdict[Any, State] = defaultdict(dict)
        for key, values in state_dict["state"].items():
            parameter = by_index.get(key, key)
            state[parameter] = {name: _adopt(name, value, parameter) for name, value in values.items()}
        self.state, self.param_groups = state, saved
        self._run_hooks("load_post")

    def __getstate__(self) -> dict[str, Any]:
        """For copies: all but what is remembered of the last step."""
        return {**vars(self), "_watch": Watch(), "_plans": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._taken = {id(parameter) for group in self.param_groups for parameter in group["params"]}

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"][i == 0 :]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def step_dtype() -> Any:
    """PyTorch counts steps in floats: float64 where that is the default type, else float32."""
    return np.float64 if dtypes.get_default_dtype() is dtypes.float64 else np.float32


COUNTERS = ("step", "mu_product", "eta", "mu")  # single numbers, of a type of their own


def _adopt(name: str, value: Any, parameter: Any) -> Any:
    """A copy of one entry of a state: buffers as the parameter's type on its device, counters as they are."""
    if name in COUNTERS and not isinstance(value, Tensor):
        return wrap(np.asarray(value, step_dtype()))
    if isinstance(value, list):
        return [_adopt(name, entry, parameter) for entry in value]
    if not isinstance(value, Tensor) or not isinstance(parameter, Tensor):
        return deepcopy(value)
    value = value.detach().clone()
    if name in COUNTERS or not parameter.dtype.is_floating_point:
        return value
    return value.to(parameter.device, parameter.dtype)
