"""`torch.distributions.utils`, for distributions of one's own: parameters of one shape, probabilities, triangles.

Source: https://github.com/pytorch/pytorch/blob/main/torch/distributions/utils.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.modes import enable_grad
from minigrad.creation import tensor
from minigrad.distributions.discrete import keep_inside
from minigrad.distributions.distribution import as_parameters
from minigrad.missing import explain_missing
from minigrad.ops.unary import log, log1p
from minigrad.tensor import Tensor

__all__ = [
    "broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]  # fmt: skip


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; beside a tensor, numbers have its dtype.

    Raises ValueError for others, RuntimeError for shapes that do not broadcast.

    >>> import minigrad as torch
    >>> torch.distributions.utils.broadcast_all(torch.zeros(2), 1)
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    return as_parameters(*values)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """``softmax(logits)`` along the last axis; with `is_binary` the sigmoid of each.

    >>> import minigrad as torch
    >>> torch.distributions.utils.logits_to_probs(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities away from 0 and 1 by the dtype's `eps`, so that their logarithms are finite.

    >>> import minigrad as torch
    >>> torch.distributions.utils.clamp_probs(torch.tensor([0.0, 0.5]))
    tensor([1.1921e-07, 5.0000e-01])
    """
    return keep_inside(probs)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """``log(p)``; with `is_binary` ``log(p) - log(1 - p)``, for p away from 0 and 1 by the dtype's `eps`.

    >>> import minigrad as torch
    >>> torch.distributions.utils.probs_to_logits(torch.tensor([0.5, 0.2]), is_binary=True)
    tensor([ 0.0000, -1.3863])
    """
    inside = keep_inside(probs)
    return log(inside) - log1p(-inside) if is_binary else log(inside)


class lazy_property(property):
    """A property that is computed when first asked for, with gradients, and then kept as an attribute.

    >>> from minigrad.distributions.utils import lazy_property
    >>> class Coin:
    ...     probs = lazy_property(lambda self: print("computed") or 0.5)
    >>> coin = Coin()
    >>> coin.probs, coin.probs
    computed
    (0.5, 0.5)
    """

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        super().__init__(wrapped)
        self.wrapped, self.name = wrapped, wrapped.__name__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        if self.name not in vars(instance):
            with enable_grad():
                vars(instance)[self.name] = self.wrapped(instance)
        return vars(instance)[self.name]

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self.name] = value


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements on and below the diagonal `diag`, row by row: (..., n, n) -> (..., elements).

    >>> import minigrad as torch
    >>> torch.distributions.utils.tril_matrix_to_vec(torch.tensor([[1, 0], [2, 3]]))
    tensor([1, 2, 3])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _triangle(n, diag, mat)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The matrices with these elements on and below the diagonal `diag`, and zeros: (..., elements) -> (..., n, n).

    >>> import minigrad as torch
    >>> torch.distributions.utils.vec_to_tril_matrix(torch.tensor([1.0, 2.0, 3.0]))
    tensor([[1., 0.],
            [2., 3.]])
    """
    count, middle = vec.shape[-1], 1 + 2 * diag
    n = round((-middle + (middle**2 + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2)
    places = _triangle(n, diag, vec)
    if int(places.sum()) != count:
        which = "which cannot be expressed as the lower triangular part of a square D x D matrix"
        raise ValueError(f"The size of last dimension is {count} {which}.")
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    mat[..., places] = vec
    return mat


def _triangle(n: int, diag: int, beside: Tensor) -> Tensor:
    return tensor(np.tri(n, n, diag, dtype=np.bool_), device=beside.device)


explain_missing("torch.distributions.utils", globals())
