"""`ReduceLROnPlateau`: lowers the rate when a metric stops improving."""

from __future__ import annotations

from math import inf
from typing import Any

from minigrad.optim.lr_scheduler.base import (
    LRScheduler,
    read_for_groups,
    read_rates,
    require_numbers,
    require_optimizer,
    set_rate,
    warn_of_epoch,
)
from minigrad.optim.optimizer import Optimizer
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rate by `factor` when the loss has not improved for more than `patience` epochs.

    Call `step(loss)` after each epoch. The loss has improved if it is below `best * (1 - threshold)`, or
    below `best - threshold` (`threshold_mode` "abs"); in `mode` "max" where it is above. After a
    change, `cooldown` epochs are not counted. No rate falls below `min_lr`, or by less than `eps`.

    Raises `ValueError` for a factor of 1 and more, an unknown mode, and a list `min_lr` that does
    not fit the groups.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:  # fmt: skip
        require_numbers(ReduceLROnPlateau, locals())
        if not factor < 1.0:
            raise ValueError(f"Factor should be < 1.0, got {factor}")
        self.factor = factor
        require_optimizer(optimizer)
        self.optimizer = optimizer
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} min_lrs, got {len(min_lr)}")
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = read_for_groups(self, "min_lr", optimizer, min_lr)
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = read_rates(optimizer)
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown! Known are 'min' and 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown! Known are 'rel' and 'abs'")
        self.mode_worse = inf if mode == "min" else -inf  # first: `state_dict()` prints in this order, as PyTorch's
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._reset()

    def _reset(self) -> None:
        """Resets the best loss and the counters."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Takes the loss of an epoch, a number or a tensor of one element, and lowers the rates if it is time."""
        try:
            loss = float(metrics.detach() if isinstance(metrics, Tensor) else metrics)
        except (TypeError, ValueError) as refused:
            words = f"ReduceLROnPlateau.step() takes the loss of the epoch, a number, not {show_value(metrics)}"
            raise type(refused)(words) from None
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(loss, self.best):
            self.best = loss
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = read_rates(self.optimizer)

    @property
    def in_cooldown(self) -> bool:
        """Whether the cooldown lasts, in which bad epochs are not counted."""
        return self.cooldown_counter > 0

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                    f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}): a group was added; append its least "
                    "rate to `min_lrs`"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_rate(group, new)

    def _is_better(self, loss: float, best: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "rel":
            return sign * loss < sign * best * (1.0 - sign * self.threshold)
        return sign * loss < sign * best - self.threshold
