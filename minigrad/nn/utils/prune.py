"""Pruning: a mask holds elements of a parameter at zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.creation import ones_like
from minigrad.missing import explain_missing
from minigrad.nn.module import Module
from minigrad.nn.utils.pruning_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    find_pruning,
    unhook,
)
from minigrad.ops.join import cat
from minigrad.tensor import Tensor


def identity(module: Module, name: str) -> Module:
    """Gives the parameter `name` of `module` a mask of ones; returns the module.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.identity(torch.nn.Linear(2, 1), "bias").bias_mask
    tensor([1.])
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: int | float) -> Module:
    """Prunes random elements of the parameter; `amount` is a number of elements, or a float for a fraction.

    Raises TypeError or ValueError for an invalid amount, or one larger than the parameter.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.random_unstructured(torch.nn.Linear(4, 1), "weight", amount=1).weight_mask.sum()
    tensor(3.)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: int | float, importance_scores: Tensor | None = None) -> Module:
    """Prunes the elements with the smallest magnitude, or `importance_scores`. Raises as `random_unstructured`.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> layer = prune.l1_unstructured(torch.nn.Conv2d(1, 2, 2), "weight", amount=0.25)
    >>> sorted(layer.state_dict()), layer.weight_mask.sum()
    (['bias', 'weight_mask', 'weight_orig'], tensor(6.))
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: int | float, dim: int) -> Module:
    """Prunes random channels along `dim`. Raises as `ln_structured`.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.random_structured(torch.nn.Linear(2, 4), "weight", amount=0.5, dim=0).weight_mask.sum()
    tensor(4.)
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: int | float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Prunes the channels along `dim` with the smallest norm of order `n`.

    Raises ValueError for a parameter with fewer than two axes, IndexError for a `dim` out of range.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> layer = prune.ln_structured(torch.nn.Conv2d(1, 4, 3), "weight", amount=0.5, n=2, dim=0)
    >>> layer.weight_mask.sum()
    tensor(18.)
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prunes the elements where `mask`, of the parameter's shape, is zero.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.custom_from_mask(torch.nn.Linear(1, 3), "bias", torch.tensor([0, 1, 0])).bias_mask
    tensor([0., 1., 0.])
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]], pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None, **kwargs: Any,
) -> None:  # fmt: skip
    """Prunes several parameters, pairs (module, name), by one threshold for all.

    Raises TypeError unless the parameters are such pairs and the method is unstructured.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> a, b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    >>> prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=3)
    >>> a.weight_mask.sum() + b.weight_mask.sum()
    tensor(5.)
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs, scores = list(parameters), {} if importance_scores is None else importance_scores
    if not isinstance(scores, Mapping):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    values = [getattr(module, name) for module, name in pairs]
    important = [scores.get(pair, value) for pair, value in zip(pairs, values, strict=True)]
    masks = [getattr(module, f"{name}_mask", ones_like(v)) for (module, name), v in zip(pairs, values, strict=True)]
    container = PruningContainer()
    container._tensor_name = "temp"  # the name of the vector of all parameters
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    container.add_pruning_method(method)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    final = container.compute_mask(_as_vector(important), _as_vector(masks))
    start = 0
    for (module, name), value in zip(pairs, values, strict=True):
        custom_from_mask(module, name, final[start : start + value.numel()].reshape(value.shape))
        start += value.numel()


def remove(module: Module, name: str) -> Module:
    """Makes the pruned parameter an ordinary one; its pruned elements are zero, and will be trained again.

    Raises ValueError for a parameter that is not pruned.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> layer = prune.l1_unstructured(torch.nn.Linear(2, 1), "weight", amount=1)
    >>> sorted(prune.remove(layer, "weight").state_dict())
    ['bias', 'weight']
    """
    number, method = find_pruning(module, name)
    if method is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    method.remove(module)
    unhook(module, number)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of `module`, or of a module below it, is pruned.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 1))
    >>> prune.is_pruned(net), prune.is_pruned(prune.identity(net[0], "weight"))
    (False, True)
    """
    return any(
        isinstance(hook, BasePruningMethod) for part in module.modules() for hook in part._forward_pre_hooks.values()
    )


def _as_vector(tensors: list[Tensor]) -> Tensor:
    return cat([t.detach().reshape(-1) for t in tensors])


explain_missing("torch.nn.utils.prune", globals())
