"""The operation of a linear layer: ``x @ w.T + b`` for a batch of rows."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.recording import operation
from minigrad.ops.matmul import multiply_matrices


def _forward(b: Any, x: Any, w: Any) -> Any:
    y = multiply_matrices(x, w.T)
    y += b
    return y


# b (out,), x (n, in), w (out, in): the order in which PyTorch's next_functions shows them
affine = operation(
    "addmm",
    _forward,
    lambda g: g,  # the engine sums over the batch
    lambda g, w: multiply_matrices(g, w),
    lambda g, x: multiply_matrices(g.mT, x),
    in_float32=True,
)
# The same without a bias.
project = operation(
    "mm",
    lambda x, w: multiply_matrices(x, w.T),
    lambda g, w: multiply_matrices(g, w),
    lambda g, x: multiply_matrices(g.mT, x),
)
