"""Datasets: anything with `dataset[index]` and `len(dataset)`."""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.failed_calls import names_options
from minigrad.failed_constructors import names_constructor
from minigrad.generator import Generator
from minigrad.ops.complaints import how_to_give_a_tensor, not_a_tensor
from minigrad.random import source_of
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor

T = TypeVar("T")


class Dataset(Generic[T]):
    """The base class of datasets: a subclass has `__getitem__(index)` and usually `__len__`.

    Follows https://docs.pytorch.org/docs/stable/data.html.

    >>> import minigrad as torch
    >>> class Squares(torch.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return index**2
    >>> next(iter(torch.utils.data.DataLoader(Squares(), batch_size=4)))
    tensor([0, 1, 4, 9])
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Any) -> ConcatDataset[T]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T], Iterable[T]):
    """The base class of datasets that are streams: a subclass has `__iter__`, and no indices.

    Each worker has a copy of the dataset: `__iter__` should use `get_worker_info()` to yield only its share.

    >>> import minigrad as torch
    >>> class Squares(torch.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter([0, 1, 4])
    >>> [batch.tolist() for batch in torch.utils.data.DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4]]
    """

    @abstractmethod
    def __iter__(self) -> Iterator[T]:
        """Yields the samples."""

    def __add__(self, other: Any) -> ChainDataset[T]:  # type: ignore[override]
        return ChainDataset([self, other])


@names_constructor
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
        for place, tensor in enumerate(tensors, 1):
            if not isinstance(tensor, Tensor):
                raise _no_column(place, tensor)
            if tensor.ndim == 0:
                raise IndexError("Dimension specified as 0 but tensor has no dimensions: a 0-d tensor has no rows")
        rows = [tensor.shape[0] for tensor in tensors]
        if len(set(rows)) > 1:
            raise AssertionError(f"Size mismatch between tensors: each needs the same number of rows, got {rows}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


def _no_column(place: int, given: Any) -> Exception:
    """The error for what is no tensor among those of a `TensorDataset`, of PyTorch's class."""
    if isinstance(given, np.ndarray):
        return not_a_tensor("TensorDataset", "tensors", place, given)
    hint = how_to_give_a_tensor(given)
    if isinstance(given, (list, tuple)) and given and all(isinstance(x, Tensor) for x in given):
        hint = "each tensor is an argument of its own, TensorDataset(*tensors)"
    kind = type(given).__name__
    return AttributeError(f"{kind!r} object has no attribute 'size': TensorDataset takes tensors; {hint}")


@names_constructor
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
        own = type(self)
        if own.__getitem__ is not Subset.__getitem__ and own.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{own.__name__} overrides __getitem__ but not __getitems__, by which a DataLoader takes a batch; add: "
                "def __getitems__(self, indices): return [self[i] for i in indices]"
            )

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        return take_samples(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


@names_constructor
class ConcatDataset(Dataset[T]):
    """The samples of several datasets, one after another; `a + b` makes one of two.

    Raises `AssertionError` for no dataset and for an `IterableDataset`, `ValueError` for an index
    before the first sample.

    >>> import minigrad as torch
    >>> both = torch.utils.data.ConcatDataset(["ab", "cde"])
    >>> len(both), both[2], both[-1]
    (5, 'c', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset: ChainDataset chains them")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> T:
        if index < 0:
            if -index > len(self):
                raise ValueError(f"absolute value of index should not exceed dataset length: {index} of {len(self)}")
            index += len(self)
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


@names_constructor
class ChainDataset(IterableDataset[T]):
    """The samples of several iterable datasets, one after another.

    Raises `AssertionError`, on iterating, for a dataset that is none.

    >>> import minigrad as torch
    >>> class Count(torch.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(2))
    >>> list(torch.utils.data.ChainDataset([Count(), Count()]))
    [0, 1, 0, 1]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset

    def __iter__(self) -> Iterator[T]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(map(len, self._streams()))


@names_constructor
class StackDataset(Dataset[Any]):
    """Sample `i` is the tuple, or with keywords the dict, of the `i`-th samples of several datasets.

    Raises `ValueError` for no dataset, for both kinds at once, and for unequal lengths.

    >>> import minigrad as torch
    >>> torch.utils.data.StackDataset(image=[1, 2], name="ab")[1]
    {'image': 2, 'name': 'b'}
    """

    datasets: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("Supported either tuple- (via args) or dict- (via kwargs) like input/output, not both")
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        lengths = [len(dataset) for dataset in (args or kwargs.values())]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: their lengths are {lengths}")
        self._length = lengths[0]
        self.datasets = args or kwargs

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple([dataset[index] for dataset in self.datasets])

    def __getitems__(self, indices: list[int]) -> list[Any]:
        if isinstance(self.datasets, dict):
            columns = [self._read_column(dataset, indices) for dataset in self.datasets.values()]
            return [dict(zip(self.datasets, row, strict=True)) for row in zip(*columns, strict=True)]
        return list(zip(*[self._read_column(dataset, indices) for dataset in self.datasets], strict=True))

    def _read_column(self, dataset: Any, indices: list[int]) -> list[Any]:
        samples = take_samples(dataset, indices)
        if len(samples) != len(indices):
            raise ValueError(f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(samples)}")
        return samples

    def __len__(self) -> int:
        return self._length


def take_samples(dataset: Any, indices: list[int]) -> list[Any]:
    """Several samples, by one call of `__getitems__` if the dataset has it."""
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]


@names_options
def random_split(dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None) -> list[Subset[Any]]:
    """Splits `dataset` at random into parts of the given lengths, or fractions that sum to 1.

    Samples that remain after rounding down go to the first parts, one each. The order is PyTorch's.
    Raises `ValueError` for a fraction outside [0, 1] and for lengths with the wrong sum; warns of
    an empty part.

    >>> import minigrad as torch
    >>> [len(part) for part in torch.utils.data.random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    if not isinstance(lengths, Iterable) or str in map(type, lengths):
        raise TypeError(f"random_split(): argument 'lengths' must be a list such as [0.8, 0.2], got {shorten(lengths)}")
    size = len(dataset)
    counts: list[Any] = list(lengths)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        counts = _count_fractions(lengths, size)
    if sum(counts) != size:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"{shorten(counts)} sum to {sum(counts)}, the dataset has {size}"
        )
    if any(not hasattr(count, "__index__") for count in counts):
        raise TypeError(
            f"lengths are ints that sum to the dataset's {size} samples, or fractions that sum to 1: {shorten(counts)}"
        )
    order = source_of(generator).permutation(size).tolist()
    ends = list(accumulate(counts))
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def _count_fractions(fractions: Sequence[float], size: int) -> list[int]:
    """The number of samples, of `size`, for each fraction."""
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1: {fraction}")
    counts = [math.floor(size * fraction) for fraction in fractions]
    for i in range(size - sum(counts)):
        counts[i % len(counts)] += 1
    for i, count in enumerate(counts):
        if count == 0:
            warn(f"Length of split at index {i} is 0. This might result in an empty dataset.")
    return counts
