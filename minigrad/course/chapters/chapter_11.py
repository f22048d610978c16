"""Chapter 11: five programs to mend: a missing axis, channels last, bytes, a size, labels of another kind."""

from __future__ import annotations

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise
from minigrad.creation import tensor
from minigrad.nn import Conv2d, Module
from minigrad.nn import functional as F
from minigrad.random import fork_rng
from minigrad.tensor import Tensor


def make_layer(channels: int) -> Conv2d:
    """A layer of two 3 x 3 kernels, always the same; the student's random numbers go on as if it was not made."""
    with fork_rng():
        layer = Conv2d(channels, 2, 3)
    layer.weight.data, layer.bias.data = image(2, channels, 3, 3), image(2)  # type: ignore[union-attr]
    return layer.requires_grad_(False)


@exercise(
    "11.grey", cases=[(make_layer(1), image(4, 5))], hidden={"another size": (make_layer(1), image(3, 7, seed=1))},
    page="chapter 11, 'Shapes'",
    hint="which two axes does the layer expect before rows and columns? `image[None]` adds one.",
    slips={
        "that is still a batch: take its one image, [0]": lambda layer, image: layer(image[None, None]),
        "that is the first map alone, and all are wanted": lambda layer, image: layer(image[None, None])[0, 0],
        "`squeeze` removes every axis of size 1, also that of a map of one row: take [0]":
            lambda layer, image: layer(image[None, None]).squeeze(),
    },
)  # fmt: skip
def grey(layer: Module, image: Tensor) -> Tensor:
    """The maps (O, H', W') that layer, a Conv2d of one channel, makes of one grey image (H, W)."""
    return layer(image[None, None])[0]


@exercise(
    "11.channels_last", cases=[(make_layer(3), image(2, 4, 5, 3))],
    hidden={"as high as wide": (make_layer(3), image(1, 4, 4, 3, seed=1))}, page="chapter 11, 'Shapes'",
    hint="the channels go to axis 1; `reshape` mixes pixels with channels, `permute` moves whole axes.",
    slips={
        "`reshape` leaves the numbers in their order, and mixes pixels with channels: move the axis, by `permute`":
            lambda layer, images: layer(images.reshape(len(images), 3, *images.shape[1:3])),
    },
)  # fmt: skip
def channels_last(layer: Module, images: Tensor) -> Tensor:
    """The maps (N, O, H', W') that layer, a Conv2d of three channels, makes of images (N, H, W, 3)."""
    return layer(images.permute(0, 3, 1, 2))


@exercise(
    "11.bytes", cases=[(make_layer(1), tensor([[[[0, 255, 3], [7, 0, 90], [255, 1, 2]]]]).byte())],
    hidden={"another size": (make_layer(1), (image(2, 1, 3, 4) * 40 + 128).byte())},
    page="chapter 11, 'Kinds of numbers'", hint="255 becomes 1: what does a division make of whole numbers?",
    slips={
        "255, the largest byte, becomes 1: divide by 255": lambda layer, images: layer(images / 256),
        "the bytes are not scaled": lambda layer, images: layer(images.float()),
        "scale the images, not the maps, which hold the bias too": lambda layer, images: layer(images.float()) / 255,
        "only 255 stays, as 1, and all other bytes become 0: divide by /, not by //":
            lambda layer, images: layer((images // 255).float()),
    },
)  # fmt: skip
def maps_of_bytes(layer: Module, images: Tensor) -> Tensor:
    """The maps of layer, for images (N, 1, H, W) of bytes, 0 to 255, that are scaled to 0 to 1 first."""
    return layer(images / 255)


@exercise(
    "11.features", cases=[(8,), (9,)], hidden={"a larger image": (28,)}, page="chapter 11, 'Shapes'",
    hint="follow one image: the convolution removes two pixels along each axis, the pool halves what is left.",
    slips={
        "that is one channel, and the convolution makes four": lambda n: ((n - 2) // 2) ** 2,
        "the convolution has no padding": lambda n: 4 * (n // 2) ** 2,
        "the pool halves both axes": lambda n: 4 * (n - 2) * ((n - 2) // 2),
        "that is without the pool": lambda n: 4 * (n - 2) ** 2,
        "a kernel of 3 fits in n - 2 places": lambda n: 4 * ((n - 3) // 2) ** 2,
        "a window of the pool that is not full is left out: round down": lambda n: 4 * (-(-(n - 2) // 2)) ** 2,
        "a number of pixels is whole: round down": lambda n: 4 * ((n - 2) / 2) ** 2,
        "that is one axis, and a map has two": lambda n: 4 * ((n - 2) // 2),
    },
)  # fmt: skip
def features(n: int) -> int:
    """in_features of the Linear after Conv2d(1, 4, 3), MaxPool2d(2) and Flatten, for images of n x n pixels."""
    return 4 * ((n - 2) // 2) ** 2


@exercise(
    "11.labels", cases=[(image(4, 3), tensor([[0.0], [2.0], [1.0], [2.0]]))],
    hidden={"one image": (image(1, 2, seed=1), tensor([[1.0]]))}, page="chapter 11, 'Losses'",
    hint="classes are whole numbers, one for each image, of shape (N,).",
    slips={
        "cross_entropy computes the softmax itself: it is there twice": lambda scores, labels: F.nll_loss(
            scores.softmax(1).log_softmax(1), labels.long().flatten()
        ),
        "nll_loss takes log_softmax(scores); cross_entropy takes the scores themselves":
            lambda scores, labels: -scores.gather(1, labels.long()).mean(),
        "the mean is over the images, not over all scores": lambda scores, labels: F.cross_entropy(
            scores, labels.long().flatten()
        ) / scores.shape[1],
        "that is the sum over the images": lambda scores, labels: F.cross_entropy(
            scores, labels.long().flatten(), reduction="sum"
        ),
    },
)  # fmt: skip
def labels(scores: Tensor, labels: Tensor) -> Tensor:
    """The mean cross entropy of scores (N, C) for classes that came from a table: floats of shape (N, 1)."""
    return F.cross_entropy(scores, labels.long().flatten())
