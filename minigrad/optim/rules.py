"""What an optimizer's `rule` asks for by the names of its parameters, and how it is given it.

    def rule(w, g, velocity, *, lr, momentum, first): ...

asks for the buffer `velocity` of each parameter, for two options, and whether the buffer is new.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import Array
from minigrad.tensor import Tensor

BLOCK = 65536  # elements: a few blocks of float32 fit in the second-level cache


class Plan(NamedTuple):
    """What the options of one group mean for a step."""

    picked: Any  # the options that it was made from; None where one is a Tensor, which may be written to
    options: dict[str, Any]  # the same by their names, as plain numbers
    numbers: dict[str, Any]  # those that the rule reads
    buffers: tuple[str | None, ...]  # by their place in the rule; None for one that no option asks for
    given: frozenset[str]  # what else the rule reads
    stateless: bool  # neither buffers nor a count of steps
    lean: bool  # stateless, and the rule is all there is to it
    maximize: bool
    decay: float  # decay * w is added to the gradient,
    decoupled: bool  # or w is multiplied by 1 - lr * decay first
    capturable: bool  # a CUDA graph may record a step,
    counts_on_gpu: bool  # and so the steps of a parameter on a GPU are counted there
    typed: dict[Any, dict[str, Any]]  # the numbers that were made arrays, by dtype
    kept: dict[Any, dict[Any, Any]]  # what lanes found out about the rule

    def differs_in_rate_alone(self, other: Plan) -> bool:
        """Whether what lanes found out with the options of `other` holds for these too."""
        rates = [plan.options.get("lr") for plan in (self, other)]
        return type(rates[0]) is type(rates[1]) and {**self.options, "lr": 0} == {**other.options, "lr": 0}

    def as_arrays(self, dtype: Any) -> dict[str, Any]:
        """The numbers as 0-d arrays of `dtype`: NumPy multiplies by these in half the time that a float takes."""
        made = {k: np.asarray(v, dtype) if type(v) is float else v for k, v in self.numbers.items()}
        return self.typed.setdefault(dtype, made)

    def descent_direction(self, w: Array, g: Array, lr: Any) -> Array:
        """The gradient to descend along; with decoupled weight decay, `w` is multiplied here."""
        if self.maximize:
            g = -g
        if self.decoupled:
            w *= 1 - lr * self.decay
            return g
        return g + self.decay * w if self.decay else g


class Signature(NamedTuple):
    """The names that a rule reads."""

    buffers: tuple[str, ...]
    options: tuple[str, ...]
    given: frozenset[str]  # what else it reads: `step`, `first`, and what `advance` tells
    names: tuple[str, ...]  # of all options of a group,
    pick: Callable[[dict[str, Any]], Any]  # and how they are read

    @classmethod
    def read(cls, rule: Callable[..., None], defaults: dict[str, Any]) -> Signature:
        """The names of `rule`: a keyword among `defaults` is an option."""
        buffers, keywords = _names(rule)
        names = tuple(defaults)
        pick = itemgetter(*names) if len(names) > 1 else lambda group: tuple([group[name] for name in names])
        options = tuple(name for name in keywords if name in defaults)
        return cls(buffers, options, frozenset(keywords).difference(options), names, pick)

    def plan(self, group: dict[str, Any], optional: dict[str, str], counts_steps: bool) -> Plan:
        """What the options of `group` mean. Raises `KeyError` where one is missing."""
        try:
            picked = self.pick(group)
        except KeyError as missing:
            raise KeyError(
                f"a parameter group has no option {missing}: was its state_dict taken from another kind of optimizer?"
            ) from None
        stays = bool(group.get("capturable", False))
        options = {name: _plain(option, stays) for name, option in zip(self.names, picked, strict=True)}
        buffers = tuple([name if name not in optional or options[optional[name]] else None for name in self.buffers])
        maximize, decay = bool(options.get("maximize", False)), options.get("weight_decay", 0)
        stateless = not (counts_steps or any(buffers))
        return Plan(
            picked=None if any(isinstance(option, Tensor) for option in picked) else picked,
            options=options,
            numbers={name: options[name] for name in self.options} | dict.fromkeys(self.given & {"first"}, False),
            buffers=buffers,
            given=self.given,
            stateless=stateless,
            lean=stateless and not (maximize or decay),
            maximize=maximize,
            decay=decay,
            decoupled=bool(decay and options.get("decoupled_weight_decay", False)),
            capturable=bool(options.get("capturable", False)),
            counts_on_gpu=bool(options.get("capturable", False) or options.get("fused", False)),
            typed={},
            kept={},
        )


def _names(function: Callable[..., None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A rule's buffers (its positional parameters after `w` and `g`), and its keywords."""
    parameters = inspect.signature(function).parameters.values()
    places = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return tuple(places[2:]), tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def _plain(option: Any, stays: bool) -> Any:
    """An option as a number. A rate on a GPU `stays` there, as an array, where steps are captured."""
    if isinstance(option, Tensor):
        return option.array if stays and option.is_cuda else option.item()
    return float(option) if isinstance(option, np.generic) else option  # a NumPy float64 would widen the parameter


def blocks(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """The same rows of all `arrays` (of one shape, or None), as many at a time as fill a block.

    Arrays of a GPU stay whole: there one large kernel is the fastest.
    """
    first = arrays[0]
    if first.size <= BLOCK or type(first) is not np.ndarray:
        yield arrays
        return
    rows = max(1, BLOCK * len(first) // first.size)
    for start in range(0, len(first), rows):
        yield tuple([None if array is None else array[start : start + rows] for array in arrays])


def move_towards(g: Array, mean: Array, share: float) -> None:
    """`mean <- mean + share (g - mean)`, in place: a running mean of `g`. A share of 1 gives `g` to the last bit."""
    if share < 0.5:
        mean += share * (g - mean)
    else:
        mean[...] = g - (1 - share) * (g - mean)
