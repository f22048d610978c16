"""Buckets: gradients of one dtype, packed into one array, which is reduced at once.

Each reduction costs a latency, however small it is. Buckets are filled from the last parameter to the first, about the
order in which backward completes them (T. Ben-Nun and T. Hoefler, 2019, section 6; S. Li et al., "PyTorch Distributed",
VLDB 2020, section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module, device_of, on_gpu_of, to_device
from minigrad.devices import CPU
from minigrad.distributed.communicator import Communicator, Request
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.work import Work
from minigrad.futures import Future
from minigrad.tensor import Tensor

FIRST_BYTES = 1024 * 1024  # of the first bucket, which is small so that it can be sent early


def fill_buckets(parameters: Sequence[Tensor], cap: int) -> list[list[int]]:
    """Divides the parameters, by number, into buckets of at most `cap` bytes and of one dtype each.

    From the last parameter to the first. The first bucket has at most `FIRST_BYTES`. A parameter larger than a bucket
    gets a bucket of its own.

    >>> import minigrad as torch
    >>> fill_buckets([torch.ones(2), torch.ones(2), torch.ones(4)], cap=16)
    [[2], [1, 0]]
    """
    buckets: list[list[int]] = []
    open_buckets: dict[Any, tuple[list[int], int]] = {}  # by dtype and device: the bucket being filled, and its bytes
    for number in reversed(range(len(parameters))):
        parameter = parameters[number]
        kind = (parameter.dtype, parameter.device)
        bucket, size = open_buckets.get(kind, ([], 0))
        limit = min(FIRST_BYTES, cap) if not bucket or bucket is buckets[0] else cap
        if not bucket or size + parameter.array.nbytes > limit:
            bucket, size = [], 0
            buckets.append(bucket)
        bucket.append(number)
        open_buckets[kind] = (bucket, size + parameter.array.nbytes)
    return buckets


class Bucket:
    """The gradients of some parameters in one array, which is reduced over the ranks."""

    def __init__(self, parameters: Sequence[Tensor], communicator: Communicator) -> None:
        self.parameters, self._communicator = list(parameters), communicator
        first = parameters[0].array
        # MPI cannot reduce float16: those gradients are sent as float32.
        dtype = np.dtype(np.float32) if first.dtype == np.float16 and not communicator.on_gpu else first.dtype
        size = sum(p.array.size for p in parameters)
        self.array = on_gpu_of(first, array_module(first).zeros, size, dtype)
        self.views: list[Any] = []
        begin = 0
        for parameter in parameters:
            end = begin + parameter.array.size
            self.views.append(self.array[begin:end].reshape(parameter.array.shape))
            begin = end
        self.missing = len(parameters)
        self.work: Work | None = None
        self.averaged: Future[Any] | None = None  # the result of a user's hook
        self._travels_by_host = not communicator.on_gpu and not isinstance(self.array, np.ndarray)
        self._host: Any = None

    def put(self, place: int, scale: float) -> None:
        """Copies the gradient of the parameter at `place`, times `scale`; zeros if it has none."""
        gradient, view = self.parameters[place].grad, self.views[place]
        if gradient is None:
            view[...] = 0
        else:
            np.multiply(gradient.array, view.dtype.type(scale), out=view)
        self.missing -= 1

    def send(self) -> Request:
        """Starts the reduction over all ranks; with MPI a GPU's gradients go through the host's memory."""
        if not self._travels_by_host:
            return self._communicator.all_reduce(self.array, ReduceOp.SUM)
        self._host = to_device(self.array, CPU)
        return self._communicator.all_reduce(self._host, ReduceOp.SUM)

    def keep_moving(self) -> None:
        """Calls MPI, which moves data only during its calls."""
        if self.work is not None:
            self.work.is_completed()
        if self.averaged is not None:
            self.averaged.done()

    def await_result(self) -> None:
        """Waits for the sums, or for the result of the hook."""
        if self.averaged is not None:
            made = self.averaged.wait()
            tensor = made[0] if isinstance(made, (list, tuple)) else made
            self.array[...] = tensor.array.reshape(-1)
            return
        if self.work is not None:
            self.work.wait()
        if self._travels_by_host:
            self.array[...] = to_device(self._host, device_of(self.array))

    def hand_out(self, place: int, as_view: bool) -> None:
        """Sets `.grad` of the parameter at `place` to the reduced gradient, a view of the bucket or a copy."""
        parameter, view = self.parameters[place], self.views[place]
        gradient = parameter.grad
        if as_view and view.dtype == parameter.array.dtype:
            parameter.gradient = wrap(view)
        elif gradient is None:
            parameter.gradient = wrap(view.astype(parameter.array.dtype))
        else:
            gradient.array[...] = view
            gradient.bump_version()
