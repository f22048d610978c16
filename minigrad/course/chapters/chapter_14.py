"""Chapter 14: a matrix, a classifier that slides, pooling, dilation, channels apart, transposed convolution."""

from __future__ import annotations

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise, gradient_exercise
from minigrad.creation import tensor, zeros
from minigrad.nn import functional as F
from minigrad.tensor import Tensor


def repeat(g: Tensor) -> Tensor:
    """Each number of g (N, C, H, W) as a square of 2 x 2."""
    return g.repeat_interleave(2, 2).repeat_interleave(2, 3)


def write_at_corners(g: Tensor) -> Tensor:
    """Each number of g (N, C, H, W) at the upper left corner of a square of 2 x 2 zeros."""
    apart = repeat(g)
    apart[:, :, 1::2] = 0
    apart[:, :, :, 1::2] = 0
    return apart


def write_over(x: Tensor, w: Tensor, stride: int) -> Tensor:
    """A transposed convolution in which the last window alone counts where windows overlap."""
    y = zeros((len(x) - 1) * stride + len(w))
    for i in range(len(x)):
        y[i * stride : i * stride + len(w)] = x[i] * w
    return y


def write_rows(w: Tensor, n: int, step: int = 1) -> Tensor:
    """The matrix (n - k + 1, n) whose row i holds w from column i * step on, cut at its end."""
    A = zeros(n - len(w) + 1, n)
    for i in range(len(A)):
        A[i, i * step : i * step + len(w)] = w[: max(0, n - i * step)]
    return A


@exercise(
    "14.matrix", cases=[(tensor([1.0, 2, 3]), 5), (image(2), 4)],
    hidden={"a kernel as long as the row": (image(4, seed=1), 4), "a kernel of one number": (image(1, seed=2), 3)},
    page="chapter 14, 'A shifted image'",
    hint="row i makes output i: which pixels does it meet, and with which numbers? The others get 0.",
    slips={
        "a row is an output and a column a pixel: transpose it": lambda w, n: write_rows(w, n).T,
        "that flips the kernel, and a cross-correlation does not": lambda w, n: write_rows(w.flip(0), n),
        "each row begins one pixel further than the one above it": lambda w, n: write_rows(w, n, step=0),
        "windows overlap: the next one begins one pixel further": lambda w, n: write_rows(w, n, step=len(w)),
        "windows that would leave the row are left out: n - k + 1 rows": lambda w, n: (
            write_rows(w, n + len(w) - 1)[:, :n]
        ),
        "windows do not go on at the other end: n - k + 1 rows": lambda w, n: (
            write_rows(w, n + len(w) - 1)[:, :n] + F.pad(write_rows(w, n + len(w) - 1)[:, n:], (0, n - len(w) + 1))
        ),
    },
)  # fmt: skip
def matrix(w: Tensor, n: int) -> Tensor:
    """The matrix A (n - k + 1, n) for which A @ x is the cross-correlation of a row x (n,) and a kernel w (k,)."""
    return write_rows(w, n)


def slide(kernels: Tensor, X: Tensor, stride: tuple[int, int] = (1, 1)) -> Tensor:
    """The maps of kernels (O, C, h, w) on X (C, H, W)."""
    return F.conv2d(X[None], kernels, stride=stride)[0]


@exercise(
    "14.sliding",
    cases=[(image(3, 12), image(2, 4, 5, seed=1), 2, 3), (image(2, 18, seed=2), image(2, 5, 4, seed=3), 3, 3)],
    hidden={"a single window": (image(4, 12, seed=4), image(2, 3, 2, seed=5), 3, 2)},
    page="chapter 14, 'A classifier that slides'",
    hint="Flatten writes channel after channel, row after row: which shape gives each row of the weight its axes back?",
    slips={
        "Flatten writes one channel after the other, so the channels are the axis before the rows":
            lambda weight, X, h, w: slide(weight.reshape(len(weight), h, w, -1).permute(0, 3, 1, 2), X),
        "windows overlap: the next one begins one pixel further":
            lambda weight, X, h, w: slide(weight.reshape(len(weight), -1, h, w), X, (h, w)),
        "that flips the kernels": lambda weight, X, h, w: slide(weight.reshape(len(weight), -1, h, w).flip(2, 3), X),
        "that is the first window alone": lambda weight, X, h, w: weight @ X[:, :h, :w].flatten(),
    },
)  # fmt: skip
def sliding(weight: Tensor, X: Tensor, h: int, w: int) -> Tensor:
    """The scores (classes, H', W') of all windows of X (C, H, W), by a Linear's weight (classes, C * h * w)."""
    return slide(weight.reshape(len(weight), -1, h, w), X)


@exercise(
    "14.max_pool", cases=[(tensor([[1.0, 2, 3, 8], [4, 3, 1, 5]]), 2), (image(6, 7), 3)],
    hidden={"negative numbers alone": (image(4, 4, seed=1) - 9, 2)}, page="chapter 14, 'Pooling'",
    hint="window (i, j) begins at row i * k, column j * k. How many fit down, how many across?",
    slips={
        "that is the mean of each window": lambda X, k: F.avg_pool2d(X[None, None], k)[0, 0],
        "windows lie side by side: the next one begins k pixels further":
            lambda X, k: F.max_pool2d(X[None, None], k, stride=1)[0, 0],
        "windows lie side by side: window (i, j) begins at row i * k, column j * k":
            lambda X, k: F.max_pool2d(X[None, None], k, stride=1)[0, 0, : len(X) // k, : X.shape[1] // k],
        "that is the smallest number of each window": lambda X, k: -F.max_pool2d(-X[None, None], k)[0, 0],
        "all numbers of a window may be negative: begin with one of them, in place of 0":
            lambda X, k: F.max_pool2d(X[None, None], k)[0, 0].clamp(min=0),
    },
)  # fmt: skip
def max_pool(X: Tensor, k: int) -> Tensor:
    """The largest number of each k x k window of X (H, W), windows side by side; what does not fill one is left out."""
    return F.max_pool2d(X[None, None], k)[0, 0]


@gradient_exercise(
    "14.max_pool_dx", of="x", points=[{"x": (2, 2, 4, 4)}, {"x": (1, 3, 2, 6)}], page="chapter 14, 'Pooling'",
    hint="in each window the largest number gets all of g: compare x with the result, each number repeated as 2 x 2.",
    slips={
        "that is the rule of the mean, which gives each number a quarter": lambda g, x: repeat(g) / 4,
        "`g.repeat` writes whole copies side by side, and `repeat_interleave` repeats each number":
            lambda g, x: g.repeat(1, 1, 2, 2) * (x == repeat(F.max_pool2d(x, 2))),
        "the largest number may stand anywhere in its window, not at its corner alone":
            lambda g, x: write_at_corners(g),
        "each window has a largest number of its own, and this asks for the largest of all":
            lambda g, x: repeat(g) * (x == x.max()),
    },
)  # fmt: skip
def max_pooled(x: Tensor) -> Tensor:
    """The gradient of max_pool2d(x, 2) along x (N, C, H, W), for even H and W."""
    return F.max_pool2d(x, 2)


@exercise(
    "14.covered", cases=[(3, 1), (3, 2)], hidden={"another dilation": (5, 3), "one number": (1, 4)},
    page="chapter 14, 'Dilation'",
    hint="k numbers have k - 1 distances between them.",
    slips={
        "behind the last number there is no distance any more": lambda k, dilation: k * dilation,
        "the last number is a pixel, too": lambda k, dilation: dilation * (k - 1),
        "dilation 1 is the plain kernel: it stretches by one less": lambda k, dilation: (dilation + 1) * (k - 1) + 1,
        "that stretches one of the k - 1 distances": lambda k, dilation: k + dilation - 1,
    },
)  # fmt: skip
def covered(k: int, dilation: int) -> int:
    """The number of pixels from the first number of a kernel of k numbers to its last, `dilation` pixels apart."""
    return dilation * (k - 1) + 1


@exercise(
    "14.weights", cases=[(32, 64, 3), (3, 8, 5)], hidden={"a large kernel": (16, 4, 7)},
    page="chapter 14, 'Channels apart'",
    hint="the first layer has one kernel for each channel in; the second one a number for each pair of channels.",
    slips={
        "that is one whole convolution": lambda channels_in, channels_out, k: channels_in * channels_out * k * k,
        "a depthwise layer has one kernel for each channel, not for each pair: groups=channels":
            lambda channels_in, channels_out, k: channels_in * channels_in * k * k + channels_in * channels_out,
        "each channel has a kernel of its own, k * k numbers":
            lambda channels_in, channels_out, k: k * k + channels_in * channels_out,
        "that is without the depthwise layer": lambda channels_in, channels_out, k: channels_in * channels_out,
        "that is without the 1x1 layer": lambda channels_in, channels_out, k: channels_in * k * k,
        "a channel in has only one kernel: the channels out are made by the 1x1 layer":
            lambda channels_in, channels_out, k: channels_out * k * k + channels_in * channels_out,
        "both layers are without a bias": lambda channels_in, channels_out, k: (
            channels_in * (k * k + 1) + (channels_in + 1) * channels_out
        ),
        "a kernel has k * k numbers": lambda channels_in, channels_out, k: channels_in * k + channels_in * channels_out,
        "the numbers of the two layers add up": lambda channels_in, channels_out, k: (
            channels_in * k * k * channels_in * channels_out
        ),
    },
)  # fmt: skip
def weights(channels_in: int, channels_out: int, k: int) -> int:
    """The number of weights of a depthwise k x k layer and the 1x1 layer after it, both without a bias."""
    return channels_in * k * k + channels_in * channels_out


@exercise(
    "14.depthwise", cases=[(image(2, 4, 5), image(2, 2, 3, seed=1))],
    hidden={"three channels": (image(3, 3, 3), image(3, 2, 1, seed=2))},
    page="chapter 14, 'Channels apart'", hint="as chapter 4's sum over channels, but without the sum.",
    slips={
        "that takes the first kernel for all channels: each has its own":
            lambda X, K: F.conv2d(X[:, None], K[:1, None])[:, 0],
        "that is the sum over the channels, again and again: each map stays by itself":
            lambda X, K: F.conv2d(X[None], K.expand(len(X), *K.shape))[0],
    },
)  # fmt: skip
def depthwise(X: Tensor, K: Tensor) -> Tensor:
    """The depthwise cross-correlation of X (C, H, W) with one kernel (h, w) for each channel, K (C, h, w): C maps."""
    return F.conv2d(X[None], K[:, None], groups=X.shape[0])[0]


@exercise(
    "14.upsampled_size", cases=[(4, 3), (4, 3, 2), (4, 4, 2, 1)],
    hidden={"a kernel as long as the stride": (7, 2, 2), "one pixel": (1, 5, 3, 2)},
    page="chapter 14, 'Transposed convolution'",
    hint="where does the first window start, and where does the last one end? The padding is cut off on both sides.",
    slips={
        "the last window is as long as the kernel, not as the stride": lambda n, k, stride=1, padding=0: n * stride,
        "the padding is cut off once only": lambda n, k, stride=1, padding=0: (n - 1) * stride + k - padding,
        "the padding is cut off, not added": lambda n, k, stride=1, padding=0: (n - 1) * stride + k + 2 * padding,
        "that is before the padding is cut off": lambda n, k, stride=1, padding=0: (n - 1) * stride + k,
        "from the first window to the last there are n - 1 strides":
            lambda n, k, stride=1, padding=0: n * stride + k - 2 * padding,
        "that is the size of a convolution without transposing":
            lambda n, k, stride=1, padding=0: (n + 2 * padding - k) // stride + 1,
    },
)  # fmt: skip
def upsampled_size(n: int, k: int, stride: int = 1, padding: int = 0) -> int:
    """The number of pixels that a transposed convolution makes of n, with a kernel of k."""
    return (n - 1) * stride + k - 2 * padding


@exercise(
    "14.transposed",
    cases=[
        (tensor([2.0, 1, 3]), tensor([1.0, 0, 2]), 2),  # small, to try on paper
        (image(4), image(2, seed=1), 1),
    ],
    hidden={
        "a stride longer than the kernel": (image(3), image(2, seed=2), 3),
        "one pixel": (image(1), image(4, seed=3), 2),
    },
    page="chapter 14, 'Transposed convolution'",
    hint="begin with zeros of the full size; add the kernel, times x[i], to the k numbers from i * stride on.",
    slips={
        "where two of them overlap, they are added: `+=` in place of `=`": write_over,
        "from the first window to the last there are n - 1 strides, not n":
            lambda x, w, stride: F.pad(transposed(x, w, stride), (0, stride)),
        "the stride is missing: x[i] * w begins at i * stride": lambda x, w, stride: transposed(x, w, 1),
    },
)  # fmt: skip
def transposed(x: Tensor, w: Tensor, stride: int) -> Tensor:
    """The transposed convolution of a row x (n,) with a kernel w (k,): each x[i] * w, written from i * stride on."""
    return F.conv_transpose1d(x[None, None], w[None, None], stride=stride)[0, 0]


@gradient_exercise(
    "14.dx", of="x", points=[{"x": (2, 2, 3, 4), "w": (2, 3, 3, 3)}, {"x": (1, 3, 2, 2), "w": (3, 2, 2, 3)}],
    page="chapter 14, 'Transposed convolution'",
    hint="it is the product A.T x, for the matrix A of a convolution; so its gradient is A g. Which function is that?",
    slips={
        "that is without the stride": lambda g, x, w: F.conv2d(g, w),
        "that is without the stride, and cut": lambda g, x, w: F.conv2d(g, w)[:, :, : x.shape[2], : x.shape[3]],
        "that enlarges g once more, and the way back makes it as small as x": lambda g, x, w: (
            F.conv_transpose2d(g, w.transpose(0, 1), stride=2)
        ),
    },
)  # fmt: skip
def conv_transpose(x: Tensor, w: Tensor) -> Tensor:
    """The gradient of conv_transpose2d(x, w, stride=2) along x, for x (N, C, H, W) and w (C, O, kh, kw)."""
    return F.conv_transpose2d(x, w, stride=2)
