"""`DataLoader`: batches of a dataset, in order or shuffled, loaded here or by worker processes."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from minigrad import backend
from minigrad.advice import warn
from minigrad.autograd.failed_calls import leave_out_inner_calls, names_options
from minigrad.failed_constructors import names_constructor
from minigrad.generator import Generator
from minigrad.random import source_of
from minigrad.shown_values import show_value
from minigrad.utils.data.collate import CollateFunction, default_collate, default_convert, pin
from minigrad.utils.data.dataset import IterableDataset
from minigrad.utils.data.fetch import END, Source
from minigrad.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, require_positive

T = TypeVar("T")

_NEED_WORKERS = "prefetch_factor, persistent_workers and multiprocessing_context need num_workers > 0"
_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


@names_constructor
class DataLoader(Generic[T]):
    """Iterates over `dataset` in batches: `for X, y in DataLoader(dataset, 32, shuffle=True)`.

    `sampler` yields indices, `batch_sampler` lists of them; `collate_fn` makes a batch of a list of
    samples (`default_collate`); `batch_size=None` gives single samples. `shuffle` orders as PyTorch
    does after the same `manual_seed`: each pass draws a 64-bit seed from the global generator, and
    a 63-bit seed for the order's own. `generator` replaces the global one. The samples of
    an `IterableDataset` come as it yields them.

    With `num_workers` processes make the batches, each up to `prefetch_factor` (2) ahead of the loop, in
    the same order, or with `in_order=False` in the order of completion. Worker i seeds its generators
    with the seed of the pass plus i, then calls `worker_init_fn(i)`. With `persistent_workers` the
    processes serve all passes. Large arrays are sent through shared memory.
    An error in a worker is raised here, with its traceback; a worker that dies, or is silent for
    `timeout` seconds, is a `RuntimeError` that names it, and the next pass starts new workers. Where processes
    are not forked (`multiprocessing_context="spawn"`), the dataset has to be one that pickles, and the program's
    own lines have to stand under `if __name__ == "__main__":`.

    With `pin_memory` batches come in page-locked memory (`Tensor.pin_memory`); a warning where there is no GPU.

    Raises `ValueError` for options that exclude each other or are out of range, and at a pass `AssertionError` for
    a `timeout` without workers.
    Follows https://docs.pytorch.org/docs/stable/data.html.

    >>> import minigrad as torch
    >>> [batch.tolist() for batch in torch.utils.data.DataLoader(range(5), batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    _is_made = False  # afterwards some attributes cannot be set

    @names_options
    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None, batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0,
        collate_fn: CollateFunction | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        is_stream = isinstance(dataset, IterableDataset)
        _require_worker_options(num_workers, timeout, prefetch_factor, persistent_workers)
        _require_sampling_options(is_stream, batch_size, shuffle, sampler, batch_sampler, drop_last)
        _require_collate_function(collate_fn)
        if batch_size is not None:
            require_positive(batch_size=batch_size)
        if sampler is None:
            sampler = _Endless() if is_stream else _make_sampler(dataset, shuffle, generator, batch_sampler)
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
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = _find_context(multiprocessing_context, num_workers)
        self.in_order = in_order
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._reported_length: int | None = None
        self._iterator: Any = None
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_made and name in _FIXED:
            hint = "make another"
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized; {hint}")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if self._iterator is not None and self._iterator.is_open:
            self._iterator.begin_anew()
            return self._hand_out(self._iterator)
        items = iter(self._indices)  # before the seed: a sampler may draw from the same generator
        # The seed of the workers' generators. As in PyTorch it is drawn even without workers.
        seed = int(source_of(self.generator).random(()))
        source = Source(self.dataset, self.batch_sampler is not None, self.collate_fn, self.drop_last)
        if not self.num_workers:
            if self.timeout:
                raise AssertionError(f"timeout={self.timeout:g} needs num_workers > 0: only a worker can be waited for")
            return self._hand_out(_LocalIterator(source, self._indices, items))
        from minigrad.utils.data.worker import Job
        from minigrad.utils.data.worker_iterator import (
            WorkerIterator,  # imported here, because most programs have no workers
        )

        segments = f"minigrad_{os.getpid()}_{os.urandom(4).hex()}"
        job = Job(source, self.num_workers, seed, self.worker_init_fn, segments)
        iterator = WorkerIterator(job, self._indices, items, self)
        if self.persistent_workers:
            self._iterator = iterator
        return self._hand_out(iterator)

    @property
    def _indices(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._indices)
        length = self._reported_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def _hand_out(self, batches: Iterator[Any]) -> Iterator[Any]:
        """The batches, pinned if wanted and possible, and counted if the dataset has a length."""
        if self.pin_memory and backend.is_available():
            batches = map(pin, batches)
        elif self.pin_memory:
            detail = "then device pinned memory won't be used."
            warn(f"'pin_memory' argument is set as true but no accelerator is found, {detail}")
        return batches if self._reported_length is None else self._count_batches(batches, len(self))

    def _count_batches(self, batches: Iterator[Any], length: int) -> Iterator[Any]:
        """The same, with a warning as in PyTorch if there are more batches than the length says."""
        for number, batch in enumerate(batches, 1):
            if number == length + 1:
                warn(
                    f"Length of IterableDataset {self.dataset} was reported to be {length} (when accessing "
                    f"len(dataloader)), but {number} samples have been fetched. With workers, each may yield all "
                    "samples: let it ask get_worker_info() for its share"
                )
            yield batch


class _LocalIterator(Iterator[Any]):
    """One pass over a loader without workers. After an error the next batch follows, as with workers."""

    def __init__(self, source: Source, sampler: Any, items: Iterator[Any]) -> None:
        self._fetch, self._sampler, self._items = source.open(), sampler, items

    def __len__(self) -> int:
        return len(self._sampler)

    def __next__(self) -> Any:
        item = next(self._items)
        try:
            batch = self._fetch(item)
        except Exception as error:
            leave_out_inner_calls(error)
            raise
        if batch is END:
            raise StopIteration
        return batch


def _make_sampler(dataset: Any, shuffle: bool | None, generator: Generator | None, batch_sampler: Any) -> Sampler[Any]:
    """The sampler of a dataset for which none was given: in order or shuffled. Raises TypeError if it has no length."""
    if batch_sampler is None and not hasattr(dataset, "__len__"):
        hint = "a dataset defines __len__ and __getitem__, a stream is an IterableDataset"
        raise TypeError(f"object of type {type(dataset).__name__!r} has no len(): {hint}")
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


class _Endless(Sampler[Any]):
    """The sampler of an iterable dataset: an endless sequence of None."""

    def __iter__(self) -> Iterator[Any]:
        return itertools.repeat(None)


def _require_worker_options(num_workers: Any, timeout: Any, prefetch_factor: Any, persistent_workers: Any) -> None:
    """Raises for options of workers that are out of range, or given without workers."""
    if not isinstance(num_workers, int):
        raise TypeError(f"num_workers should be an int, but got {show_value(num_workers)}")
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing")
    if not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout is a number of seconds, but got {show_value(timeout)}")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(f"prefetch_factor option could only be specified in multiprocessing: {_NEED_WORKERS}")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError(f"persistent_workers option needs num_workers > 0: {_NEED_WORKERS}")


def _require_collate_function(collate_fn: Any) -> None:
    """Raises TypeError for a `collate_fn` that cannot be called."""
    if collate_fn is not None and not callable(collate_fn):
        raise TypeError(
            f"collate_fn makes a batch from a list of samples: give a function, not {show_value(collate_fn)}"
        )


def _require_sampling_options(
    is_stream: bool, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: Any
) -> None:
    """Raises for sampling options that exclude each other."""
    unspecified = "DataLoader with IterableDataset: expected unspecified"
    if is_stream and shuffle not in (False, None):
        raise ValueError(f"{unspecified} shuffle option, but got shuffle={shuffle}")
    if is_stream and sampler is not None:
        raise ValueError(f"{unspecified} sampler option, but got sampler={sampler}")
    if is_stream and batch_sampler is not None:
        raise ValueError(f"{unspecified} batch_sampler option, but got batch_sampler={batch_sampler}")
    if sampler is not None and shuffle:
        detail = "the sampler chooses the order, leave out shuffle"
        raise ValueError(f"sampler option is mutually exclusive with shuffle: {detail}")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
    if batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


def _find_context(context: Any, num_workers: int) -> Any:
    """The `multiprocessing` context that starts processes, given as itself or by name."""
    if context is None:
        return None
    if num_workers == 0:
        raise ValueError(
            f"multiprocessing_context can only be used with multi-process loading (num_workers > 0): {_NEED_WORKERS}"
        )
    import multiprocessing  # imported here, because most programs have no workers
    from multiprocessing.context import BaseContext

    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            got = f"but got {context!r}"
            raise ValueError(f"multiprocessing_context option should specify a valid start method in {known}, {got}")
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, "
            f"but got {context!r}"
        )
    return context
