"""Makes a batch of samples: tensors are stacked, and a list of tuples becomes a tuple of batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from contextlib import suppress
from copy import copy
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import leave_out_inner_calls
from minigrad.creation import as_tensor, tensor
from minigrad.dtypes import float64
from minigrad.ops.complaints import type_name
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
    try:
        first = batch[0]
    except TypeError:
        raise TypeError(
            f"default_collate(): argument 'batch' must be a list of samples, not {type_name(batch)}"
        ) from None
    try:
        return _collate(first, batch)
    except (TypeError, ValueError, RuntimeError, KeyError) as error:
        leave_out_inner_calls(error)
        kinds = [type_name(sample) for sample in batch]
        other = next((number for number, kind in enumerate(kinds) if kind != kinds[0]), None)
        if other is None or isinstance(error, KeyError):
            raise
        raise type(error)(
            f"{error}. The samples of a batch should be of one kind: sample 0 is of type {kinds[0]}, sample {other} of "
            f"type {kinds[other]}"
        ) from None


def _collate(first: Any, batch: Any) -> Any:
    if isinstance(first, Tensor):
        return _stack(batch)
    if _is_numeric(first):
        return as_tensor(batch) if isinstance(first, np.generic) else _stack([as_tensor(sample) for sample in batch])
    if isinstance(first, (int, float)) and not isinstance(first, np.generic):
        return tensor(batch, dtype=float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):  # NumPy's too
        return batch
    if isinstance(first, Mapping):
        for number, sample in enumerate(batch):
            if missing := [key for key in first if key not in sample]:
                raise KeyError(f"{missing[0]}: sample 0 of the batch has it, sample {number} has the keys {[*sample]}")
        return _rebuild_mapping(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            got = f"got lengths {sorted({len(sample) for sample in batch})}: pad them, or pass a collate_fn"
            raise RuntimeError(f"each element in list of batch should be of equal size, {got}")
        return _rebuild_sequence(first, [default_collate(samples) for samples in zip(*batch, strict=True)])
    hint = "Is `return` missing in the dataset's __getitem__? " if first is None else ""
    if hasattr(first, "__dlpack__") and not isinstance(first, np.ndarray):
        hint = "It is of another library: minigrad.from_dlpack(x) is a tensor of the same memory. "
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {first.dtype if isinstance(first, np.ndarray) else type(first)}. {hint}Pass a collate_fn that makes a "
        "batch from a list of samples"
    )


def default_convert(data: Any) -> Any:
    """A single sample, with NumPy arrays and scalars converted to tensors.

    >>> import minigrad as torch
    >>> import numpy as np
    >>> torch.utils.data.default_convert([np.arange(2), "name"])
    [tensor([0, 1]), 'name']
    """
    return as_tensor(data) if _is_numeric(data) else _map_entries(default_convert, data)


def pin(data: Any) -> Any:
    """A batch with its tensors in page-locked memory; calls `pin_memory` of objects that have it."""
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    pinned = _map_entries(pin, data)
    return type(data)(pinned) if isinstance(data, tuple) and isinstance(pinned, list) else pinned


def _map_entries(convert: Callable[[Any], Any], data: Any) -> Any:
    """Applies `convert` to each entry of a mapping or a sequence; other values are returned unchanged."""
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: convert(value) for key, value in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild_sequence(data, [convert(entry) for entry in data])
    return data


def _rebuild_mapping(like: Any, entries: dict[Any, Any]) -> Any:
    """A mapping of the class of `like`, with its other attributes; a dict if no such mapping can be made."""
    if type(like) is dict:
        return entries
    with suppress(TypeError):
        if not isinstance(like, MutableMapping):
            return type(like)(entries)
        rebuilt = copy(like)
        rebuilt.update(entries)
        return rebuilt
    return entries


def _rebuild_sequence(like: Any, entries: list[Any]) -> Any:
    """A sequence of the class of `like`, with its other attributes; a list for a tuple, or if none can be made."""
    if hasattr(like, "_fields"):  # a named tuple
        return type(like)(*entries)
    if type(like) is list or isinstance(like, tuple):
        return entries
    with suppress(TypeError):  # a range holds no tensors
        if not isinstance(like, MutableSequence):
            return type(like)(entries)
        rebuilt = copy(like)
        rebuilt[:] = entries
        return rebuilt
    return entries


def _is_numeric(sample: Any) -> bool:
    """Whether a sample is a NumPy array or scalar that a tensor can hold."""
    return isinstance(sample, (np.ndarray, np.generic)) and sample.dtype.kind in "fiub"


def _stack(samples: Sequence[Tensor]) -> Any:
    """`stack(samples)`; tensors of one shape and dtype without a gradient are joined directly, four times as fast."""
    like = samples[0].array
    for x in samples:
        if x.__class__ is not Tensor or x.requires_grad or x.array.shape != like.shape or x.array.dtype != like.dtype:
            return stack(list(samples), 0)
    if like.__class__ is not np.ndarray:
        return stack(list(samples), 0)
    joined = np.concatenate([x.array.reshape(-1) for x in samples])
    return wrap(joined.reshape(len(samples), *like.shape))


CollateFunction = Callable[[list[Any]], Any]
