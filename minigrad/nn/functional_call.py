"""`functional_call`: runs a module with other tensors in place of its parameters and buffers.

Source: https://docs.pytorch.org/docs/stable/generated/torch.func.functional_call.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from minigrad.autograd.trees import as_tuple
from minigrad.nn.module import Module
from minigrad.ops.join import stack
from minigrad.tensor import Tensor


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """``module(*args, **kwargs)``, with parameters and buffers replaced by the tensors of one or more dicts.

    None stands for a tensor that is left out, such as a bias. Parameters that share a tensor in the module are replaced
    together, unless `tie_weights` is False. What the module assigns to their names during the call is stored in the
    dict, if it is one dict. Raises ValueError if a name, or a shared tensor, is given twice, TypeError for what is
    neither a tensor nor None; with `strict`, RuntimeError for missing and unexpected names.

    >>> import minigrad as torch
    >>> net = torch.nn.Linear(2, 1)
    >>> given = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
    >>> torch.func.functional_call(net, given, torch.tensor([3.0, 4.0]))
    tensor([7.])
    """
    given = _merge(parameter_and_buffer_dicts)
    own = dict(chain(module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False)))
    if tie_weights:
        given = _tie(own, given)
    if strict:
        _check_names(type(module).__name__, own, given)
    arguments = () if args is None else as_tuple(args)
    try:
        with _lend_tensors(module, given):
            return module(*arguments, **(kwargs or {}))
    finally:
        if isinstance(parameter_and_buffer_dicts, Mapping):
            for name, tensor in [*parameter_and_buffer_dicts.items()]:
                if given[name] is not tensor:
                    parameter_and_buffer_dicts[name] = given[name]  # type: ignore[index]


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Takes their running statistics away from all batch norm layers of `root`, which is changed and returned.

    They then use the statistics of the batch in evaluation too, and a transform of `func` meets no writes.

    >>> import minigrad as torch
    >>> net = torch.func.replace_all_batch_norm_modules_(torch.nn.Sequential(torch.nn.BatchNorm1d(3)))
    >>> print(net[0].running_mean, net[0].track_running_stats)
    None False
    """
    from minigrad.nn.normalization import BatchNorm  # only those who ask for it need the layers

    for module in root.modules():
        if isinstance(module, BatchNorm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several modules of one class, each stacked along a new first axis.

    >>> import minigrad as torch
    >>> parameters, buffers = torch.func.stack_module_state([torch.nn.Linear(3, 2) for _ in range(5)])
    >>> parameters["weight"].shape
    minigrad.Size([5, 2, 3])
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if classes := {type(model).__name__ for model in models if type(model) is not type(models[0])}:
        got = ", ".join(sorted({type(models[0]).__name__, *classes}))
        raise RuntimeError(f"stack_module_state: Expected all models to be of the same class, got {got}.")
    parameters = _stack([dict(model.named_parameters()) for model in models])
    return parameters, _stack([dict(model.named_buffers()) for model in models])


def _stack(states: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """Stacked tensors by name; leaves that require a gradient if the modules' tensors do."""
    result = {}
    for name, first in states[0].items():
        if len({state[name].requires_grad for state in states}) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        stacked = stack([state[name].detach() for state in states])
        result[name] = stacked.requires_grad_() if first.requires_grad else stacked
    return result


def _merge(dicts: Any) -> dict[str, Any]:
    """Merges one or several dicts of tensors into one."""
    several = [dicts] if isinstance(dicts, Mapping) else dicts
    if not isinstance(several, (list, tuple)):
        got = type(dicts).__name__
        raise ValueError(f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {got}")
    merged: dict[str, Any] = {}
    for part in several:
        if not isinstance(part, Mapping):
            got = type(part).__name__
            raise ValueError(f"Expected all elements of parameter_and_buffer_dicts to be dictionaries, got {got}")
        if twice := sorted(merged.keys() & part.keys()):
            raise ValueError(f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        merged |= part
    for name, tensor in merged.items():
        if not (tensor is None or isinstance(tensor, Tensor)):
            raise TypeError(f"functional_call: '{name}' must be a Tensor or None, got {type(tensor).__name__}")
    return merged


def _check_names(cls: str, own: dict[str, Any], given: dict[str, Any]) -> None:
    missing, unexpected = sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys())
    if missing or unexpected:
        parts = [
            f"\n\t{kind} key(s): {', '.join(map(repr, names))}."
            for kind, names in (("Unexpected", unexpected), ("Missing", missing))
            if names
        ]
        raise RuntimeError(f"Error(s) in reparametrizing for {cls}:{''.join(parts)}")


def _tie(own: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """`given`, extended by all other names of the shared tensors that it names."""
    names: dict[int, list[str]] = {}
    for name, tensor in own.items():
        names.setdefault(id(tensor), []).append(name)
    tied = dict(given)
    for group in names.values():
        values = {id(given[name]): given[name] for name in group if name in given}
        if len(values) > 1:
            keys = sorted(name for name in group if name in given)
            detail = "Consider using tie_weights=False"
            raise ValueError(f"functional_call got multiple values for keys {keys}, which are tied. {detail}")
        for value in values.values():
            tied |= dict.fromkeys(group, value)
    return tied


@contextmanager
def _lend_tensors(module: Module, given: dict[str, Any]) -> Iterator[None]:
    """A context in which the tensors `given` replace attributes of the module and its submodules.

    At the end `given` holds what the attributes were then.
    """
    before: list[tuple[str, dict[str, Any], str, Any]] = []
    try:
        for path, tensor in given.items():
            owner, _, name = path.rpartition(".")
            attributes = vars(module.get_submodule(owner))  # bypasses the registration, so the names stay parameters
            value = attributes.get(name, _ABSENT)
            if not (value is None or value is _ABSENT or isinstance(value, Tensor)):
                raise TypeError(f"functional_call: '{path}' is no tensor in the module, but {value!r:.40}")
            before.append((path, attributes, name, value))
            attributes[name] = tensor
        yield
    finally:
        for path, attributes, name, value in reversed(before):
            given[path] = attributes.pop(name, given[path])
            if value is not _ABSENT:
                attributes[name] = value


_ABSENT = object()
