"""`CyclicLR` and `OneCycleLR`: the rate rises and falls with the batches, and the momentum falls and rises."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from minigrad.ops.arguments import require_number
from minigrad.optim.lr_scheduler.base import (
    LRScheduler,
    read_for_groups,
    read_period,
    require_optimizer,
    set_rate,
    unchanged_on_error,
)
from minigrad.optim.lr_scheduler.cosine import anneal, require_strategy
from minigrad.optim.optimizer import Optimizer


class _Cycling(LRScheduler):
    """The base class of both: it sets the momentum, which is `betas[0]` in Adam and others."""

    cycle_momentum: bool

    def _start_momentum(
        self, optimizer: Optimizer, base_momentum: Any, max_momentum: Any, last_epoch: int
    ) -> tuple[list[float], list[float]]:
        """Sets every group's momentum to its maximum, and stores both limits in the group; returns all of them."""
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        lows = read_for_groups(self, "base_momentum", optimizer, base_momentum)
        highs = read_for_groups(self, "max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low
        return lows, highs

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_Cycling):
    """Goes from `base_lr` up to `max_lr` in `step_size_up` steps, down in `step_size_down`, and again.

    The height of the rise is multiplied by 1 ("triangular"), by 1/2 in each further cycle
    ("triangular2"), by `gamma ** step` ("exp_range"), or by `scale_fn` of the number of the cycle,
    or of the step (`scale_mode` "iterations"). With `cycle_momentum` the momentum goes the other
    way, from `max_momentum` to `base_momentum`. Raises `ValueError` for an unknown mode and for an
    optimizer without momentum. Source: Smith, Cyclical learning rates for training neural networks, 2015.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     schedule.get_last_lr()
    [0.5]
    [1.0]
    [0.5]
    """

    _functions = ("_scale_fn_custom",)
    _SCALES: ClassVar[dict[str, tuple[str, Callable[[float, float], float]]]] = {
        "triangular": ("cycle", lambda gamma, x: 1.0),
        "triangular2": ("cycle", lambda gamma, x: 1 / (2.0 ** (x - 1))),
        "exp_range": ("iterations", lambda gamma, x: gamma**x),
    }

    def __init__(
        self, optimizer: Optimizer, base_lr: float | list[float], max_lr: float | list[float],
        step_size_up: int = 2000, step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8, max_momentum: float | list[float] = 0.9, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        require_optimizer(optimizer)
        base_lrs = read_for_groups(self, "base_lr", optimizer, base_lr)
        self.max_lrs = read_for_groups(self, "max_lr", optimizer, max_lr)
        up = float(step_size_up)
        require_number("CyclicLR", "gamma", gamma)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = read_period("CyclicLR", "step_size_up + step_size_down", up + down)
        self.step_ratio = up / self.total_size
        if mode not in self._SCALES and scale_fn is None:
            raise ValueError(f"mode is invalid and scale_fn is None: got {mode!r}, known are {', '.join(self._SCALES)}")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else self._SCALES[mode][0]
        self.cycle_momentum = cycle_momentum
        with unchanged_on_error(optimizer):
            if cycle_momentum:
                limits = self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
                self.base_momentums, self.max_momentums = limits
            if last_epoch == -1:
                for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                    set_rate(group, lr)
            super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The factor of the amplitude, for `x` the number of the cycle or of the step.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
        >>> torch.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, mode="triangular2").scale_fn(2)
        0.5
        """
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return self._SCALES[self.mode][1](self.gamma, x)

    def _next(self, lr: Any, i: int) -> Any:
        if i >= len(self.max_lrs):
            raise ValueError(
                f"param_groups[{i}] was added after the schedule was made, which has {len(self.max_lrs)} rates: append "
                "one to schedule.max_lrs, and with cycle_momentum to base_momentums and max_momentums"
            )
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        part = 1.0 + self.last_epoch / self.total_size - cycle
        height = part / self.step_ratio if part <= self.step_ratio else (part - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            low, high = self.base_momentums[i], self.max_momentums[i]
            self._set_momentum(self.optimizer.param_groups[i], high - (high - low) * height * scale)
        base = self.base_lrs[i]
        return base + (self.max_lrs[i] - base) * height * scale


class OneCycleLR(_Cycling):
    """One rise from `max_lr / div_factor` to `max_lr`, and one long fall, far below the initial rate.

    The rise takes the part `pct_start` of `total_steps` (or of `epochs * steps_per_epoch`); the fall
    ends at the first rate divided by `final_div_factor`; with `three_phase` there is a fall as long
    as the rise before it. Both follow half a cosine, or a line. The momentum goes the other way. To
    be stepped after each batch; one step too many raises `ValueError`, as do options out of range.
    Source: Smith and Topin, Super-convergence: very fast training of neural networks using large
    learning rates, 2017.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [1.0]
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | list[float], total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
        three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        require_optimizer(optimizer)
        self.total_steps = _count_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        require_strategy(anneal_strategy)
        for name, divisor in {"div_factor": div_factor, "final_div_factor": final_div_factor}.items():
            require_number("OneCycleLR", name, divisor)
        self._schedule_phases = _plan_phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        highest = read_for_groups(self, "max_lr", optimizer, max_lr)
        with unchanged_on_error(optimizer):
            if last_epoch == -1:
                for group, rate in zip(optimizer.param_groups, highest, strict=True):
                    group["initial_lr"] = rate / div_factor
                    group["max_lr"] = rate
                    group["min_lr"] = group["initial_lr"] / final_div_factor
            if cycle_momentum:
                self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
            super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, i: int) -> Any:
        if self.last_epoch > self.total_steps:
            detail = f"The specified number of total steps is {self.total_steps}"
            raise ValueError(f"Tried to step {self.last_epoch} times. {detail}")
        group, start = self.optimizer.param_groups[i], 0.0
        for phase in self._schedule_phases:
            if self.last_epoch <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        part = (self.last_epoch - start) / (phase["end_step"] - start)
        if self.cycle_momentum:
            self._set_momentum(group, self._anneal(group, phase, "momentum", part))
        return self._anneal(group, phase, "lr", part)

    def _anneal(self, group: dict[str, Any], phase: dict[str, Any], what: str, part: float) -> float:
        """The rate ("lr") or the momentum of a group after this part of a phase."""
        return anneal(self._anneal_func_type, group[phase[f"start_{what}"]], group[phase[f"end_{what}"]], part)


def _count_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    given = {"total_steps": total_steps}
    if total_steps is None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        if epochs is None or steps_per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in given.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(given.values())


def _plan_phases(total: int, rise: float, three: bool) -> list[dict[str, Any]]:
    """The end of each phase, and the two options of a group between which the rate goes."""
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    rows: list[tuple[Any, ...]] = [(rise * total - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
    if three:
        rows += [
            (2 * rise * total - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
            (total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
        ]
    else:
        rows += [(total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    return [dict(zip(names, row, strict=True)) for row in rows]
