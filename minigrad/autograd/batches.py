"""`grad` for a batch of cotangents: one walk for each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.gradients import grad, one_or_several
from minigrad.autograd.messages import not_a_tensor, wrong_counts
from minigrad.backend import quiet


def grad_of_rows(
    outputs: Any, inputs: Any, batches: Any, retain_graph: bool | None, create_graph: bool, allow_unused: bool | None,
    materialize_grads: bool,
) -> Any:  # fmt: skip
    """The gradients of `inputs` for each row of the `batches` of cotangents (one batch for each output), stacked."""
    names = list(inputs) if inputs.__class__ is dict else None
    outputs, inputs = one_or_several(outputs), one_or_several(inputs, dicts=True)  # each walk reads them anew
    rows, found = _rows(outputs, () if batches is None else one_or_several(batches)), []
    for i, row in enumerate(rows):
        keep = retain_graph or i < len(rows) - 1 or (retain_graph is None and create_graph)
        found.append(grad(outputs, inputs, row, keep, create_graph, True, allow_unused, False, materialize_grads))
    stacked = tuple([None if g[0] is None else _stack(g) for g in zip(*found, strict=True)])
    return stacked if names is None else dict(zip(names, stacked, strict=True))


def _rows(outputs: tuple[Any, ...], batches: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The cotangents row by row, one for each output."""
    for k, (y, batch) in enumerate(zip(outputs, batches, strict=False)):
        if not isinstance(batch, TensorBase):
            raise not_a_tensor(batch, "grad_outputs of a batch")
        if batch.array.shape[1:] != y.array.shape or not batch.array.ndim:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                f"dimension: grad_output[{k}] of shape {tuple(batch.array.shape)} has no rows of the shape of "
                f"output[{k}], {tuple(y.array.shape)}"
            )
    if len(batches) != len(outputs):
        raise wrong_counts(len(outputs), len(batches))
    lengths = {len(batch.array) for batch in batches}
    if len(lengths) > 1:
        raise ValueError(f"Expected all grad_outputs to have the same number of rows, got {sorted(lengths)}")
    return list(zip(*batches, strict=True))


def _stack(gradients: Sequence[Any]) -> Any:
    """Stacks gradients by recorded operations, so that the result is differentiable."""
    return quiet(np.concatenate, [g.reshape(1, *g.shape) for g in gradients])
