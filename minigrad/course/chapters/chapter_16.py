"""Chapter 16: what tells that a network does not learn, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.course.calling import guard
from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.comparing import describe_difference
from minigrad.course.exercise import exercise, gradient_exercise
from minigrad.creation import eye, tensor
from minigrad.nn import Linear, Module, ReLU, Sequential
from minigrad.nn import functional as F
from minigrad.tensor import Tensor
from minigrad.viz import graph


@exercise(
    "16.first_loss", cases=[(3,), (10,)], hidden={"two classes": (2,), "many classes": (1000,)},
    page="chapter 16, 'The first loss'",
    hint="cross entropy is -log of the probability of the right class.",
    slips={
        "that is the probability of the right class, without the logarithm": lambda classes: 1 / classes,
        "a logarithm of a probability is negative; the loss is not": lambda classes: -math.log(classes),
        "the natural logarithm is meant, to the base e": lambda classes: math.log2(classes),
        "the natural logarithm is meant, not the one to the base 10": lambda classes: math.log10(classes),
    },
)  # fmt: skip
def first_loss(classes: int) -> float:
    """The cross entropy of a net that knows nothing: it gives each class the same probability."""
    return math.log(classes)


@exercise(
    "16.dead",
    cases=[
        (tensor([[0.0, 2, 0, 0], [1, 0, 0, 0], [0, 3, 0, 1]]),),
        (image(6, 5).clamp(min=0) * tensor([1.0, 0, 1, 0, 0]),),
    ],
    hidden={"one example": (image(1, 8, seed=1).clamp(min=0),)}, page="chapter 16, 'Which gradients arrive?'",
    hint="a unit is a column; it is dead if no row holds anything but 0 there.",
    slips={
        "that is the share of the numbers that are 0": lambda outputs: (outputs == 0).float().mean(),
        "a unit is a column, and this looks at rows": lambda outputs: (outputs == 0).all(1).float().mean(),
        "that is the share of the units that live": lambda outputs: (outputs != 0).any(0).float().mean(),
        "divide by the number of units, not by that of examples": lambda outputs: (
            (outputs == 0).all(0).sum() / len(outputs)
        ),
        "that is in percent": lambda outputs: 100 * (outputs == 0).all(0).float().mean(),
        "that is the number of them, not their share": lambda outputs: (outputs == 0).all(0).sum(),
        "a unit that is 0 for one example may live for another": lambda outputs: (outputs == 0).any(0).float().mean(),
    },
)  # fmt: skip
def dead(outputs: Tensor) -> float:
    """The share of units that are 0 for all examples, from outputs (N, units) of a ReLU: between 0 and 1."""
    return (outputs == 0).all(0).float().mean().item()


STATES = ("is whole", "is cut after its first layer", "has dead ReLUs", "has one dead ReLU", "is frozen in part")


def _make_net(state: str) -> Module:
    """A net after one backward() that reached all of its parameters, or not all."""
    first, relu, last = Linear(2, 3), ReLU(), Linear(3, 1)
    if state == "is frozen in part":
        last.requires_grad_(False)
    if state == "has one dead ReLU":
        last.weight.data = tensor([[1.0, -1.0, 1.0]])  # the first layer's gradients add up to 0
    x = tensor([[0.5, -1.0], [1.0, 2.0]])
    shift: Any = {"has dead ReLUs": -100, "has one dead ReLU": tensor([10, 10, -100])}.get(state, 10)
    hidden = relu(first(x) + shift)
    last(hidden.detach() if state == "is cut after its first layer" else hidden).sum().backward()
    return Sequential(first, relu, last)


def _compare_names(names: set[str], due: set[str]) -> str:
    """How many of the names are too many, and how many are missing: "1 is missing"."""
    counts = {"do not belong there": len(names - due), "are missing": len(due - names)}
    one = {"do not belong there": "does not belong there", "are missing": "is missing"}
    return ", and ".join(f"{n} {one[what] if n == 1 else what}" for what, n in counts.items() if n)


WITHOUT_GRADIENT: dict[str, Callable[[Any], bool]] = {  # what is wrong, in words -> which parameters it lists
    "a gradient that is 0 everywhere trains nothing, either": lambda p: p.grad is None,
    "those are the frozen ones; others get no gradient, too": lambda p: not p.requires_grad,
    "those are the ones that do get a gradient": lambda p: p.grad is not None and bool((p.grad != 0).any()),
    "a single 0 in a gradient does not make it 0 everywhere": lambda p: p.grad is None or bool((p.grad == 0).any()),
    "numbers of both signs can add up to 0": lambda p: p.grad is None or p.grad.sum().item() == 0,
}


def _name_untrained(found: Mapping[str, set[str]]) -> str:
    """What is wrong with the names that an answer gave for each net, in words; "" if unknown."""
    for words, is_listed in WITHOUT_GRADIENT.items():
        listed = {state: {n for n, p in _make_net(state).named_parameters() if is_listed(p)} for state in STATES}
        if all(listed[state] == names for state, names in found.items()) and len(found) == len(STATES):
            return f": {words}"
    return ""


def judge_untrained(answer: Any) -> str | None:
    """Checks the names for nets of which different parts got no gradient."""
    listed: dict[str, set[str]] = {}
    for state in STATES:
        net = _make_net(state)
        found = answer(net)
        if isinstance(found, str) or not hasattr(found, "__iter__"):
            got = "None: is `return` missing?" if found is None else repr(found)
            return f"a list of names is due, and it returned {got}"
        found = list(found)
        if others := [type(x).__name__ for x in found if not isinstance(x, str)]:
            return f"a list of names is due, and it returned one that holds a {others[0]}"
        listed[state] = set(found)
    for state, names in listed.items():
        due = set(untrained(_make_net(state)))
        if names != due:
            net_in_words = f"Sequential(Linear(2, 3), ReLU(), Linear(3, 1)), which {state}"
            difference = f"{_compare_names(names, due)}{_name_untrained(listed)}"
            return f"for {net_in_words}: it returned {sorted(names)}: {difference}"
    return None


@exercise(
    "16.untrained", judge=judge_untrained, page="chapter 16, 'Which gradients arrive?'",
    hint="net.named_parameters() gives pairs (name, parameter); ask for None before asking for numbers.",
)  # fmt: skip
def untrained(net: Module) -> list[str]:
    """The names of the parameters that get no gradient: `.grad` is None, or 0 everywhere. backward() was called."""
    return [name for name, p in net.named_parameters() if p.grad is None or not bool((p.grad != 0).any())]


def judge_softmax(answer: Any) -> str | None:
    """Checks the numbers for small and for large scores, and that no softmax of the library made them."""
    for scores in (image(2, 3), tensor([[1000.0, 1001.0, 0.0]]), tensor([[-1000.0, -1000.0], [1000.0, 0.0]])):
        returned = guard(answer)(scores.requires_grad_())
        if complaint := describe_difference(returned, scores.softmax(1)):
            shown = scores.tolist() if scores.abs().max() > 9 else tuple(scores.shape)
            return f"for scores {shown}: {_name_softmax(returned, scores) or complaint}"
        called = graph(returned).labels if isinstance(returned, Tensor) and returned.requires_grad else []
        if any("softmax" in label[0].lower() for label in called):
            return "the numbers are right, but the library's softmax made them; write it with exp"
    return None


def _name_softmax(returned: Any, scores: Tensor) -> str | None:
    """What was computed in place of the softmax of each row, in words; None if it is unknown."""
    largest = scores.amax(1, keepdim=True)
    sums = "it divides by the sum over {}, where each row needs a sum of its own"
    others = {
        sums.format("all numbers"): scores.flatten().softmax(0).reshape(scores.shape),
        sums.format("each column"): scores.softmax(0),
        "that is the logarithm of the softmax": scores.log_softmax(1),
        "that is exp(score), not yet divided by the sum of its row": (scores - largest).exp(),
        "that is the sigmoid of each score, whose sum in a row is not 1": scores.sigmoid(),
        "the largest score is subtracted above the line and not below it": scores.softmax(1) / largest.exp(),
        "the scores are divided by the largest one: subtract it": (scores / largest).softmax(1),
    }
    return next((words for words, values in others.items() if describe_difference(returned, values) is None), None)


@exercise(
    "16.softmax", judge=judge_softmax, page="chapter 16, 'Numbers that are too large'",
    hint="subtract the largest score of each row before exp.",
)  # fmt: skip
def softmax(scores: Tensor) -> Tensor:
    """The softmax of each row of scores (N, classes), right for scores of any size, without a library's softmax."""
    powers = (scores - scores.amax(1, keepdim=True)).exp()
    return powers / powers.sum(1, keepdim=True)


@gradient_exercise(
    "16.scores_dx", of="x", points=[{"x": (2, 3)}, {"x": (3, 3)}, {"x": (3, 5)}],
    page="chapter 16, 'Numbers that are too large'",
    hint="the softmax of each row, less 1 at the right class; of a mean each row has its share. g is one number.",
    slips={
        "the loss is the mean over the rows: divide by N": lambda g, x: g * (x.softmax(1) - eye(*x.shape)),
        "the mean is over the rows, and this divides by the count of all scores":
            lambda g, x: g * (x.softmax(1) - eye(*x.shape)) / x.numel(),
        "the loss is the mean over the rows: divide by their number, not by that of the classes":
            lambda g, x: g * (x.softmax(1) - eye(*x.shape)) / x.shape[1],
        "the score of the right class makes the loss smaller: less 1 there": lambda g, x: g * x.softmax(1) / len(x),
        "the wrong scores have a gradient too: their softmax":
            lambda g, x: g * (x.softmax(1) - 1) * eye(*x.shape) / len(x),
        "a row of scores is one image: the softmax runs along it":
            lambda g, x: g * (x.softmax(0) - eye(*x.shape)) / len(x),
        "the slope of log(sum of exp) is the softmax, without its logarithm":
            lambda g, x: g * (x.log_softmax(1) - eye(*x.shape)) / len(x),
        "a softmax is missing: the scores themselves stand in its place": lambda g, x: g * (x - eye(*x.shape)) / len(x),
    },
)  # fmt: skip
def scores_dx(x: Tensor) -> Tensor:
    """The gradient along scores x (N, classes) of their cross entropy, the mean over rows; row n has the class n."""
    return -x.log_softmax(1).diagonal().mean()


@exercise(
    "16.best_epoch",
    cases=[
        ([3.0, 2.0, 1.0, 1.5, 1.7, 0.5], 2),
        ([3.0, 2.0, 2.5, 1.0], 2),
        ([3.0, 3.5, 2.0, 2.5, 1.0], 2),
        ([3.0, 1.0, 2.0, 2.0, 2.0, 0.5, 0.7], 2),
        ([3.0, 1.0, 2.0, 1.5, 2.5, 0.5], 2),
    ],
    hidden={
        "the losses end before the patience": ([1.0, 2.0], 5),
        "an equal loss is not lower": ([2.0, 2.0, 2.0, 1.0], 2),
        "a patience of 1": ([4.0, 3.0, 5.0, 2.0], 1),
    },
    page="chapter 16, 'Two curves'",
    hint="keep the best epoch so far; stop when the epoch now is `patience` later than it.",
    slips={
        "that is the lowest of all losses, and the training stops before some of them":
            lambda losses, patience: losses.index(min(losses)),
        "that is the epoch at which it stops, and the best one before it is wanted":
            lambda losses, patience: watch(losses, patience)[1],
        "it waits one epoch too long": lambda losses, patience: best_epoch(losses, patience + 1),
        "it stops at the first loss that is not lower": lambda losses, patience: best_epoch(losses, 1),
        "an equal loss is not lower, so the first of equal ones is kept":
            lambda losses, patience: watch(losses, patience, equal=True)[0],
        "a lower loss begins the count of bad epochs anew": lambda losses, patience: count_all(losses, patience),
        "a loss is compared with the lowest so far, not with the one before it":
            lambda losses, patience: compare_neighbours(losses, patience),
        "epochs are counted from 0": lambda losses, patience: best_epoch(losses, patience) + 1,
        "that is the loss of the epoch, not its number": lambda losses, patience: losses[best_epoch(losses, patience)],
    },
)  # fmt: skip
def best_epoch(losses: Sequence[float], patience: int) -> int:
    """The epoch, from 0, whose weights early stopping keeps: it stops after `patience` epochs without a lower loss."""
    return watch(losses, patience)[0]


def watch(losses: Sequence[float], patience: int, *, equal: bool = False) -> tuple[int, int]:
    """The best epoch, and the one at which early stopping ends; with `equal` a loss counts as better if it is equal."""
    best = epoch = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] or (equal and loss == losses[best]):
            best = epoch
        elif epoch - best >= patience:
            break
    return best, epoch


def compare_neighbours(losses: Sequence[float], patience: int) -> int:
    """The best epoch if each loss is compared with the one before it."""
    best = 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[epoch - 1]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


def count_all(losses: Sequence[float], patience: int) -> int:
    """The best epoch if each epoch without a lower loss counts for ever."""
    best = bad = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        else:
            bad += epoch > 0
        if bad >= patience:
            break
    return best


@exercise(
    "16.moved", cases=[(tensor([[1.0, 2, 3], [4, 5, 6]]), 1, 1), (image(4, 5), 2, 1), (image(5, 4, seed=1), 1, 0)],
    hidden={"up and to the left": (image(4, 4, seed=2), -1, -2), "down and to the left": (image(3, 5, seed=3), 1, -3)},
    page="chapter 16, 'More images from few'",
    hint="put zeros around X, as many as it moves, and cut out a window of X's size: where does that begin?",
    slips={
        "what leaves on one side comes back on the other, as by `roll` or a negative index":
            lambda X, i, j: X.roll((i, j), (0, 1)),
        "that is X where it was": lambda X, i, j: X.clone(),
        "that moves up and to the left": lambda X, i, j: moved(X, -i, -j),
        "i counts rows and j columns": lambda X, i, j: moved(X, j, i),
        "the size stays, and what leaves is cut off": lambda X, i, j: F.pad(X, (j, 0, i, 0)),
        "rows alone are moved": lambda X, i, j: moved(X, i, 0),
        "columns alone are moved": lambda X, i, j: moved(X, 0, j),
    },
)  # fmt: skip
def moved(X: Tensor, i: int, j: int) -> Tensor:
    """The image X (H, W), moved i rows down and j columns to the right (up and left if negative); 0 comes in."""
    wide = F.pad(X, (abs(j), abs(j), abs(i), abs(i)))
    top, left = abs(i) - i, abs(j) - j
    return wide[top : top + X.shape[0], left : left + X.shape[1]]


@exercise(
    "16.two_softmaxes", cases=[(3,), (10,)], hidden={"two classes": (2,)}, page="chapter 16, 'The list'",
    hint="the first softmax gives at best 1 and zeros; what does the second make of them?",
    slips={
        "that is the least loss with one softmax": lambda classes: 0.0,
        "that is the loss of a net that knows nothing": lambda classes: math.log(classes),
        "that is the probability of the right class, and the loss is -log of it":
            lambda classes: math.e / (math.e + classes - 1),
        "beside the right class there are classes - 1 others": lambda classes: math.log(1 + classes / math.e),
        "a logarithm of a probability is negative; the loss is not":
            lambda classes: -math.log(1 + (classes - 1) / math.e),
        "that is the logarithm of the sum alone: the score of the right class, 1, is subtracted from it":
            lambda classes: math.log(math.e + classes - 1),
        "the natural logarithm is meant, to the base e": lambda classes: math.log2(1 + (classes - 1) / math.e),
    },
)  # fmt: skip
def two_softmaxes(classes: int) -> float:
    """The least cross entropy with two softmaxes in a row, for this number of classes."""
    return math.log(1 + (classes - 1) / math.e)
