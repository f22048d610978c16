"""`Join`: lets ranks train with unequal numbers of inputs.

A rank without further inputs still takes part in the collectives of each step, with zeros, until all ranks are done.
As `torch.distributed.algorithms.join`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from minigrad.distributed.agreement import reduce_numbers
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp


class JoinHook:
    """The hooks of a `Joinable` on a rank without inputs: `main_hook` in each step, `post_hook` at the end."""

    def main_hook(self) -> None:
        """Takes part in the collectives of one step of the other ranks."""

    def post_hook(self, is_last_joiner: bool) -> None:
        """Called when no rank has further inputs; `is_last_joiner` says whether this rank was among the last."""


class Joinable:
    """The base class of objects that run collectives in each step: they call `Join.notify_join_context` first."""

    _join: Join | None = None  # the active context

    def join_hook(self, **kwargs: Any) -> JoinHook:
        """The `JoinHook`; gets the keywords of `Join`.

        >>> from minigrad.distributed.algorithms.join import Joinable, JoinHook
        >>> class Alone(Joinable):
        ...     def join_hook(self, **kwargs):
        ...         return JoinHook()  # which does nothing
        >>> Alone().join_hook().main_hook()
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it keeps step: it needs a join_hook()")

    @property
    def join_process_group(self) -> ProcessGroup:
        """The group of ranks."""
        raise NotImplementedError(f"{type(self).__name__} does not say which ranks keep step: it needs a process group")


class Join:
    """A context: ``with Join([model]): for X, y in batches: ...``, where ranks have different numbers of batches.

    `joinables` in the order in which a step calls them, a `DistributedDataParallel` before its
    `ZeroRedundancyOptimizer`. With `throw_on_early_termination` the first end is an error on all ranks instead.

    Raises ValueError for none, and for several groups; RuntimeError on all ranks where early ends are errors.

    >>> import minigrad as torch
    >>> from minigrad.distributed.algorithms.join import Join
    >>> torch.distributed.init_process_group()
    >>> model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
    >>> with Join([model]):
    ...     model(torch.ones(1, 2)).sum().backward()
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(
        self, joinables: Sequence[Joinable], enable: bool = True, throw_on_early_termination: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        groups = [each.join_process_group for each in joinables]
        if not groups:
            raise ValueError("The join context manager requires at least one joinable")
        if any(group is not groups[0] for group in groups):
            raise ValueError("Using join context manager with multiple process groups")
        self._joinables, self._group = list(joinables), groups[0]
        self._enabled, self._throws = enable, throw_on_early_termination
        self._hooks = [each.join_hook(**kwargs) for each in joinables]

    def __enter__(self) -> None:
        if self._enabled:
            for each in self._joinables:
                each._join = self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._joinables:
            each._join = None
        if not self._enabled or kind is not None:
            return
        is_last = True
        while self._count(goes_on=False):
            is_last = False
            for hook in self._hooks:
                hook.main_hook()
        for hook in self._hooks:
            hook.post_hook(is_last)

    @staticmethod
    def notify_join_context(joinable: Joinable) -> int | None:
        """Called at the start of a step: the first joinable tells the other ranks that this one has inputs."""
        join = joinable._join
        if join is None or join._joinables[0] is not joinable:
            return None
        return join._count(goes_on=True)

    def _count(self, goes_on: bool) -> int:
        """The number of ranks with inputs; every rank calls it once per step."""
        (count,) = reduce_numbers(self._group, [goes_on], ReduceOp.SUM, "the count of ranks that go on")
        if self._throws and 0 < count < self._group.size():
            raise RuntimeError("Detected at least one rank that exhausted inputs. Throwing across all ranks.")
        return count
