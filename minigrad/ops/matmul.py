"""Matrix products, with every broadcasting case. Products that are added to a tensor stand in `addmm.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.recording import operation
from minigrad.half_precision import HALF, widen
from minigrad.ops.arguments import not_a_tensor, not_implemented_for, shapes_do_not_broadcast, takes_out
from minigrad.ops.arithmetic import mul
from minigrad.ops.copies import cast
from minigrad.ops.elementwise import twin_of
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.shape import reshape, to_shape
from minigrad.ops.writes import write_out

A_BYTE = 16  # number of multiplications that take as long as reading a byte of an array
SMALL, LARGE = 2**17, 2**24  # multiplications: OpenBLAS uses one thread below SMALL; more threads pay above LARGE


def product_of(x: Any, y: Any) -> Any:
    """``x @ y``. On the CPU short sums are added in order and rounded each time, as in PyTorch but not in BLAS.

    Float16 is summed in float32, as BLAS does.
    """
    small = x.__class__ is np.ndarray and x.ndim == 2 == y.ndim and 0 < x.size * y.shape[1] <= 64
    if small and x.dtype.char != "e":
        products = (x[:, :, None] * y).copy()  # row-major, and so is their sum
        return np.add.reduce(products, axis=1, dtype=x.dtype)  # (n, m, p) -> (n, p)
    return multiply_matrices(x, y)


def multiply_matrices(x: Any, y: Any) -> Any:
    """``x @ y`` of arrays or Tensors. A column times a row uses `dot`, because `matmul` is slow there.

    Products of medium size use one thread: the threads of OpenBLAS stay busy for 20 ms afterwards, and would delay the
    next operations.
    """
    if x.__class__ is np.ndarray:
        if x.dtype is HALF:  # NumPy's own loop, which sums in float32 too, takes up to 50 times as long
            return multiply_matrices(widen(x), widen(y)).astype(HALF)
        if x.ndim != 2 or y.ndim != 2:
            return _multiply_batches(x, y)
        length, count = x.shape[1], x.size * y.shape[1]  # count: multiplications
        if length == 1 and 1 in (x.size, y.size):  # `dot` computes a single 0 * inf as 0
            return x * y
        if length == 1 or count <= SMALL:
            return x.dot(y)
        if count < LARGE:
            from minigrad.threads import products_alone

            with products_alone():
                return x @ y
    return x @ y


def _multiply_batches(x: Any, y: Any) -> Any:
    """``x @ y`` of batches of matrices: the longest batch axis is divided among threads."""
    if max(x.size * y.shape[-1], y.size * x.shape[-2]) <= SMALL:
        return np.matmul(x, y, order="C")
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    if max(batch) == 1:
        return np.matmul(x, y, order="C")
    from minigrad.parallel import spread  # only large products need them
    from minigrad.threads import products_alone

    out = np.empty((*batch, x.shape[-2], y.shape[-1]), np.result_type(x, y))
    along = batch.index(max(batch)) - len(batch) - 2  # the axis, counted from the end

    def multiply(some: slice) -> None:
        key: Any = (..., some, *(slice(None),) * (-along - 1))
        left, right = (z[key] if _has_axis(z, along) else z for z in (x, y))
        np.matmul(left, right, out=out[key])

    with products_alone():
        spread(multiply, max(batch), out.size * x.shape[-1] // A_BYTE)
    return out


def _has_axis(x: Any, axis: int) -> bool:
    """Whether `x` has this batch axis, counted from the end, at full length."""
    return x.ndim >= -axis and x.shape[axis] > 1


# Both operands have two axes or more; the engine sums over broadcast batch axes.
_matmul = operation("mm", product_of, lambda g, y: multiply_matrices(g, y.mT), lambda g, x: multiply_matrices(x.mT, g))

PRODUCTS = [_matmul]  # the operations that multiply matrices


# The same under the `grad_fn` names that PyTorch prints, and the reshape at the end of a product with a vector.
_batched = shown_as(_matmul, "UnsafeViewBackward0")
_bmm = shown_as(_matmul, "BmmBackward0")
_dot, _mv = shown_as(to_shape, "DotBackward0"), shown_as(to_shape, "MvBackward0")
_vm, _batched_mv = shown_as(to_shape, "SqueezeBackward4"), shown_as(to_shape, "UnsafeViewBackward0")


@twin_of(np.matmul)
def matmul(input: Tensor, other: Any, *, out: Any = None) -> Tensor:
    """``input @ other``: ``out[i, j] = sum over k of input[i, k] * other[k, j]``.

    Shapes: (m, k) @ (k, n) -> (m, n), (m, k) @ (k,) -> (m,), (k,) @ (k,) -> (); axes in front are batches, and
    broadcast: (b, m, k) @ (k, n) -> (b, m, n). With g the gradient of the result, that of `input` is ``g @ other.mT``,
    and that of `other` ``input.mT @ g``. Raises RuntimeError for lengths k that differ.

    >>> import minigrad as torch
    >>> torch.matmul(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    if not isinstance(input, TensorBase):
        raise not_a_tensor("matmul", "input", 1, input)
    if not isinstance(other, TensorBase):
        raise not_a_tensor("matmul", "other", 2, other)
    a, b = input.array, other.array
    inner = b.shape[-2 if b.ndim > 1 else 0] if b.ndim else None
    if not a.ndim or a.dtype != b.dtype or a.dtype.kind == "b" or a.shape[-1] != inner:
        if not a.ndim or a.shape[-1] != inner or not _need_no_types(a, b):
            raise _do_not_multiply(a, b)
        input, a = cast(input, b.dtype), a.astype(b.dtype)
    x = reshape(input, 1, -1) if a.ndim == 1 else input
    y: Any = reshape(other, -1, 1) if b.ndim == 1 else other  # type: ignore[arg-type]
    try:
        if a.ndim == 2 == b.ndim and a.__class__ is np.ndarray is b.__class__:  # nearly always
            product: Any = _matmul.call((input, other), (a, b), {})
        else:
            product = (_matmul if x.array.ndim == 2 == y.array.ndim else _batched)(x, y)
    except ValueError:
        whose = f"for the batch axes of {tuple(a.shape)} and {tuple(b.shape)}, matmul"
        raise shapes_do_not_broadcast(whose, tuple(a.shape[:-2]), tuple(b.shape[:-2])) from None
    if a.ndim == 1 or b.ndim == 1:
        product = _drop_added_axes(product, a.ndim, b.ndim)
    return product if out is None else write_out("matmul", out, product, (input, other))


def _need_no_types(a: Any, b: Any) -> bool:
    """Whether dtypes are not checked, as in PyTorch, because no numbers are multiplied."""
    return not (a.size and b.size) and (a.ndim > 2 < b.ndim or (a.dtype == b.dtype and (a.ndim > 1 or b.ndim > 1)))


def _do_not_multiply(a: Any, b: Any) -> Exception:
    """The error for two arrays that cannot be multiplied."""
    if not a.ndim or not b.ndim:
        ranks = f"but they are {a.ndim}D and {b.ndim}D"
        return RuntimeError(f"both arguments to matmul need to be at least 1D, {ranks}")
    if a.dtype != b.dtype:
        types = f"{a.dtype} != {b.dtype}; convert one with .to(other.dtype)"
        return RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {types}")
    if a.dtype.kind == "b":
        return not_implemented_for("matmul", a.dtype)
    which, n = ("last but one", b.shape[-2]) if b.ndim > 1 else ("only", b.shape[0])
    detail = f"the last axis of the first ({a.shape[-1]}) must equal the {which} axis of the second ({n})"
    shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied: {shapes}; {detail}")


def _drop_added_axes(product: Any, left: int, right: int) -> Any:
    """`product` without the axes of length 1 that were added to vectors; `left` and `right` are the operands' axes."""
    shape = product.array.shape
    if left == 1:
        shape = (*shape[:-2], shape[-1])
    if right == 1:
        shape = shape[:-1]
    last = _dot if left == 1 == right else _mv if left == 2 else _vm if right == 2 else _batched_mv
    dropped = last(product, shape=shape)
    dropped.view_of = None  # its base is a temporary
    return dropped


def check_ranks(name: str, *operands: tuple[Any, int]) -> None:
    """Raises unless the arguments are tensors with the given numbers of axes."""
    for position, (x, ndim) in enumerate(operands, 1):
        if not isinstance(x, TensorBase):
            raise not_a_tensor(name, "input" if position == 1 else f"mat{position}", position, x)
        if x.array.ndim != ndim:
            have = f"{x.array.ndim}D of shape {tuple(x.array.shape)}"
            cure = "x @ y multiplies vectors, matrices and batches of matrices"
            raise RuntimeError(f"{name}: argument {position} must have {ndim} dimensions, got {have}; {cure}")


@takes_out
def mm(input: Tensor, mat2: Any) -> Tensor:
    """The product of two matrices, (n, m) @ (m, p) -> (n, p).

    Raises RuntimeError for other numbers of axes, and for inner sizes m that differ.

    >>> import minigrad as torch
    >>> torch.mm(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    check_ranks("mm", (input, 2), (mat2, 2))
    return matmul(input, mat2)


@takes_out
def bmm(input: Tensor, mat2: Any) -> Tensor:
    """The products of two batches of matrices, (b, n, m) @ (b, m, p) -> (b, n, p).

    >>> import minigrad as torch
    >>> torch.bmm(torch.ones(5, 2, 3), torch.ones(5, 3, 4)).shape
    minigrad.Size([5, 2, 4])
    """
    check_ranks("bmm", (input, 3), (mat2, 3))
    if input.array.shape[0] != mat2.array.shape[0]:
        wanted, got = [input.array.shape[0], input.array.shape[2]], list(mat2.array.shape[:2])
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: {wanted} but got: {got}.")
    if _need_no_types(input.array, mat2.array):
        input = cast(input, mat2.array.dtype)
    check_product("bmm", input, mat2, (3, 3))
    return _bmm(input, mat2)


@takes_out
def mv(input: Tensor, vec: Any) -> Tensor:
    """The product of a matrix and a vector, (n, m) @ (m,) -> (n,).

    >>> import minigrad as torch
    >>> torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    check_ranks("mv", (input, 2), (vec, 1))
    return matmul(input, vec)


@takes_out
def dot(input: Tensor, tensor: Any) -> Tensor:
    """The sum of the products of two vectors' elements.

    >>> import minigrad as torch
    >>> torch.dot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor(11.)
    """
    check_ranks("dot", (input, 1), (tensor, 1))
    if input.array.size != tensor.array.size:
        sizes = f"[{input.array.size}] and src [{tensor.array.size}]"
        raise RuntimeError(f"inconsistent tensor size, expected tensor {sizes} to have the same number of elements")
    return matmul(input, tensor)


@takes_out(cast=True)
def outer(input: Tensor, vec2: Any) -> Tensor:
    """``out[i, j] = input[i] * vec2[j]``.

    >>> import minigrad as torch
    >>> torch.outer(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    check_ranks("outer", (input, 1), (vec2, 1))
    return mul(reshape(input, -1, 1), vec2)


ger = outer


def check_product(name: str, a: Any, b: Any, ranks: tuple[int, int]) -> tuple[int, ...]:
    """The shape of ``a @ b``. Raises RuntimeError for matrices, or batches of them, that do not fit."""
    check_ranks(name, (a, ranks[0]), (b, ranks[1]))
    x, y = a.array, b.array
    if x.dtype != y.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {x.dtype} != {y.dtype} ({name})")
    if x.dtype.kind == "b" and not _need_no_types(x, y):
        raise not_implemented_for(name, x.dtype)
    if x.shape[-1] != y.shape[-2] or x.shape[:-2] != y.shape[:-2]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied: {tuple(x.shape)} and {tuple(y.shape)} ({name})")
    return (*x.shape[:-1], y.shape[-1])
