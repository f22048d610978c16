"""Chapters 5 to 7: the gradient of a kernel on paper, the limit of the learning rate, rules of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.course.calling import guard
from minigrad.course.chapters.chapter_1_to_4 import bars, corr2d, image
from minigrad.course.comparing import as_array, describe_shapes, refuse_what_is_no_number
from minigrad.course.exercise import exercise, gradient_exercise
from minigrad.creation import tensor
from minigrad.ops.unary import exp as exponential
from minigrad.ops.unary import sigmoid as logistic
from minigrad.tensor import Tensor


@exercise(
    "5.loss", cases=[(image(3, 2), image(3, 2, seed=1))],
    hidden={"one column": (image(4, 1), image(4, 1, seed=2))},
    page="chapter 5, 'How wrong?'", hint="square each error, then add up; no mean.",
    slips={
        "that is the mean": lambda prediction, target: ((prediction - target) ** 2).mean(),
        "errors of both signs cancel there: square each before adding":
            lambda prediction, target: (prediction - target).sum() ** 2,
        "an error counts by its square, not by its size": lambda prediction, target: (prediction - target).abs().sum(),
        "that is half of it": lambda prediction, target: ((prediction - target) ** 2).sum() / 2,
        "square the errors, and not the maps": lambda prediction, target: (prediction**2 - target**2).sum(),
        "that is the mean over the rows": lambda prediction, target: ((prediction - target) ** 2).sum(1).mean(),
        "that is the root of it": lambda prediction, target: ((prediction - target) ** 2).sum().sqrt(),
    },
)  # fmt: skip
def loss(prediction: Tensor, target: Tensor) -> Tensor:
    """The sum of the squared errors."""
    return ((prediction - target) ** 2).sum()


@exercise(
    "5.dK", cases=[(image(5, 6), image(2, 3, seed=1), image(4, 4, seed=2)), (bars(), image(1, 2), bars()[:, :7])],
    hidden={"a kernel of one column": (image(4, 4), image(4, 1, seed=3), image(1, 4, seed=4))},
    page="chapter 5, 'On paper'", by_hand=True,
    hint="each K[a, b] meets X[i + a, j + b] in every window (i, j), and the loss grows by 2 * error * that pixel.",
    slips={
        "the error is the map less Y, and Y is missing": lambda X, K, Y: corr2d(X, 2 * corr2d(X, K)),
        "the error is the map less Y, and not Y less the map": lambda X, K, Y: -kernel_gradient(X, K, Y),
        "the derivative of a square is 2 times the error": lambda X, K, Y: kernel_gradient(X, K, Y) / 2,
        "that is the gradient of the mean": lambda X, K, Y: kernel_gradient(X, K, Y) / Y.numel(),
        "the errors meet X as the kernel does, without a flip":
            lambda X, K, Y: corr2d(X, 2 * (corr2d(X, K) - Y).flip(0, 1)),
        "every window adds to dK[a, b]: `+=`, where `=` keeps the last window alone":
            lambda X, K, Y: 2 * (corr2d(X, K) - Y)[-1, -1] * X[-K.shape[0] :, -K.shape[1] :],
        "K[a, b] lies on the pixel X[i + a, j + b]":
            lambda X, K, Y: (2 * (corr2d(X, K) - Y) * X[: Y.shape[0], : Y.shape[1]]).sum().expand(K.shape),
        "the loss is no product with K: its derivative has no factor K": lambda X, K, Y: kernel_gradient(X, K, Y) * K,
    },
)  # fmt: skip
def kernel_gradient(X: Tensor, K: Tensor, Y: Tensor) -> Tensor:
    """The gradient of ((corr2d(X, K) - Y) ** 2).sum() along K, of K's shape, without autograd."""
    return corr2d(X, 2 * (corr2d(X, K) - Y))


def judge_learned(answer: Any) -> str | None:
    """Checks that the kernel is learned from the bars and from a hidden image."""
    for X, K in ((bars(), tensor([[1.0, -1.0]])), (image(5, 6), image(2, 2, seed=7))):
        returned = guard(answer)(X, corr2d(X, K), tuple(K.shape))
        if complaint := refuse_what_is_no_number(returned, "a kernel"):
            return complaint
        found = as_array(returned)
        if found.shape != (due := tuple(K.shape)):
            return f"a kernel of shape {due} is due, got {found.shape}{describe_shapes(found.shape, due)}"
        left = float(((corr2d(X, tensor(found.astype(np.float32))) - corr2d(X, K)) ** 2).sum())
        if not np.isfinite(left):
            return "the kernel is nan or inf: the learning rate is too large, or the steps go up the slope (+ for -)"
        if left > 4 * float((corr2d(X, K) ** 2).sum()):
            return f"the loss is {left:.3g}, and that of zeros far less: do the steps go up the slope (+ for -)?"
        if left > 0.05:
            return (
                f"the loss is still {left:.3g}, and at most 0.05 is due: more steps, or larger ones? Does each step "
                "change K, down the slope (K = K - lr * dK)? After backward(), is .grad set to zero each time?"
            )
    return None


@exercise(
    "5.learn", judge=judge_learned, page="chapter 5, 'Down the slope'",
    hint="start anywhere; then a few hundred times: K = K - lr * dK. If it blows up, lr is too large.",
)  # fmt: skip
def learn(X: Tensor, Y: Tensor, shape: tuple[int, int]) -> Tensor:
    """The kernel of this shape which makes Y from X, learned by gradient descent."""
    K = tensor(np.zeros(shape, dtype=np.float32))
    for _ in range(500):
        K = K - 0.01 * kernel_gradient(X, K, Y)
    return K


@exercise(
    "6.limit", cases=[(60.0,), (124.3,)], hidden={"another curvature": (2.96,)}, page="chapter 6, 'The exact limit'",
    hint="a step multiplies the distance to the minimum by 1 - lr * curvature. When does that grow?",
    slips={
        "from this rate on the steps jump across the minimum, and still shrink": lambda curvature: 1 / curvature,
        "the fraction is upside down: a steeper bowl needs smaller steps": lambda curvature: curvature / 2,
        "`//` rounds down to a whole number, and `/` divides": lambda curvature: 2 // curvature,
    },
)  # fmt: skip
def limit(curvature: float) -> float:
    """The learning rate beyond which gradient descent diverges, for the largest curvature of a quadratic loss."""
    return 2 / curvature


@exercise(
    "6.distance", cases=[(0.03, 60.0, 5), (0.04, 60.0, 3)], hidden={"a small rate": (0.01, 10.0, 2)},
    page="chapter 6, 'A step'",
    hint="one step multiplies by (1 - lr * curvature).",
    slips={
        "a step across the minimum changes the sign": lambda lr, curvature, steps: abs(1 - lr * curvature) ** steps,
        "each step multiplies what the step before it left": lambda lr, curvature, steps: 1 - lr * curvature * steps,
        "that is a step too many": lambda lr, curvature, steps: (1 - lr * curvature) ** (steps + 1),
        "that is a step too few": lambda lr, curvature, steps: (1 - lr * curvature) ** (steps - 1),
        "the curvature is missing: a steeper slope makes longer steps": lambda lr, _, steps: (1 - lr) ** steps,
        "that is what one step leaves": lambda lr, curvature, steps: 1 - lr * curvature,
        "that adds the factor of each step: multiply them": lambda lr, curvature, steps: (1 - lr * curvature) * steps,
        "a step leads down the slope, towards the minimum: minus": lambda lr, curvature, steps: (
            (1 + lr * curvature) ** steps
        ),
    },
)  # fmt: skip
def distance(lr: float, curvature: float, steps: int) -> float:
    """What `steps` steps leave of a distance of 1 to the minimum, with its sign, along an axis of this curvature."""
    return (1 - lr * curvature) ** steps


@exercise(
    "6.best", cases=[([60.0, 12.0],), ([4.0, 9.0, 1.0],)], hidden={"four curvatures": ([3.0, 2.0, 8.0, 5.0],)},
    page="chapter 6, 'The best rate'",
    hint="the largest and the smallest curvature should shrink equally fast: |1 - lr * a| = |1 - lr * b|.",
    slips={
        "along the largest curvature this rate only swings to and fro": lambda curvatures: 2 / max(curvatures),
        "this rate is the best for the largest curvature alone": lambda curvatures: 1 / max(curvatures),
        "only the largest and the smallest curvature decide":
            lambda curvatures: len(curvatures) / sum(curvatures),
        "that is right for two curvatures; of more, only the largest and the smallest decide":
            lambda curvatures: 2 / sum(curvatures),
        "that takes the first and the last: the largest and the smallest may stand anywhere":
            lambda curvatures: 2 / (curvatures[0] + curvatures[-1]),
        "this rate is the best for the smallest curvature; along the largest it diverges":
            lambda curvatures: 1 / min(curvatures),
        "in |1 - lr * a| = |1 - lr * b| one side changes its sign: lr * a - 1 = 1 - lr * b":
            lambda curvatures: 1 / (max(curvatures) + min(curvatures)),
        "that takes the first two: the largest and the smallest may stand anywhere":
            lambda curvatures: 2 / (curvatures[0] + curvatures[1]),
        "this rate is the limit for the smallest curvature; along the largest it diverges":
            lambda curvatures: 2 / min(curvatures),
    },
)  # fmt: skip
def best(curvatures: Sequence[float]) -> float:
    """The learning rate at which the slowest of the distances, one for each curvature, shrinks fastest."""
    return 2 / (max(curvatures) + min(curvatures))


@gradient_exercise(
    "7.multiply", of="x", points=[{"x": (3, 2), "y": (3, 2)}], page="chapter 7, step 1",
    hint="how much does x * y grow when x grows by 1? Then multiply by g, the gradient that arrives.",
    slips={"x is a factor too many: when x grows by 1, x * y grows by y": lambda g, x, y: g * x * y},
)  # fmt: skip
def multiply(x: Tensor, y: Tensor) -> Tensor:
    """The gradient of x * y along x."""
    return x * y


@gradient_exercise(
    "7.sigmoid", of="x", points=[{"x": (4,)}, {"x": (2, 3)}], page="chapter 7, step 3",
    hint="with s = sigmoid(x), the derivative is s * (1 - s); multiply it by g, the gradient that arrives.",
    slips={
        "s is the sigmoid of x, and x itself stands in its place": lambda g, x: g * x * (1 - x),
        "that is the sigmoid, and not yet its derivative": lambda g, x: g * logistic(x),
        "a factor is missing: the sigmoid itself": lambda g, x: g * (1 - logistic(x)),
        "that is the rule of tanh": lambda g, x: g * (1 - logistic(x) ** 2),
    },
)  # fmt: skip
def sigmoid(x: Tensor) -> Tensor:
    """The gradient of the sigmoid of x, 1 / (1 + exp(-x)), along x."""
    return logistic(x)


@gradient_exercise(
    "7.stretch", of="b", points=[{"x": (2, 3), "b": (3,)}, {"x": (4, 2), "b": (2,)}], page="chapter 7, step 3",
    hint="one number of b was used in every row.",
    slips={
        "when b grows by 1, x + b grows by 1, and not by x": lambda g, x, b: (g * x).sum(0),
        "b was added, not multiplied: b itself does not stand in its gradient": lambda g, x, b: g.sum(0) * b,
    },
)  # fmt: skip
def stretched(x: Tensor, b: Tensor) -> Tensor:
    """The gradient of x + b along b, where b (n,) was broadcast over the rows of x (m, n)."""
    return x + b


@gradient_exercise(
    "7.matmul", of="b", points=[{"a": (2, 3), "b": (3, 4)}, {"a": (3, 3), "b": (3, 3)}], page="chapter 7, step 3",
    hint="which product of g (m, n) and a (m, k) has the shape of b, (k, n)?",
    slips={
        "that is the gradient along a": lambda g, a, b: g @ b.T,
        "that is the transpose of it, of shape (n, k)": lambda g, a, b: g.T @ a,
    },
)  # fmt: skip
def matmul(a: Tensor, b: Tensor) -> Tensor:
    """The gradient of a @ b along b."""
    return a @ b


@gradient_exercise(
    "7.softplus", of="x", points=[{"x": (5,)}], page="chapter 7, step 3",
    hint="the chain rule: the derivative of the log, 1 / (1 + exp(x)), times that of 1 + exp(x), times g.",
    slips={
        "that is the derivative of the log alone: multiply it by that of 1 + exp(x)": lambda g, x: (
            g / (1 + exponential(x))
        ),
        "that is the derivative of 1 + exp(x) alone: multiply it by that of the log": lambda g, x: g * exponential(x),
        "that is the function itself, and not its derivative": lambda g, x: g * (1 + exponential(x)).log(),
        "the derivative of 1 + exp(x) is exp(x): 1 does not grow with x": lambda g, x: g,
    },
)  # fmt: skip
def softplus(x: Tensor) -> Tensor:
    """The gradient of log(1 + exp(x)) along x."""
    return (exponential(x) + 1).log()
