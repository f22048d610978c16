"""`Optimizer`: parameter groups, their options and state, and the walk over the parameters.

A subclass declares its options in `__init__` and writes one rule, `_update`, on plain arrays and in
place. Large parameters are cut into blocks that stay in the processor's cache, so a rule may be
written as its formula: its temporaries are a block long, never a parameter long.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any, TypeAlias

import numpy as np

from minigrad import dtypes
from minigrad.autograd import enable_grad
from minigrad.autograd.core import wrap
from minigrad.backend import Array, quiet, select
from minigrad.ops.elementwise import require_number
from minigrad.tensor import Tensor

Rate: TypeAlias = float | Tensor
Betas: TypeAlias = tuple[Rate, Rate]
Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]]  # tensors, or groups of them

BLOCK = 65536  # elements: a few blocks of float32 fit in the second-level cache
NOT_NEGATIVE = {"alpha", "eps", "initial_accumulator_value", "lr", "lr_decay", "momentum", "rho", "weight_decay"}


class Optimizer:
    """The base of all optimizers: `zero_grad`, `step`, `state_dict` over groups of parameters.

    `params` holds tensors, or dicts `{"params": tensors, option: value}`; `defaults` are the
    options of groups that do not set them. Raises `TypeError` for what is no tensor, `ValueError`
    for an empty list, a tensor that is no leaf, a parameter in two groups.
    Follows https://docs.pytorch.org/docs/stable/optim.html.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> torch.optim.SGD([{"params": [w], "lr": 0.5}], lr=0.1).param_groups[0]["lr"]
    0.5
    """

    _stepped = False  # the schedulers warn when they step first

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got one Tensor of shape {tuple(params.shape)}; put it into a list: [tensor]"
            )
        if defaults.get("differentiable"):
            raise NotImplementedError(
                "differentiable=True is not offered: a step works on plain arrays. Write it with "
                "tensors, w = w - lr * g, with g from autograd.grad(..., create_graph=True)"
            )
        if defaults.get("fused") and defaults.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
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

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more parameters, `{"params": tensors, option: value}`, from the next step on.

        The tensors may be pairs with their names, as `named_parameters()` gives them.

        Raises as the constructor does.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f'param_group must be a dict, but got {type(param_group)}; write {{"params": tensors}}')
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names and len(names) < len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        if names:
            param_group["param_names"], params = names, [p[1] for p in params]
        named = "param_names" in param_group
        if any(named is not ("param_names" in group) for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not (p.is_leaf or p.retains_grad):
                raise ValueError(
                    f"can't optimize a non-leaf Tensor: one of shape {tuple(p.shape)} was computed ({p.grad_fn}). Pass "
                    "the tensor it was computed from, or start afresh with tensor.detach().requires_grad_()"
                )
        if len(set(map(id, params))) < len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters: each would be "
                "updated more than once in a step",
                stacklevel=3,
            )
        taken = {id(param) for group in self.param_groups for param in group["params"]}
        if not taken.isdisjoint(map(id, params)):
            raise ValueError("some parameters appear in more than one parameter group")
        param_group.update({**self.defaults, **param_group, "params": params})
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; `set_to_none=False` fills them with zeros instead."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad.detach_().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place.

        `closure`, where given, computes the loss and calls `backward()` first; its result is
        returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._stepped = True
        quiet(self._update_all)
        return loss

    def _update_all(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None:
                    if gradient.array.__class__ is not np.ndarray:
                        select(gradient.array)  # `quiet` selects the one before again
                    self._update(group, parameter, gradient.array)
                    parameter.bump_version()

    def _update(self, group: dict[str, Any], parameter: Tensor, g: Array) -> None:
        """Write the next value of `parameter`, whose gradient is `g`, into its array."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to update a parameter: override step()")

    def _buffers(self, parameter: Tensor, *names: str, start: float = 0, steps: int = 1) -> tuple[float, list[Array]]:
        """The number of steps, counted on by `steps`, and the named arrays of the state, full of `start` at first."""
        state = self.state[parameter]
        if "step" not in state:
            state["step"] = wrap(np.zeros((), _step_dtype()))
        for name in names:
            if name not in state:
                state[name] = wrap(quiet(np.full_like, parameter.array, start))
            if state[name].array.shape != parameter.array.shape:
                raise RuntimeError(
                    f"the optimizer's {name} has shape {tuple(state[name].shape)}, its parameter "
                    f"{tuple(parameter.shape)}: was the state_dict taken from another model?"
                )
        step = state["step"].array
        step += steps
        return float(step), [state[name].array for name in names]

    def state_dict(self) -> dict[str, Any]:
        """`{"state": {index: buffers}, "param_groups": [...]}`: the parameters by their index."""
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        index = {id(parameter): i for i, parameter in enumerate(dict.fromkeys(parameters))}
        return {
            "state": {index.get(id(key), key): value for key, value in self.state.items()},
            "param_groups": [
                {k: v for k, v in group.items() if k != "params"}
                | {"params": [index[id(parameter)] for parameter in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over options and state that `state_dict()` gave, copied to each parameter's type
        and device. Raises `ValueError` where the groups differ in number or length.
        """
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
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, buffers in state_dict["state"].items():
            parameter = by_index.get(key, key)
            state[parameter] = {name: _adopted(name, value, parameter) for name, value in buffers.items()}
        self.state, self.param_groups = state, saved

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"][i == 0 :]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The same rows of all `arrays` (of one shape), as many at a time as fill a block.

    Arrays of a GPU stay whole: there one large kernel is the fastest.
    """
    first = arrays[0]
    if first.size <= BLOCK or type(first) is not np.ndarray:
        yield arrays
        return
    rows = max(1, BLOCK * len(first) // first.size)
    for start in range(0, len(first), rows):
        yield tuple([array[start : start + rows] for array in arrays])


def directed(g: Array, p: Array, group: dict[str, Any]) -> Array:
    """The gradient to descend along: flipped for `maximize`, with `weight_decay * p` added."""
    if group["maximize"]:
        g = -g
    decay = float(group["weight_decay"])
    return g + decay * p if decay else g


def options_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """The options among the `locals()` of an optimizer's `__init__`, as numbers.

    A Tensor is kept as learning rate: who holds it may write to it. Raises `ValueError` for a
    negative option, and for a Tensor with several elements.
    """
    options = {k: v for k, v in arguments.items() if k not in ("self", "params", "__class__")}
    for name in NOT_NEGATIVE & options.keys():
        value = options[name]
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element, got shape {tuple(value.shape)}")
        require_number("an optimizer", name, value)
        if not value >= 0:
            what = {"lr": "learning rate", "eps": "epsilon value"}.get(name, f"{name} value")
            raise ValueError(f"Invalid {what}: {value}; it must not be negative")
        if isinstance(value, Tensor) and name != "lr":
            options[name] = value.item()
    return options


def _step_dtype() -> Any:
    """PyTorch counts steps in floats: float64 where that is the default type, else float32."""
    return np.float64 if dtypes.get_default_dtype() is dtypes.float64 else np.float32


def _adopted(name: str, value: Any, parameter: Any) -> Any:
    """A copy of one buffer: as the parameter's type on its device, but steps stay as they are."""
    if name == "step" and not isinstance(value, Tensor):
        return wrap(np.asarray(value, _step_dtype()))
    if not isinstance(value, Tensor) or not isinstance(parameter, Tensor):
        return deepcopy(value)
    value = value.detach().clone()
    if name == "step" or not parameter.dtype.is_floating_point:
        return value
    return value.to(parameter.device, parameter.dtype)
