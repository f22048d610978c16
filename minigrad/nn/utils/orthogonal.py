"""The orthogonal parametrization: rows or columns of a weight stay orthonormal while it is trained.

Sources: M. Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", 2019; of the maps:
A. Cayley, 1846, and A. S. Householder, 1958.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.creation import eye, randn, zeros_like
from minigrad.nn.module import Module
from minigrad.nn.utils.parametrize import register_parametrization, tensor_of
from minigrad.ops.diagonal import tril
from minigrad.ops.join import cat
from minigrad.ops.matrix_functions import matrix_exp
from minigrad.ops.reflections import householder_product
from minigrad.ops.solve import solve
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)
MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, original: Tensor) -> Any:
        wide = original.shape[-2] < original.shape[-1]
        tall = original.mT if wide else original  # (..., n, k), n >= k
        turned = self._reflect(tall) if self.orthogonal_map == "householder" else self._rotate(tall)
        if hasattr(self, "base"):
            turned = self.base @ turned
        return turned.mT if wide else turned

    def _rotate(self, tall: Tensor) -> Any:
        """The first columns of a rotation: the exponential, or the Cayley map, of a skew-symmetric matrix."""
        n, k = tall.shape[-2:]
        lower: Any = tril(tall)
        if n > k:
            lower = cat([lower, lower.new_zeros((*lower.shape[:-1], n - k))], -1)  # (..., n, k) -> (..., n, n)
        skew = lower - lower.mT
        if self.orthogonal_map == "matrix_exp":
            return matrix_exp(skew)[..., :k]
        one = eye(n, dtype=skew.dtype, device=skew.device)
        return solve(one - skew / 2, one + skew / 2)[..., :k]

    def _reflect(self, tall: Tensor) -> Any:
        """A product of Householder reflections: vectors below the diagonal, column signs in the diagonal."""
        vectors: Any = tril(tall, -1)
        product: Any = householder_product(vectors, 2 / (1 + (vectors * vectors).sum(-2)))
        return product * tall.detach().diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)

    def right_inverse(self, value: Tensor) -> Tensor:
        """The trained matrix for the orthogonal matrix nearest to `value`; with a base, the identity rotation."""
        if value.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got {value.shape}.")
        wide = value.shape[-2] < value.shape[-1]
        tall = value.mT if wide else value
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            found: Any = compute(_factorize, tall)
            return found.mT if wide else found
        n, k = tall.shape[-2:]
        if n > k:
            tall = cat([tall, randn((*tall.shape[:-2], n, n - k), dtype=tall.dtype, device=tall.device)], -1)
        self.base = tall.clone() if n == k and _is_orthogonal(tall) else compute(_orthonormalize, tall)
        # Every map gives the identity for -I: a reflection whose vector is 0 below the diagonal changes the sign of
        # one axis, which the -1 changes back; in the skew-symmetric matrix of the other maps the diagonal cancels.
        start = zeros_like(value)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1)
        return start


def _factorize(x: Any) -> Any:
    """The Householder vectors whose reflections have the product `x`, with its column signs in the diagonal."""
    matrices = x.reshape(-1, *x.shape[-2:])
    found = []
    for matrix in matrices:
        packed, tau = np.linalg.qr(matrix, mode="raw")
        packed = packed.T.copy()
        signs = np.sign(np.diagonal(packed))
        np.fill_diagonal(packed, np.where(tau == 0, -signs, signs))
        found.append(packed)
    return np.stack(found).reshape(x.shape)


def _orthonormalize(x: Any) -> Any:
    """The Q of ``x = Q R`` with a non-negative diagonal of R."""
    q, r = np.linalg.qr(x)
    return q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]


def _is_orthogonal(x: Tensor) -> bool:
    n, rounding = x.shape[-1], np.finfo(x.array.dtype).eps.item()
    gram: Any = x.mT @ x
    return bool((gram - eye(n, dtype=x.dtype, device=x.device)).abs().max() <= 10 * n * rounding)


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Keeps the columns of a weight, or the rows of a wide one, orthonormal; returns the module.

    The weight is ``base @ rotation(original)``; only the rotation is trained, and it starts at the identity.
    `orthogonal_map` is "matrix_exp" (the default for square weights), "cayley" or "householder" (the default for
    others). Without `use_trivialization` there is no base. Raises ValueError for another map, and for a weight that
    is no matrix.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.orthogonal.html

    >>> import minigrad as torch
    >>> layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 3))
    >>> torch.allclose(layer.weight.mT @ layer.weight, torch.eye(3), atol=1e-6)
    True
    """
    weight = tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(f"orthogonal_map has to be one of {', '.join(map(repr, MAPS))}. Got: {orthogonal_map}")
    register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)
    return module
