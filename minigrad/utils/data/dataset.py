"""Datasets: anything with `dataset[index]` and `len(dataset)`, or with `iter(dataset)`."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from minigrad.random import Generator, default_generator
from minigrad.tensor import Tensor

T = TypeVar("T")


class Dataset(Generic[T]):
    """The base of datasets: a subclass has `__getitem__(index)` and, for most uses, `__len__`.

    `a + b` joins two of them. Follows https://docs.pytorch.org/docs/stable/data.html.
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[T]) -> ConcatDataset[T]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """The base of datasets that are read in their own order: a subclass has `__iter__`."""

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample `i` is the tuple of the tensors' `i`-th rows.

    Raises `AssertionError` where the tensors differ in their number of rows.

    >>> import minigrad as torch
    >>> dataset = torch.utils.data.TensorDataset(torch.arange(3), torch.arange(3) * 10)
    >>> dataset[2]
    (tensor(2), tensor(20))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        rows = [tensor.shape[0] for tensor in tensors]
        if len(set(rows)) > 1:
            raise AssertionError(f"Size mismatch between tensors: each needs the same number of rows, got {rows}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class ConcatDataset(Dataset[T]):
    """The samples of several datasets, one after the other.

    Raises `AssertionError` for no datasets and for iterable ones.
    """

    def __init__(self, datasets: Iterable[Dataset[T]]) -> None:
        self.datasets: list[Any] = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T:
        if not -len(self) <= index < len(self):
            # PyTorch's classes, one for each end
            kind = IndexError if index >= 0 else ValueError
            raise kind(f"absolute value of index should not exceed dataset length {len(self)}, got {index}")
        index %= len(self)
        which = bisect_right(self.cumulative_sizes, index)
        sample: T = self.datasets[which][index - ([0, *self.cumulative_sizes][which])]
        return sample


class Subset(Dataset[T]):
    """The samples of `dataset` at `indices`, in that order."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T:
        if isinstance(index, list):
            sample: T = self.dataset[[self.indices[i] for i in index]]
        else:
            sample = self.dataset[self.indices[index]]
        return sample

    def __getitems__(self, indices: list[int]) -> list[T]:
        own = [self.indices[i] for i in indices]
        if hasattr(self.dataset, "__getitems__"):
            samples: list[T] = self.dataset.__getitems__(own)
            return samples
        return [self.dataset[i] for i in own]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None) -> list[Subset[Any]]:
    """Splits `dataset` at random into parts of the given lengths, or fractions that sum to 1.

    What fractions leave over goes to the first parts, one sample each. The order is PyTorch's.
    Raises `ValueError` for a fraction outside [0, 1] and for lengths with the wrong sum; warns of
    an empty part.

    >>> import minigrad as torch
    >>> [len(part) for part in torch.utils.data.random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    size = len(dataset)
    counts: list[Any] = list(lengths)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1: {fraction}")
        counts = [math.floor(size * fraction) for fraction in lengths]
        for i in range(size - sum(counts)):
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if count == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    if sum(counts) != size:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"{counts} sum to {sum(counts)}, the dataset has {size}"
        )
    order = (generator or default_generator).permutation(size).tolist()
    ends = list(accumulate(counts))
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]
