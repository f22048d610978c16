"""`minigrad.linalg`: linear algebra under the names of `torch.linalg`, differentiable to any order."""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

from minigrad.autograd.core import Tensor
from minigrad.autograd.failed_calls import names_options
from minigrad.missing import explain_missing
from minigrad.ops.arguments import Dims, as_int, as_number, of_tensors, require_tensors, takes_out
from minigrad.ops.decompositions import eigh, eigvalsh, qr, svd, svdvals
from minigrad.ops.determinant import det, slogdet
from minigrad.ops.diagonal import diagonal as _diagonal
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import atleast_1d, stack_powers
from minigrad.ops.lu import lu, lu_factor, lu_factor_ex, lu_solve
from minigrad.ops.matmul import matmul
from minigrad.ops.matrices import LinAlgError
from minigrad.ops.matrix_functions import cond, matrix_exp, matrix_norm, matrix_power, multi_dot
from minigrad.ops.norm import norm as _norm
from minigrad.ops.products import cross as _cross
from minigrad.ops.pseudo_inverse import lstsq, matrix_rank, pinv
from minigrad.ops.reflections import householder_product
from minigrad.ops.solve import cholesky, inv, solve, solve_triangular
from minigrad.ops.solve_with_info import cholesky_ex, inv_ex, solve_ex

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul",
    "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve",
    "solve_ex",    "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip


@takes_out(spellings={"input": "x"})
def vector_norm(x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """``sum(|x|^ord)^(1/ord)`` over the dimensions `dim`, or over all elements.

    >>> import minigrad as torch
    >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return _norm(x, as_number("linalg.vector_norm", "ord", ord), dim, keepdim, dtype=dtype)


@takes_out
def norm(A: Tensor, ord: Any = None, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The Euclidean norm of all elements, or of order `ord`: of a vector any number, of a matrix as `matrix_norm`.

    >>> import minigrad as torch
    >>> torch.linalg.norm(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor(5.)
    """
    if ord is not None and ((isinstance(dim, (tuple, list)) and len(dim) == 2) or (dim is None and A.ndim == 2)):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if ord is not None and dim is None and A.ndim != 1:
        detail = f"If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D"
        raise RuntimeError(f"linalg.norm: {detail}.")
    if ord in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: {ord!r} is a norm of matrices: dim must be a 2-tuple, got {dim}")
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


@takes_out(apart="all")
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along the axis `dim` of length 3; other axes broadcast.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.cross.html

    >>> import minigrad as torch
    >>> torch.linalg.cross(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]]))
    tensor([[0., 0., 1.]])
    """
    return _cross(input, other, dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of each matrix: a view.

    >>> import minigrad as torch
    >>> torch.linalg.diagonal(torch.eye(2))
    tensor([1., 1.])
    """
    return _diagonal(A, offset, dim1, dim2)


@takes_out
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The scalar product along `dim`, of vectors that broadcast. Raises RuntimeError for integers and mixed types.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.vecdot.html

    >>> import minigrad as torch
    >>> torch.linalg.vecdot(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    if x.array.dtype.kind != "f":
        hint = "convert it with .float()"
        raise RuntimeError(f"linalg.vecdot: Expected a floating point tensor as input. Got {x.dtype}; {hint}")
    if x.array.dtype != y.array.dtype:
        raise RuntimeError(f"linalg.vecdot: Expected x and y to have the same dtype, but found {x.dtype} and {y.dtype}")
    return (x * y).sum(dim)


@of_tensors
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 of the last axis's numbers: (..., n) -> (..., n, N). N is n by default.

    Powers of integers are int64. Raises RuntimeError for N below 2, and for bool and float16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.vander.html

    >>> import minigrad as torch
    >>> torch.linalg.vander(torch.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [1, 2, 4],
            [1, 3, 9]])
    """
    if x.array.dtype.char in "?e":
        raise RuntimeError(f"linalg.vander supports floating point and integer tensors, but got {x.dtype}")
    x = atleast_1d(x)
    count = x.array.shape[-1] if N is None else as_int(N, "linalg.vander(): argument 'N'")
    if count < 2:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {count}")
    return name_last_call(stack_powers(x, range(count)), "CatBackward0")


@names_options
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Tensor:
    """X with ``tensordot(A, X, X.ndim) = B``: A, of shape B.shape + X.shape, as one square matrix.

    The axes `dims` of A are moved to its end first. Raises RuntimeError for other shapes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.tensorsolve.html

    >>> import minigrad as torch
    >>> torch.linalg.tensorsolve(2 * torch.eye(4).reshape(2, 2, 4), torch.ones(2, 2))
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    require_tensors("linalg.tensorsolve", "A B", A, B)
    moved = A if dims is None else A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape, rows = tuple(moved.shape[B.ndim :]), prod(moved.shape[: B.ndim])
    if prod(shape) != rows:
        what = f"prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got {prod(shape)} != {rows}"
        raise RuntimeError(f"Expected self to satisfy the requirement {what}")
    return solve(moved.reshape(rows, rows), B.reshape(-1)).reshape(shape)


@names_options
def tensorinv(A: Any, ind: int = 2) -> Tensor:
    """The inverse of A as a matrix, whose rows are its first `ind` axes: of shape A.shape[ind:] + A.shape[:ind].

    ``tensordot(tensorinv(A, B.ndim), B, B.ndim)`` is ``tensorsolve(A, B)``. Raises RuntimeError unless the matrix is
    square.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.tensorinv.html

    >>> import minigrad as torch
    >>> torch.linalg.tensorinv(torch.eye(6).reshape(2, 3, 6)).shape
    minigrad.Size([6, 2, 3])
    """
    require_tensors("linalg.tensorinv", "A", A)
    if (ind := as_int(ind, "ind")) <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if prod(last) != prod(first):
        what = f"prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {prod(last)} != {prod(first)}"
        raise RuntimeError(f"Expected self to satisfy the requirement {what}")
    return inv(A.reshape(prod(first), prod(last))).reshape(last + first)


def eig(A: Any) -> NoReturn:
    """Raises NotImplementedError: eigenvalues may be complex, and there are no complex numbers; `eigh` is for symmetric A.

    >>> import minigrad as torch
    >>> torch.linalg.eig(torch.eye(2))
    Traceback (most recent call last):
    NotImplementedError: linalg.eig gives complex numbers, which minigrad does not have; linalg.eigh serves symmetric matrices
    """  # noqa: E501 (an error's text is one line)
    detail = "linalg.eigh serves symmetric matrices"
    raise NotImplementedError(f"linalg.eig gives complex numbers, which minigrad does not have; {detail}")


eigvals = eig

explain_missing("torch.linalg", globals())
