"""Reads unusual arguments of an optimizer, or refuses them: groups of parameters, options that are no plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minigrad.advice import warn
from minigrad.autograd.modes import enable_grad
from minigrad.dtypes import as_python
from minigrad.ops.arguments import require_number
from minigrad.ops.complaints import how_to_give_a_tensor, type_name
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor

_PLAIN = {bool, int, float, tuple, type(None)}  # types of options that need no conversion
_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def read_option(arguments: dict[str, Any], name: str) -> Any:
    """The option of this name among the `locals()` of a constructor: a number, a pair, or as it is, as annotated."""
    check = _CHECKS.get(arguments["__class__"].__init__.__annotations__[name])
    value = arguments[name]
    return value if check is None else check(type(arguments["self"]).__name__, name, value)


def _read_not_negative(optimizer: str, name: str, value: Any) -> Any:
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(f"Tensor {name} must be 1-element, got shape {tuple(value.shape)}")
    number = _read_number(optimizer, name, value)
    if not number >= 0:
        raise ValueError(f"Invalid {_WORDS.get(name, f'{name} value')}: {value}; it must be a number of at least 0")
    return number


def _read_rate(optimizer: str, name: str, value: Any) -> Any:
    """A learning rate, which may stay a tensor, so that steps that were captured read what it holds now."""
    _read_not_negative(optimizer, name, value)
    return value


def _read_number(optimizer: str, name: str, value: Any) -> Any:
    require_number(optimizer, name, value)
    return value.item() if isinstance(value, Tensor) else value


def read_pair(optimizer: str, name: str, values: Any, may_hold_none: bool = False) -> tuple[Any, Any]:
    """A pair of numbers, or with `may_hold_none` also of None. Raises TypeError for anything else."""
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        detail = f"argument '{name}' must be a pair of numbers, not {show_value(values)}"
        raise TypeError(f"{optimizer}(): {detail}")
    first, second = [
        None if value is None and may_hold_none else _read_number(optimizer, f"{name}[{i}]", value)
        for i, value in enumerate(values)
    ]
    return first, second


def check_flags(fused: Any = None, foreach: Any = None, differentiable: Any = False, **_: Any) -> None:
    """Raises for flags that exclude each other, and for `differentiable`, which is not offered."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        hint = "Write it with tensors, w = w - lr * g, with g from autograd.grad(..., create_graph=True)"
        raise NotImplementedError(f"differentiable=True is not offered: a step works on plain arrays. {hint}")


def _read_betas(optimizer: str, name: str, betas: Any) -> tuple[float, float]:
    pair = read_pair(optimizer, name, betas)
    for i, beta in enumerate(pair):
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}; it must lie in [0, 1)")
    return float(pair[0]), float(pair[1])


_CHECKS: dict[str, Callable[[str, str, Any], Any]] = {  # by the annotation of an option
    "int": _read_number,
    "float": _read_number,
    "NotNegative": _read_not_negative,
    "Rate": _read_rate,
    "Betas": _read_betas,
    "tuple[float, float]": read_pair,
}


def read_options(group: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The options of a group that have these `defaults`, as plain numbers.

    Raises KeyError for a missing option, TypeError for a number given as text.
    """
    try:
        return {name: _as_plain(name, group[name], default, group) for name, default in defaults.items()}
    except KeyError as missing:
        detail = "was its state_dict taken from another kind of optimizer?"
        raise KeyError(f"a parameter group has no option {missing}: {detail}") from None


def _as_plain(name: str, option: Any, default: Any, group: dict[str, Any]) -> Any:
    """An option of a group as a number; a rate on a GPU stays there, as an array, if steps are captured."""
    if type(option) in _PLAIN:
        return option
    if isinstance(option, str) and not isinstance(default, (str, type(None))):
        raise TypeError(f"{name} of a parameter group must be a number, got {option!r}; write float({option!r})")
    if isinstance(option, Tensor):
        return option.array if group.get("capturable") and option.is_cuda else option.item()
    return as_python(option)  # a NumPy float64 would widen the parameter


# ---- the closure of a step ---------------------------------------------------------------------------
def require_closure(closure: Any) -> None:
    """Raises TypeError unless the argument of `step` is a function."""
    if not callable(closure):
        hint = "; call loss.backward() first, then step()" if isinstance(closure, Tensor) else ""
        raise TypeError(f"step() takes a function that computes the loss, or nothing, not {show_value(closure)}{hint}")


def call_closure(closure: Callable[[], Any]) -> Any:
    """What the closure of a step returns; gradients are recorded in it."""
    require_closure(closure)
    with enable_grad():
        return closure()


# ---- groups of parameters -----------------------------------------------------------------------------
def no_parameters(params: Any) -> Exception:
    """The error for parameters that are no list, or an empty one."""
    if isinstance(params, Iterable) and not isinstance(params, Tensor):
        return ValueError(
            "optimizer got an empty parameter list: the model has no parameters (layers in a "
            "plain list? use nn.ModuleList), or model.parameters() was already used up"
        )
    got = f"{type(params).__name__}; write net.parameters(), with the brackets"
    if isinstance(params, Tensor):
        got = f"one Tensor of shape {tuple(params.shape)}; put it into a list: [tensor]"
    return TypeError(f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {got}")


def read_parameters(group: Any, others: list[dict[str, Any]], held: set[int]) -> list[Tensor]:
    """The parameters of a new group beside the `others`; their names are stored in its "param_names".

    Raises TypeError for what is no dict, for a set and for what is no tensor, KeyError for a dict without parameters,
    ValueError for a tensor that is no leaf or is `held` by another group, and where some have names and some have none.
    """
    if not isinstance(group, dict):
        raise TypeError(f'param_group must be a dict, but got {type(group)}; write {{"params": tensors}}')
    if "params" not in group:
        raise KeyError(f"params: a group is a dict with its tensors under 'params', got keys {[*group]}")
    params = group["params"]
    if isinstance(params, set):
        got = "but the ordering of tensors in sets will change between runs. Please use a list instead."
        raise TypeError(f"optimizer parameters need to be organized in ordered collections, {got}")
    if not isinstance(params, Iterable):
        raise no_parameters(params)
    params = [params] if isinstance(params, Tensor) else list(params)
    if any(isinstance(p, tuple) for p in params):
        params = _take_names(group, params)
    for p in params:
        _check_parameter(p)
    own, named = set(map(id, params)), "param_names" in group
    if others and named is not ("param_names" in others[0]):
        detail = f"cannot add param group {'with' if named else 'without'} names to the optimizer"
        raise ValueError(f"all optimizer param groups should be with/without names. {detail}")
    if not held.isdisjoint(own):
        raise ValueError("some parameters appear in more than one parameter group")
    if len(own) < len(params):
        detail = "each would be updated more than once in a step"
        warn(f"optimizer contains a parameter group with duplicate parameters: {detail}")
    return params


def _take_names(group: dict[str, Any], params: list[Any]) -> list[Any]:
    """The parameters of pairs (name, parameter); the names are stored in the group."""
    if not all(isinstance(p, tuple) for p in params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    group["param_names"] = [name for name, _ in params]
    return [parameter for _, parameter in params]


def _check_parameter(given: Any) -> None:
    """Raises TypeError for something else than a tensor among the parameters, ValueError for one that is no leaf."""
    if isinstance(given, Tensor):
        if not (given.is_leaf or given.retains_grad):
            maker: Any = given.grad_fn
            raise ValueError(
                f"can't optimize a non-leaf Tensor: one of shape {tuple(given.shape)} was computed ({maker.name()}). "
                "Pass the tensor it was computed from, or start afresh with tensor.detach().requires_grad_()"
            )
        return
    cure = how_to_give_a_tensor(given)
    if isinstance(given, str):
        cure = "write net.parameters(), not its names or state_dict()"
    elif hasattr(given, "parameters"):
        cure = "write net.parameters(), without a list around it"
    raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type_name(given)}; {cure}")
