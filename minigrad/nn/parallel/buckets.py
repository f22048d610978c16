"""Buckets: gradients are reduced many at a time, while the backward pass is still running.

Each reduction costs a latency, however small it is, so gradients are packed into buckets of one dtype. Buckets are
filled from the last parameter to the first, about the order in which backward completes them (T. Ben-Nun and T.
Hoefler, 2019, section 6; S. Li et al., "PyTorch Distributed", VLDB 2020, section 3.2). The reduction of a bucket starts
when its last gradient has arrived; all ranks start them in the same order, because collectives are matched by order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.backend import array_module, device_of, on_gpu_of, quiet, to_device
from minigrad.devices import CPU
from minigrad.distributed.communicator import Communicator, Request
from minigrad.distributed.grad_bucket import GradBucket
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.work import Work
from minigrad.futures import Future
from minigrad.tensor import Tensor

FIRST = 1024 * 1024  # bytes of the first bucket, which is small so that it can be sent early


def fill(parameters: Sequence[Tensor], cap: int) -> list[list[int]]:
    """Divides the parameters, by number, into buckets of at most `cap` bytes (the first `FIRST`) and of one dtype each.

    From the last parameter to the first. A parameter larger than a bucket gets a bucket of its own.

    >>> import minigrad as torch
    >>> fill([torch.ones(2), torch.ones(2), torch.ones(4)], cap=16)
    [[2], [1, 0]]
    """
    buckets: list[list[int]] = []
    open_buckets: dict[Any, tuple[list[int], int]] = {}  # by dtype and device: the bucket being filled, and its bytes
    for number in reversed(range(len(parameters))):
        parameter = parameters[number]
        kind = (parameter.dtype, parameter.device)
        bucket, size = open_buckets.get(kind, ([], 0))
        limit = min(FIRST, cap) if not bucket or bucket is buckets[0] else cap
        if not bucket or size + parameter.array.nbytes > limit:
            bucket, size = [], 0
            buckets.append(bucket)
        bucket.append(number)
        open_buckets[kind] = (bucket, size + parameter.array.nbytes)
    return buckets


class Bucket:
    """The gradients of some parameters in one array, which is reduced over the ranks."""

    def __init__(self, parameters: Sequence[Tensor], backend: str) -> None:
        self.parameters = list(parameters)
        first = parameters[0].array
        # MPI cannot reduce float16: those gradients are sent as float32.
        dtype = np.dtype(np.float32) if backend == "mpi" and first.dtype == np.float16 else first.dtype
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
        self._travels_by_host = backend == "mpi" and not isinstance(self.array, np.ndarray)
        self._host: Any = None

    def put(self, place: int, scale: float) -> None:
        """Copies the gradient of the parameter at `place`, times `scale`; zeros if it has none."""
        gradient, view = self.parameters[place].grad, self.views[place]
        if gradient is None:
            view[...] = 0
        else:
            np.multiply(gradient.array, view.dtype.type(scale), out=view)
        self.missing -= 1

    def send(self, communicator: Communicator) -> Request:
        """Starts the reduction over all ranks; with MPI a GPU's gradients go through the host's memory."""
        if not self._travels_by_host:
            return communicator.all_reduce(self.array, ReduceOp.SUM)
        self._host = to_device(self.array, CPU)
        return communicator.all_reduce(self._host, ReduceOp.SUM)

    def moves_on(self) -> None:
        """Calls MPI, which moves data only during its calls."""
        if self.work is not None:
            self.work.is_completed()
        if self.averaged is not None:
            self.averaged.done()

    def arrive(self) -> None:
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

    def take(self, place: int, as_view: bool) -> None:
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


class Reducer:
    """Averages the gradients of `parameters` over the ranks of a group, during backward.

    `expect` announces a backward; every complete gradient calls `ready`; after the last the averages are in `.grad`.
    """

    def __init__(
        self, parameters: Sequence[Tensor], group: ProcessGroup, cap: int, as_views: bool, names: Sequence[str]
    ) -> None:
        self._group, self._names, self._as_views = group, list(names), as_views
        self._parameters = list(parameters)
        # On a communicator of its own, so that other messages cannot interfere.
        self._communicator: Communicator = group.data.duplicate()
        numbers = fill(parameters, cap)
        self.buckets = [Bucket([parameters[i] for i in bucket], group.data.backend) for bucket in numbers]
        self._place = {i: (b, j) for b, bucket in enumerate(numbers) for j, i in enumerate(bucket)}
        self._hooks = [p.register_post_accumulate_grad_hook(self._make_hook(i)) for i, p in enumerate(parameters)]
        self.hook: Callable[[GradBucket], Future[Any]] | None = None
        self.scale = 1.0 / group.size()
        self._expecting = False
        self._seen: set[int] = set()
        self._sent = 0
        self._used: Any = None
        self._used_work: Work | None = None

    def _make_hook(self, number: int) -> Callable[[Tensor], None]:
        def arrived(_: Tensor) -> None:
            if self._expecting:
                self._ready(number)

        return arrived

    def ignore(self) -> None:
        """The next backward is not averaged: its gradients accumulate on this rank."""
        self._check_finished()
        self._expecting = False

    def expect(self, unused: Iterable[int] | None) -> None:
        """The next backward is averaged. `unused` parameters get no gradient in it; None means that all are used.

        Raises RuntimeError if the last backward left parameters without a gradient.
        """
        self._check_finished()
        self._expecting, self._sent, self._seen = True, 0, set()
        for bucket in self.buckets:
            bucket.missing, bucket.work, bucket.averaged = len(bucket.parameters), None, None
        self._used_work = None
        if unused is not None:
            left_out = set(unused)
            self._used = np.array([i not in left_out for i in range(len(self._parameters))], np.uint8)
            request = self._find_communicator_for_facts().all_reduce(self._used, ReduceOp.MAX)
            self._used_work = Work("the list of used parameters", self._group, [request])
            for number in sorted(left_out):
                self._ready(number)

    def shadow(self, looks_for_unused: bool) -> None:
        """Takes part in a backward of the other ranks with zeros; afterwards the averages are in ``.grad``."""
        everything = range(len(self._parameters))
        for parameter in self._parameters:
            parameter.gradient = None
        self.expect(everything if looks_for_unused else None)
        for number in everything if not looks_for_unused else ():
            self._ready(number)

    def _find_communicator_for_facts(self) -> Communicator:
        """The communicator for arrays of the host."""
        return self._group.control if self._communicator.backend == "nccl" else self._communicator

    def _check_finished(self) -> None:
        if self._expecting and self._seen and len(self._seen) < len(self._parameters):
            left = [name for i, name in enumerate(self._names) if i not in self._seen]
            self._expecting = False
            raise RuntimeError(
                "Expected to have finished reduction in the prior iteration before starting a new one: on rank "
                f"{self._group.rank()} these parameters got no gradient: {', '.join(left)}. Where forward leaves some "
                "out, pass find_unused_parameters=True to DistributedDataParallel, and let all outputs of forward take "
                "part in the loss"
            )

    def _ready(self, number: int) -> None:
        if number in self._seen:
            raise RuntimeError(
                f"Expected to mark a variable ready only once: {self._names[number]} got a second gradient in one "
                "backward pass. Is it used outside forward, or in a checkpoint that runs again?"
            )
        self._refuse_graph(number)
        self._seen.add(number)
        b, place = self._place[number]
        quiet(self.buckets[b].put, place, 1.0 if self.hook else self.scale)
        while self._sent < len(self.buckets) and not self.buckets[self._sent].missing:
            self._send(self._sent)
            self._sent += 1
        for bucket in self.buckets[: self._sent]:
            bucket.moves_on()  # between two gradient rules
        if self._sent == len(self.buckets):
            self._finish()

    def _refuse_graph(self, number: int) -> None:
        gradient = self._parameters[number].grad
        if gradient is not None and gradient.requires_grad:
            raise RuntimeError(
                "DistributedDataParallel averages gradients without a graph, and backward(create_graph=True) asks for "
                "one: take autograd.grad(..., create_graph=True), and call backward() on what you make of it"
            )

    def _send(self, number: int) -> None:
        bucket = self.buckets[number]
        if self.hook is not None:
            is_last = number == len(self.buckets) - 1
            bucket.averaged = self.hook(GradBucket(number, is_last, bucket.array, bucket.views, bucket.parameters))
            return
        name = f"the average of {len(bucket.parameters)} gradients"
        bucket.work = Work(name, self._group, [bucket.send(self._communicator)])

    def _finish(self) -> None:
        """Waits for all buckets, and sets the gradients of all parameters."""
        self._expecting = False
        if self._used_work is not None:
            self._used_work.wait()
        for bucket in self.buckets:
            bucket.arrive()
        for number, (b, place) in self._place.items():
            if self._used_work is None or self._used[number]:  # a parameter that no rank used keeps its gradient
                quiet(self.buckets[b].take, place, self._as_views)

    def close(self) -> None:
        """Removes the hooks."""
        for hook in self._hooks:
            hook.remove()
