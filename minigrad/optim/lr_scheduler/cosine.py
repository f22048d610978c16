"""Cosine annealing. Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2016."""

from __future__ import annotations

import math
from typing import Any

from minigrad.optim.lr_scheduler.base import LRScheduler, read_period, require_numbers
from minigrad.optim.optimizer import Optimizer
from minigrad.shown_values import shorten


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the first rate down to `eta_min` in `T_max` epochs, and up again:
    `eta_min + (base - eta_min) * (1 + cos(pi * epoch / T_max)) / 2`.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        require_numbers(CosineAnnealingLR, locals())
        self.T_max = read_period("CosineAnnealingLR", "T_max", T_max)
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, i: int) -> Any:
        if self._is_initial:
            return lr
        if self._step_count == 1 and self.last_epoch > 0:
            return self._closed_form(self.base_lrs[i])
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # after the minimum
            return lr + (self.base_lrs[i] - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
        now, before = (1 + math.cos(math.pi * epoch / self.T_max) for epoch in (self.last_epoch, self.last_epoch - 1))
        return now / before * (lr - self.eta_min) + self.eta_min

    def _closed_form(self, base: Any) -> Any:
        return half_cosine(base, self.eta_min, self.last_epoch / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine down to `eta_min` in `T_0` epochs, then a restart from the initial rate.

    Each round takes `T_mult` times as many epochs as the last. `step(epoch)` takes fractions of an
    epoch, as `epoch + batch / batches`. Raises `ValueError` for options that are no positive ints.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    ...     schedule.get_last_lr()
    [0.5]
    [1.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {shorten(T_0, str)}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {shorten(T_mult, str)}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {shorten(eta_min, str)} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """Advances to the next epoch, or to `epoch`, which may be fractional."""
        if epoch is None and self.last_epoch < 0:  # also where a SequentialLR begins again
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        elif epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:  # n rounds take T_0 (T_mult^n - 1) / (T_mult - 1) epochs
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
        self._update_lr(math.floor(epoch))

    def _next(self, lr: Any, i: int) -> Any:
        return self._closed_form(self.base_lrs[i])

    def _closed_form(self, base: Any) -> Any:
        return half_cosine(base, self.eta_min, self.T_cur / self.T_i)


def require_strategy(anneal_strategy: str) -> None:
    """Raises `ValueError` for a way from one rate to another that `anneal` does not know."""
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")


def anneal(strategy: str, start: Any, end: Any, part: float) -> Any:
    """From `start` at `part` 0 to `end` at 1, along half a cosine ("cos") or a line ("linear")."""
    return start + (end - start) * part if strategy == "linear" else half_cosine(start, end, part)


def half_cosine(start: Any, end: Any, part: float) -> Any:
    """From `start` at `part` 0 to `end` at 1, along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
