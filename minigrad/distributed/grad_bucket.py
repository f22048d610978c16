"""`GradBucket`: gradients that `DistributedDataParallel` is about to reduce, as a communication hook sees them."""

from __future__ import annotations

from collections.abc import Sequence

from minigrad.autograd.core import wrap
from minigrad.backend import Array
from minigrad.tensor import Tensor


class GradBucket:
    """The gradients of some parameters on this rank: `buffer` is one flat tensor, `gradients` are views of it.

    See `DistributedDataParallel.register_comm_hook`. As `torch.distributed.GradBucket`.

    >>> import minigrad as torch
    >>> from minigrad.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
    >>> def note_size(sizes, bucket):
    ...     sizes.append(bucket.buffer().numel())
    ...     return allreduce_hook(None, bucket)
    >>> torch.distributed.init_process_group()
    >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
    >>> net.register_comm_hook(sizes := [], note_size)
    >>> net(torch.ones(3, 2)).sum().backward()
    >>> sizes  # two weights and a bias
    [3]
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(
        self, index: int, is_last: bool, array: Array, views: Sequence[Array], parameters: Sequence[Tensor]
    ) -> None:
        self._index, self._is_last = index, is_last
        self._buffer: Tensor = wrap(array)
        self._views, self._parameters = views, parameters

    def index(self) -> int:
        """The number of the bucket; buckets are reduced in this order."""
        return self._index

    def is_last(self) -> bool:
        """Whether it is the last bucket of this backward."""
        return self._is_last

    def buffer(self) -> Tensor:
        """The gradients as one flat tensor."""
        return self._buffer

    def set_buffer(self, buffer: Tensor) -> None:
        """Replaces the tensor that `buffer` returns."""
        self._buffer = buffer

    def gradients(self) -> list[Tensor]:
        """The gradients in their shapes."""
        return [wrap(view) for view in self._views]

    def parameters(self) -> list[Tensor]:
        """The parameters of these gradients."""
        return list(self._parameters)
