"""Chapters 9 to 12: counting, an optimizer's step, confusion, im2col, Winograd."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise
from minigrad.creation import tensor, zeros
from minigrad.nn import functional as F
from minigrad.tensor import Tensor


def correlate_fully(first: Tensor, second: Tensor) -> Tensor:
    """The cross-correlation of `first`, with zeros on all sides, and `second`: all places where they overlap."""
    (h, w) = second.shape
    return F.conv2d(first[None, None], second[None, None], padding=(h - 1, w - 1))[0, 0]


@exercise(
    "9.in_a_row",
    cases=[
        (tensor([[1.0, 2], [0, 3]]), tensor([[1.0, 0], [2, 3]])),  # small, to try on paper; a flip is no transpose
        (image(2, 3), image(3, 2, seed=1)),
    ],
    hidden={"a row and a column": (image(1, 3, seed=2), image(4, 1, seed=3))}, page="chapter 9, 'What is trained'",
    hint="begin with zeros, h + h' - 1 rows; each number of `first`, times all of `second`, is added where it stands.",
    slips={
        "that is the cross-correlation of the kernels: flip the second one": correlate_fully,
        "the kernel of both is flipped": lambda first, second: correlate_fully(first, second.flip(0, 1)).flip(0, 1),
        "where they overlap the products are added: `+=` in place of `=`":
            lambda first, second: write_last(first, second),
    },
)  # fmt: skip
def in_a_row(first: Tensor, second: Tensor) -> Tensor:
    """The kernel of two layers in a row, of kernels (h, w) and (h', w'), without anything between them: one kernel."""
    return correlate_fully(first, second.flip(0, 1))


def write_last(first: Tensor, second: Tensor) -> Tensor:
    """The kernel of both if of all products at a place the last one alone counts."""
    both = zeros(first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1)
    for i in range(first.shape[0]):
        for j in range(first.shape[1]):
            both[i : i + second.shape[0], j : j + second.shape[1]] = first[i, j] * second
    return both


@exercise(
    "9.parameters", cases=[(1, 6, 5), (6, 16, 5)], hidden={"1x1 kernels": (3, 8, 1)},
    page="chapter 9, 'What is trained'",
    hint="each output channel has one kernel of shape (in, k, k), and one bias.",
    slips={
        "that is without the bias": lambda channels_in, channels_out, k: channels_out * channels_in * k * k,
        "there is one bias for each channel out, not one for each channel in":
            lambda channels_in, channels_out, k: channels_in * (channels_out * k * k + 1),
        "there is one bias for each channel out, not one for the whole layer":
            lambda channels_in, channels_out, k: channels_out * channels_in * k * k + 1,
        "there is one bias for each channel out, not one for each pair of channels":
            lambda channels_in, channels_out, k: channels_out * channels_in * (k * k + 1),
        "a kernel has k * k numbers for each channel in": lambda channels_in, channels_out, k: (
            channels_out * (channels_in * k + 1)
        ),
        "a kernel of a channel out has a part for each channel in": lambda channels_in, channels_out, k: (
            channels_out * (k * k + 1)
        ),
        "that counts the tensors, weight and bias: count the numbers in them, `numel()`": lambda *_: 2,
    },
)  # fmt: skip
def parameters(channels_in: int, channels_out: int, k: int) -> int:
    """The number of numbers that Conv2d(channels_in, channels_out, k) trains, with its bias."""
    return channels_out * (channels_in * k * k + 1)


@exercise(
    "9.momentum", cases=[(1.0, 0.5, 0.2, 0.1, 0.9), (image(3), image(3, seed=1), image(3, seed=2), 0.1, 0.9)],
    hidden={"no momentum": (1.0, 2.0, 0.0, 0.5, 0.0)}, page="chapter 9, 'Momentum'",
    hint="first the velocity, then the step along the new velocity.",
    slips={
        "the step goes along the old velocity": lambda w, gradient, velocity, lr, mu: (
            w - lr * velocity, mu * velocity + gradient
        ),
        "the learning rate belongs to the step, not to the velocity": lambda w, gradient, velocity, lr, mu: (
            w - (mu * velocity + lr * gradient), mu * velocity + lr * gradient
        ),
        "PyTorch adds the whole gradient to the velocity": lambda w, gradient, velocity, lr, mu: (
            w - lr * (mu * velocity + (1 - mu) * gradient), mu * velocity + (1 - mu) * gradient
        ),
        "that is the step without momentum: it goes along the new velocity": lambda w, gradient, velocity, lr, mu: (
            w - lr * gradient, mu * velocity + gradient
        ),
        "a step leads down the slope: minus": lambda w, gradient, velocity, lr, mu: (
            w + lr * (mu * velocity + gradient), mu * velocity + gradient
        ),
        "the minus and the learning rate belong to the step, not to the velocity": (
            lambda w, gradient, velocity, lr, mu: (
                w + mu * velocity - lr * gradient, mu * velocity - lr * gradient
            )
        ),
        "mu multiplies the old velocity, and not the gradient": lambda w, gradient, velocity, lr, mu: (
            w - lr * (velocity + mu * gradient), velocity + mu * gradient
        ),
        "that is Nesterov's step": lambda w, gradient, velocity, lr, mu: (
            w - lr * (gradient + mu * (mu * velocity + gradient)), mu * velocity + gradient
        ),
        "the second of the pair is the new velocity": lambda w, gradient, velocity, lr, mu: (
            w - lr * (mu * velocity + gradient), velocity
        ),
    },
)  # fmt: skip
def momentum(w: Any, gradient: Any, velocity: Any, lr: float, mu: float) -> tuple[Any, Any]:
    """PyTorch's step of SGD with momentum mu: the pair (new w, new velocity)."""
    velocity = mu * velocity + gradient
    return w - lr * velocity, velocity


@exercise(
    "9.accuracy",
    cases=[
        (image(6, 3), tensor([2, 2, 2, 0, 1, 2])),
        (image(4, 4, seed=1), tensor([1, 3, 0, 0])),
        (image(5, 4, seed=2), tensor([3, 0, 3, 3, 1])),
    ],
    hidden={"all are right": (tensor([[2.0, 1.0], [0.0, 3.0]]), tensor([0, 1]))}, page="chapter 9, 'How good?'",
    hint="the predicted class is where the row is largest; shapes (N,) and (N, 1) compare to (N, N).",
    slips={
        "that is the number of them, not their share": lambda scores, labels: (scores.argmax(1) == labels).sum(),
        "that is in percent": lambda scores, labels: 100 * (scores.argmax(1) == labels).float().mean(),
        "that is the share of the wrong ones": lambda scores, labels: (scores.argmax(1) != labels).float().mean(),
        "that divides by the number of classes": lambda scores, labels: (
            (scores.argmax(1) == labels).sum() / scores.shape[1]
        ),
        "the place of the largest score of each row is wanted, argmax(1)": lambda scores, labels: (
            (scores.argmax() == labels).float().mean()
        ),
        "shapes (N, 1) and (N,) compare each with each": lambda scores, labels: (
            (scores.argmax(1, keepdim=True) == labels).float().mean()
        ),
    },
)  # fmt: skip
def accuracy(scores: Tensor, labels: Tensor) -> float:
    """The share of rows of scores (N, classes) that are largest at their label (N,), between 0 and 1."""
    return (scores.argmax(1) == labels).float().mean().item()


@exercise(
    "10.confusion",
    cases=[
        (tensor([0, 1, 1, 2, 1]), tensor([0, 1, 2, 2, 1]), 3),
        (tensor([3, 0, 0, 2, 3, 3, 0]), tensor([3, 0, 1, 2, 0, 3, 1]), 4),
    ],
    hidden={"a class without examples": (tensor([1, 1]), tensor([0, 0]), 2)},
    page="chapter 10, 'Which digits are confused?'", hint="row: the true class; column: the predicted class.",
    slips={
        "a pair of classes that comes twice counts twice; `counts[i, j] += 1` with lists i and j writes it once":
            lambda predicted, labels, classes: confusion(predicted, labels, classes).clamp(max=1),
        "the wrong predictions count too, beside the diagonal":
            lambda predicted, labels, classes: confusion(predicted, labels, classes).diag().diag(),
        "a row is a true class, a column a predicted one":
            lambda predicted, labels, classes: confusion(labels, predicted, classes),
        "numbers of examples are wanted, not their share of all":
            lambda predicted, labels, classes: confusion(predicted, labels, classes) / len(labels),
        "numbers of examples are wanted, not shares of their true class": lambda predicted, labels, classes: (
            (counts := confusion(predicted, labels, classes).float()) / counts.sum(1, keepdim=True).clamp(min=1)
        ),
    },
)  # fmt: skip
def confusion(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    """A matrix (classes, classes): at [i, j] the number of examples of class i that were predicted as class j."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels.numpy(), predicted.numpy()), 1)
    return tensor(counts)


@exercise(
    "12.im2col", cases=[(image(4, 5), 2, 3), (image(3, 3), 1, 1)],
    hidden={"a kernel as wide as the image": (image(6, 2), 3, 2)},
    page="chapter 12, 'One product'", hint="one column for each window, its pixels row by row.",
    slips={
        "`reshape` leaves the numbers in their order, so the windows are still rows: transpose":
            lambda X, h, w: im2col(X, h, w).T.reshape(h * w, -1),
        "windows overlap: the next one begins one pixel further": lambda X, h, w: (
            F.unfold(X[None, None], (h, w), stride=(h, w))[0]
        ),
    },
)  # fmt: skip
def im2col(X: Tensor, h: int, w: int) -> Tensor:
    """The windows of X (H, W) as the columns of a matrix (h * w, windows)."""
    return F.unfold(X[None, None], (h, w))[0]


HALF = Fraction(1, 2)


class Counted:
    """A number that counts the products of two such numbers, in a list of one."""

    def __init__(self, value: Any, count: list[int]):
        self.value, self.count = value, count

    def _do(self, other: Any, operation: Callable[[Any, Any], Any]) -> Counted:
        return Counted(operation(self.value, getattr(other, "value", other)), self.count)

    def __add__(self, other: Any) -> Counted:
        return self._do(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Counted:
        return self._do(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Counted:
        return self._do(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Counted:
        self.count[0] += isinstance(other, Counted)
        return self._do(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Counted:
        return self._do(other, lambda a, b: a / b)

    def __neg__(self) -> Counted:
        return self * -1

    __radd__, __rmul__ = __add__, __mul__


def count_products(answer: Any) -> str | None:
    """Counts the multiplications of an answer to "12.winograd", where its numbers are right."""
    count = [0]
    try:
        answer(*[tuple(Counted(n, count) for n in numbers) for numbers in ((2, -1, 4, 3), (1, 1, 1))])
    except Exception:  # noqa: BLE001 (it computes by other means, on which nothing can be counted)
        return None
    if count[0] > 4:
        return f"the numbers are right, but {count[0]} multiplications of a d by a g made them; four are enough"
    return None


@exercise(
    "12.winograd", cases=[((1, 2, 3, 4), (1, 0, 2)), ((0, 1, 0, 0), (3, 5, 7)), ((2, -1, 4, 3), (1, 1, 1))],
    judge=count_products, page="chapter 12, 'Four products for six'",
    hint="m1 = (d0 - d2) g0, m2 = (d1 + d2)(g0 + g1 + g2)/2, ...; y0 = m1 + m2 + m3, y1 = m2 - m3 - m4.",
    slips={
        "the halves of m2 and m3 are missing": lambda d, g: combine(d, g, half=1),
        "y1 is m2 - m3 - m4, with m4 = (d1 - d3) g2": lambda d, g: combine(d, g, last=1),
        "the kernel is read backwards there": lambda d, g: winograd(d, g[::-1]),
    },
)  # fmt: skip
def winograd(d: tuple[int, ...], g: tuple[int, ...]) -> list[float]:
    """Two outputs of a kernel g of three numbers on four pixels d, with four multiplications of d by g: [y0, y1]."""
    return combine(d, g)


def combine(d: tuple[int, ...], g: tuple[int, ...], half: Fraction | int = HALF, last: int = -1) -> list[float]:
    """Winograd's four products and their two sums; with other numbers for `half` and `last` it is wrong."""
    m1 = (d[0] - d[2]) * g[0]
    m2 = (d[1] + d[2]) * (g[0] + g[1] + g[2]) * half
    m3 = (d[2] - d[1]) * (g[0] - g[1] + g[2]) * half
    m4 = (d[1] - d[3]) * g[2]
    return [float(m1 + m2 + m3), float(m2 - m3 + last * m4)]
