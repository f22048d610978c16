"""`DataLoader`: batches of a dataset, in order or shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module
from minigrad.random import Generator, default_generator
from minigrad.tensor import Tensor
from minigrad.utils.data.collate import CollateFunction, default_collate, default_convert
from minigrad.utils.data.dataset import IterableDataset, Subset, TensorDataset
from minigrad.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    require_positive,
)

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
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: CollateFunction | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Any = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",  # noqa: ARG002
        in_order: bool = True,  # noqa: ARG002
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable "
                f"multiprocessing. Got {num_workers}"
            )
        if timeout < 0:
            raise ValueError(f"timeout option should be non-negative, got {timeout}")
        if num_workers == 0:
            for option, given in {
                "prefetch_factor": prefetch_factor is not None,
                "persistent_workers": persistent_workers,
                "multiprocessing_context": multiprocessing_context is not None,
            }.items():
                if given:
                    raise ValueError(f"{option} option needs num_workers > 0")
        if isinstance(dataset, IterableDataset):
            for option, value in {
                "shuffle": shuffle or None,
                "sampler": sampler,
                "batch_sampler": batch_sampler,
            }.items():
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {option} option, "
                        f"but got {option}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None:
            if drop_last:
                raise ValueError(
                    "batch_size=None option disables auto-batching and is mutually exclusive with "
                    "drop_last"
                )
        else:
            require_positive(batch_size=batch_size)
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.sampler: Any = sampler
        if sampler is None and not isinstance(dataset, IterableDataset):
            self.sampler = (
                RandomSampler(dataset, generator=generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        self.batch_sampler: Any = batch_sampler
        if batch_size is not None and self.sampler is not None:
            self.batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)
        self._batched = batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)

    def __iter__(self) -> Iterator[Any]:
        # PyTorch's seed for worker processes; drawn at once, so that all later draws agree.
        (self.generator or default_generator).random_int63(())
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        collate, dataset = self.collate_fn, self.dataset
        if isinstance(dataset, IterableDataset):
            samples = iter(dataset)
            if not self._batched:
                yield from map(collate, samples)
                return
            size: Any = self.batch_size
            while batch := list(islice(samples, size)):
                if len(batch) == size or not self.drop_last:
                    yield collate(batch)
        elif not self._batched:
            for index in self.sampler:
                yield collate(dataset[index])
        else:
            for indices in self.batch_sampler:
                rows = _rows(dataset, indices) if collate is default_collate else None
                yield rows or collate(_samples(dataset, indices))

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            size = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return size
            full, rest = divmod(size, self.batch_size)
            return full + (rest > 0 and not self.drop_last)
        return len(self.batch_sampler if self._batched else self.sampler)


def _samples(dataset: Any, indices: list[int]) -> list[Any]:
    if hasattr(dataset, "__getitems__"):
        samples: list[Any] = dataset.__getitems__(indices)
        return samples
    return [dataset[index] for index in indices]


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
