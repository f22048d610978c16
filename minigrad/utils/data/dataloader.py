"""`DataLoader`: batches of a dataset, in order or shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module
from minigrad.random import Generator, source_of
from minigrad.tensor import Tensor
from minigrad.utils.data.collate import CollateFunction, default_collate, default_convert
from minigrad.utils.data.dataset import Subset, TensorDataset, samples_of
from minigrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, require_positive

T = TypeVar("T")


class DataLoader(Generic[T]):
    """Iterates over `dataset` in batches: `for X, y in DataLoader(dataset, 32, shuffle=True)`.

    `sampler` yields indices, `batch_sampler` lists of them; `collate_fn` makes a batch of a list of
    samples (`default_collate`); `batch_size=None` gives single samples. `shuffle` orders as PyTorch
    does after the same `manual_seed`: each pass draws a 64-bit seed from the global generator, and
    a 63-bit seed for the order's own. `generator` takes the global one's place.

    Everything is loaded in this process, whatever `num_workers` says: batches and their order are
    the same, and `worker_init_fn` is not called. `pin_memory` changes nothing.

    Raises `ValueError` for options that exclude each other or are out of range.
    Follows https://docs.pytorch.org/docs/stable/data.html.

    >>> import minigrad as torch
    >>> [batch.tolist() for batch in torch.utils.data.DataLoader(range(5), batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[int] | None = None, batch_sampler: Iterable[list[int]] | None = None, num_workers: int = 0,
        collate_fn: CollateFunction | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        needs_workers = prefetch_factor is not None or persistent_workers or multiprocessing_context
        refused = {
            "num_workers option should be non-negative": num_workers < 0,
            "timeout option should be non-negative": timeout < 0,
            "prefetch_factor, persistent_workers and multiprocessing_context need num_workers > 0":
                num_workers == 0 and needs_workers,
            "sampler option is mutually exclusive with shuffle": sampler is not None and shuffle,
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
            "drop_last": batch_sampler is not None
            and (batch_size != 1 or shuffle or sampler is not None or drop_last),
            "batch_size=None option disables auto-batching and is mutually exclusive with "
            "drop_last": batch_size is None and drop_last,
        }  # fmt: skip
        for reason, applies in refused.items():
            if applies:
                raise ValueError(reason)
        if batch_size is not None:
            require_positive(batch_size=batch_size)
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.sampler = sampler
        self.batch_sampler: Any = batch_sampler
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)

    def __iter__(self) -> Iterator[Any]:
        # PyTorch's seed for worker processes; drawn at once, so that all later draws agree.
        source_of(self.generator).random_int63(())
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        collate, dataset = self.collate_fn, self.dataset
        if self.batch_sampler is None:
            yield from (collate(dataset[index]) for index in self.sampler)
            return
        for chosen in self.batch_sampler:
            rows = _rows(dataset, chosen) if collate is default_collate else None
            yield rows or collate(samples_of(dataset, chosen))

    def __len__(self) -> int:
        chosen: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        return len(chosen)


def _rows(dataset: Any, indices: list[int]) -> list[Tensor] | None:
    """What `default_collate` would make of these samples of a `TensorDataset`, or of a `Subset`
    of one, by one selection from each tensor; None where the dataset is no such thing.
    """
    while type(dataset) is Subset:
        dataset, indices = dataset.dataset, [dataset.indices[i] for i in indices]
    if type(dataset) is not TensorDataset:
        return None
    chosen = np.array(indices)
    if chosen.dtype.kind != "i":
        return None
    return [_selected(tensor, chosen) for tensor in dataset.tensors]


def _selected(tensor: Tensor, chosen: Any) -> Tensor:
    index = array_module(tensor.array).asarray(chosen)
    rows: Tensor = tensor[wrap(index)] if tensor.requires_grad else wrap(tensor.array[index])
    return rows
