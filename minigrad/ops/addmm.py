"""`addmm` and its relatives: a matrix product added to a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.half_precision import round_once
from minigrad.ops.arguments import as_number, takes_out
from minigrad.ops.complaints import cannot_expand
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast
from minigrad.ops.former_order import takes_former_order
from minigrad.ops.matmul import PRODUCTS, multiply_matrices, product_of
from minigrad.ops.precision import cast_to_keep
from minigrad.ops.products import check_product, check_ranks
from minigrad.ops.scaled_sums import check_factor
from minigrad.ops.shape import permute, reshape, unsqueeze
from minigrad.size import broadcasts


def _make_addmm(name: str, ranks: tuple[int, int]) -> Any:
    """Makes ``beta * input + alpha * (a @ b)`` as one operation: `addmm` or `baddbmm`."""

    def forward(x: Any, a: Any, b: Any, *, beta: Any, alpha: Any) -> Any:
        total = product_of(a, b)
        if alpha != 1:  # as in BLAS, a factor of 0 gives 0 even for NaN
            total = total * alpha if alpha else np.zeros_like(total)
        if not beta:
            return total
        return total + (x if beta == 1 else x * beta)

    made = operation(
        name,
        round_once(forward),
        lambda g, beta: g * beta,
        lambda g, b, alpha: multiply_matrices(g, b.mT) * alpha,
        lambda g, a, alpha: multiply_matrices(a.mT, g) * alpha,
    )
    PRODUCTS.append(made)

    def add_product(input: Tensor, a: Any, b: Any, beta: Any, alpha: Any) -> Tensor:
        shape = check_product(name, a, b, ranks)
        beta, alpha = as_number(name, "beta", beta), as_number(name, "alpha", alpha)
        if a.array.dtype.kind in "iub":  # as in PyTorch, factors are truncated to integers
            beta, alpha = [dtypes.scalar(factor, a.array.dtype).item() for factor in (beta, alpha)]
        else:
            check_factor(beta, a.array.dtype)
            check_factor(alpha, a.array.dtype)
        _check_addend(name, input.array, a.array.dtype, shape)
        return made(input, a, b, beta=beta, alpha=alpha)

    return add_product


def _check_addend(name: str, x: Any, dtype: Any, shape: tuple[int, ...]) -> None:
    """Checks that `input` has the type of the product and broadcasts to its shape."""
    if x.dtype != dtype:
        raise RuntimeError(f"{name}: expected input to have the dtype of the matrices, but got: {x.dtype} != {dtype}")
    if not broadcasts(x.shape, shape):
        raise cannot_expand(x.shape, shape)


_addmm, _baddbmm = _make_addmm("addmm", (2, 2)), _make_addmm("baddbmm", (3, 3))


@takes_former_order("beta", "alpha")
@takes_out
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``: (n, m) @ (m, p) -> (n, p), to which `input` is broadcast.

    Raises RuntimeError for other numbers of axes, shapes that do not fit, and different types.

    >>> import minigrad as torch
    >>> torch.addmm(torch.tensor([[10.0, 20.0]]), torch.ones(1, 3), torch.ones(3, 2))
    tensor([[13., 23.]])
    """
    return _addmm(input, mat1, mat2, beta, alpha)


@takes_former_order("beta", "alpha")
@takes_out
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)``: (b, n, m) @ (b, m, p) -> (b, n, p), to which `input` is broadcast.

    Raises RuntimeError for other numbers of axes, shapes that do not fit, and different types.

    >>> import minigrad as torch
    >>> torch.baddbmm(torch.tensor([[[10.0, 20.0]]]), torch.ones(1, 1, 3), torch.ones(1, 3, 2))
    tensor([[[13., 23.]]])
    """
    return _baddbmm(input, batch1, batch2, beta, alpha)


@takes_former_order("beta", "alpha")
@takes_out
@recorded_as("AddmvBackward0")
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``, (n,) + (n, m) @ (m,).

    >>> import minigrad as torch
    >>> torch.addmv(torch.ones(2), torch.ones(2, 3), torch.ones(3))
    tensor([4., 4.])
    """
    check_ranks("addmv", (mat, 2), (vec, 1))
    column = unsqueeze(input, -1) if input.array.ndim else input
    return reshape(addmm(column, mat, unsqueeze(vec, 1), beta=beta, alpha=alpha), -1)


@takes_former_order("beta", "alpha")
@takes_out(cast=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``, (n, m) + (n,) (m,).

    >>> import minigrad as torch
    >>> torch.addr(torch.zeros(2, 2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    check_ranks("addr", (vec1, 1), (vec2, 1))
    common = dtypes.result_type([x.array for x in (input, vec1, vec2)])
    for name, factor in (("beta", beta), ("alpha", alpha)):
        if isinstance(factor, bool) and common.kind != "b":
            raise RuntimeError(f"Boolean {name} only supported for Boolean results: addr got {factor} for {common}")
        if isinstance(factor, float) and common.kind != "f":
            detail = f"argument {name} must not be a floating point number: addr got {factor}"
            raise RuntimeError(f"For integral input tensors, {detail}")
    wide = common
    if common.kind == "b":  # addition is "or", multiplication is "and"
        wide, beta, alpha = np.dtype(np.int64), bool(beta), bool(alpha)
    column, row = unsqueeze(cast_to_keep(vec1, wide), 1), unsqueeze(cast_to_keep(vec2, wide), 0)
    return cast(addmm(cast(input, wide), column, row, beta=beta, alpha=alpha), common)


@takes_former_order("beta", "alpha")
@takes_out
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * sum over b of (batch1[b] @ batch2[b])``, (n, p) + (b, n, m) @ (b, m, p).

    >>> import minigrad as torch
    >>> torch.addbmm(torch.zeros(1, 1), torch.ones(4, 1, 2), torch.ones(4, 2, 1))
    tensor([[8.]])
    """
    check_product("addbmm", batch1, batch2, (3, 3))
    b, n, m = batch1.array.shape
    left = reshape(permute(batch1, (1, 0, 2)), n, b * m)  # (b, n, m) -> (n, b m)
    return addmm(input, left, reshape(batch2, b * m, batch2.array.shape[2]), beta=beta, alpha=alpha)
