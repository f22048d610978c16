"""All parameters of a network as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.ops.arguments import read_tensors
from minigrad.ops.join import cat
from minigrad.tensor import Tensor


def _read(name: str, parameters: Any) -> list[Tensor]:
    """The tensors of a list or of `net.parameters()`. Raises TypeError for anything else, such as the net itself."""
    given = list(parameters) if isinstance(parameters, Iterable) else parameters
    return read_tensors(name, (given,))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened and concatenated into one vector; differentiable.

    >>> import minigrad as torch
    >>> torch.nn.utils.parameters_to_vector([torch.ones(1, 2), torch.zeros(1)])
    tensor([1., 1., 0.])
    """
    return cat([p.reshape(-1) for p in _read("parameters_to_vector", parameters)])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Lets each parameter, in their order, hold the next elements of `vec`: its memory and its dtype.

    Raises TypeError unless `vec` is a tensor, RuntimeError if it is too short.

    >>> import minigrad as torch
    >>> w = torch.zeros(1, 2)
    >>> torch.nn.utils.vector_to_parameters(torch.tensor([1.0, 2.0]), [w])
    >>> w
    tensor([[1., 2.]])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for p in _read("vector_to_parameters", parameters):
        part = vec[start : start + p.numel()]
        if part.numel() != p.numel():
            raise RuntimeError(f"the vector of {vec.numel()} numbers is too short for these parameters")
        p.data = part.view_as(p).data
        start += p.numel()
