"""Chapters 1 to 4: the window, edges, sizes, channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from math import prod
from operator import add, matmul, mul
from typing import Any

import numpy as np

from minigrad.course.calling import guard
from minigrad.course.comparing import as_array, refuse_what_is_no_number
from minigrad.course.exercise import exercise
from minigrad.creation import tensor, zeros
from minigrad.nn import functional as F
from minigrad.ops.join import cat
from minigrad.tensor import Tensor
from minigrad.viz import graph


def image(*shape: int, seed: int = 0) -> Tensor:
    """A float32 tensor of random numbers."""
    return tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def bars() -> Tensor:
    """The course's image (6, 8): white, and black from the third to the sixth column."""
    x = zeros(6, 8) + 1
    x[:, 2:6] = 0
    return x


@exercise(
    "1.window", cases=[(image(5, 6), 1, 2, 2, 3), (image(4, 4), 0, 0, 2, 2)],
    hidden={"the last window": (image(5, 6), 3, 3, 2, 3)},
    page="chapter 1, 'The window'", hint="a slice `start:stop` holds stop - start pixels.",
    slips={
        "the window ends at i + h, and h is its height": lambda X, i, j, h, w: X[i:h, j:w],
        "a slice leaves its stop out": lambda X, i, j, h, w: X[i : i + h - 1, j : j + w - 1],
        "a slice leaves its stop out, so nothing is to be added": lambda X, i, j, h, w: X[i : i + h + 1, j : j + w + 1],
    },
)  # fmt: skip
def window(X: Tensor, i: int, j: int, h: int, w: int) -> Tensor:
    """The part of the image X that a kernel of h rows and w columns covers when its upper left corner is at (i, j)."""
    return X[i : i + h, j : j + w]


@exercise(
    "1.corr2d",
    cases=[
        (tensor([[3.0, 1, 4], [1, 5, 9], [2, 6, 5]]), tensor([[1.0, 2], [0, 3]])),  # small, to try on paper
        (image(5, 6), image(2, 3, seed=1)),
    ],
    hidden={
        "a map of one row": (image(3, 7), image(3, 1, seed=2)),
        "a kernel as large as the image": (image(4, 4), image(4, 4, seed=3)),
    },
    page="chapter 1, 'Two loops'",
    hint="for each place of the window: multiply it with the kernel, pixel by pixel, and add up. How many places "
    "are there down, how many across?",
    slips={
        "a cross-correlation does not flip the kernel": lambda X, K: corr2d(X, K.flip(0, 1)),
        "add the products up, without dividing": lambda X, K: corr2d(X, K) / K.numel(),
        "windows overlap: the next one begins one pixel further": lambda X, K: (
            F.conv2d(X[None, None], K[None, None], stride=tuple(K.shape))[0, 0]
        ),
        "along each axis it counts one place too few": lambda X, K: corr2d(X, K)[:-1, :-1],
        "the map has one number for each window, and so is smaller than the image": lambda X, K: (
            F.pad(corr2d(X, K), (0, K.shape[1] - 1, 0, K.shape[0] - 1))
        ),
        "`*` multiplies number by number, and `@` is the product of matrices": lambda X, K: corr2d_by(X, K, matmul),
        "the kernel is multiplied by the pixels, not added to them": lambda X, K: corr2d_by(X, K, add),
        "`Y += ...` adds each sum to the whole map: `Y[i, j] = ...` writes one number": lambda X, K: (
            corr2d(X, K).sum().expand(corr2d(X, K).shape)
        ),
    },
)  # fmt: skip
def corr2d(X: Tensor, K: Tensor) -> Tensor:
    """The cross-correlation of an image (H, W) and a kernel (h, w)."""
    return F.conv2d(X[None, None], K[None, None])[0, 0]


def corr2d_by(X: Tensor, K: Tensor, meet: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The sums of `meet` of each window and the kernel, where a product is due."""
    windows = X.unfold(0, K.shape[0], 1).unfold(1, K.shape[1], 1)  # (H', W', h, w)
    return meet(windows, K).sum((2, 3))


@exercise(
    "1.multiplications", cases=[(6, 8, 1, 2), (3, 3, 2, 2)], hidden={"a larger image": (28, 28, 5, 5)},
    page="chapter 1, 'What it costs'",
    hint="one window costs as many as the kernel has numbers; how many windows are there?",
    slips={
        "a window fits at fewer places than there are pixels": lambda H, W, h, w: H * W * h * w,
        "along each axis it counts one place too few": lambda H, W, h, w: (H - h) * (W - w) * h * w,
        "that is the number of windows": lambda H, W, h, w: (H - h + 1) * (W - w + 1),
        "a kernel of h x w has h * w numbers": lambda H, W, h, w: (H - h + 1) * (W - w + 1) * (h + w),
        "that is the cost of one window": lambda H, W, h, w: h * w,
        "that is the number of pixels": lambda H, W, h, w: H * W,
        "that counts the additions, too": lambda H, W, h, w: 2 * (H - h + 1) * (W - w + 1) * h * w,
        "without brackets, * comes before + and -": lambda H, W, h, w: H - h + 1 * W - w + 1 * h * w,
    },
)  # fmt: skip
def multiplications(H: int, W: int, h: int, w: int) -> int:
    """The number of multiplications that corr2d takes, for an image of H x W and a kernel of h x w."""
    return (H - h + 1) * (W - w + 1) * h * w


def _name_kernel(K: Any) -> str:
    """Why a kernel responds to more than horizontal edges, as the end of a sentence; "" if it is no usual reason."""
    if abs(K.sum()) > 1e-5:
        return f": its numbers add up to {K.sum():.3g}, so it responds where all pixels are equal, too"
    if np.allclose(K.sum(axis=1), 0):
        return ": it compares left and right neighbours"
    return ""


def judge_horizontal(kernel: Any) -> str | None:
    """Checks that the kernel responds to horizontal edges and to nothing else, on the bars and on their transpose."""
    kernel = kernel() if callable(kernel) else kernel
    if complaint := refuse_what_is_no_number(kernel, "a kernel"):
        return complaint
    K = as_array(kernel).astype(np.float32)
    if K.ndim != 2 or not K.size:
        return f"a kernel of shape (h, w), with two axes and at least one number, is due; got the shape {K.shape}"
    if K.shape[0] > 6 or K.shape[1] > 6:
        return f"a kernel of at most 6 x 6 is due, got {K.shape}"
    if not np.isfinite(K).all():
        return "the kernel holds nan or inf"
    vertical, horizontal = (corr2d(X, tensor(K)).abs().max().item() for X in (bars(), bars().T))
    if vertical > 1e-5:
        place = "on X, which has only vertical edges, its map should be 0 everywhere"
        return f"{place}; it has numbers up to {vertical:.3g}{_name_kernel(K)}"
    if horizontal <= 1e-5:
        return "on X.t(), which has horizontal edges, its map should not be 0 everywhere, and it is"
    return None


@exercise(
    "2.horizontal", judge=judge_horizontal, page="chapter 2, 'Horizontal bars'",
    hint="[[1, -1]] compares a pixel with its right neighbour. Which neighbour lies across a horizontal edge?",
)  # fmt: skip
def horizontal() -> Tensor:
    """A kernel that finds horizontal edges, and gives 0 wherever there is none."""
    return tensor([[1.0], [-1.0]])


@exercise(
    "2.mean", cases=[(3,), (5,)], hidden={"the smallest kernel": (1,)}, page="chapter 2, 'Blur'",
    hint="an image whose pixels are all equal should stay as it is: what must the numbers of the kernel add up to?",
    slips={
        "that is the sum of the window: divide by the count of its pixels": lambda k: zeros(k, k) + 1,
        "a window of k x k has k * k pixels, not k": lambda k: (zeros(k, k) + 1) / k,
        "a window of k x k has k * k pixels, not 2 * k": lambda k: (zeros(k, k) + 1) / (2 * k),
        "that is a row: a kernel has rows and columns, (k, k)": lambda k: (zeros(k) + 1) / k,
        "that is one number of the kernel, and it has k x k of them": lambda k: 1 / k**2,
    },
)  # fmt: skip
def mean(k: int) -> Tensor:
    """The kernel (k, k) that replaces each pixel by the mean of its window."""
    return (zeros(k, k) + 1) / k**2


@exercise(
    "3.output_size", cases=[(8, 2), (5, 3, 1), (8, 3, 1, 2), (9, 3, 2, 3)],
    hidden={
        "a stride without padding": (7, 3, 0, 2),
        "a stride longer than the kernel": (8, 3, 0, 4),
        "a kernel as large as the image": (5, 5, 0, 3),
    },
    page="chapter 3, 'How many windows?'", hint="the first window starts at -padding; where may the last one start?",
    slips={
        "it counts one window too few": lambda n, k, padding=0, stride=1: (n + 2 * padding - k) // stride,
        "the padding stands on both sides": lambda n, k, padding=0, stride=1: (n + padding - k) // stride + 1,
        "a window that would leave the image is left out: round down":
            lambda n, k, padding=0, stride=1: -((k - n - 2 * padding) // stride) + 1,
        "a number of windows is whole: round down":
            lambda n, k, padding=0, stride=1: (n + 2 * padding - k) / stride + 1,
        "the first window needs no stride: divide before 1 is added":
            lambda n, k, padding=0, stride=1: (n + 2 * padding - k + 1) // stride,
        "the padding makes the image larger: it is added before the stride divides":
            lambda n, k, padding=0, stride=1: (n - k) // stride + 1 + 2 * padding,
        "that is without padding and stride": lambda n, k, padding=0, stride=1: n - k + 1,
        "that is without the stride": lambda n, k, padding=0, stride=1: n + 2 * padding - k + 1,
    },
)  # fmt: skip
def output_size(n: int, k: int, padding: int = 0, stride: int = 1) -> int:
    """The number of windows of k pixels on n pixels, with `padding` zeros on each side, `stride` pixels apart."""
    return (n + 2 * padding - k) // stride + 1


@exercise(
    "3.same_padding", cases=[(3,), (5,)], hidden={"the smallest kernel": (1,), "a large kernel": (11,)},
    page="chapter 3, 'Padding'",
    hint="without padding, k - 1 pixels are lost; padding adds on both sides.",
    slips={
        "that much is lost, and the padding adds on both sides": lambda k: k - 1,
        "a padding is a whole number of pixels": lambda k: k / 2,
        "that is a pixel too many: round down": lambda k: (k + 1) // 2,
    },
)  # fmt: skip
def same_padding(k: int) -> int:
    """The padding at which a kernel of k pixels, k odd, leaves the size as it is (stride 1)."""
    return (k - 1) // 2


@exercise(
    "3.receptive_field", cases=[([3], [1]), ([3, 3], [1, 1]), ([3, 3], [2, 1])],
    hidden={"four layers": ([5, 2, 5, 2], [1, 2, 1, 2])},
    page="chapter 3, 'The receptive field'",
    hint="layer by layer, from the image on: how many pixels apart, in the image, are two neighbours of its input?",
    slips={
        "windows of neighbours overlap, so a layer adds fewer pixels than its kernel has":
            lambda kernels, _: sum(kernels),
        "after a stride, the neighbours are further apart in the image":
            lambda kernels, _: sum(kernels) - len(kernels) + 1,
        "the stride of a layer spreads the layers after it, and not itself":
            lambda kernels, strides: 1 + sum((k - 1) * s for k, s in zip(kernels, strides, strict=True)),
        "a layer's own stride spreads only the layers after it":
            lambda kernels, strides: grow(kernels, [1, *accumulate(strides, mul)][1:]),
        "strides multiply: two layers of stride 2 set neighbours 4 pixels apart":
            lambda kernels, strides: grow(kernels, accumulate([1, *strides], add)),
        "before the first layer, an output is one pixel wide: start from 1":
            lambda kernels, strides: grow(kernels, accumulate([1, *strides], mul)) - 1,
        "the receptive fields of layers do not multiply: each layer adds to the last": lambda kernels, _: prod(kernels),
    },
)  # fmt: skip
def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """The number of pixels, along one axis of the image, that can change one output of these layers in a row."""
    return grow(kernels, accumulate([1, *strides], mul))


def grow(kernels: Iterable[int], steps: Iterable[int]) -> int:
    """The receptive field of layers, if the pixels of their inputs are these `steps` apart in the image.

    A step more than there are layers, which is that of the last output, is not read.
    """
    return 1 + sum((k - 1) * apart for k, apart in zip(kernels, steps, strict=False))


@exercise(
    "3.mirror", cases=[(tensor([1.0, 2, 3, 4]), 2), (image(5), 3)],
    hidden={"no padding": (image(3), 0), "as much as there is": (image(4, seed=1), 3)},
    page="chapter 3, 'Other borders'",
    hint="at the left stand x[p], ..., x[2], x[1]: a slice, turned round by `flip`. The border pixel comes once.",
    slips={
        "the border pixel is the mirror, and does not come twice":
            lambda x, p: cat([x[:p].flip(0), x, x[len(x) - p :].flip(0)]),
        "a mirror turns the order round": lambda x, p: cat([x[1 : p + 1], x, x[len(x) - 1 - p : -1]]),
        "that repeats the border pixel": lambda x, p: cat([x[:1].expand(p), x, x[-1:].expand(p)]),
        "that goes on at the other end, as a circle": lambda x, p: cat([x[len(x) - p :], x, x[:p]]),
        "that adds zeros": lambda x, p: cat([zeros(p), x, zeros(p)]),
        "each end mirrors its own pixels": lambda x, p: cat([x[len(x) - 1 - p : -1].flip(0), x, x[1 : p + 1].flip(0)]),
    },
)  # fmt: skip
def mirror(x: Tensor, p: int) -> Tensor:
    """The row x (n,) with p pixels added at each end, as `padding_mode="reflect"` does, for p < n."""
    return cat([x[1 : p + 1].flip(0), x, x[len(x) - 1 - p : -1].flip(0)])


@exercise(
    "4.multi_in", cases=[(image(2, 4, 5), image(2, 2, 3, seed=1))],
    hidden={"three channels": (image(3, 3, 3), image(3, 2, 2, seed=2))},
    page="chapter 4, 'Channels in'", hint="each channel has its own kernel; what becomes of the maps?",
    slips={
        "that takes the first part of the kernel for all channels: each has its own":
            lambda X, K: F.conv2d(X[None], K[:1].expand(len(X), -1, -1)[None])[0, 0],
        "each part meets its own channel alone: one loop over both, by zip": lambda X, K: corr2d(X.sum(0), K.sum(0)),
        "the maps are added, and that is their mean": lambda X, K: F.conv2d(X[None], K[None])[0, 0] / len(X),
    },
)  # fmt: skip
def multi_in(X: Tensor, K: Tensor) -> Tensor:
    """The cross-correlation of an image (C, H, W) and a kernel (C, h, w): one map."""
    return F.conv2d(X[None], K[None])[0, 0]


@exercise(
    "4.multi_in_out", cases=[(image(2, 4, 5), image(3, 2, 2, 3, seed=1))],
    hidden={"1x1 kernels": (image(3, 3, 3), image(2, 3, 1, 1, seed=2))}, page="chapter 4, 'Channels out'",
    hint="one map for each kernel (C, h, w) of K; torch.stack puts them together.",
    slips={
        "the maps are stacked, and not added": lambda X, K: F.conv2d(X[None], K)[0].sum(0),
        "`cat` sets the maps below each other, and `stack` one behind the other":
            lambda X, K: F.conv2d(X[None], K)[0].flatten(0, 1),
    },
)  # fmt: skip
def multi_in_out(X: Tensor, K: Tensor) -> Tensor:
    """The cross-correlation of an image (C, H, W) and kernels (O, C, h, w): O maps."""
    return F.conv2d(X[None], K)[0]


def count_calls(answer: Any) -> str | None:
    """Checks that a matrix product computed an answer to "4.one_by_one": the graph must have few calls."""
    try:
        counted = guard(answer)(image(3, 4, 5).requires_grad_(), image(4, 3, 1, 1, seed=1))
    except RuntimeError:  # it computes on NumPy arrays, which keep no graph
        return None
    calls = graph(counted).labels if isinstance(counted, Tensor) and counted.requires_grad else []
    if any(label[0] == "Convolution" for label in calls):
        return "the numbers are right, but conv2d made them; write the product of matrices yourself, with @"
    if len(calls) > 12:
        return f"the numbers are right, but {len(calls)} calls made them; one product of matrices is enough"
    return None


@exercise(
    "4.one_by_one",
    cases=[(image(3, 4, 5), image(4, 3, 1, 1, seed=1)), (image(2, 1, 7), image(4, 2, 1, 1, seed=2))],
    judge=count_calls, page="chapter 4, '1x1'",
    hint="flatten the pixels: (C, H, W) -> (C, H * W), and K to a matrix (O, C).",
    slips={
        "the product has a row of H * W pixels for each map: give it the shape (O, H, W)":
            lambda X, K: K.flatten(1) @ X.flatten(1),
    },
)  # fmt: skip
def one_by_one(X: Tensor, K: Tensor) -> Tensor:
    """A 1x1 convolution, X (C, H, W) and K (O, C, 1, 1), as one product of matrices."""
    return (K.flatten(1) @ X.flatten(1)).reshape(-1, *X.shape[1:])


@exercise(
    "4.cost", cases=[(3, 8, 5, 28, 44), (64, 32, 3, 14, 14)], hidden={"1x1 kernels": (16, 4, 1, 7, 9)},
    page="chapter 4, 'What a layer costs'",
    hint="how many products has one number of a map, and how many numbers are there?",
    slips={
        "that is the number of weights: each is used at every place": lambda i, o, k, rows, columns: (
            o * i * k * k
        ),
        "a sum runs over all channels in": lambda i, o, k, rows, columns: (
            o * k * k * rows * columns
        ),
        "there are as many maps as channels out": lambda i, o, k, rows, columns: (
            i * k * k * rows * columns
        ),
        "a kernel of k x k has k * k numbers for each channel": lambda i, o, k, rows, columns: (
            o * i * k * rows * columns
        ),
        "each map out has a kernel for each channel in: their numbers are multiplied, not added": (
            lambda i, o, k, rows, columns: (i + o) * k * k * rows * columns
        ),
        "rows and columns are those of the maps out already": lambda i, o, k, rows, columns: (
            o * i * k * k * (rows - k + 1) * (columns - k + 1)
        ),
        "those are FLOPs, where a multiplication and an addition count as two": lambda i, o, k, rows, columns: (
            2 * o * i * k * k * rows * columns
        ),
        "a bias is added, not multiplied": lambda i, o, k, rows, columns: (
            o * (i * k * k + 1) * rows * columns
        ),
    },
)  # fmt: skip
def cost(channels_in: int, channels_out: int, k: int, rows: int, columns: int) -> int:
    """The number of multiplications of a k x k convolution whose maps out have `rows` x `columns` numbers."""
    return channels_out * channels_in * k * k * rows * columns
