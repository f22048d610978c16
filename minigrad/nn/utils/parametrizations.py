"""Ready-made parametrizations: `weight_norm`, `spectral_norm` and `orthogonal`."""

from __future__ import annotations

from typing import Any, TypeVar

from minigrad.missing import explain_missing
from minigrad.nn.module import Module
from minigrad.nn.utils.orthogonal import orthogonal
from minigrad.nn.utils.parametrize import register_parametrization, tensor_of
from minigrad.nn.utils.spectral_norm import as_matrix, check_rounds, draw_direction, iterate, outputs_axis
from minigrad.nn.utils.weight_norm import norm_except
from minigrad.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Any:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Trains the length and the direction of a weight: ``weight = g * v / ||v||``; returns the module.

    There is one length for each slice along `dim`, or a single one with None. A state of the older
    `nn.utils.weight_norm` can be loaded. Source: Salimans and Kingma, 2016.

    >>> import minigrad as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(4, 3))
    >>> layer.parametrizations.weight.original0.shape
    minigrad.Size([3, 1])
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        """Gives the lengths and directions of an older state the names that they have here."""
        older = [f"{prefix}{name}_{part}" for part in "gv"]
        if all(key in state_dict for key in older):
            for i, key in enumerate(older):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim, eps, check_rounds(n_power_iterations)
        if weight.ndim > 1:  # a vector has one singular value, its norm
            matrix = as_matrix(weight.detach(), self.dim)
            self.register_buffer("_u", draw_direction(matrix.shape[0], weight, eps))
            self.register_buffer("_v", draw_direction(matrix.shape[1], weight, eps))
            iterate(matrix.t(), self._v, self._u, 15, eps)

    def forward(self, weight: Tensor) -> Any:
        if weight.ndim == 1:
            return weight / weight.norm().clamp(min=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix.detach().t(), self._v, self._u, self.n_power_iterations, self.eps)
        u, v = self._u.clone(), self._v.clone()  # a copy: the next read may come before backward of this one
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divides a weight by its largest singular value whenever it is read; returns the module.

    The value is estimated by power iteration: 15 steps at first, `n_power_iterations` at each read in training.
    Raises ValueError for fewer than one. Source: Miyato et al., 2018.

    >>> import minigrad as torch
    >>> layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 3))
    >>> sorted(layer.state_dict())[-2:]
    ['parametrizations.weight.0._v', 'parametrizations.weight.original']
    """
    weight = tensor_of(module, name)
    axis = outputs_axis(module) if dim is None else dim
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, axis, eps))
    return module


explain_missing("torch.nn.utils.parametrizations", globals())
