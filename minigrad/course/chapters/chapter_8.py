"""Chapter 8: the three gradients of a convolution, then the same with a stride."""

from __future__ import annotations

from minigrad.course.exercise import gradient_exercise
from minigrad.nn import functional as F
from minigrad.tensor import Tensor

POINTS = [{"x": (2, 2, 5, 5), "w": (3, 2, 2, 2), "b": (3,)}, {"x": (3, 1, 4, 6), "w": (2, 1, 3, 2), "b": (2,)}]
STRIDED = [{"x": (2, 2, 6, 7), "w": (3, 2, 2, 2)}, {"x": (1, 3, 5, 5), "w": (2, 3, 3, 3)}]


def conv(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """y[n, o] = b[o] + sum over c of corr2d(x[n, c], w[o, c])."""
    return F.conv2d(x, w, b)


@gradient_exercise(
    "8.db", of="b", points=POINTS, page="chapter 8, 'The bias'",
    hint="b[o] was added to every pixel of map o, in every image of the batch.",
)  # fmt: skip
def conv_for_db(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, b) along b (O,), from g (N, O, Ho, Wo)."""
    return conv(x, w, b)


@gradient_exercise(
    "8.dw", of="w", points=POINTS, page="chapter 8, 'The kernel'",
    hint="in window (p, q) of each image n it meets x[n, c, i + p, j + q]; their product is a part of y[n, o, p, q].",
)  # fmt: skip
def conv_for_dw(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, b) along w (O, C, kh, kw), from g (N, O, Ho, Wo)."""
    return conv(x, w, b)


@gradient_exercise(
    "8.dx", of="x", points=POINTS, page="chapter 8, 'The image'",
    hint="a pixel was seen by several windows, each time through another number of the kernel: add up what they send.",
)  # fmt: skip
def conv_for_dx(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, b) along x (N, C, H, W), from g (N, O, Ho, Wo)."""
    return conv(x, w, b)


@gradient_exercise(
    "8.dw_strided", of="w", points=STRIDED, page="chapter 8, 'With a stride'",
    hint="window (p, q) starts at (2p, 2q) now; the rest is as before.",
)  # fmt: skip
def conv_for_strided_dw(x: Tensor, w: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, stride=2) along w."""
    return F.conv2d(x, w, stride=2)


@gradient_exercise(
    "8.dx_strided", of="x", points=STRIDED, page="chapter 8, 'With a stride'",
    hint="window (p, q) starts at (2p, 2q) now. Pixels that no window saw get 0: look at the last row and column.",
)  # fmt: skip
def conv_for_strided_dx(x: Tensor, w: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, stride=2) along x."""
    return F.conv2d(x, w, stride=2)
