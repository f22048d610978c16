"""Samplers: the order, and the batches, in which a `DataLoader` takes the samples.

Random orders are PyTorch's for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

from minigrad.autograd.failed_calls import names_options
from minigrad.creation import as_tensor
from minigrad.dtypes import float64
from minigrad.failed_constructors import names_constructor
from minigrad.generator import Generator
from minigrad.random import default_generator, source_of
from minigrad.shown_values import shorten
from minigrad.tensor.drawing import multinomial

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """The base class of samplers: `__iter__` of a subclass yields indices, or lists of them.

    >>> import minigrad as torch
    >>> class Backwards(torch.utils.data.Sampler):
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    >>> list(Backwards())
    [2, 1, 0]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


@names_constructor
class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... to the end of `data_source`.

    >>> import minigrad as torch
    >>> list(torch.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    @names_options
    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


@names_constructor
class RandomSampler(Sampler[int]):
    """Every index once, in random order; or `num_samples` of them, with `replacement` if asked.

    Without a generator of its own, each pass draws one 63-bit seed from the global generator.
    Raises `TypeError` or `ValueError` unless the options are a bool and a positive int.

    >>> import minigrad as torch
    >>> sorted(torch.utils.data.RandomSampler("abc"))
    [0, 1, 2]
    """

    @names_options
    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:  # fmt: skip
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        _require_bool(TypeError, replacement=replacement)
        if num_samples is None and not len(data_source):
            raise ValueError("num_samples should be a positive integer value, but got num_samples=0: there are no data")
        require_positive(num_samples=self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices a pass yields: all by default."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        size, wanted = len(self.data_source), self.num_samples
        if not size and not self.replacement:
            raise ValueError(f"RandomSampler cannot order {wanted} samples: there are no data")
        generator = self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(int(default_generator.random(())))
        at_once = 32 if self.replacement else size
        # As many draws as in PyTorch, also a last one of none: so the generator's state is the same afterwards.
        for left in range(wanted, -1, -at_once):
            if self.replacement:
                drawn = generator.randint(0, size, (min(left, at_once),))
            else:
                drawn = generator.permutation(size)
            yield from drawn.tolist()[:left]

    def __len__(self) -> int:
        return self.num_samples


@names_constructor
class SubsetRandomSampler(Sampler[int]):
    """The given `indices`, each once, in random order.

    >>> import minigrad as torch
    >>> sorted(torch.utils.data.SubsetRandomSampler([1, 3]))
    [1, 3]
    """

    @names_options
    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = source_of(self.generator).permutation(len(self.indices))  # drawn with the first index
        yield from (self.indices[i] for i in order.tolist())

    def __len__(self) -> int:
        return len(self.indices)


@names_constructor
class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, index i with probability proportional to `weights[i]`.

    With replacement the draws are PyTorch's. Raises `ValueError` for bad options, `RuntimeError`, on
    drawing, for weights that are negative, infinite or all zero.

    >>> import minigrad as torch
    >>> list(torch.utils.data.WeightedRandomSampler([0.0, 1.0], 3))
    [1, 1, 1]
    """

    @names_options
    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        require_positive(num_samples=num_samples)
        _require_bool(ValueError, replacement=replacement)
        self.weights = as_tensor(weights, dtype=float64).detach()
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        chosen = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from chosen.tolist()

    def __len__(self) -> int:
        return self.num_samples


@names_constructor
class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` indices from `sampler`; `drop_last` drops a shorter one at the end.

    >>> import minigrad as torch
    >>> list(torch.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    @names_options
    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        require_positive(batch_size=batch_size)
        _require_bool(ValueError, drop_last=drop_last)
        self.sampler: Any = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full + (rest > 0 and not self.drop_last)


def require_positive(**options: Any) -> None:
    """Raises `ValueError` for anything but a positive int."""
    for name, value in options.items():
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise ValueError(f"{name} should be a positive integer value, but got {name}={shorten(value)}")


def _require_bool(kind: type[Exception], **options: Any) -> None:
    """Raises an error of that kind for anything but a bool."""
    for name, value in options.items():
        if not isinstance(value, bool):
            raise kind(f"{name} should be a boolean value, but got {name}={shorten(value)}")
