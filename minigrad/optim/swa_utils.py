"""Stochastic weight averaging: `AveragedModel`, its scheduler `SWALR`, and `update_bn`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from math import cos, pi
from typing import Any

from minigrad import nn
from minigrad.autograd import no_grad
from minigrad.creation import tensor
from minigrad.nn.normalization import BatchNorm
from minigrad.optim.lr_scheduler.base import LRScheduler, read_for_groups, require_optimizer, unchanged_on_error
from minigrad.optim.lr_scheduler.cosine import require_strategy
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor

Average = Callable[[Tensor, Tensor, Any], Tensor]
AverageAll = Callable[[list[Tensor], list[Tensor], Any], None]


class AveragedModel(nn.Module):
    """A copy of `model` whose weights are the mean of those that `update_parameters` has seen.

    `avg_fn(averaged, current, count)` gives the next average in place of `averaged + (current -
    averaged) / (count + 1)`; `multi_avg_fn(averages, currents, count)` writes all at once. Buffers are
    averaged too with `use_buffers`, else copied. Raises `AssertionError` for both functions at once.

    Follows https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema; Izmailov
    et al., Averaging weights leads to wider optima and better generalization, 2018.

    >>> import minigrad as torch
    >>> net = torch.nn.Linear(1, 1)
    >>> averaged = torch.optim.swa_utils.AveragedModel(net)
    >>> for value in (1.0, 2.0, 6.0):
    ...     with torch.no_grad():
    ...         _ = net.weight.fill_(value)
    ...     averaged.update_parameters(net)
    >>> averaged.module.weight.item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self, model: nn.Module, device: Any = None, avg_fn: Average | None = None,
        multi_avg_fn: AverageAll | None = None, use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The forward of the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: nn.Module) -> None:
        """Includes the current weights of `model` in the average.

        >>> import minigrad as torch
        >>> net = torch.nn.Linear(1, 1)
        >>> mean = torch.optim.swa_utils.AveragedModel(net)
        >>> mean.update_parameters(net)
        >>> mean.n_averaged
        tensor(1)
        """
        with no_grad():
            averages = [p.detach() for p in self._tensors_to_average(self.module)]
            given = [p.detach() for p in self._tensors_to_average(model)]
            currents = [p.to(mean.device) for mean, p in zip(averages, given, strict=True)]
            update = self.multi_avg_fn or _for_all(self.avg_fn or get_swa_avg_fn())
            if not self.n_averaged:
                update = _for_all(_take_current)
            update(averages, currents, self.n_averaged)
            if not self.use_buffers:
                _for_all(_take_current)([*self.module.buffers()], [*model.buffers()], self.n_averaged)
            self.n_averaged += 1

    def _tensors_to_average(self, model: nn.Module) -> Iterable[Tensor]:
        return chain(model.parameters(), model.buffers()) if self.use_buffers else model.parameters()


def get_swa_avg_fn() -> Average:
    """The mean of all: `averaged + (current - averaged) / (count + 1)`.

    >>> import minigrad as torch
    >>> torch.optim.swa_utils.get_swa_avg_fn()(torch.tensor(2.0), torch.tensor(5.0), 2)
    tensor(3.)
    """
    return lambda averaged, current, count: averaged + (current - averaged) / (count + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential average: `decay * averaged + (1 - decay) * current`.

    Raises `ValueError` for a decay outside of [0, 1].

    >>> import minigrad as torch
    >>> torch.optim.swa_utils.get_ema_avg_fn(0.5)(torch.tensor(2.0), torch.tensor(4.0), 2)
    tensor(3.)
    """
    if not 0 <= decay <= 1:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")
    return lambda averaged, current, count: decay * averaged + (1 - decay) * current


def get_swa_multi_avg_fn() -> AverageAll:
    """`get_swa_avg_fn` for lists of tensors, in place.

    >>> import minigrad as torch
    >>> average, current = torch.tensor([2.0]), torch.tensor([5.0])
    >>> torch.optim.swa_utils.get_swa_multi_avg_fn()([average], [current], 2)
    >>> average
    tensor([3.])
    """
    return _for_all(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> AverageAll:
    """`get_ema_avg_fn` for lists of tensors, in place.

    >>> import minigrad as torch
    >>> average, current = torch.tensor([2.0]), torch.tensor([4.0])
    >>> torch.optim.swa_utils.get_ema_multi_avg_fn(0.5)([average], [current], 2)
    >>> average
    tensor([3.])
    """
    return _for_all(get_ema_avg_fn(decay))


def _take_current(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
    return current


def _for_all(average: Average) -> AverageAll:
    def update(averages: list[Tensor], currents: list[Tensor], count: Any) -> None:
        with no_grad():
            for averaged, current in zip(averages, currents, strict=True):
                averaged.copy_(average(averaged, current, count))

    return update


def update_bn(loader: Iterable[Any], model: nn.Module, device: Any = None) -> None:
    """Computes the running statistics of a model's batch norms again, in one pass over `loader`.

    If a batch is a list or a tuple, its first entry is the model's input.

    >>> import minigrad as torch
    >>> net = torch.nn.BatchNorm1d(1)
    >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.0], [3.0]])], net)
    >>> net.running_mean
    tensor([2.])
    """
    norms = [module for module in model.modules() if isinstance(module, BatchNorm)]
    if not norms:
        return
    momenta, was_training = [norm.momentum for norm in norms], model.training
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
    model.train()
    try:
        with no_grad():
            for batch in loader:
                x = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(x if device is None else x.to(device))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """Goes from the current rate to `swa_lr` in `anneal_epochs` epochs, and stays there.

    Along half a cosine, or a line (`anneal_strategy` "linear"). Raises `ValueError` for another
    strategy and for a negative number of epochs.

    >>> import minigrad as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = torch.optim.swa_utils.SWALR(optimizer, 0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.75]
    """

    def __init__(
        self, optimizer: Optimizer, swa_lr: float | list[float], anneal_epochs: int = 10,
        anneal_strategy: str = "cos", last_epoch: int = -1,
    ) -> None:  # fmt: skip
        require_optimizer(optimizer)
        rates = read_for_groups(self, "swa_lr", optimizer, swa_lr)
        require_strategy(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        with unchanged_on_error(optimizer):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["swa_lr"] = rate
            super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, i: int) -> Any:
        group = self.optimizer.param_groups[i]
        if "swa_lr" not in group:
            raise KeyError(f"param 'swa_lr' is not specified in param_groups[{i}], which was added after the schedule")
        goal = group["swa_lr"]
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        start = goal if before == 1 else (lr - before * goal) / (1 - before)
        return goal * now + start * (1 - now)

    def _share(self, step: int) -> float:
        """The share of `swa_lr` in the rate of a step."""
        part = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1 - cos(pi * part)) / 2
