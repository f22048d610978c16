"""Weight normalization by a hook: the length and the direction of a weight are trained as two parameters.

Source: Salimans and Kingma, "Weight Normalization", 2016, equation 2.
"""

from __future__ import annotations

from typing import Any, TypeVar

from minigrad.advice import warn
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.arguments import axis, require_tensor
from minigrad.ops.rearranging import reshape_along
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)


def norm_except(v: Tensor, dim: int | None) -> Tensor:
    """The norms of the slices of `v` along `dim`, shaped to broadcast; with None the norm of the whole."""
    require_tensor("norm_except_dim", "v", 1, v)
    if dim is None or dim == -1:
        return v.norm()
    dim = axis(dim, v.ndim)
    lengths: Tensor = v.transpose(0, dim).reshape(v.shape[dim], -1).norm(dim=1)  # (..., n, ...) -> (n, m) -> (n,)
    return reshape_along(lengths, dim, v.ndim)


class WeightNorm:
    """The hook that makes ``weight = g * v / ||v||`` before every forward."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """The weight of `module` from its length and its direction."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except(v, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))

    def remove(self, module: Module) -> None:
        """Makes the weight an ordinary parameter again."""
        weight = self.compute_weight(module)
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.data))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Trains the lengths `name_g` and the directions `name_v` of a weight: ``weight = g * v / ||v||``.

    There is one length for each slice along `dim`, or a single one with None; returns the module. Raises RuntimeError
    for a weight that is normalized already. A FutureWarning names the newer `nn.utils.parametrizations.weight_norm`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html

    >>> import warnings, minigrad as torch
    >>> warnings.simplefilter("ignore")
    >>> layer = torch.nn.utils.weight_norm(torch.nn.Linear(4, 3))
    >>> layer.weight_g.shape, layer.weight_v.shape
    (minigrad.Size([3, 1]), minigrad.Size([3, 4]))
    """
    warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
    )
    require_no_hook(module, WeightNorm, name, "weight_norm")
    hook, weight = WeightNorm(name, dim), getattr(module, name)
    lengths = norm_except(weight, hook.dim)  # which may raise, before the module is changed
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(lengths.data))
    module.register_parameter(f"{name}_v", Parameter(weight.data))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Removes `weight_norm` from a weight. Raises ValueError if it has none.

    >>> import warnings, minigrad as torch
    >>> warnings.simplefilter("ignore")
    >>> layer = torch.nn.utils.weight_norm(torch.nn.Linear(4, 3))
    >>> sorted(torch.nn.utils.remove_weight_norm(layer).state_dict())
    ['bias', 'weight']
    """
    return remove_hook(module, WeightNorm, name, "weight_norm")


def _find_hook(module: Module, kind: type[Any], name: str) -> int | None:
    """The number of the hook of this `kind` that computes the parameter `name`."""
    hooks = module._forward_pre_hooks.items()
    return next((number for number, hook in hooks if isinstance(hook, kind) and hook.name == name), None)


def require_no_hook(module: Module, kind: type[Any], name: str, title: str) -> None:
    """Raises RuntimeError if a hook of this `kind` computes the parameter `name` already."""
    if _find_hook(module, kind, name) is not None:
        raise RuntimeError(f"Cannot register two {title} hooks on the same parameter {name}")


def remove_hook(module: M, kind: type[Any], name: str, title: str) -> M:
    """Removes the hook of this `kind` that computes the parameter `name`. Raises ValueError if there is none."""
    number = _find_hook(module, kind, name)
    if number is None:
        raise ValueError(f"{title} of '{name}' not found in {module}")
    module._forward_pre_hooks[number].remove(module)
    module._hooks_by_place.remove("forward_pre", number)  # type: ignore[union-attr]
    return module
