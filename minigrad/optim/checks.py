"""Checks of optimizer options other than plain positive numbers: tensors, pairs, flags; and the names of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.ops.arguments import how_to_give_a_tensor, require_number, type_name
from minigrad.tensor import Tensor

_NOT_NEGATIVE = {
    "alpha", "eps", "initial_accumulator_value", "lr", "lr_decay", "momentum", "momentum_decay", "rho", "weight_decay",
}  # fmt: skip
_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def read_option(arguments: dict[str, Any], name: str, may_be_negative: bool) -> Any:
    """The option of this name among the `locals()` of a constructor: a number, a pair, or as it is, as annotated."""
    optimizer, value = type(arguments["self"]).__name__, arguments[name]
    if name in _CHECKS and not may_be_negative:
        return _CHECKS[name](optimizer, name, value)
    if arguments["__class__"].__init__.__annotations__[name] in ("int", "float"):
        return _read_number(optimizer, name, value)
    return value


def not_a_parameter(given: Any) -> TypeError:
    """The error for something else than a tensor among the parameters."""
    cure = how_to_give_a_tensor(given)
    if isinstance(given, str):
        cure = "write net.parameters(), not its names or state_dict()"
    elif hasattr(given, "parameters"):
        cure = "write net.parameters(), without a list around it"
    return TypeError(f"optimizer can only optimize Tensors, but one of the params is {type_name(given)}; {cure}")


def _read_not_negative(optimizer: str, name: str, value: Any) -> Any:
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(f"Tensor {name} must be 1-element, got shape {tuple(value.shape)}")
    number = _read_number(optimizer, name, value)
    if not number >= 0:
        raise ValueError(f"Invalid {_WORDS.get(name, f'{name} value')}: {value}; it must be a number of at least 0")
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


def check_flags(fused: Any = None, foreach: Any = None, differentiable: Any = False, **_: Any) -> None:
    """Raises for flags that exclude each other, and for `differentiable`, which is not offered."""
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
    "etas": read_pair,
    "step_sizes": read_pair,
    "betas": _read_betas,
}


def as_plain(name: str, option: Any, stays: bool) -> Any:
    """An option as a number; a rate on a GPU `stays` there, as an array, if steps are captured."""
    if isinstance(option, str) and name in _NOT_NEGATIVE:
        raise TypeError(f"{name} of a parameter group must be a number, got {option!r}; write float({option!r})")
    if isinstance(option, Tensor):
        return option.array if stays and option.is_cuda else option.item()
    return option.item() if isinstance(option, np.generic) else option  # a NumPy float64 would widen the parameter


# ---- names of parameters ----------------------------------------------------------------------------
def mixed_names(named: bool) -> ValueError:
    """The error for a group that is `named` beside others that are not, or the reverse."""
    return ValueError(
        "all optimizer param groups should be with/without names. cannot add param group "
        f"{'with' if named else 'without'} names to the optimizer"
    )


def take_names(group: dict[str, Any], params: list[Any]) -> list[Tensor]:
    """The parameters of pairs (name, parameter); the names are stored in the group."""
    if not all(isinstance(p, tuple) for p in params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    group["param_names"] = [name for name, _ in params]
    return [parameter for _, parameter in params]
