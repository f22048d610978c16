"""Datasets: anything with `dataset[index]` and `len(dataset)`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from minigrad.ops.elementwise import several
from minigrad.random import Generator, source_of
from minigrad.tensor import Tensor

T = TypeVar("T")


class Dataset(Generic[T]):
    """The base of datasets: a subclass has `__getitem__(index)` and, for most uses, `__len__`.

    Follows https://docs.pytorch.org/docs/stable/data.html.
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")


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
        rows = [tensor.shape[0] for tensor in several("TensorDataset", (list(tensors),), AttributeError)]
        if len(set(rows)) > 1:
            raise AssertionError(f"Size mismatch between tensors: each needs the same number of rows, got {rows}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class Subset(Dataset[T]):
    """The samples of `dataset` at `indices`, in that order.

    >>> import minigrad as torch
    >>> squares = torch.utils.data.TensorDataset(torch.arange(5) ** 2)
    >>> torch.utils.data.Subset(squares, [1, 3])[1]
    (tensor(9),)
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[[self.indices[i] for i in index] if isinstance(index, list) else self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        return samples_of(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def samples_of(dataset: Any, indices: list[int]) -> list[Any]:
    """Several samples, at once where the dataset offers that."""
    if hasattr(dataset, "__getitems__"):
        samples: list[Any] = dataset.__getitems__(indices)
        return samples
    return [dataset[index] for index in indices]


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
    order = source_of(generator).permutation(size).tolist()
    ends = list(accumulate(counts))
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]
