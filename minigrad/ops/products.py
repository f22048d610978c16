"""Products of given ranks, `mm`, `bmm`, `mv`, `dot`, `outer`; `vdot`, `inner`, `kron`, `cross`; and `trace`."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.ops.arguments import axis, of_tensors, read_tensors, takes_out
from minigrad.ops.arithmetic import mul, sub
from minigrad.ops.complaints import do_not_multiply, not_implemented_for
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast, clone
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import stack
from minigrad.ops.matmul import matmul, multiply_batches, need_no_types
from minigrad.ops.shape import reshape, t
from minigrad.ops.split import select


def check_ranks(name: str, *operands: tuple[Tensor, int]) -> None:
    """Raises for tensors that do not have the given numbers of axes."""
    for position, (x, ndim) in enumerate(operands, 1):
        if x.array.ndim != ndim:
            have = " and ".join(f"{y.array.ndim}D" for y, _ in operands)
            words = {
                1: f"1D tensors expected, but got {have} tensors",
                2: f"{'self' if position == 1 else f'mat{position}'} must be a matrix",
            }.get(ndim, f"batch{position} must be a {ndim}D tensor")
            shape = f"{name} got shape {tuple(x.array.shape)} as argument {position}"
            raise RuntimeError(f"{words}: {shape}; x @ y multiplies vectors, matrices and batches of matrices")


@takes_out
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, (n, m) @ (m, p) -> (n, p).

    Raises RuntimeError for other numbers of axes, and for inner sizes m that differ.

    >>> import minigrad as torch
    >>> torch.mm(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    check_ranks("mm", (input, 2), (mat2, 2))
    return matmul(input, mat2)


@takes_out
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, (b, n, m) @ (b, m, p) -> (b, n, p).

    >>> import minigrad as torch
    >>> torch.bmm(torch.tensor([[[1, 2]], [[3, 4]]]), torch.tensor([[[1], [10]], [[1], [10]]])).flatten()
    tensor([21, 43])
    """
    check_ranks("bmm", (input, 3), (mat2, 3))
    if input.array.shape[0] != mat2.array.shape[0]:
        wanted, got = [input.array.shape[0], input.array.shape[2]], list(mat2.array.shape[:2])
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: {wanted} but got: {got}.")
    if need_no_types(input.array, mat2.array):
        input = cast(input, mat2.array.dtype)
    check_product("bmm", input, mat2, (3, 3))
    return multiply_batches(input, mat2)


@takes_out
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector, (n, m) @ (m,) -> (n,).

    >>> import minigrad as torch
    >>> torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    check_ranks("mv", (input, 2), (vec, 1))
    return matmul(input, vec)


@takes_out
def dot(input: Tensor, tensor: Tensor) -> Tensor:
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


@takes_out(cast=True, apart="all")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
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
    if x.dtype.kind == "b" and not need_no_types(x, y):
        raise not_implemented_for(name, x.dtype)
    if x.shape[-1] != y.shape[-2] or x.shape[:-2] != y.shape[:-2]:
        raise do_not_multiply(x, y)
    return (*x.shape[:-1], y.shape[-1])


@takes_out
@recorded_as("VdotBackward0")
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements: `dot`, as there are no complex numbers.

    >>> import minigrad as torch
    >>> torch.vdot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return dot(input, other)


@names_options
def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, multiplied from the left.

    >>> import minigrad as torch
    >>> torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 3), torch.ones(3, 1))
    tensor([[6.]])
    """
    given = read_tensors("chain_matmul", (matrices,))
    if not given:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    check_ranks("chain_matmul", *[(x, 2) for x in given])
    return name_last_call(reduce(mm, given), "ViewBackward0") if len(given) > 1 else clone(given[0])


@takes_out
def inner(input: Tensor, other: Tensor) -> Tensor:
    """The sums of the products along the last axes: (..., m) and (..., m) -> (..., ...); scalars multiply.

    >>> import minigrad as torch
    >>> torch.inner(torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0], [5.0, 6.0]]))
    tensor([11., 17.])
    """
    a, b = list(input.array.shape), list(other.array.shape)
    if not a or not b:
        return mul(input, other)
    if a[-1] != b[-1]:
        raise RuntimeError(f"inner() the last dimension must match on both input tensors but got shapes {a} and {b}")
    product = matmul(reshape(input, prod(a[:-1]), a[-1]), t(reshape(other, prod(b[:-1]), b[-1])))
    return reshape(product, a[:-1] + b[:-1])


@takes_out(cast=True, apart="all")
@recorded_as("UnsafeViewBackward0")
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: a block ``input[i, j] * other`` for every element, axes aligned at the end.

    >>> import minigrad as torch
    >>> torch.kron(torch.tensor([[1, 2]]), torch.tensor([[1, 1], [0, 1]]))
    tensor([[1, 1, 2, 2],
            [0, 1, 0, 2]])
    """
    ndim = max(input.array.ndim, other.array.ndim)
    a, b = [(1,) * (ndim - x.array.ndim) + tuple(x.array.shape) for x in (input, other)]
    x = reshape(input, [k for n in a for k in (n, 1)])  # (n, m) -> (n, 1, m, 1)
    y = reshape(other, [k for n in b for k in (1, n)])  # (p, q) -> (1, p, 1, q)
    return reshape(mul(x, y), [n * k for n, k in zip(a, b, strict=True)])


@takes_out(apart="all")
@recorded_as("LinalgCrossBackward0")
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along an axis of length 3: `dim`, or the first such axis.

    ``out[0] = x[1] y[2] - x[2] y[1]``, and cyclically for 1 and 2. Other axes broadcast.

    >>> import minigrad as torch
    >>> torch.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), dim=0)
    tensor([0., 0., 1.])
    """
    shape = input.array.shape
    if input.array.ndim != other.array.ndim:
        detail = f"inputs must have the same number of dimensions, got {len(shape)}, {other.array.ndim}"
        raise RuntimeError(f"cross: {detail}")
    if input.array.dtype != other.array.dtype:
        kinds = f"{input.array.dtype} and {other.array.dtype}; convert one with .to(other.dtype)"
        raise RuntimeError(f"cross: expected both inputs to have one dtype, got {kinds}")
    if input.array.dtype.kind == "b":
        raise not_implemented_for("cross", input.array.dtype)
    if dim is None:
        if 3 not in shape:
            raise RuntimeError(f"no dimension of size 3 in input: cross got shape {tuple(shape)}")
        dim = shape.index(3)
    d = axis(dim, len(shape))
    if shape[d] != 3 or other.array.shape[d] != 3:
        raise RuntimeError(f"cross: inputs dimension {d} must have length 3. Got {shape[d]} and {other.array.shape[d]}")
    x, y = [[select(z, d, i) for i in range(3)] for z in (input, other)]
    turns = ((1, 2), (2, 0), (0, 1))
    return stack([sub(mul(x[i], y[j]), mul(x[j], y[i])) for i, j in turns], d)


_trace_of = operation(
    "trace",
    lambda x: np.trace(x, dtype=x.dtype),
    lambda g, x_shape: _eye_times(g, rows=x_shape[0], columns=x_shape[1]),
    in_float32=True,
)
_eye_times: Any = operation(
    "eye_times",
    lambda g, *, rows, columns: g * array_module(g).eye(rows, columns, dtype=g.dtype),
    lambda v: _trace_of(v),
)


@of_tensors
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal.

    >>> import minigrad as torch
    >>> torch.trace(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if input.array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.array.ndim}")
    if input.array.dtype.kind == "b":
        raise not_implemented_for("trace", input.array.dtype)
    return _trace_of(cast(input, np.dtype(np.int64)) if input.array.dtype.kind in "iu" else input)
