"""The product of a linear layer: ``x @ w.T + b`` for a batch of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.recording import operation
from minigrad.ops.matmul import add_outer_products


def _forward(b: Any, x: Any, w: Any) -> Any:
    y = np.matmul(x, w.T)
    y += b
    return y


# b (out,), x (n, in), w (out, in): the order in which PyTorch's next_functions shows them
affine = operation(
    "addmm",
    _forward,
    lambda g: g,  # the engine sums over the batch
    lambda g, w: g @ w,
    lambda g, x: add_outer_products(g, x),
)
# The same without a bias.
project = operation("mm", lambda x, w: np.matmul(x, w.T), lambda g, w: g @ w, lambda g, x: add_outer_products(g, x))
