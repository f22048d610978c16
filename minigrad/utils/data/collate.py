"""From samples to a batch: tensors are stacked, containers are transposed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.creation import as_tensor, tensor
from minigrad.dtypes import float64
from minigrad.ops.join import stack
from minigrad.tensor import Tensor


def default_collate(batch: Any) -> Any:
    """One batch from a list of samples, with a new first axis.

    Tensors and NumPy arrays are stacked, numbers become one tensor (floats float64, as PyTorch's),
    strings stay a list; samples that are dicts, tuples, named tuples or lists are collated entry by
    entry. Raises `TypeError` for other types and `RuntimeError` for samples of unequal length.

    >>> import minigrad as torch
    >>> torch.utils.data.default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if isinstance(first, (np.ndarray, np.generic)) and first.dtype.kind not in "fiub":
        raise TypeError(_unknown(first.dtype))
    if isinstance(first, np.ndarray) and first.ndim:
        return _stacked([as_tensor(sample) for sample in batch])
    if isinstance(first, (np.ndarray, np.generic)):
        return as_tensor(np.array(batch))
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        collated = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return _refilled(first, collated)
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError(
                "each element in list of batch should be of equal size, got lengths "
                f"{sorted({len(sample) for sample in batch})}: pad them, or pass a collate_fn"
            )
        entries = [default_collate(samples) for samples in zip(*batch, strict=True)]
        return type(first)(*entries) if hasattr(first, "_fields") else entries
    raise TypeError(_unknown(type(first)))


def default_convert(data: Any) -> Any:
    """A single sample with its NumPy arrays and scalars made tensors; all else stays as it is."""
    if isinstance(data, (np.ndarray, np.generic)):
        return as_tensor(data) if data.dtype.kind in "fiub" else data
    if isinstance(data, Mapping):
        return _refilled(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return [default_convert(entry) for entry in data]
    return data


def _stacked(samples: Sequence[Tensor]) -> Any:
    """`stack(samples)`; plain ones of one kind are joined in a quarter of the time."""
    like = samples[0].array
    for x in samples:
        if not isinstance(x, Tensor) or x.requires_grad or x.array.shape != like.shape or x.array.dtype != like.dtype:
            return stack(list(samples), 0)
    joined = np.concatenate([x.array.reshape(-1) for x in samples])
    return wrap(joined.reshape(len(samples), *like.shape))


def _refilled(mapping: Any, entries: dict[Any, Any]) -> Any:
    """A mapping of the same class with other values; a plain dict where it cannot be written."""
    if type(mapping) is dict or not hasattr(mapping, "update"):
        return entries
    filled = copy(mapping)
    filled.update(entries)
    return filled


def _unknown(kind: Any) -> str:
    return (
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {kind}. Pass a collate_fn that makes a batch from a list of samples"
    )


CollateFunction = Callable[[list[Any]], Any]
