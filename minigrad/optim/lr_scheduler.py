"""Learning-rate schedules: each call of `step()` sets every group's rate for the next epoch.

As in PyTorch a rate is computed from the last one, not from the first: a rate that was changed by
hand in between, or by a second scheduler, is carried on.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any, TypeAlias

from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor

Rate: TypeAlias = float | Tensor


class LRScheduler:
    """The base of all schedules: a subclass says in `get_lr` what the rates of this epoch are.

    `last_epoch` counts the calls of `step()`; anything but -1 resumes there, for which each group
    must have its `initial_lr` (`KeyError` where not). Raises `TypeError` for what is no optimizer.
    The first of two `step()` before any `optimizer.step()` would lose an epoch, and warns.
    Follows https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        _require_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming a "
                    "scheduler with last_epoch >= 0: load the optimizer's state_dict first"
                )
        self.base_lrs = [_copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._is_initial = True
        self._get_lr_called_within_step = False
        self.step()
        self._is_initial = False

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch and set its rates. `epoch`, out of use, jumps there."""
        if self._step_count == 1 and not _was_stepped(self.optimizer):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value "
                "of the schedule is skipped. Call `optimizer.step()` first, "
                "`lr_scheduler.step()` after it.",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is None:
            self._advance()
            return
        warnings.warn(
            "The epoch parameter in `scheduler.step()` is deprecated: call `scheduler.step()` once "
            "for each epoch.",
            stacklevel=2,
        )
        self.last_epoch = -1
        _set_rates(self.optimizer, self.base_lrs)
        for _ in range(epoch + 1):
            self._is_initial = self.last_epoch == -1
            self._advance()

    def _advance(self) -> None:
        self.last_epoch += 1
        self._get_lr_called_within_step = True
        try:
            _set_rates(self.optimizer, self.get_lr())
        finally:
            self._get_lr_called_within_step = False
        self._last_lr = _rates(self.optimizer)

    def get_last_lr(self) -> list[Rate]:
        """The rates that were set last, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The rates of epoch `last_epoch`, one for each group, from the groups' present ones."""
        self._warn_outside_step()
        return [self._next(group["lr"]) for group in self.optimizer.param_groups]

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use "
                "`get_last_lr()`.",
                stacklevel=3,
            )

    def _next(self, lr: Any) -> Any:
        """The rate of this epoch for a group whose rate was `lr` in the last one."""
        raise NotImplementedError(f"{type(self).__name__} must say in get_lr() what the rates are")

    def state_dict(self) -> dict[str, Any]:
        """All of the schedule except its optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict()` was taken."""
        self.__dict__.update(state_dict)


class StepLR(LRScheduler):
    """Multiplies the rate by `gamma` every `step_size` epochs.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     schedule.get_last_lr()
    [1.0]
    [0.5]
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any) -> Any:
        return lr * self.gamma if self.last_epoch and self.last_epoch % self.step_size == 0 else lr


class MultiStepLR(LRScheduler):
    """Multiplies the rate by `gamma` at each of the epochs `milestones`."""

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any) -> Any:
        times = self.milestones[self.last_epoch]
        return lr * self.gamma**times if times else lr


class ExponentialLR(LRScheduler):
    """Multiplies the rate by `gamma` at each epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any) -> Any:
        return lr if self._is_initial else lr * self.gamma


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the first rate down to `eta_min` in `T_max` epochs, and up again:
    `eta_min + (base - eta_min) * (1 + cos(pi * epoch / T_max)) / 2`.

    Follows Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2016.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._warn_outside_step()
        groups = zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        return [self._annealed(group["lr"], base_lr) for group, base_lr in groups]

    def _annealed(self, lr: Any, base_lr: Any) -> Any:
        if self._is_initial:
            return lr
        height = base_lr - self.eta_min
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # leaving the bottom
            return lr + height * (1 - math.cos(math.pi / self.T_max)) / 2
        now, before = (
            1 + math.cos(math.pi * epoch / self.T_max)
            for epoch in (self.last_epoch, self.last_epoch - 1)
        )
        return now / before * (lr - self.eta_min) + self.eta_min


class LambdaLR(LRScheduler):
    """The first rate times `lr_lambda(epoch)`: one function, or a list with one for each group.

    Raises `ValueError` where the list does not fit the groups. Plain functions are not part of
    `state_dict()`; the attributes of callable objects are.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        _require_optimizer(optimizer)
        groups = len(optimizer.param_groups)
        if not isinstance(lr_lambda, (list, tuple)):
            self.lr_lambdas: list[Any] = [lr_lambda] * groups
        elif len(lr_lambda) != groups:
            raise ValueError(
                f"Expected {groups} lr_lambdas, but got {len(lr_lambda)}: one for each group"
            )
        else:
            self.lr_lambdas = list(lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._warn_outside_step()
        return [
            base_lr * function(self.last_epoch)
            for base_lr, function in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """All of the schedule except its optimizer and its plain functions."""
        attributes = [
            None if isinstance(function, FunctionType) else function.__dict__.copy()
            for function in self.lr_lambdas
        ]
        return {**super().state_dict(), "lr_lambdas": attributes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict()` was taken, with the functions given to this object."""
        functions = self.lr_lambdas
        super().load_state_dict({**state_dict, "lr_lambdas": functions})
        for function, attributes in zip(functions, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)


class ConstantLR(LRScheduler):
    """The first rate times `factor` for `total_iters` epochs, then the first rate."""

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(
                f"Constant multiplicative factor expected to be between 0 and 1, got {factor}"
            )
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any) -> Any:
        if self.last_epoch == 0:
            return lr * self.factor
        return lr * (1 / self.factor) if self.last_epoch == self.total_iters else lr


class LinearLR(LRScheduler):
    """The first rate times a factor that goes in a line from `start_factor` to `end_factor`
    within `total_iters` epochs: a warm-up.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal "
                f"to 1, got {start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise ValueError(
                f"Ending multiplicative factor expected to be between 0 and 1, got {end_factor}"
            )
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any) -> Any:
        if self.last_epoch == 0:
            return lr * self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return lr * (1 + rise / before)


class ReduceLROnPlateau:
    """Multiplies the rate by `factor` when the number given to `step` has not improved for
    `patience` epochs, down to `min_lr`; after that it waits for `cooldown` epochs.

    `mode` "min" or "max": which way is better; an improvement smaller than `threshold`, relative
    ("rel") or absolute ("abs"), is none. Raises `ValueError` for `factor >= 1` and unknown modes.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    >>> for loss in (3.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1:
            raise ValueError(f"Factor should be < 1.0, got {factor}")
        _require_optimizer(optimizer)
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown! Use 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown! Use 'rel' or 'abs'")
        groups = len(optimizer.param_groups)
        self.min_lrs: list[Any] = (
            list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * groups
        )
        if len(self.min_lrs) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(self.min_lrs)}")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = _rates(optimizer)

    def step(self, metrics: Any) -> None:
        """Note this epoch's `metrics`, a number, and lower the rates if it is time to."""
        current = float(metrics)
        self.last_epoch += 1
        if self._is_better(current):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            before = [float(lr) for lr in _rates(self.optimizer)]
            after = [max(lr * self.factor, low) for lr, low in zip(before, self.min_lrs)]  # noqa: B905
            _set_rates(
                self.optimizer,
                [new if old - new > self.eps else old for old, new in zip(before, after)],  # noqa: B905
            )
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = _rates(self.optimizer)

    def _is_better(self, current: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "rel":
            return sign * current < sign * self.best * (1 - sign * self.threshold)
        return sign * current < sign * self.best - self.threshold

    get_last_lr = LRScheduler.get_last_lr
    state_dict = LRScheduler.state_dict
    load_state_dict = LRScheduler.load_state_dict


def _require_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def _was_stepped(optimizer: Optimizer) -> bool:
    """Whether it took a step; an optimizer with a `step` of its own is trusted."""
    return optimizer._stepped or type(optimizer).step is not Optimizer.step


def _copied(rate: Any) -> Any:
    return rate.clone() if isinstance(rate, Tensor) else rate


def _rates(optimizer: Optimizer) -> list[Any]:
    return [_copied(group["lr"]) for group in optimizer.param_groups]


def _set_rates(optimizer: Optimizer, rates: Iterable[Any]) -> None:
    """Set each group's rate; a Tensor that holds it is written to, not replaced."""
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(float(rate))
        else:
            group["lr"] = rate
