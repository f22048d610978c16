"""`embedding`, which looks up rows of a table, and `one_hot`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.computing import compute
from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.modes import no_grad
from minigrad.backend import device_of, quiet, store, to_device
from minigrad.devices import CPU
from minigrad.ops import embedding as ops
from minigrad.ops.arguments import as_int, require_bools, require_tensors
from minigrad.ops.counting import unique
from minigrad.ops.keys import first_out_of_range
from minigrad.ops.masks import where
from minigrad.ops.norm import norm
from minigrad.placement import arange_beside, as_index
from minigrad.tensor import Tensor


@names_options
def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:  # fmt: skip
    """The rows of `weight` that `input` names: shape of input + (embedding_dim,).

    The row `padding_idx` gets no gradient; `scale_grad_by_freq` divides each row's gradient by the number of
    its uses. Raises IndexError for indices out of range, RuntimeError unless they are integers.

    >>> import minigrad as torch
    >>> torch.nn.functional.embedding(torch.tensor([1]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.]])
    """
    require_tensors("embedding", "indices weight", input, weight)
    require_bools("embedding", scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    places = input.array
    if places.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype} instead; write indices.long()"
        )
    if weight.array.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, (num_embeddings, embedding_dim), got {list(weight.array.shape)}")
    rows = weight.array.shape[0]
    padding_idx = None if padding_idx is None else as_int(padding_idx, "padding_idx")
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise AssertionError(f"Padding_idx must be within num_embeddings: got {padding_idx} for {rows} rows")
    bad = first_out_of_range(places, rows)
    if bad is not None:
        raise IndexError(f"index out of range in self: embedding has rows 0 to {rows - 1}, got {bad}")
    if max_norm is not None and places.size:
        _shorten_rows(weight, input, max_norm, norm_type)
    return ops.embedding(weight, input, factor=_find_row_factors(weight.array, places, padding_idx, scale_grad_by_freq))


@no_grad()
def _shorten_rows(weight: Tensor, places: Tensor, max_norm: float, norm_type: float) -> None:
    """Scales the rows that are read, in place, to a norm of at most `max_norm`."""
    used = unique(places)
    rows = weight[used]
    lengths = norm(rows, norm_type, 1, keepdim=True)
    weight[used] = where(lengths > max_norm, rows * (max_norm / (lengths + 1e-7)), rows)


def _find_row_factors(table: Any, places: Any, padding_idx: int | None, by_frequency: bool) -> Any:
    """The factor of each row's gradient: 0 for the padding, 1 / (number of uses) with `scale_grad_by_freq`."""
    if padding_idx is None and not by_frequency:
        return None
    factor = quiet(np.ones_like, table, shape=len(table))
    if by_frequency:
        often = np.bincount(as_index(to_device(places, CPU).ravel()), minlength=len(table))
        factor = to_device((1 / np.maximum(often, 1)).astype(table.dtype), device_of(table))
    if padding_idx is not None:
        store(factor, padding_idx, 0)
    return factor


@names_options
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A new last axis with a 1 at each class and 0 elsewhere, int64.

    Raises RuntimeError unless classes are int64 and from 0 to num_classes - 1.

    >>> import minigrad as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    require_tensors("one_hot", "input", tensor)
    classes = tensor.array
    if classes.dtype != np.int64:
        hint = "write tensor.long()"
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}; {hint}")
    num_classes = as_int(num_classes, "one_hot(): argument 'num_classes'")
    if not classes.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    count = int(compute(np.max, tensor).array) + 1 if num_classes == -1 else num_classes
    if count > 2**62:
        raise RuntimeError(f"one_hot: Storage size calculation overflowed: {count} classes do not fit into memory")
    bad = first_out_of_range(classes, count)
    if (bad is not None and bad < 0) or count <= 0:
        what = "" if num_classes == -1 else f", and num_classes positive, here {num_classes}"
        got = "" if bad is None else f": got {bad}"  # a GPU's classes are not looked at
        raise RuntimeError(f"Class values must be non-negative{what}{got}")
    if bad is not None:
        raise RuntimeError(f"Class values must be smaller than num_classes: got {bad} and {count}.")
    return (tensor.unsqueeze(-1) == wrap(arange_beside(classes, count))).long().contiguous()
