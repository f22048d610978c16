"""`Reducer`: sends the buckets of gradients while backward is still running, and hands out the averages.

The reduction of a bucket starts when its last gradient has arrived; all ranks start them in the same order, because
collectives are matched by order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.backend import quiet
from minigrad.distributed.communicator import Communicator
from minigrad.distributed.grad_bucket import GradBucket
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.work import Work
from minigrad.futures import Future
from minigrad.nn.parallel.buckets import Bucket, fill_buckets
from minigrad.tensor import Tensor


class Reducer:
    """Averages the gradients of `parameters` over the ranks of a group, during backward.

    `expect` announces a backward; every complete gradient is marked ready; after the last the averages are in `.grad`.
    """

    def __init__(
        self, parameters: Sequence[Tensor], group: ProcessGroup, cap: int, as_views: bool, names: Sequence[str]
    ) -> None:
        self._group, self._names, self._as_views = group, list(names), as_views
        self._parameters = list(parameters)
        # On a communicator of its own, so that other messages cannot interfere.
        self._communicator: Communicator = group.data.duplicate()
        numbers = fill_buckets(parameters, cap)
        self.buckets = [Bucket([parameters[i] for i in bucket], self._communicator) for bucket in numbers]
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
        """The hook of a parameter, which notes that its gradient is complete."""

        def arrived(_: Tensor) -> None:
            if self._expecting:
                self._mark_ready(number)

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
            request = self._find_host_communicator().all_reduce(self._used, ReduceOp.MAX)
            self._used_work = Work("the list of used parameters", self._group, [request])
            for number in sorted(left_out):
                self._mark_ready(number)

    def shadow(self, looks_for_unused: bool) -> None:
        """Takes part in a backward of the other ranks with zeros; afterwards the averages are in ``.grad``."""
        everything = range(len(self._parameters))
        for parameter in self._parameters:
            parameter.gradient = None
        if looks_for_unused:
            self.expect(everything)  # unused parameters are ready at once
            return
        self.expect(None)
        for number in everything:
            self._mark_ready(number)

    def _find_host_communicator(self) -> Communicator:
        """The communicator for arrays of the host."""
        return self._group.control if self._communicator.on_gpu else self._communicator

    def _check_finished(self) -> None:
        """Raises RuntimeError if the last backward left parameters without a gradient."""
        if self._expecting and self._seen and len(self._seen) < len(self._parameters):
            left = [name for i, name in enumerate(self._names) if i not in self._seen]
            self._expecting = False
            raise RuntimeError(
                "Expected to have finished reduction in the prior iteration before starting a new one: on rank "
                f"{self._group.rank()} these parameters got no gradient: {', '.join(left)}. Where forward leaves some "
                "out, pass find_unused_parameters=True to DistributedDataParallel, and let all outputs of forward take "
                "part in the loss"
            )

    def _mark_ready(self, number: int) -> None:
        """Copies a complete gradient into its bucket, and sends the buckets that are full, in their order."""
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
            bucket.keep_moving()  # between two gradient rules
        if self._sent == len(self.buckets):
            self._finish()

    def _refuse_graph(self, number: int) -> None:
        """Raises RuntimeError for a gradient with a graph, which would be lost."""
        gradient = self._parameters[number].grad
        if gradient is not None and gradient.requires_grad:
            raise RuntimeError(
                "DistributedDataParallel averages gradients without a graph, and backward(create_graph=True) asks for "
                "one: take autograd.grad(..., create_graph=True), and call backward() on what you make of it"
            )

    def _send(self, number: int) -> None:
        """Starts the reduction of a bucket, by the user's hook if there is one."""
        bucket = self.buckets[number]
        if self.hook is not None:
            is_last = number == len(self.buckets) - 1
            bucket.averaged = self.hook(GradBucket(number, is_last, bucket.array, bucket.views, bucket.parameters))
            return
        name = f"the average of {len(bucket.parameters)} gradients"
        bucket.work = Work(name, self._group, [bucket.send()])

    def _finish(self) -> None:
        """Waits for all buckets, and sets the gradients of all parameters."""
        self._expecting = False
        if self._used_work is not None:
            self._used_work.wait()
        for bucket in self.buckets:
            bucket.await_result()
        for number, (b, place) in self._place.items():
            if self._used_work is None or self._used[number]:  # a parameter that no rank used keeps its gradient
                quiet(self.buckets[b].hand_out, place, self._as_views)

    def close(self) -> None:
        """Removes the hooks."""
        for hook in self._hooks:
            hook.remove()
