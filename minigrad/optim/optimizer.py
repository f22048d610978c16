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
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minigrad import dtypes
from minigrad.advice import is_wanted
from minigrad.autograd import enable_grad
from minigrad.autograd.core import wrap
from minigrad.autograd.recording import compute
from minigrad.backend import Array, quiet, to_device
from minigrad.devices import CPU
from minigrad.optim.hooks import StepHooks, run_between_hooks
from minigrad.optim.lanes import as_number, update_together
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
    counters: ClassVar[dict[str, float | str]] = {"step": 0}  # what is counted -> its start, or the option that is it

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
            plan, elsewhere = self._plan(i, group), []
            for parameter in group["params"]:
                gradient = parameter.gradient
                if gradient is None:
                    continue
                if watches:
                    self._watch.see(gradient)
                    watches = False  # the first one tells it for all
                w = parameter.array
                if plan.lean and w.__class__ is np.ndarray and w.size <= BLOCK:
                    numbers = plan.typed.get(w.dtype) or plan.as_arrays(w.dtype)
                    rule(w, gradient.array, *plan.buffers, **numbers)
                elif w.__class__ is np.ndarray:
                    self._update(plan, parameter, w, gradient.array)
                else:
                    elsewhere.append(parameter)
                parameter.writes[0] += 1
                if looks and not is_finite(w):
                    self._watch.suspects, spoilt, looks = True, parameter, False
            if elsewhere:
                update_together(self, plan, elsewhere)
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
        plan = signature.plan(group, self.optional, bool(self.counters))
        if i < len(plans) and plan.differs_in_rate_alone(plans[i]):
            plan = plan._replace(kept=plans[i].kept)
        plans[i : i + 1] = [plan]
        return plan

    def _update(self, plan: Plan, parameter: Tensor, w: Array, g: Array) -> None:
        """Write the next value of `parameter`, whose gradient is `g`, into its array `w`."""
        buffers, counts, first = self._read_state(plan, parameter)
        numbers = plan.numbers
        if counts:
            numbers = {**numbers, **self._count_on(plan, counts)}
        if first and "first" in plan.given:
            numbers = {**numbers, "first": True}

        rate = plan.options.get("lr")

        def update(block: tuple[Any, ...]) -> None:
            rows, gradient, *parts = block
            self.rule(rows, plan.descent_direction(rows, gradient, rate), *parts, **numbers)

        if w.size <= BLOCK or w.__class__ is not np.ndarray:
            update((w, g, *buffers))
            return
        from minigrad.parallel import share  # read with the first large parameter

        share(update, [*blocks(w, g, *buffers)], w.nbytes * (2 + len(buffers)))

    # ---- the state of a parameter -------------------------------------------------------------

    def _read_state(self, plan: Plan, parameter: Tensor) -> tuple[Sequence[Array | None], dict[str, Array], bool]:
        """A parameter's buffers, what is counted for it, and whether a buffer is new; made where they are missing."""
        if plan.stateless:
            return (None,) * len(plan.buffers), {}, False
        state = self.state[parameter]
        buffers, first = self._buffers(plan, state, parameter)
        return buffers, self._counts(plan, state, parameter), first

    def _counts(self, plan: Plan, state: State, parameter: Tensor) -> dict[str, Array]:
        arrays = {}
        for name in self.counters:
            count = state.get(name)
            if count is None or plan.counts_on_gpu or count.array.__class__ is not np.ndarray:
                count = state[name] = self._place_count(plan, name, count, parameter)
            arrays[name] = count.array
        return arrays

    def _place_count(self, plan: Plan, name: str, count: Tensor | None, parameter: Tensor) -> Tensor:
        """A parameter's count, made where there is none, on the parameter's GPU or on the CPU, as the options say."""
        on_gpu = plan.counts_on_gpu and parameter.array.__class__ is not np.ndarray
        if plan.capturable and not on_gpu:
            counts = ", ".join(f"{name}s" for name in self.counters)
            raise AssertionError(
                f"If capturable=True, params and {counts} must be on supported devices: ['cuda']. Got a parameter on "
                f"{parameter.device}: only a GPU's steps can be captured"
            )
        if count is None:
            start = self.counters[name]
            count = wrap(np.full((), plan.options[start] if isinstance(start, str) else start, step_dtype()))
        place = parameter.device if on_gpu else CPU
        return count if count.device == place else wrap(to_device(count.array, place))

    def _count_on(self, plan: Plan, counts: dict[str, Any]) -> dict[str, Any]:
        """Count this step, in place; what the rule reads of it."""
        count = counts["step"]
        count += 1
        step = as_number(count)
        given = {"step": step} if "step" in plan.given else {}
        if len(counts) > 1:
            given.update(self.advance(counts, plan.options, step))
        return given

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
            array = buffer.array
            if array.shape != shape:
                raise RuntimeError(
                    f"the optimizer's {name} has shape {tuple(buffer.shape)}, its parameter {tuple(shape)}: was the "
                    "state_dict taken from another model?"
                )
            arrays.append(array)
        return arrays, first

    def advance(self, counts: dict[str, Any], options: dict[str, Any], step: Any) -> dict[str, Any]:
        """Count on what is one number for each parameter, in place; returns what the rule reads of it, `as_number`.

        A subclass with such numbers overrides it; `counts` are the parameter's, `options` its group's.
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
