"""Communication hooks that average gradients over the ranks: as `DistributedDataParallel` does, or in half precision.

As `torch.distributed.algorithms.ddp_comm_hooks.default_hooks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.distributed.collectives import all_reduce
from minigrad.distributed.grad_bucket import GradBucket
from minigrad.distributed.process_group import require_member
from minigrad.dtypes import float16
from minigrad.futures import Future
from minigrad.tensor import Tensor

Hook = Callable[[Any, GradBucket], Future[Tensor]]


def allreduce_hook(process_group: Any, bucket: GradBucket) -> Future[Tensor]:
    """The mean of the gradients over the ranks of `process_group`, by default all ranks."""
    return _begin_mean(process_group, bucket.buffer())


def fp16_compress_hook(process_group: Any, bucket: GradBucket) -> Future[Tensor]:
    """The same mean with gradients sent as float16: half the bytes."""
    return fp16_compress_wrapper(allreduce_hook)(process_group, bucket)


def fp16_compress_wrapper(hook: Hook) -> Hook:
    """Makes a hook that calls `hook` with the bucket in float16, and converts the result back."""

    def compressed(state: Any, bucket: GradBucket) -> Future[Tensor]:
        dtype = bucket.buffer().dtype
        bucket.set_buffer(bucket.buffer().to(float16))
        return hook(state, bucket).then(lambda made: made.value().to(dtype))

    return compressed


def _begin_mean(process_group: Any, tensor: Tensor) -> Future[Tensor]:
    """Divides `tensor` in place by the number of ranks, and begins the sum over the ranks."""
    group = require_member(process_group)
    tensor.div_(group.size())  # before the sum, which could overflow float16
    work = all_reduce(tensor, group=group, async_op=True)
    assert work is not None
    return work.get_future().then(lambda made: made.value()[0])
