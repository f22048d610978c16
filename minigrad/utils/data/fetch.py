"""Fetches the samples for the indices of a sampler and collates them, in the main process or in a worker."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import device_of, quiet, to_device
from minigrad.tensor import Tensor
from minigrad.utils.data.collate import CollateFunction, default_collate
from minigrad.utils.data.dataset import IterableDataset, Subset, TensorDataset, take_samples

Fetch = Callable[[Any], Any]


class End:
    """The marker for the end of an iterable dataset."""


END: Final = End()


class Source(NamedTuple):
    """The dataset of a loader, and how batches are made of its samples."""

    dataset: Any
    batched: bool  # the sampler yields lists of indices
    collate: CollateFunction
    drop_last: bool

    def open(self) -> Fetch:
        """A function from an item of the sampler to a batch, or END."""
        if isinstance(self.dataset, IterableDataset):
            return _Stream(self, iter(self.dataset))
        return self._fetch

    def _fetch(self, chosen: Any) -> Any:
        if not self.batched:
            return self.collate(self.dataset[chosen])
        if self.collate is default_collate:
            rows = _take_rows(self.dataset, chosen)
            if rows:
                return rows
        return self.collate(take_samples(self.dataset, chosen))


class _Stream:
    """Fetches the samples of an iterable dataset, as many at a time as each item of the sampler is long."""

    def __init__(self, source: Source, samples: Iterator[Any]) -> None:
        self.source, self.samples, self.ended = source, samples, False

    def __call__(self, chosen: Any) -> Any:
        if self.ended:
            return END
        count = len(chosen) if self.source.batched else 1
        taken = []
        for sample in self.samples:
            taken.append(sample)
            if len(taken) == count:
                break
        else:
            self.ended = True
        if not taken or (self.source.batched and self.source.drop_last and len(taken) < count):
            return END
        return self.source.collate(taken if self.source.batched else taken[0])


def _take_rows(dataset: Any, indices: list[int]) -> list[Tensor] | None:
    """The batch that `default_collate` would make, for a `TensorDataset` or a `Subset` of one: by one selection
    from each tensor. None for another dataset.
    """
    while type(dataset) is Subset:
        dataset, indices = dataset.dataset, [dataset.indices[i] for i in indices]
    if type(dataset) is not TensorDataset:
        return None
    chosen = np.array(indices)
    if chosen.dtype.kind != "i":
        return None
    return [_select_rows(tensor, chosen) for tensor in dataset.tensors]


def _select_rows(tensor: Tensor, chosen: Any) -> Tensor:
    """The rows of a tensor at these indices, on its device."""
    index = to_device(chosen, device_of(tensor.array))
    if tensor.__class__ is not Tensor or tensor.requires_grad:
        return tensor[wrap(index)]
    return wrap(quiet(operator.getitem, tensor.array, index))
