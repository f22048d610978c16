"""Chapter 20: videos and volumes: a window in three directions, the order of the axes, motion, the size of a weight."""

from __future__ import annotations

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise
from minigrad.nn import functional as F
from minigrad.tensor import Tensor


@exercise(
    "20.corr3d", cases=[(image(3, 4, 5), image(2, 2, 3, seed=1)), (image(2, 3, 3, seed=2), image(1, 2, 2, seed=3))],
    hidden={
        "a kernel as deep as the volume": (image(3, 4, 4), image(3, 2, 2, seed=4)),
        "a kernel along time alone": (image(4, 2, 3), image(2, 1, 1, seed=5)),
    },
    page="chapter 20, 'A window in three directions'",
    hint="three loops, one for each axis; the window is a slice of all three.",
    slips={
        "a cross-correlation does not flip the kernel": lambda X, K: corr3d(X, K.flip(0, 1, 2)),
        "the kernel is not flipped along time": lambda X, K: corr3d(X, K.flip(0)),
        "that takes the first slice of the kernel alone: it has a depth, too":
            lambda X, K: F.conv2d(X[:, None], K[:1, None])[: len(X) - len(K) + 1, 0],
        "that slides along rows and columns alone: time has windows, too":
            lambda X, K: F.conv2d(X[None, : len(K)], K[None])[0],
        "along each axis it counts one place too few": lambda X, K: corr3d(X, K)[:-1, :-1, :-1],
        "add the products up, without dividing": lambda X, K: corr3d(X, K) / K.numel(),
    },
)  # fmt: skip
def corr3d(X: Tensor, K: Tensor) -> Tensor:
    """The cross-correlation of a volume (D, H, W) and a kernel (d, h, w)."""
    return F.conv3d(X[None, None], K[None, None])[0, 0]


@exercise(
    "20.channels_first", cases=[(image(4, 5, 6, 3),)], hidden={"a grey clip": (image(2, 3, 5, 1),)},
    page="chapter 20, 'A window in three directions'",
    hint="`permute` gives the axes in another order, and `[None]` a new one; in which order does nn.Conv3d take them?",
    slips={
        "the axis of the batch is missing: (1, channels, time, rows, columns)": lambda clip: clip.permute(3, 0, 1, 2),
        "the channels come before the time": lambda clip: clip.permute(0, 3, 1, 2)[None],
        "the frames are no batch: they are the time of one clip": lambda clip: clip.permute(0, 3, 1, 2),
        "only an axis was added: the channels are the last one still": lambda clip: clip[None],
        "rows and columns are exchanged": lambda clip: clip.permute(3, 0, 2, 1)[None],
        "`reshape` keeps the order of the numbers, and `permute` exchanges axes":
            lambda clip: clip.reshape(1, clip.shape[3], *clip.shape[:3]),
    },
)  # fmt: skip
def channels_first(clip: Tensor) -> Tensor:
    """A clip as files have it, (time, rows, columns, channels), as the batch of one that nn.Conv3d takes."""
    return clip.permute(3, 0, 1, 2)[None]


@exercise(
    "20.motion", cases=[(image(4, 3, 5),), (image(2, 2, 2, seed=1),)], hidden={"one row": (image(5, 1, 4, seed=2),)},
    page="chapter 20, 'Motion is an edge in time'",
    hint="all frames but the first, less all frames but the last: two slices of the axis of time.",
    slips={
        "a change to dark counts as well: take the absolute value": lambda clip: clip[1:] - clip[:-1],
        "a difference has a sign: take the absolute value": lambda clip: clip[:-1] - clip[1:],
        "that compares rows: time is the first axis": lambda clip: (clip[:, 1:] - clip[:, :-1]).abs(),
        "that compares neighbouring pixels of a frame: time is the first axis":
            lambda clip: (clip[:, :, 1:] - clip[:, :, :-1]).abs(),
        "that compares each frame with the first": lambda clip: (clip[1:] - clip[:1]).abs(),
        "the last frame has no next one: it is compared with the first": lambda clip: (clip.roll(-1, 0) - clip).abs(),
        "that adds the two frames": lambda clip: (clip[1:] + clip[:-1]).abs(),
        "that squares the difference": lambda clip: (clip[1:] - clip[:-1]) ** 2,
    },
)  # fmt: skip
def motion(clip: Tensor) -> Tensor:
    """How much each pixel changes: |next frame - frame|, for a clip (time, rows, columns), by one difference."""
    return (clip[1:] - clip[:-1]).abs()


@exercise(
    "20.weights", cases=[(2, 8, 5), (16, 4, 3)], hidden={"a kernel of one": (8, 2, 1)},
    page="chapter 20, 'What it costs'",
    hint="how many numbers has the box of one kernel, and how many boxes are there? The bias has one for each map.",
    slips={
        "that is without the bias": lambda channels_in, channels_out, k: channels_out * channels_in * k**3,
        "a kernel of Conv3d is a box: k * k * k": lambda channels_in, channels_out, k: (
            channels_out * (channels_in * k**2 + 1)
        ),
        "k x k x k is k ** 3, not 3 * k": lambda channels_in, channels_out, k: (
            channels_out * (channels_in * 3 * k + 1)
        ),
        "each map out has a box for each channel in": lambda channels_in, channels_out, k: channels_out * (k**3 + 1),
        "that is one map: there are channels_out of them": lambda channels_in, channels_out, k: channels_in * k**3 + 1,
        "there is one bias for each channel out": lambda channels_in, channels_out, k: (
            channels_out * channels_in * k**3 + 1
        ),
        "the bias belongs to the channels out, not to those in": lambda channels_in, channels_out, k: (
            channels_in * (channels_out * k**3 + 1)
        ),
    },
)  # fmt: skip
def weights(channels_in: int, channels_out: int, k: int) -> int:
    """The numbers in the weight and the bias of nn.Conv3d(channels_in, channels_out, k)."""
    return channels_out * (channels_in * k**3 + 1)
