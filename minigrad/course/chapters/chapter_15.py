"""Chapter 15: first weights, batch norm in both modes, and gradients past a layer."""

from __future__ import annotations

import math
from collections.abc import Callable

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise, gradient_exercise
from minigrad.creation import zeros
from minigrad.nn import functional as F
from minigrad.tensor import Tensor

AXES = (0, 2, 3)  # of the images, the rows and the columns: all but the channels


@exercise(
    "15.first_weights", cases=[(16, 3), (3, 5)], hidden={"a 1x1 kernel": (64, 1)},
    page="chapter 15, 'How strong is the signal?'",
    hint="n s^2 / 2 = 1, where n is the number of products in one output.",
    slips={
        "that is the variance, the square of it": lambda channels_in, k: 2 / (channels_in * k * k),
        "ReLU takes half of the mean square away": lambda channels_in, k: math.sqrt(1 / (channels_in * k * k)),
        "a kernel has k * k numbers for each channel": lambda channels_in, k: math.sqrt(2 / (channels_in * k)),
        "an output adds up over the channels, too": lambda channels_in, k: math.sqrt(2 / (k * k)),
        "the 2 stands under the root": lambda channels_in, k: 2 / math.sqrt(channels_in * k * k),
        "that is PyTorch's, which leaves a sixth": lambda channels_in, k: 1 / math.sqrt(3 * channels_in * k * k),
    },
)  # fmt: skip
def first_weights(channels_in: int, k: int) -> float:
    """The standard deviation of the first weights that keeps the mean square, for a k x k convolution and ReLU."""
    return math.sqrt(2 / (channels_in * k * k))


def _divide(X: Tensor, gamma: Tensor, beta: Tensor, deviation: Tensor) -> Tensor:
    """Batch norm of X (N, C, H, W) that divides by the deviation (C,)."""
    mean, deviation, gamma, beta = [x.reshape(-1, 1, 1) for x in (X.mean(AXES), deviation, gamma, beta)]
    return (X - mean) / deviation * gamma + beta


def _norm_over(axes: tuple[int, ...], X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Batch norm of X (N, C, H, W), but with means and variances over other axes."""
    mean, variance = X.mean(axes, keepdim=True), X.var(axes, correction=0, keepdim=True)
    return (X - mean) / (variance + eps) ** 0.5 * gamma.reshape(-1, 1, 1) + beta.reshape(-1, 1, 1)


@exercise(
    "15.batch_norm",
    cases=[
        (image(2, 2, 2, 3) + 2, image(2, seed=1), image(2, seed=2), 1e-5),
        (image(2, 3, 1, 2), image(3, seed=1), image(3, seed=2), 0.5),
    ],
    hidden={"one channel": (image(4, 1, 2, 1) * 3, image(1, seed=1), image(1, seed=2), 1e-3)},
    page="chapter 15, 'Batch norm'",
    hint="one mean and one variance for each channel: over which axes? The variance divides by the count itself.",
    slips={
        "eps belongs under the root, beside the variance":
            lambda X, gamma, beta, eps: _divide(X, gamma, beta, X.std(AXES, correction=0) + eps),
        "the deviation is the root of the variance":
            lambda X, gamma, beta, eps: _divide(X, gamma, beta, X.var(AXES, correction=0) + eps),
        "the variance divides by the count itself, not by one less":
            lambda X, gamma, beta, eps: _divide(X, gamma, beta, (X.var(AXES) + eps) ** 0.5),
        "a channel has one mean and one variance for all images of the batch":
            lambda X, gamma, beta, eps: _norm_over((2, 3), X, gamma, beta, eps),
        "each channel has a mean and a variance of its own":
            lambda X, gamma, beta, eps: _norm_over((0, 1, 2, 3), X, gamma, beta, eps),
        "that is layer norm: a mean for each image, over its channels":
            lambda X, gamma, beta, eps: _norm_over((1, 2, 3), X, gamma, beta, eps),
        "a channel has one mean for all of its pixels: rows and columns count, too":
            lambda X, gamma, beta, eps: _norm_over((0,), X, gamma, beta, eps),
        "beta is missing": lambda X, gamma, beta, eps: _norm_over(AXES, X, gamma, zeros(len(beta)), eps),
        "gamma is missing": lambda X, gamma, beta, eps: _norm_over(AXES, X, zeros(len(gamma)) + 1, beta, eps),
        "eps is missing: it is added to the variance": lambda X, gamma, beta, eps: _norm_over(AXES, X, gamma, beta, 0),
        "gamma and beta are missing":
            lambda X, gamma, beta, eps: _norm_over(AXES, X, zeros(len(gamma)) + 1, zeros(len(beta)), eps),
        "beta is added last, and gamma does not multiply it":
            lambda X, gamma, beta, eps: _norm_over(AXES, X, gamma, beta * gamma, eps),
    },
)  # fmt: skip
def batch_norm(X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Batch norm of X (N, C, H, W) in training mode, with gamma (C,) and beta (C,)."""
    return F.batch_norm(X, None, None, gamma, beta, training=True, eps=eps)


@exercise(
    "15.running", cases=[(image(2), image(2, seed=1) ** 2, image(2, 2, 2, 1, seed=2) + 1, 0.1)],
    hidden={"another momentum": (image(3), image(3, seed=1) ** 2, image(3, 3, 1, 2, seed=2), 0.5)},
    page="chapter 15, 'Two modes'",
    hint="(1 - momentum) of the old one and momentum of the new one; this variance divides by the count less one.",
    slips={
        "momentum is the share of the new batch, and 1 - momentum that of the old average":
            lambda mean, variance, X, momentum: running(mean, variance, X, 1 - momentum),
        "the running variance is that of the batch divided by the count less one":
            lambda mean, variance, X, momentum: (
                running(mean, variance, X, momentum)[0],
                (1 - momentum) * variance + momentum * X.var(AXES, correction=0),
            ),
        "that is the batch alone: of the old averages 1 - momentum stays":
            lambda mean, variance, X, momentum: (X.mean(AXES), X.var(AXES)),
        "of the old averages 1 - momentum stays, not all":
            lambda mean, variance, X, momentum: (mean + momentum * X.mean(AXES), variance + momentum * X.var(AXES)),
        "the second is a variance, and that is its root": lambda mean, variance, X, momentum: (
            running(mean, variance, X, momentum)[0], (1 - momentum) * variance + momentum * X.std(AXES)
        ),
        "a channel has one average for all images of the batch": lambda mean, variance, X, momentum: (
            (1 - momentum) * mean + momentum * X.mean((2, 3)), (1 - momentum) * variance + momentum * X.var((2, 3))
        ),
    },
)  # fmt: skip
def running(mean: Tensor, variance: Tensor, X: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    """The pair of new running averages (C,) after a batch X (N, C, H, W) in training mode."""
    return (1 - momentum) * mean + momentum * X.mean(AXES), (1 - momentum) * variance + momentum * X.var(AXES)


@gradient_exercise(
    "15.centred", of="x", points=[{"x": (4, 3)}, {"x": (3, 2)}], page="chapter 15, 'Batch norm'",
    hint="a number enters its own difference with factor 1, and, by the mean, all N of its column with factor -1/N.",
    slips={
        "that takes the mean as a constant, and it grows with x": lambda g, x: g,
        "a number changes the differences of the others of its column, too": lambda g, x: g * (1 - 1 / len(x)),
        "each column has a mean of its own": lambda g, x: g - g.mean(),
        "a number enters the mean with the factor 1/N: divide by N": lambda g, x: g - g.sum(0),
        "the mean runs down a column, over the batch": lambda g, x: g - g.mean(1, keepdim=True),
        "the mean is subtracted: minus": lambda g, x: g + g.mean(0),
    },
)  # fmt: skip
def centred(x: Tensor) -> Tensor:
    """The gradient of x - x.mean(0) along x (N, C): the first half of batch norm, for a batch of numbers."""
    return x - x.mean(0)


EPS = 0.1  # large, so that an answer without it differs


def _normalize(x: Tensor) -> tuple[Tensor, Tensor]:
    """The columns of x, normalized, and their deviations."""
    deviation = (x.var(0, correction=0) + EPS) ** 0.5
    return (x - x.mean(0)) / deviation, deviation


def _scale_back(x: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """What `change` makes of the normalized columns of x, divided by their deviations."""
    z, deviation = _normalize(x)
    return change(z) / deviation


@gradient_exercise(
    "15.normalized_dx", of="x", points=[{"x": (4, 3)}, {"x": (3, 2)}],
    page="chapter 15, 'The way back through batch norm'",
    hint="with z = (x - mean) / deviation, three terms divided by the deviation: g, mean(g), z mean(g z).",
    slips={
        "that takes mean and deviation as constants, and both change with x": lambda g, x: _scale_back(x, lambda z: g),
        "that takes the deviation as a constant, and it changes with x":
            lambda g, x: _scale_back(x, lambda z: g - g.mean(0)),
        "that takes the mean as a constant, and it changes with x":
            lambda g, x: _scale_back(x, lambda z: g - z * (g * z).mean(0)),
        "all three terms are divided by the deviation":
            lambda g, x: g - g.mean(0) - (z := _normalize(x)[0]) * (g * z).mean(0),
        "the first mean is taken away: minus":
            lambda g, x: _scale_back(x, lambda z: g + g.mean(0) - z * (g * z).mean(0)),
        "both are means, not sums": lambda g, x: _scale_back(x, lambda z: g - g.sum(0) - z * (g * z).sum(0)),
        "the last term is minus z times a mean":
            lambda g, x: _scale_back(x, lambda z: g - g.mean(0) + z * (g * z).mean(0)),
        "the last mean is multiplied by z": lambda g, x: _scale_back(x, lambda z: g - g.mean(0) - (g * z).mean(0)),
        "each column has a mean of its own": lambda g, x: _scale_back(x, lambda z: g - g.mean() - z * (g * z).mean()),
        "eps is added to the variance": lambda g, x: (
            (g - g.mean(0) - (z := (x - x.mean(0)) / x.std(0, correction=0)) * (g * z).mean(0)) / x.std(0, correction=0)
        ),
    },
)  # fmt: skip
def normalized_dx(x: Tensor) -> Tensor:
    """The gradient of (x - mean) / sqrt(variance + 0.1) along x (N, C); each column has its own mean."""
    return _normalize(x)[0]


@gradient_exercise(
    "15.shortcut", of="x", points=[{"x": (2, 3), "w": (3, 3)}, {"x": (3, 2), "w": (2, 2)}],
    page="chapter 15, 'Shortcuts'",
    hint="x goes two ways, so two gradients are added; the derivative of tanh(z) is 1 - tanh(z)^2.",
    slips={
        "the way back through x @ w is a product with w transposed":
            lambda g, x, w: g + (g * (1 - (x @ w).tanh() ** 2)) @ w,
        "the way back through x @ w is missing: a product with w transposed":
            lambda g, x, w: g + g * (1 - (x @ w).tanh() ** 2),
        "that multiplies by tanh itself, not by its derivative": lambda g, x, w: g + (g * (x @ w).tanh()) @ w.T,
        "that is the shortcut alone, and x goes through the layer too": lambda g, x, w: g,
        "the derivative of tanh is missing": lambda g, x, w: g + g @ w.T,
        "it is 1 - tanh(z)^2: minus": lambda g, x, w: g + (g * (1 + (x @ w).tanh() ** 2)) @ w.T,
        "the derivative is 1 - tanh(z)^2, and z itself stands in place of tanh(z)":
            lambda g, x, w: g + (g * (1 - (x @ w) ** 2)) @ w.T,
        "tanh is squared in its derivative": lambda g, x, w: g + (g * (1 - (x @ w).tanh())) @ w.T,
        "z is x @ w, and x itself stands in its place": lambda g, x, w: g + (g * (1 - x.tanh() ** 2)) @ w.T,
        "tanh came last, so on the way back it comes first": lambda g, x, w: g + (g @ w.T) * (1 - (x @ w).tanh() ** 2),
    },
)  # fmt: skip
def shortcut(x: Tensor, w: Tensor) -> Tensor:
    """The gradient of x + (x @ w).tanh() along x (N, C), for w (C, C)."""
    return x + (x @ w).tanh()
