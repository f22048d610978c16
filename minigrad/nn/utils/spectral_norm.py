"""Spectral normalization by a hook: a weight divided by its largest singular value.

The singular value is estimated by power iteration, one step at every forward in training.
Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, algorithm 1.
"""

from __future__ import annotations

from typing import Any, TypeVar

from minigrad.autograd.modes import no_grad
from minigrad.creation import randn
from minigrad.nn.functional.normalization import normalize
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.utils.weight_norm import remove_hook, require_no_hook
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """`weight` with `dim` first and all other axes joined."""
    if dim:
        weight = weight.permute(dim, *[d for d in range(weight.ndim) if d != dim])
    return weight.reshape(weight.shape[0], -1)


def iterate(matrix: Tensor, u: Tensor, v: Tensor, rounds: int, eps: float) -> None:
    """`rounds` steps of power iteration: updates `u` and `v` in place towards the first singular vectors."""
    with no_grad():
        for _ in range(rounds):
            v.copy_(normalize(matrix.t().mv(u), dim=0, eps=eps))
            u.copy_(normalize(matrix.mv(v), dim=0, eps=eps))


def draw_direction(length: int, like: Tensor, eps: float) -> Any:
    """A random vector of length 1."""
    return normalize(randn(length, dtype=like.dtype, device=like.device), dim=0, eps=eps)


def check_rounds(n_power_iterations: int) -> int:
    """The number of rounds. Raises ValueError for less than one."""
    if n_power_iterations <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
    return n_power_iterations


class SpectralNorm:
    """The hook that makes ``weight = weight_orig / sigma``, with ``sigma = u @ W @ v``, before every forward."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, check_rounds(n_power_iterations), dim, eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Any:
        """The weight of `module` divided by its largest singular value, after power iteration if asked for."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            iterate(matrix.detach(), u, v, self.n_power_iterations, self.eps)
            u, v = u.clone(), v.clone()  # copies: the next forward may come before backward of this one
        return weight / u.dot(matrix.mv(v))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def remove(self, module: Module) -> None:
        """Makes the weight an ordinary parameter again."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for name in (self.name, *(f"{self.name}_{part}" for part in ("u", "v", "orig"))):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.detach()))


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divides a weight by its largest singular value before every forward; returns the module.

    The trained parameter is `name_orig`; the buffers `name_u` and `name_v` are its first singular vectors, updated by
    `n_power_iterations` at every forward in training. `dim` is the axis of the outputs: 1 for transposed
    convolutions, 0 for others. Raises ValueError for fewer than one iteration, RuntimeError for a weight that is
    normalized already. Newer programs use `nn.utils.parametrizations.spectral_norm`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.spectral_norm.html

    >>> import minigrad as torch
    >>> layer = torch.nn.utils.spectral_norm(torch.nn.Linear(4, 3))
    >>> sorted(layer.state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    require_no_hook(module, SpectralNorm, name, "spectral_norm")
    hook = SpectralNorm(name, n_power_iterations, outputs_axis(module) if dim is None else dim, eps)
    weight = getattr(module, name)
    rows, columns = as_matrix(weight.detach(), hook.dim).shape
    u, v = draw_direction(rows, weight, eps), draw_direction(columns, weight, eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def outputs_axis(module: Module) -> int:
    """The axis of a weight that counts outputs: the second in a transposed convolution."""
    return int(getattr(module, "transposed", False))


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Removes `spectral_norm` from a weight. Raises ValueError if it has none.

    >>> import minigrad as torch
    >>> layer = torch.nn.utils.spectral_norm(torch.nn.Linear(4, 3))
    >>> sorted(torch.nn.utils.remove_spectral_norm(layer).state_dict())
    ['bias', 'weight']
    """
    return remove_hook(module, SpectralNorm, name, "spectral_norm")
