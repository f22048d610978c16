"""`minigrad.futures`: `Future`, a value that is not there yet, such as the result of a transfer. As `torch.futures`."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


class Future(Generic[T]):
    """A value that is set later by `set_result`; `wait` returns it.

    >>> from minigrad.futures import Future
    >>> future = Future()
    >>> doubled = future.then(lambda done: 2 * done.value())
    >>> future.set_result(21)
    >>> doubled.wait()
    42
    """

    def __init__(self, *, devices: Any = None, move: Callable[[bool], object] | None = None) -> None:
        self._result: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._move = move  # a function that makes progress towards the value, or with True waits for it

    def done(self) -> bool:
        """Whether the value, or an error, is set.

        >>> import minigrad as torch
        >>> future = torch.Future()
        >>> future.done()
        False
        """
        self._advance(False)
        return self._result.done()

    def wait(self) -> T:
        """Waits for the value and returns it. Raises the error if one was set.

        >>> import minigrad as torch
        >>> future = torch.Future()
        >>> future.set_result(3)
        >>> future.wait()
        3
        """
        self._advance(True)
        return self._result.result()

    def _advance(self, wait: bool) -> None:
        if self._result.done():
            return
        if self._move is not None:
            self._move(wait)
        elif wait:
            concurrent.futures.wait([self._result])

    def value(self) -> T:
        """The value. Raises RuntimeError if it is not set yet.

        >>> import minigrad as torch
        >>> future = torch.Future()
        >>> future.set_result(3)
        >>> future.value()
        3
        """
        if not self._result.done():
            raise RuntimeError("the value of this future is not there yet: wait() for it")
        return self._result.result()

    def set_result(self, result: T) -> None:
        """Sets the value. Raises RuntimeError the second time.

        >>> import minigrad as torch
        >>> future = torch.Future()
        >>> future.set_result(3)
        >>> future.done()
        True
        """
        self._refuse_second()
        self._result.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Sets an error instead of the value; `wait` raises it.

        >>> import minigrad as torch
        >>> future = torch.Future()
        >>> future.set_exception(ValueError("no value"))
        >>> future.wait()
        Traceback (most recent call last):
        ValueError: no value
        """
        self._refuse_second()
        self._result.set_exception(result)

    def _refuse_second(self) -> None:
        if self._result.done():
            raise RuntimeError("Future can only be marked complete once: its value is there already")

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Calls ``callback(future)`` when the value is set.

        >>> import minigrad as torch
        >>> future = torch.Future()
        >>> future.add_done_callback(lambda done: print("it is", done.value()))
        >>> future.set_result(3)
        it is 3
        """
        self._result.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A future of the result of ``callback(future)``, which is called when the value is set.

        >>> import minigrad as torch
        >>> future = torch.Future()
        >>> doubled = future.then(lambda done: 2 * done.value())
        >>> future.set_result(3)
        >>> doubled.wait()
        6
        """
        following: Future[S] = Future(move=self._advance)

        def follow(done: Future[T]) -> None:
            try:
                following.set_result(callback(done))
            except Exception as error:  # noqa: BLE001 (who waits for it gets it)
                following.set_exception(error)

        self.add_done_callback(follow)
        return following


def collect_all(futures: Sequence[Future[T]]) -> Future[list[Future[T]]]:
    """A future of the list of `futures`, set when all are done.

    >>> from minigrad.futures import Future, collect_all
    >>> (first := Future()).set_result(1)
    >>> [future.value() for future in collect_all([first]).wait()]
    [1]
    """

    def move(wait: bool) -> None:
        for future in futures:
            future._advance(wait)
        if all(future.done() for future in futures) and not gathered._result.done():
            gathered.set_result(list(futures))

    gathered: Future[list[Future[T]]] = Future(move=move)
    return gathered


def wait_all(futures: Sequence[Future[T]]) -> list[T]:
    """Waits for all futures and returns their values.

    >>> from minigrad.futures import Future, wait_all
    >>> (first := Future()).set_result(1)
    >>> wait_all([first])
    [1]
    """
    return [future.wait() for future in futures]
