"""`matmul`, with every broadcasting case. `products.py` has those of given ranks, `addmm.py` those that are added."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, plain_classes
from minigrad.autograd.recording import operation
from minigrad.half_precision import FLOAT32, HALF, widen
from minigrad.ops.complaints import ask_or_refuse, do_not_multiply, shapes_do_not_broadcast
from minigrad.ops.copies import cast
from minigrad.ops.elementwise import NO_OPTIONS, twin_of
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.out import write_out

SMALL = 2**17  # multiplications: a product of fewer is made by one thread


def product_of(x: Any, y: Any) -> Any:
    """``x @ y``. On the CPU short sums are added in order and rounded each time, as in PyTorch but not in BLAS.

    Float16 is summed in float32, as BLAS does.
    """
    return multiply_matrices(x, y, 64)


def multiply_matrices(x: Any, y: Any, few: int = 0) -> Any:
    """``x @ y`` of arrays or Tensors; matrices of at most `few` multiplications as `product_of` tells.

    A column times a row uses `dot`, because `matmul` is slow there.
    """
    if x.__class__ is not np.ndarray:
        return x @ y
    if x.dtype is HALF:  # NumPy's own loop, which sums in float32 too, takes up to 50 times as long
        return multiply_matrices(widen(x), widen(y)).astype(HALF)
    if x.ndim == 2 == y.ndim:
        count = x.size * y.shape[1]
        if few < count <= SMALL and len(y) > 1:  # nearly always
            return x.dot(y)
        if 0 < count <= few:
            products = (x[:, :, None] * y).copy()  # row-major, and so is their sum
            return np.add.reduce(products, axis=1, dtype=x.dtype)  # (n, m, p) -> (n, p)
        if len(y) == 1 and (count > SMALL or 1 in (len(x), y.shape[1])):  # `dot` computes a single 0 * inf as 0
            return x * y
        if len(y) == 1 or not count:
            return x.dot(y)
    elif max(x.size * y.shape[-1], y.size * x.shape[-2]) <= SMALL:
        return np.matmul(x, y, order="C")
    from minigrad.ops.large_products import multiply

    return multiply(x, y)


# Both operands have two axes or more; the engine sums over broadcast batch axes.
_matmul = operation("mm", product_of, lambda g, y: multiply_matrices(g, y.mT), lambda g, x: multiply_matrices(x.mT, g))

PRODUCTS = [_matmul]  # the operations that multiply matrices


# The same under the `grad_fn` names that PyTorch prints.
_batched = shown_as(_matmul, "UnsafeViewBackward0")
multiply_batches = shown_as(_matmul, "BmmBackward0")


@twin_of(np.matmul)
def matmul(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """``input @ other``: ``out[i, j] = sum over k of input[i, k] * other[k, j]``.

    Shapes: (m, k) @ (k, n) -> (m, n), (m, k) @ (k,) -> (m,), (k,) @ (k,) -> (); axes in front are batches, and
    broadcast: (b, m, k) @ (k, n) -> (b, m, n). With g the gradient of the result, that of `input` is ``g @ other.mT``,
    and that of `other` ``input.mT @ g``. Raises RuntimeError for lengths k that differ.

    >>> import minigrad as torch
    >>> torch.matmul(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    if input.__class__ not in plain_classes or other.__class__ not in plain_classes:
        answer = ask_or_refuse(matmul, (input, other), {"out": out}, ("input", "other"))
        if answer is not NotImplemented:
            return answer
    a, b = input.array, other.array
    on_cpu = a.__class__ is np.ndarray is b.__class__
    if on_cpu and a.dtype is FLOAT32 is b.dtype and a.ndim == 2 == b.ndim and a.shape[1] == len(b):  # nearly always
        product: Any = _matmul.call((input, other), (a, b), NO_OPTIONS)
    else:
        product = _multiply(input, other)
    return product if out is None else write_out("matmul", out, product, (input, other))


def _multiply(input: Any, other: Any) -> Any:
    """`matmul` of tensors that may have any number of axes, or do not fit."""
    a, b = input.array, other.array
    inner = b.shape[-2 if b.ndim > 1 else 0] if b.ndim else None
    if not a.ndim or a.dtype != b.dtype or a.dtype.kind == "b" or a.shape[-1] != inner:
        if not a.ndim or a.shape[-1] != inner or not need_no_types(a, b):
            raise do_not_multiply(a, b)
        input = cast(input, b.dtype)
    if a.ndim == 1 or b.ndim == 1:
        from minigrad.ops.vector_products import multiply_vectors

        return multiply_vectors(input, other)
    try:
        return (_matmul if a.ndim == 2 == b.ndim else _batched)(input, other)
    except ValueError:
        whose = f"for the batch axes of {tuple(a.shape)} and {tuple(b.shape)}, matmul"
        raise shapes_do_not_broadcast(whose, tuple(a.shape[:-2]), tuple(b.shape[:-2])) from None


def need_no_types(a: Any, b: Any) -> bool:
    """Whether dtypes are not checked, as in PyTorch, because no numbers are multiplied."""
    if a.size and b.size:
        return False
    return (a.ndim > 2 and b.ndim > 2) or (a.dtype == b.dtype and (a.ndim > 1 or b.ndim > 1))
