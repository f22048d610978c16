"""`Work`: a transfer under way, and how to wait for it without hanging and without a busy processor.

Waiting tests the request again and again. In the first millisecond it only yields the processor between the tests,
as most transfers are done by then; afterwards it sleeps between them, and checks the timeout and whether a rank has
left. Python code runs in between, so Ctrl-C works.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from minigrad.distributed.communicator import Request
from minigrad.distributed.errors import DistBackendError, name_ranks
from minigrad.futures import Future
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.distributed.process_group import ProcessGroup

SPIN = 1e-3  # seconds of tests without sleep
PAUSE = 5e-5  # seconds of sleep between two tests after that
LOOK = 0.1  # seconds between two checks for ranks that have left
GRACE = 2.0  # seconds that a transfer may still take after a rank left, whose data may be under way

_let_others_run = getattr(os, "sched_yield", lambda: time.sleep(0))
_running: set[Work] = set()  # keeps their memory alive until they are done

_given_up: list[Work] = []  # abandoned works, whose memory the library may still write to


class Work:
    """The result of `async_op=True`: `wait()` until the transfer is done, or test `is_completed()`.

    The tensors of the call must not be changed before that. As `torch.distributed.Work`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> work = torch.distributed.all_reduce(torch.ones(2), async_op=True)
    >>> work.wait()
    True
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(
        self, name: str, group: ProcessGroup, requests: Sequence[Request], tensors: Sequence[Tensor] = (),
        finish: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self._name, self._group, self._requests = name, group, list(requests)
        self._left = list(requests)
        self._tensors, self._finish = list(tensors), finish
        self._error: BaseException | None = None
        self._done = False
        _running.add(self)

    def is_completed(self) -> bool:
        """Whether it is done, successfully or not; makes progress."""
        if not self._done:
            try:
                while self._left and self._left[-1].test():
                    self._left.pop()
                if self._left:
                    return False
                if self._finish is not None:
                    self._finish()
            except DistBackendError as error:
                self._error = error
            self._end()
        return True

    def is_success(self) -> bool:
        """Whether it is done successfully."""
        return self.is_completed() and self._error is None

    def exception(self) -> BaseException | None:
        """The error, if there was one."""
        return self._error

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Waits until it is done; returns True.

        Raises DistBackendError when it is not done after `timeout` (the group's own without it), when a
        process it needs has left, and for what the library reports.
        """
        if not self.is_completed():
            self._wait((self._group.timeout if timeout is None else timeout).total_seconds())
        if self._error is not None:
            raise self._error
        return True

    def _wait(self, seconds: float) -> None:
        started = time.monotonic()
        look, missed = started + LOOK, None
        while not self.is_completed():
            now = time.monotonic()
            if now - started < SPIN:
                _let_others_run()
                continue
            time.sleep(PAUSE)
            if now - started > seconds:
                self._fail(self._tell_timeout(seconds))
            elif now > look:
                progress()
                look = now + LOOK
                left = self._group.departed()
                missed = (missed or now) if left else None
                if missed is not None and now - missed > GRACE:
                    self._fail(self._tell_departure(left))

    def _fail(self, message: str) -> None:
        self._error = DistBackendError(message)
        for request in self._left:
            request.cancel()
        _given_up.append(self)
        self._end()

    def _end(self) -> None:
        self._done = True
        self._finish = None
        _running.discard(self)

    def _tell_timeout(self, seconds: float) -> str:
        group = self._group
        return (
            f"Timed out after {seconds:g} s in {self._name} on rank {group.rank()} of {group.size()} (group "
            f"{group.name()!r}): other ranks have not come here. Look at what they print, whether all ranks call the "
            "same functions in the same order, and whether init_process_group(timeout=...) is long enough"
        )

    def _tell_departure(self, left: Sequence[int]) -> str:
        return (
            f"{self._name} on rank {self._group.rank()} waits for {name_ranks(left)}, which left: the program ended "
            "there, or called destroy_process_group. All ranks must call the same functions equally often"
        )

    def synchronize(self) -> None:
        """Waits, as `wait` does."""
        self.wait()

    def source_rank(self) -> int:
        """The global rank of the sender of a received message."""
        source = self._requests[0].source if self._requests else None
        if source is None:
            raise RuntimeError(f"source_rank() may only be called on a receive that is done, this is {self._name}")
        return self._group.ranks[source]

    def result(self) -> list[Tensor]:
        """The tensors that the transfer wrote to."""
        if not self.is_completed():
            raise RuntimeError(f"{self._name} is not done yet: call wait() first")
        return list(self._tensors)

    def get_future(self) -> Future[list[Tensor]]:
        """The tensors that the transfer wrote to, as a future."""

        def move(wait: bool) -> None:
            if wait:
                with contextlib.suppress(DistBackendError):
                    self.wait()
            if self.is_completed() and self._error is None:
                future.set_result(self._tensors)
            elif self._error is not None:
                future.set_exception(self._error)

        future: Future[list[Tensor]] = Future(move=move)
        return future


def progress() -> None:
    """Makes progress on all transfers that are under way."""
    for work in list(_running):
        work.is_completed()


def drain(timeout: timedelta) -> None:
    """Waits for all transfers that are under way."""
    for work in list(_running):
        work.wait(timeout)


def abandon() -> None:
    """Abandons all transfers, because their processes are gone."""
    _running.clear()
