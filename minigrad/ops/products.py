"""Other products: `vdot`, `inner`, `kron`, `cross`, `chain_matmul`; and `trace`."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.ops.arguments import axis, of_tensors, read_tensors, takes_out
from minigrad.ops.arithmetic import mul, sub
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import cast, clone
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import stack
from minigrad.ops.matmul import check_ranks, dot, matmul, mm
from minigrad.ops.shape import reshape, t
from minigrad.ops.split import select as cut


@takes_out
@recorded_as("VdotBackward0")
def vdot(input: Tensor, other: Any) -> Tensor:
    """The sum of the products of two vectors' elements: `dot`, as there are no complex numbers.

    >>> import minigrad as torch
    >>> torch.vdot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return dot(input, other)


def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, multiplied from the left.

    >>> import minigrad as torch
    >>> torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 3), torch.ones(3, 1))
    tensor([[6.]])
    """
    given = read_tensors("chain_matmul", matrices)
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


@takes_out(cast=True)
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


@takes_out
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
        raise RuntimeError(
            f"cross: inputs must have the same number of dimensions, got {len(shape)}, {other.array.ndim}"
        )
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
        detail = f"Got {shape[d]} and {other.array.shape[d]}"
        raise RuntimeError(f"cross: inputs dimension {d} must have length 3. {detail}")
    x, y = [[cut(z, d, i) for i in range(3)] for z in (input, other)]
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
