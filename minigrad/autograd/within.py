"""A function that runs within a context: plain functions and generators alike."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def within(context: Callable[[], AbstractContextManager[Any]], function: F) -> F:
    """`function` run in a fresh ``context()``; between two yields of a generator, the caller's holds."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with context():
            return function(*args, **kwargs)

    @functools.wraps(function)
    def resumed(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, given = generator.send, None
        while True:
            with context():
                try:
                    item = resume(given)
                except StopIteration as stop:
                    return stop.value
            try:
                resume, given = generator.send, (yield item)
            except BaseException as error:  # noqa: BLE001 (thrown in, or closed: the generator's to answer)
                resume, given = generator.throw, error

    return resumed if inspect.isgeneratorfunction(function) else called  # type: ignore[return-value]
