"""Checks of the options that all optimizers share: ranges of numbers, and flags that are supported here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from minigrad.ops.arguments import require_number
from minigrad.tensor import Tensor

Rate: TypeAlias = float | Tensor
Betas: TypeAlias = tuple[Rate, Rate]
Group: TypeAlias = dict[str, Any]
Params: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Group]

_NOT_NEGATIVE = {
    "alpha", "eps", "initial_accumulator_value", "lr", "lr_decay", "momentum", "momentum_decay", "rho", "weight_decay",
}  # fmt: skip
_PLAIN = {bool, int, float, tuple, type(None)}  # types of options that need no conversion
_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def options_of(arguments: Group, may_be_negative: tuple[str, ...] = ()) -> Group:
    """The options among the `locals()` of an optimizer's `__init__`, as numbers, after checks.

    A learning rate that is a Tensor is kept, so that it can be changed by writing to it. `foreach` and `fused` do not
    change the result: here all parameters on a GPU are updated in one launch anyway. With `fused` or `capturable` the
    steps of a parameter on a GPU are counted on the GPU, so that a CUDA graph may capture the step.

    Raises `ValueError` for a negative option, for a NaN, for betas outside of [0, 1), and for a Tensor with several
    elements; `TypeError` for what is no number; `RuntimeError` for flags that exclude each other, and
    `NotImplementedError` for `differentiable`.
    """
    names = dict.fromkeys([*arguments["__class__"].group_order.split(), *arguments])
    options = {name: arguments[name] for name in names if name not in ("self", "params", "__class__")}
    for name, value in options.items():
        if name in _CHECKS and name not in may_be_negative:
            options[name] = _CHECKS[name](type(arguments["self"]).__name__, name, value)
    if options.get("differentiable") or options.get("fused"):
        _check_flags(**options)
    return options


def _read_not_negative(optimizer: str, name: str, value: Any) -> Any:
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(f"Tensor {name} must be 1-element, got shape {tuple(value.shape)}")
    number = _read_number(optimizer, name, value)
    if not number >= 0:
        raise ValueError(f"Invalid {_WORDS.get(name, f'{name} value')}: {value}; it must not be negative")
    return value if name == "lr" else number


def _read_number(optimizer: str, name: str, value: Any) -> Any:
    require_number(optimizer, name, value)
    return value.item() if isinstance(value, Tensor) else value


def read_pair(optimizer: str, name: str, values: Any) -> tuple[Any, Any]:
    """A pair of numbers. Raises TypeError for anything else; an `eps` may contain None."""
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise TypeError(
            f"{optimizer}(): argument '{name}' must be a pair of numbers, not {type(values).__name__} {values!r}"
        )
    first, second = [
        None if value is None and name == "eps" else _read_number(optimizer, f"{name}[{i}]", value)
        for i, value in enumerate(values)
    ]
    return first, second


def _check_flags(fused: Any = None, foreach: Any = None, differentiable: Any = False, **_: Any) -> None:
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        raise NotImplementedError(
            "differentiable=True is not offered: a step works on plain arrays. Write it with "
            "tensors, w = w - lr * g, with g from autograd.grad(..., create_graph=True)"
        )


def _read_betas(optimizer: str, name: str, betas: Any) -> tuple[float, float]:
    pair = read_pair(optimizer, name, betas)
    for i, beta in enumerate(pair):
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}; it must lie in [0, 1)")
    return float(pair[0]), float(pair[1])


_CHECKS: dict[str, Callable[[str, str, Any], Any]] = {
    **dict.fromkeys(_NOT_NEGATIVE, _read_not_negative),
    **dict.fromkeys(["dampening", "lambd", "t0"], _read_number),
    **dict.fromkeys(["etas", "step_sizes"], read_pair),
    "betas": _read_betas,
}


def list_groups(params: Any) -> list[Group]:
    """The groups of parameters that an optimizer was given.

    Raises `TypeError` unless it is a list, `ValueError` if it is empty.
    """
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        got = f"{type(params).__name__}; write net.parameters(), with the brackets"
        if isinstance(params, Tensor):
            got = f"one Tensor of shape {tuple(params.shape)}; put it into a list: [tensor]"
        raise TypeError(
            f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {got}"
        )
    given = list(params)
    if not given:
        raise ValueError(
            "optimizer got an empty parameter list: the model has no parameters (layers in a "
            "plain list? use nn.ModuleList), or model.parameters() was already used up"
        )
    return given if isinstance(given[0], dict) else [{"params": given}]


def parameters_of(group: Group) -> list[Tensor]:
    """The parameters of `group`, after checks; their names are stored in its "param_names".

    Raises `TypeError` for a set and for what is no tensor, `ValueError` for a tensor that is no
    leaf, and where some have names and some have none.
    """
    params = group["params"]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the "
            "ordering of tensors in sets will change between runs. Please use a list instead."
        )
    params = [params] if isinstance(params, Tensor) else list(params)
    if any(isinstance(p, tuple) for p in params):
        params = _take_names(group, params)
    for p in params:
        if not isinstance(p, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
        if p.grad_fn is not None and not p.retains_grad:
            raise ValueError(
                f"can't optimize a non-leaf Tensor: one of shape {tuple(p.shape)} was computed ({p.grad_fn.name()}). "
                "Pass the tensor it was computed from, or start afresh with tensor.detach().requires_grad_()"
            )
    return params


def _take_names(group: Group, params: list[Any]) -> list[Tensor]:
    """The parameters of pairs (name, parameter); the names are stored in the group."""
    if not all(isinstance(p, tuple) for p in params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    group["param_names"] = [name for name, _ in params]
    return [parameter for _, parameter in params]


def read_options(group: Group, names: Iterable[str]) -> Group:
    """The options of a group with these names, as plain numbers.

    Raises `KeyError` for a missing option, `TypeError` for a number given as text, such as from a settings file.
    """
    stays = bool(group.get("capturable"))
    try:
        return {name: x if type(x := group[name]) in _PLAIN else _as_plain(name, x, stays) for name in names}
    except KeyError as missing:
        raise KeyError(
            f"a parameter group has no option {missing}: was its state_dict taken from another kind of optimizer?"
        ) from None


def _as_plain(name: str, option: Any, stays: bool) -> Any:
    """An option as a number; a rate on a GPU `stays` there, as an array, if steps are captured."""
    if isinstance(option, str) and name in _NOT_NEGATIVE:
        raise TypeError(f"{name} of a parameter group must be a number, got {option!r}; write float({option!r})")
    if isinstance(option, Tensor):
        return option.array if stays and option.is_cuda else option.item()
    return float(option) if isinstance(option, np.generic) else option  # a NumPy float64 would widen the parameter
