"""`state_dict` and `load_state_dict` of an optimizer: its options and its state, with parameters numbered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.optim.state import step_dtype
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Group, Optimizer, State


def save(optimizer: Optimizer) -> dict[str, Any]:
    """The state and the groups, with each parameter replaced by its index among all parameters."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    index = {id(parameter): i for i, parameter in enumerate(dict.fromkeys(parameters))}
    groups = []
    for group in optimizer.param_groups:
        options = {key: value for key, value in group.items() if key != "params"}
        groups.append({**options, "params": [index[id(parameter)] for parameter in group["params"]]})
    return {"state": {index.get(id(key), key): value for key, value in optimizer.state.items()}, "param_groups": groups}


def as_dict(state_dict: object) -> dict[str, Any]:
    """A shallow copy of a state. Raises TypeError unless it is a mapping."""
    if isinstance(state_dict, Mapping):
        return dict(state_dict)
    hint = "give it what state_dict() of such an optimizer gave"
    raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict).__name__}; {hint}")


def load(optimizer: Optimizer, state_dict: dict[str, Any]) -> None:
    """Restores groups and state, converted to each parameter's dtype and device."""
    if "param_groups" not in state_dict:
        raise KeyError(f"param_groups: load_state_dict() takes what state_dict() returned, got keys {[*state_dict]}")
    groups = deepcopy(state_dict["param_groups"])
    by_index = _match_groups(groups, optimizer.param_groups)
    for group, held in zip(groups, optimizer.param_groups, strict=True):
        group.update({key: held[key] for key in ("params", "param_names") if key in held})
        for key, value in optimizer.defaults.items():
            if value is None or isinstance(value, bool):
                group.setdefault(key, value)  # an option that is newer than the file
    state: defaultdict[Any, State] = defaultdict(dict)
    for key, values in state_dict["state"].items():
        parameter = by_index.get(key, key)  # another key is that of an optimizer's own entry
        state[parameter] = _adopt(values, parameter)
        if key in by_index and optimizer.rule is not None:  # an optimizer with its own `step` counts differently
            _count_in_tensors(state[parameter], optimizer.counters)
    optimizer.state, optimizer.param_groups = state, groups


def _match_groups(saved: list[Group], own: list[Group]) -> dict[Any, Any]:
    """The optimizer's parameters by their index in the file; raises if groups differ in number or length."""
    if len(saved) != len(own):
        detail = f"{len(saved)}, and the optimizer has {len(own)}"
        raise ValueError(f"loaded state dict has a different number of parameter groups: {detail}")
    by_index: dict[Any, Any] = {}
    for i, (group, held) in enumerate(zip(saved, own, strict=True)):
        if len(group["params"]) != len(held["params"]):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                f"group {i} has {len(group['params'])} parameters, expected {len(held['params'])}"
            )
        by_index.update(zip(group["params"], held["params"], strict=True))
    return by_index


def _count_in_tensors(state: State, counters: Iterable[str]) -> None:
    """Converts counters that older files store as numbers into tensors."""
    for name in state.keys() & counters:
        if not isinstance(state[name], Tensor):
            state[name] = wrap(np.asarray(state[name], step_dtype()))


def _adopt(value: Any, parameter: Any, name: Any = None) -> Any:
    """A copy of what a state holds under `name`: tensors get the dtype and the device of the parameter, "step" not."""
    if isinstance(value, dict):
        return {key: _adopt(entry, parameter, key) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)([_adopt(entry, parameter, name) for entry in value])
    if not isinstance(value, Tensor) or not isinstance(parameter, Tensor):
        return deepcopy(value)
    value = value.detach().clone()
    if name == "step" or not parameter.dtype.is_floating_point:
        return value
    return value.to(parameter.device, parameter.dtype)
