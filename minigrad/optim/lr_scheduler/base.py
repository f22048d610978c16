"""`LRScheduler`: the base class of all schedulers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, ClassVar

from minigrad.advice import warn
from minigrad.failed_constructors import NamesOptions
from minigrad.ops.arguments import require_number
from minigrad.optim.optimizer import Optimizer, Rate
from minigrad.tensor import Tensor


class LRScheduler(NamesOptions):
    """The base class of all schedulers: a subclass computes the rates of this epoch in `get_lr`.

    `last_epoch` counts the calls of `step()`; anything but -1 resumes there, for which each group
    must have its `initial_lr` (`KeyError` where not). Raises `TypeError` unless it gets an optimizer.
    Two calls of `step()` before the first `optimizer.step()` would skip a rate, and warn. A group that is
    added to the optimizer later starts from the rate that it has then.
    Follows https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate.

    >>> import minigrad as torch
    >>> class Halved(torch.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base * 0.5**self.last_epoch for base in self.base_lrs]
    >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = Halved(optimizer)
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    # The rate of `last_epoch` from a group's initial rate, if there is a closed form.
    _closed_form: Callable[[Any], Any] | None = None
    _functions: ClassVar[tuple[str, ...]] = ()  # the names of attributes that hold functions, or lists of them
    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        require_optimizer(optimizer)
        self.optimizer = optimizer
        with unchanged_on_error(optimizer):
            for i, group in enumerate(optimizer.param_groups):
                if last_epoch == -1:
                    group.setdefault("initial_lr", copy_rate(group["lr"]))
                elif "initial_lr" not in group:
                    raise KeyError(
                        f"param 'initial_lr' is not specified in param_groups[{i}] when resuming a "
                        "scheduler with last_epoch >= 0: load the optimizer's state_dict first"
                    )
            self.base_lrs = [copy_rate(group["initial_lr"]) for group in optimizer.param_groups]
            self.last_epoch: Any = last_epoch
            self._initial_step()

    def _initial_step(self) -> None:
        """The step to the first epoch, at which most schedulers do not change the rates."""
        note_step(self.optimizer)
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def step(self, epoch: float | None = None) -> None:
        """Advances to the next epoch, or to `epoch` (deprecated in PyTorch), and sets its rates.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
        """
        if self._step_count == 1 and not was_stepped(self.optimizer):
            detail = "the first value of the schedule is skipped. Call `optimizer.step()` first."
            warn(f"Detected call of `lr_scheduler.step()` before `optimizer.step()`: {detail}")
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: float | None = None) -> None:
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(copy_rate(group.setdefault("initial_lr", copy_rate(group["lr"]))))
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        try:
            if epoch is None or self._closed_form is None:
                rates = self.get_lr()
            else:
                rates = [self._closed_form(base) for base in self.base_lrs]
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_rate(group, rate)
        self._last_lr = read_rates(self.optimizer)

    def get_last_lr(self) -> list[Rate]:
        """The last rates, one for each group.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        >>> torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5).get_last_lr()
        [0.5]
        """
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The rates of epoch `last_epoch`, one for each group, computed from the current ones; `step()` calls it.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        >>> class Halves(torch.optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [rate * 0.5**self.last_epoch for rate in self.base_lrs]
        >>> Halves(optimizer).get_last_lr()
        [0.5]
        """
        rates = [self._next(group["lr"], i) for i, group in enumerate(self.optimizer.param_groups)]
        if not self._get_lr_called_within_step:
            detail = "get_lr() is one step ahead"
            warn(f"To get the last learning rate computed by the scheduler, please use `get_last_lr()`: {detail}")
        return rates

    def _next(self, lr: Any, i: int) -> Any:
        """The rate of this epoch for group `i`, whose rate was `lr` in the last one."""
        raise NotImplementedError(f"{type(self).__name__} must say in get_lr() what the rates are")

    def state_dict(self) -> dict[str, Any]:
        """The state of the scheduler, without its optimizer and functions; of callable objects, their attributes.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        >>> torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5).state_dict()["gamma"]
        0.5
        """
        kept = {key: value for key, value in self.__dict__.items() if key not in ("optimizer", *self._functions)}
        return kept | {name: _read_attributes(self.__dict__[name]) for name in self._functions}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the state that `state_dict()` returned.

        >>> import minigrad as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        >>> scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler.load_state_dict({**scheduler.state_dict(), "gamma": 0.1})
        >>> scheduler.gamma
        0.1
        """
        state = dict(state_dict)
        for name in self._functions:
            _restore_attributes(getattr(self, name), state.pop(name, None))
        self.__dict__.update(state)


class _LRScheduler(LRScheduler):
    """The name that `LRScheduler` had before PyTorch 2.0."""


def require_optimizer(optimizer: Any) -> None:
    """Raises `TypeError` for what is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        hint = "pass the one that was made of the model's parameters"
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer: {hint}")


def require_numbers(schedule: Any, arguments: dict[str, Any]) -> None:
    """Raises TypeError for an argument that is no number where the constructor's annotation is int or float."""
    for name, kind in schedule.__init__.__annotations__.items():
        if kind in ("int", "float"):
            require_number(schedule.__name__, name, arguments[name])


def read_period(schedule: str, name: str, epochs: Any) -> Any:
    """The number of epochs after which a schedule repeats. Raises TypeError for no number, ValueError for 0."""
    require_number(schedule, name, epochs)
    if epochs == 0:
        raise ValueError(f"{schedule}: {name} must be a positive number of epochs, got {epochs}")
    return epochs


def copy_rate(rate: Any) -> Any:
    """A copy of a rate, so that writing to a Tensor does not change it."""
    return rate.clone() if isinstance(rate, Tensor) else rate


def set_rate(group: dict[str, Any], rate: Any) -> None:
    """Sets a group's rate; a Tensor is written in place."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(float(rate))
    else:
        group["lr"] = rate


def read_rates(optimizer: Optimizer) -> list[Rate]:
    """The current rates of the groups."""
    return [copy_rate(group["lr"]) for group in optimizer.param_groups]


@contextmanager
def unchanged_on_error(optimizer: Optimizer) -> Iterator[None]:
    """A context that restores the options of all groups if a scheduler cannot be made."""
    before = [(dict(group), copy_rate(group["lr"])) for group in optimizer.param_groups]
    try:
        yield
    except BaseException:
        for group, (options, rate) in zip(optimizer.param_groups, before, strict=True):
            group.clear()
            group.update(options)
            set_rate(group, rate)
        raise


def read_for_groups(schedule: LRScheduler, name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """The number `value` for each group, or the numbers of a list.

    Raises `ValueError` for a list of another length, `TypeError` for what is no number.
    """
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        detail = f"{name} has {len(values)} values, param_groups has {groups}."
        raise ValueError(f"{name} must have the same length as optimizer.param_groups. {detail}")
    for number in values:
        require_number(type(schedule).__name__, name, number)
    return values


def _read_attributes(function: Any) -> Any:
    """What a state holds of a function, or of each in a list: the attributes of a callable object, else None."""
    if isinstance(function, list):
        return [_read_attributes(each) for each in function]
    return None if function is None or isinstance(function, FunctionType) else dict(getattr(function, "__dict__", {}))


def _restore_attributes(function: Any, attributes: Any) -> None:
    """Gives a callable object, or each in a list, the attributes that a state holds of it."""
    if isinstance(function, list):
        for each, own in zip(function, attributes or (), strict=False):
            _restore_attributes(each, own)
    elif attributes:
        vars(function).update(attributes)


def warn_of_epoch() -> None:
    """Warns about `scheduler.step(epoch)`, as PyTorch does."""
    warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please "
        "use `scheduler.step()` to step the scheduler."
    )


def note_step(optimizer: Any) -> None:
    """Lets the optimizer note its next step in `_opt_called`, PyTorch's name, whoever wrote its `step`."""
    number: list[int] = []  # and not the handle, which holds the hook: without a cycle nothing waits for the collector

    def note(stepped: Any, *_: Any) -> None:
        stepped._opt_called = True
        stepped._hooks_by_place.remove("step_post", number[0])

    number.append(optimizer.register_step_post_hook(note).id)


def was_stepped(optimizer: Any) -> bool:
    """Whether a step was noted; True for a `step` that was put into the optimizer itself, which runs no hooks."""
    return getattr(optimizer, "_opt_called", False) or "step" in vars(optimizer)
