"""Schedulers made of others: one after another (`SequentialLR`), or all at once (`ChainedScheduler`)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from minigrad.optim.lr_scheduler.base import LRScheduler, read_rates, set_rate
from minigrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minigrad.optim.optimizer import Optimizer


class _Composed(LRScheduler):
    """The base of schedulers that combine several schedulers of one optimizer."""

    _schedulers: Sequence[LRScheduler]

    def _find_optimizer(self, schedulers: Sequence[Any], optimizer: Optimizer | None) -> Optimizer:
        """The optimizer of the schedulers. Raises `ValueError` or `TypeError` if they do not fit together."""
        name = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
            if isinstance(scheduler, ReduceLROnPlateau):
                detail = f"whose `step` takes a loss, but got one at index {i} in the given schedulers sequence."
                raise ValueError(f"{name} does not support `ReduceLROnPlateau` scheduler, {detail}")
            optimizer = optimizer or scheduler.optimizer
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(scheduler).__name__} at index {i}, which has another {type(scheduler.optimizer).__name__}."
                )
        assert optimizer is not None
        return optimizer

    def _update_lr(self, epoch: float | None = None) -> None:
        detail = "a SequentialLR takes it as its first scheduler only"
        raise NotImplementedError(f"{type(self).__name__} cannot begin at a milestone: {detail}")

    def state_dict(self) -> dict[str, Any]:
        """The state without the optimizer, with the states of all schedulers."""
        return super().state_dict() | {"_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the state that `state_dict()` returned."""
        state = dict(state_dict)
        for scheduler, part in zip(self._schedulers, state.pop("_schedulers"), strict=True):
            scheduler.load_state_dict(part)
        super().load_state_dict(state)


class SequentialLR(_Composed):
    """One scheduler after another: at each epoch of `milestones` the next one begins, at its epoch 0.

    Raises `ValueError` where there are not as many schedules as milestones and one, where they have
    different optimizers, and for `ReduceLROnPlateau`.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> warm = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> fall = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, fall], milestones=[2])
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     schedule.get_last_lr()
    [0.5]
    [1.0]
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._find_optimizer(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            set_rate(group, group["initial_lr"])
        _step_back(self)  # each scheduler took its first step in its constructor
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Advances the active scheduler to its next epoch."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Composed):
    """All `schedulers` at once: each changes the rate that the one before it has set.

    Raises as `SequentialLR` does.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> halves = [torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5) for _ in range(2)]
    >>> schedule = torch.optim.lr_scheduler.ChainedScheduler(halves)
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = self._find_optimizer(schedulers, optimizer)
        self._schedulers = schedulers
        self._last_lr = read_rates(self.optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Advances every scheduler to its next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = read_rates(self.optimizer)


def _step_back(schedule: Any) -> None:
    """Takes back the first step of a scheduler, or of all schedulers that it is composed of."""
    if hasattr(schedule, "_schedulers"):
        for part in schedule._schedulers:
            _step_back(part)
    elif hasattr(schedule, "last_epoch"):
        schedule.last_epoch -= 1
