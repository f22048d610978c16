"""Chapter 8: the three gradients of a convolution, then the same with a stride."""

from __future__ import annotations

from minigrad.course.exercise import gradient_exercise
from minigrad.nn import functional as F
from minigrad.tensor import Tensor

POINTS = [{"x": (2, 2, 5, 5), "w": (3, 2, 2, 2), "b": (3,)}, {"x": (3, 1, 6, 6), "w": (2, 1, 3, 2), "b": (2,)}]
STRIDED = [{"x": (2, 2, 6, 7), "w": (3, 2, 2, 2)}, {"x": (1, 3, 5, 5), "w": (2, 3, 3, 3)}]


def correlate_batch(x: Tensor, g: Tensor) -> Tensor:
    """The sum over the batch of the correlations of x (N, C, H, W) with g (N, O, Ho, Wo): (O, C, kh, kw)."""
    return F.conv2d(x.transpose(0, 1), g.transpose(0, 1)).transpose(0, 1)


def correlate_flipped(g: Tensor, w: Tensor, padding: tuple[int, int]) -> Tensor:
    """The correlation of g, padded, with w flipped, its channels in and out exchanged."""
    return F.conv2d(g, w.flip(2, 3).transpose(0, 1), padding=padding)


def spread_out(x: Tensor, g: Tensor, w: Tensor, stride: int) -> Tensor:
    """The gradient along w of a convolution with this stride."""
    return cut(F.conv2d(x.transpose(0, 1), g.transpose(0, 1), dilation=stride).transpose(0, 1), w)


def cut(gradient: Tensor, w: Tensor) -> Tensor:
    """A gradient without the rows and columns that w does not have."""
    return gradient[:, :, : w.shape[2], : w.shape[3]]


def conv(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """y[n, o] = b[o] + sum over c of corr2d(x[n, c], w[o, c])."""
    return F.conv2d(x, w, b)


@gradient_exercise(
    "8.db", of="b", points=POINTS, page="chapter 8, 'The bias'",
    hint="b[o] was added to every pixel of map o, in every image of the batch.",
    slips={
        "one number of b serves all pixels of a map: sum over rows and columns, too": lambda g, x, w, b: g.sum(0),
        "each map has a number of b of its own: axis 1, the maps, stays": lambda g, x, w, b: g.sum((1, 2, 3)),
        "b was added, not multiplied: b itself does not stand in its gradient":
            lambda g, x, w, b: b * g.sum((0, 2, 3)),
    },
)  # fmt: skip
def conv_for_db(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, b) along b (O,), from g (N, O, Ho, Wo)."""
    return conv(x, w, b)


@gradient_exercise(
    "8.dw", of="w", points=POINTS, page="chapter 8, 'The kernel'",
    hint="in window (p, q) of each image n it meets x[n, c, i + p, j + q]; their product is a part of y[n, o, p, q].",
    slips={
        "each number (i, j) of the kernel meets other pixels: those from row i, column j on": lambda g, x, w, b: (
            correlate_batch(x[:, :, : g.shape[2], : g.shape[3]], g).expand(w.shape)
        ),
        "the maps are its second axis, and w has them first: exchange the two axes":
            lambda g, x, w, b: correlate_batch(x, g).transpose(0, 1),
        "each map has a kernel of its own, and this adds the gradients of all maps up":
            lambda g, x, w, b: correlate_batch(x, g).sum(0, keepdim=True).expand(w.shape),
        "the output is linear in w: w itself does not stand in its gradient":
            lambda g, x, w, b: correlate_batch(x, g) * w,
        "each image n has its own g[n], and this takes that of the first": lambda g, x, w, b: (
            correlate_batch(x, g[:1].expand(g.shape))
        ),
    },
)  # fmt: skip
def conv_for_dw(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, b) along w (O, C, kh, kw), from g (N, O, Ho, Wo)."""
    return conv(x, w, b)


@gradient_exercise(
    "8.dx", of="x", points=POINTS, page="chapter 8, 'The image'",
    hint="a pixel was seen by several windows, each time through another number of the kernel: add up what they send.",
    slips={
        "the output is linear in x: x itself does not stand in its gradient":
            lambda g, x, w, b: correlate_flipped(g, w, (w.shape[2] - 1, w.shape[3] - 1)) * x,
        "pixels of the border are in fewer windows: pad g by kh - 1 and kw - 1 zeros on each side":
            lambda g, x, w, b: correlate_flipped(g, w, (0, 0)),
        "one zero on each side is enough for kernels of 2 x 2 alone: pad g by kh - 1 and kw - 1":
            lambda g, x, w, b: correlate_flipped(g, w, (1, 1)),
    },
)  # fmt: skip
def conv_for_dx(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, b) along x (N, C, H, W), from g (N, O, Ho, Wo)."""
    return conv(x, w, b)


@gradient_exercise(
    "8.dw_strided", of="w", points=STRIDED, page="chapter 8, 'With a stride'",
    hint="window (p, q) starts at (2p, 2q) now; the rest is as before.",
    slips={
        "that is the rule without a stride": lambda g, x, w: spread_out(x, g, w, 1),
        "here the windows of x are read 2 pixels apart: it is g whose numbers lie 2 pixels apart": lambda g, x, w: (
            cut(F.conv2d(x.transpose(0, 1), g.transpose(0, 1), stride=2).transpose(0, 1), w)
        ),
        "the last row or column of x is in no window: cut the result to the size of w": lambda g, x, w: (
            F.conv2d(x.transpose(0, 1), g.transpose(0, 1), dilation=2).transpose(0, 1)
        ),
    },
)  # fmt: skip
def conv_for_strided_dw(x: Tensor, w: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, stride=2) along w."""
    return F.conv2d(x, w, stride=2)


@gradient_exercise(
    "8.dx_strided", of="x", points=STRIDED, page="chapter 8, 'With a stride'",
    hint="window (p, q) starts at (2p, 2q) now. Pixels that no window saw get 0: look at the last row and column.",
    slips={
        "that is the rule without a stride": lambda g, x, w: (
            F.pad(y := F.conv_transpose2d(g, w), (0, x.shape[3] - y.shape[3], 0, x.shape[2] - y.shape[2]))
        ),
        "that is the rule without a stride, and too small": lambda g, x, w: F.conv_transpose2d(g, w),
        "the pixels that no window saw are missing: their gradient is 0":
            lambda g, x, w: F.conv_transpose2d(g, w, stride=2),
    },
)  # fmt: skip
def conv_for_strided_dx(x: Tensor, w: Tensor) -> Tensor:
    """The gradient of conv2d(x, w, stride=2) along x."""
    return F.conv2d(x, w, stride=2)
