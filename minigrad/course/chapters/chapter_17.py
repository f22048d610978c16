"""Chapter 17: what a network looks at, by covering, by the gradient in the image and by maps; and a push against it."""

from __future__ import annotations

from minigrad.autograd import grad
from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise
from minigrad.creation import zeros
from minigrad.nn import Module
from minigrad.nn import functional as F
from minigrad.tensor import Tensor


class Reader(Module):
    """A net with fixed weights: images (N, C, H, W) -> scores of three classes (N, 3)."""

    def __init__(self, channels: int):
        super().__init__()
        self.kernels, self.weights = image(4, channels, 2, 2, seed=5), image(3, 4, seed=6)

    def forward(self, images: Tensor) -> Tensor:
        return F.conv2d(images, self.kernels).tanh().mean((2, 3)) @ self.weights.T

    def __repr__(self) -> str:
        return "a net of three classes"


def cover(X: Tensor, i: int, j: int, k: int) -> Tensor:
    """X (C, H, W) with zeros in the k x k window at (i, j)."""
    covered = X.clone()
    covered[:, i : i + k, j : j + k] = 0
    return covered


def score_covered(net: Module, X: Tensor, kind: int, k: int, step: int = 1) -> Tensor:
    """The score of a class for each covered window; windows are `step` pixels apart."""
    rows, columns = ((n - k) // step + 1 for n in X.shape[1:])
    scores = zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            scores[i, j] = net(cover(X, i * step, j * step, k)[None])[0, kind].item()
    return scores


def keep_covered(net: Module, X: Tensor, kind: int, k: int) -> Tensor:
    """The falls if what was covered once stays covered."""
    falls, before = zeros(X.shape[1] - k + 1, X.shape[2] - k + 1), net(X[None])[0, kind].item()
    for i in range(falls.shape[0]):
        for j in range(falls.shape[1]):
            X = cover(X, i, j, k)
            falls[i, j] = before - net(X[None])[0, kind].item()
    return falls


@exercise(
    "17.occlusion", cases=[(Reader(1), image(1, 4, 5) + 1, 2, 2), (Reader(2), image(2, 5, 4, seed=1), 0, 3)],
    hidden={"windows of one pixel": (Reader(1), image(1, 3, 3, seed=2), 1, 1)},
    page="chapter 17, 'Cover a part'",
    hint="for each window: a copy of X, zeros there, and the score of the copy. How much less is it?",
    slips={
        "that is the score itself, and how much it falls is wanted": score_covered,
        "where the score falls the number is positive: the score of the whole image less that of the covered one":
            lambda net, X, kind, k: score_covered(net, X, kind, k) - net(X[None])[0, kind].item(),
        "the next window begins one pixel further": lambda net, X, kind, k: (
            net(X[None])[0, kind].item() - score_covered(net, X, kind, k, step=k)
        ),
        "only one window is covered at a time: begin each with a new copy of X": keep_covered,
    },
)  # fmt: skip
def occlusion(net: Module, X: Tensor, kind: int, k: int) -> Tensor:
    """How much the score of class `kind` falls if the k x k window at (i, j) of X (C, H, W) is 0, for all (i, j)."""
    return net(X[None])[0, kind].item() - score_covered(net, X, kind, k)


def differentiate(net: Module, X: Tensor, kind: int | None) -> Tensor:
    """The gradient of a score, or of the sum of all scores, along the image X (C, H, W)."""
    X = X.detach().clone().requires_grad_()
    scores = net(X[None])[0]
    return grad(scores.sum() if kind is None else scores[kind], X)[0]


@exercise(
    "17.saliency", cases=[(Reader(1), image(1, 4, 5), 2), (Reader(3), image(3, 3, 4, seed=1), 0)],
    hidden={"two channels": (Reader(2), image(2, 5, 3, seed=2), 1)},
    page="chapter 17, 'The gradient in the image'",
    hint="X.requires_grad_(), one score, backward; then X.grad, whose channels become one map.",
    slips={
        "a push can go both ways, so the size of the slope counts, without its sign":
            lambda net, X, kind: differentiate(net, X, kind).amax(0),
        "of the channels the largest one counts, not their sum":
            lambda net, X, kind: differentiate(net, X, kind).abs().sum(0),
        "of the channels the largest one counts, not their mean":
            lambda net, X, kind: differentiate(net, X, kind).abs().mean(0),
        "one map (H, W) is wanted: of the channels the largest": lambda net, X, kind: differentiate(net, X, kind).abs(),
        "that is the gradient of all scores together, and that of one class is wanted":
            lambda net, X, kind: differentiate(net, X, None).abs().amax(0),
        "the slope alone is wanted, without the pixel":
            lambda net, X, kind: (differentiate(net, X, kind) * X).abs().amax(0),
        "first the size of each slope, then the largest of the channels":
            lambda net, X, kind: differentiate(net, X, kind).amax(0).abs(),
    },
)  # fmt: skip
def saliency(net: Module, X: Tensor, kind: int) -> Tensor:
    """(H, W): how steeply the score of class `kind` changes with each pixel of X (C, H, W), the steepest channel's."""
    return differentiate(net, X, kind).abs().amax(0)


def weigh(maps: Tensor, importance: Tensor) -> Tensor:
    """The sum of maps (C, H, W), each times its importance, without negative numbers."""
    return (maps * importance).sum(0).clamp(min=0)


@exercise(
    "17.grad_cam", cases=[(image(3, 2, 4).abs(), image(3, 2, 4, seed=1)), (image(2, 3, 3), image(2, 3, 3, seed=2))],
    hidden={"a map that speaks against the class": (image(1, 3, 4).abs(), image(1, 3, 4, seed=3).abs() * -1)},
    page="chapter 17, 'Grad-CAM'",
    hint="the mean of each map's gradient, (C, 1, 1), is its importance; `keepdim=True` keeps the axes.",
    slips={
        "what speaks against the class is left out: negative sums become 0":
            lambda maps, gradient: (maps * gradient.mean((1, 2), keepdim=True)).sum(0),
        "a map has one importance, the mean of its gradient": lambda maps, gradient: weigh(maps, gradient),
        "the importance is the mean of the gradient, not its sum":
            lambda maps, gradient: weigh(maps, gradient.sum((1, 2), keepdim=True)),
        "the maps are added, and not averaged":
            lambda maps, gradient: weigh(maps, gradient.mean((1, 2), keepdim=True)) / len(maps),
        "first add, then leave negative numbers out: a map may speak against the class":
            lambda maps, gradient: (maps * gradient.mean((1, 2), keepdim=True)).clamp(min=0).sum(0),
        "one importance for each map is wanted, and this is one for all":
            lambda maps, gradient: weigh(maps, gradient.mean()),
    },
)  # fmt: skip
def grad_cam(maps: Tensor, gradient: Tensor) -> Tensor:
    """The heat (H, W) of maps (C, H, W), from the gradient of a score along them, of the same shape."""
    return weigh(maps, gradient.mean((1, 2), keepdim=True))


@exercise(
    "17.attack",
    cases=[
        (image(1, 3, 4).sigmoid(), image(1, 3, 4, seed=1), 0.1),
        (image(2, 2, 2, seed=2).sigmoid().round(), image(2, 2, 2, seed=3), 0.25),
    ],
    hidden={"a gradient with zeros": (image(1, 2, 3).sigmoid(), image(1, 2, 3, seed=4).clamp(min=0), 0.5)},
    page="chapter 17, 'A push against it'",
    hint="each pixel moves by eps, up or down as its gradient says; `clamp` keeps it between 0 and 1.",
    slips={
        "that goes down the slope: the loss should grow":
            lambda X, gradient, eps: (X - eps * gradient.sign()).clamp(0, 1),
        "each pixel moves by eps, however large its gradient is":
            lambda X, gradient, eps: (X + eps * gradient).clamp(0, 1),
        "a pixel stays between 0 and 1": lambda X, gradient, eps: X + eps * gradient.sign(),
        "that is the push alone, and the image with it is wanted": lambda X, gradient, eps: eps * gradient.sign(),
        "up where the gradient is positive, down where it is negative":
            lambda X, gradient, eps: (X + eps * gradient.sign().abs()).clamp(0, 1),
        "where the gradient is 0 a pixel stays as it is":
            lambda X, gradient, eps: (X + eps * (2 * (gradient > 0) - 1)).clamp(0, 1),
    },
)  # fmt: skip
def attack(X: Tensor, gradient: Tensor, eps: float) -> Tensor:
    """X, pixels from 0 to 1, each moved by eps so that the loss grows fastest, from the loss's gradient along X."""
    return (X + eps * gradient.sign()).clamp(0, 1)
