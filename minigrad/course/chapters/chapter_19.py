"""Chapter 19: few images: a step with weight decay, dropout, frozen parameters and groups of an optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise
from minigrad.nn import Conv2d, Flatten, Linear, Module, ReLU, Sequential
from minigrad.random import fork_rng
from minigrad.tensor import Tensor


@exercise(
    "19.decay", cases=[(image(4), image(4, seed=1), 0.5, 0.2), (image(2, 3), image(2, 3, seed=2), 0.1, 3.0)],
    hidden={"no decay": (image(3), image(3, seed=1), 0.3, 0.0)},
    page="chapter 19, 'Weight decay'",
    hint="the gradient of decay / 2 * sum(w^2) along w is added to the other gradient; the step is lr times the sum.",
    slips={
        "the pull of the decay is missing": lambda w, gradient, lr, decay: w - lr * gradient,
        "the learning rate multiplies both parts": lambda w, gradient, lr, decay: w - lr * gradient - decay * w,
        "the pull is towards 0: minus": lambda w, gradient, lr, decay: w - lr * (gradient - decay * w),
        "the 2 of the square and the 2 below the line cancel":
            lambda w, gradient, lr, decay: w - lr * (gradient + 2 * decay * w),
        "the derivative of w^2 / 2 is w, without a half":
            lambda w, gradient, lr, decay: w - lr * (gradient + decay * w / 2),
        "that is the pull of the sum of absolute values, and this one grows with w":
            lambda w, gradient, lr, decay: w - lr * (gradient + decay * w.sign()),
        "that shrinks the weights after the step; the pull is that of the weights before it":
            lambda w, gradient, lr, decay: (w - lr * gradient) * (1 - lr * decay),
        "down the slope: minus": lambda w, gradient, lr, decay: w + lr * (gradient + decay * w),
    },
)  # fmt: skip
def step_with_decay(w: Tensor, gradient: Tensor, lr: float, decay: float) -> Tensor:
    """The weights after a step of SGD with weight decay, from the gradient of the loss without it."""
    return w - lr * (gradient + decay * w)


KEEP = (image(2, 5, seed=3) > 0).float()


@exercise(
    "19.dropout", cases=[(image(2, 5), KEEP, 0.2), (image(2, 5, seed=1), 1 - KEEP, 0.5)],
    hidden={"nothing drops out": (image(2, 5), KEEP * 0 + 1, 0.0)},
    page="chapter 19, 'Dropout'",
    hint="what stays is divided so that the mean over many draws of keep is X: a share of 1 - p stays.",
    slips={
        "what stays is divided by 1 - p, or the sum becomes smaller": lambda X, keep, p: X * keep,
        "1 - p is the share that stays, and p the share that drops out":
            lambda X, keep, p: X * keep / p if p else X * keep,
        "divide by 1 - p: what stays makes up for what is lost": lambda X, keep, p: X * keep * (1 - p),
        "keep is 1 where a number stays": lambda X, keep, p: X * (1 - keep) / (1 - p),
        "the count of this draw is left to chance: divide by 1 - p":
            lambda X, keep, p: X * keep / keep.mean() if keep.any() else X * keep,
        "what drops out becomes 0, before what stays is divided": lambda X, keep, p: X / (1 - p) - (1 - keep),
    },
)  # fmt: skip
def drop(X: Tensor, keep: Tensor, p: float) -> Tensor:
    """Dropout in training mode: keep has X's shape, 1 where a number stays and 0 where it drops out; p is its share."""
    return X * keep / (1 - p)


def freeze(net: Sequential, *layers: int) -> Sequential:
    """The net, with these layers frozen."""
    for layer in layers:
        net[layer].requires_grad_(False)
    return net


class Frozen(Sequential):
    """A net that tells a student which layers are frozen."""

    def __repr__(self) -> str:
        layers = ", ".join(repr(layer) + " (frozen)" * _is_frozen(layer) for layer in self)
        return f"Sequential({layers})"


def _is_frozen(layer: Module) -> bool:
    return any(not parameter.requires_grad for parameter in layer.parameters())


def count_in(net: Module, trained_only: bool = True) -> int:
    """How many numbers the parameters hold."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad or not trained_only)


with fork_rng():  # the student's random numbers go on as if no net was made
    WITH_FROZEN_KERNELS = freeze(Frozen(Conv2d(1, 4, 3), ReLU(), Flatten(), Linear(16, 2)), 0)
    WITH_FROZEN_END = freeze(Frozen(Linear(2, 3), Linear(3, 3, bias=False)), 1)
    NOT_FROZEN = Frozen(Linear(4, 2), ReLU())


@exercise(
    "19.trained", cases=[(WITH_FROZEN_KERNELS,), (WITH_FROZEN_END,)], hidden={"nothing is frozen": (NOT_FROZEN,)},
    page="chapter 19, 'A body that has learned before'",
    hint="`requires_grad` of each of `net.parameters()`, and `numel()`.",
    slips={
        "that is the number of all parameters' numbers, the frozen ones too": lambda net: count_in(net, False),
        "that counts those that are frozen": lambda net: count_in(net, False) - count_in(net),
        "that counts tensors; a tensor holds numel() numbers":
            lambda net: sum(parameter.requires_grad for parameter in net.parameters()),
        "len is the length of the first axis alone; numel() counts all numbers":
            lambda net: sum(len(parameter) for parameter in net.parameters() if parameter.requires_grad),
        "a bias is trained, too":
            lambda net: sum(p.numel() for p in net.parameters() if p.requires_grad and p.ndim > 1),
    },
)  # fmt: skip
def trained(net: Module) -> int:
    """How many numbers of net are trained: all that its parameters hold, but not those that are frozen."""
    return count_in(net)


def judge_groups(answer: Any) -> str | None:
    """Tries a body and a head, and looks at the groups that come back."""
    body, head = Sequential(Linear(2, 3), ReLU()), Linear(3, 2)
    returned = answer(body, head, 0.5)
    if not isinstance(returned, Sequence) or not all(isinstance(group, Mapping) for group in returned):
        return 'a list of dicts is wanted: [{"params": ..., "lr": ...}, ...]'
    rates: dict[int, float] = {}
    for group in returned:
        if set(group) != {"params", "lr"}:
            return f'a group has the keys "params" and "lr"; got {", ".join(map(repr, group)) or "none"}'
        if isinstance(group["params"], Module):
            return '"params" are the parameters of a network, not the network: call its parameters()'
        if callable(group["params"]):
            return '"params" is a method that was not called: parameters()'
        rates |= {id(parameter): group["lr"] for parameter in group["params"]}
    return _judge_rates([rates.get(id(p)) for p in body.parameters()], [rates.get(id(p)) for p in head.parameters()])


def _judge_rates(of_body: list[float | None], of_head: list[float | None]) -> str | None:
    """A complaint about the rates that the parameters got, where the head should have 0.5 and the body 0.05."""
    for name, rates in (("body", of_body), ("head", of_head)):
        if None in rates:
            some = "some" if any(rates) else "the"
            return f"{some} parameters of the {name} are in no group, so they are never trained"
    if of_body == of_head:
        return "both have the same rate; the body gets a tenth of the head's"
    if _all_near(of_body, 0.5) and _all_near(of_head, 0.05):
        return "the body has the larger rate; it has learned before, so it should change less"
    if not _all_near(of_head, 0.5):
        return f"the head's rate is lr, here 0.5; got {of_head[0]}"
    return None if _all_near(of_body, 0.05) else f"the body's rate is lr / 10, here 0.05; got {of_body[0]}"


def _all_near(rates: list[float | None], wanted: float) -> bool:
    return all(rate is not None and abs(rate - wanted) < 1e-9 for rate in rates)


@exercise(
    "19.groups", judge=judge_groups, page="chapter 19, 'A body that has learned before'",
    hint='[{"params": ..., "lr": ...}, {"params": ..., "lr": ...}], with the parameters() of each.',
)  # fmt: skip
def groups(body: Module, head: Module, lr: float) -> list[dict[str, Any]]:
    """The list of groups for an optimizer: the head with the rate lr, the body with a tenth of it."""
    return [{"params": list(body.parameters()), "lr": lr / 10}, {"params": list(head.parameters()), "lr": lr}]
