"""The arguments of an optimizer: options and groups of parameters. `checks.py` checks options that are not numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from minigrad.advice import warn
from minigrad.tensor import Tensor

Rate: TypeAlias = float | Tensor
Group: TypeAlias = dict[str, Any]
Params: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Group]

_FLAGS = {
    "amsgrad", "capturable", "centered", "decoupled_weight_decay", "differentiable", "foreach", "fused", "maximize",
    "nesterov",
}  # fmt: skip
_PAIRS = {"betas", "etas", "step_sizes"}
_PLAIN = {bool, int, float, tuple, type(None)}  # types of options that need no conversion


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
        is_plain = type(value) in (int, float) and value >= 0 and name not in _PAIRS
        if not is_plain and name not in _FLAGS:
            from minigrad.optim.checks import read_option

            options[name] = read_option(arguments, name, name in may_be_negative)
    if options.get("differentiable") or options.get("fused"):
        from minigrad.optim.checks import check_flags

        check_flags(**options)
    return options


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


class _Required:
    """The default in older custom optimizers for an option that every group must give: ``lr=required``."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def complete_group(group: Group, defaults: Group, others: list[Group], taken: set[int]) -> None:
    """Checks a new group beside the `others`, and sets the options that it leaves out. `taken`: ids of all parameters.

    Raises for what is no dict or no parameter, for parameters of another group, and for a missing required option.
    """
    if not isinstance(group, dict):
        raise TypeError(f'param_group must be a dict, but got {type(group)}; write {{"params": tensors}}')
    params = _read_parameters(group)
    own = set(map(id, params))
    if others and ("param_names" in group) is not ("param_names" in others[0]):
        from minigrad.optim.checks import mixed_names

        raise mixed_names("param_names" in group)
    if not taken.isdisjoint(own):
        raise ValueError("some parameters appear in more than one parameter group")
    if len(own) < len(params):
        warn(
            "optimizer contains a parameter group with duplicate parameters: each would be "
            "updated more than once in a step"
        )
    for name, value in defaults.items():
        if group.setdefault(name, value) is required:
            raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
    group["params"] = params
    taken |= own


def _read_parameters(group: Group) -> list[Tensor]:
    """The parameters of `group`, after checks; their names are stored in its "param_names".

    Raises `TypeError` for a set and for what is no tensor, `ValueError` for a tensor that is no
    leaf, and where some have names and some have none.
    """
    if "params" not in group:
        raise KeyError(f"params: a group is a dict with its tensors under 'params', got keys {[*group]}")
    params = group["params"]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the "
            "ordering of tensors in sets will change between runs. Please use a list instead."
        )
    params = [params] if isinstance(params, Tensor) else list(params)
    if any(isinstance(p, tuple) for p in params):
        from minigrad.optim.checks import take_names

        params = take_names(group, params)
    for p in params:
        if not isinstance(p, Tensor):
            from minigrad.optim.checks import not_a_parameter

            raise not_a_parameter(p)
        if not (p.is_leaf or p.retains_grad):
            maker: Any = p.grad_fn
            raise ValueError(
                f"can't optimize a non-leaf Tensor: one of shape {tuple(p.shape)} was computed ({maker.name()}). "
                "Pass the tensor it was computed from, or start afresh with tensor.detach().requires_grad_()"
            )
    return params


def read_options(group: Group, names: Iterable[str]) -> Group:
    """The options of a group with these names, as plain numbers.

    Raises `KeyError` for a missing option, `TypeError` for a number given as text, such as from a settings file.
    """
    try:
        return {name: x if type(x := group[name]) in _PLAIN else _as_plain(name, x, group) for name in names}
    except KeyError as missing:
        raise KeyError(
            f"a parameter group has no option {missing}: was its state_dict taken from another kind of optimizer?"
        ) from None


def _as_plain(name: str, option: Any, group: Group) -> Any:
    from minigrad.optim.checks import as_plain

    return as_plain(name, option, bool(group.get("capturable")))
