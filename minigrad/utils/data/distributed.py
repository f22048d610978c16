"""`DistributedSampler`: each of several processes gets its own share of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from importlib import import_module
from math import ceil

from minigrad.autograd.failed_calls import names_options
from minigrad.failed_constructors import names_constructor
from minigrad.generator import Generator
from minigrad.utils.data.sampler import Sampler


@names_constructor
class DistributedSampler(Sampler[int]):
    """The samples of process `rank` of `num_replicas`: every `num_replicas`-th of the common order, from `rank` on.

    The order is the same in all processes: random from a generator seeded with `seed + epoch`, or sequential.
    Call `set_epoch(epoch)` before each pass; otherwise all passes have the same order. All shares have the
    same length: the first samples are repeated at the end, or with `drop_last` the last ones are left out.
    `num_replicas` and `rank` default to those of `minigrad.distributed`. Raises
    `ValueError` for a rank outside [0, num_replicas).
    Follows https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler.

    >>> import minigrad as torch
    >>> for rank in range(2):
    ...     list(torch.utils.data.DistributedSampler("abcde", num_replicas=2, rank=rank, shuffle=False))
    [0, 2, 4]
    [1, 3, 0]
    """

    @names_options
    def __init__(
        self, dataset: Sized, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = True,
        seed: int = 0, drop_last: bool = False,
    ) -> None:  # fmt: skip
        if num_replicas is None or rank is None:
            world = import_module("minigrad.distributed")  # imported only if needed
            num_replicas = world.get_world_size() if num_replicas is None else num_replicas
            rank = world.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        size = len(dataset)
        self.num_samples = size // num_replicas if drop_last else ceil(size / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = list(range(size))
        if self.shuffle:
            order = Generator().manual_seed(self.seed + self.epoch).permutation(size).tolist()
        if size:
            order *= ceil(self.total_size / size)  # repeats the first samples
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, which determines the order of the next pass.

        >>> import minigrad as torch
        >>> sampler = torch.utils.data.DistributedSampler(range(4), num_replicas=2, rank=0)
        >>> sampler.set_epoch(1)
        >>> len(list(sampler))
        2
        """
        self.epoch = epoch
