"""Chapter 18: a class for each pixel: overlap of shapes, a loss that counts it, and the way up of a U-Net."""

from __future__ import annotations

from minigrad.course.chapters.chapter_1_to_4 import image
from minigrad.course.exercise import exercise, gradient_exercise
from minigrad.creation import tensor
from minigrad.nn import functional as F
from minigrad.tensor import Tensor

FOUND = tensor([[1, 1, 0, 2], [0, 1, 2, 2], [0, 0, 0, 2]])
TRUE = tensor([[0, 1, 1, 2], [0, 1, 1, 2], [0, 0, 2, 2]])


def count(predicted: Tensor, classes: Tensor, kind: int) -> tuple[int, int, int]:
    """The numbers of pixels that were called so, that are so, and both."""
    ours, theirs = predicted == kind, classes == kind
    return int(ours.sum()), int(theirs.sum()), int((ours & theirs).sum())


def divide(part: float, whole: float) -> float:
    """The share that a part has of the whole; 1 if both are 0."""
    return part / whole if whole else 1.0


def dice(predicted: Tensor, classes: Tensor, kind: int) -> float:
    """The Dice number of one class."""
    ours, theirs, both = count(predicted, classes, kind)
    return divide(2 * both, ours + theirs)


@exercise(
    "18.iou", cases=[(FOUND, TRUE, 1), (TRUE, FOUND, 0), (FOUND[:1], TRUE[1:2], 2)],
    hidden={
        "a class that nobody names and no pixel has": (FOUND, TRUE, 5),
        "a class that was missed": (FOUND, TRUE + 3, 3),
    },
    page="chapter 18, 'How good is it?'",
    hint="two masks of True and False: `&` is true where both are, `|` where one of them is or both.",
    slips={
        "that is the Dice number: IoU divides the pixels of both by those of either": dice,
        "a pixel that both name stands in either only once: |A| + |B| counts it twice":
            lambda predicted, classes, kind: divide(
                count(predicted, classes, kind)[2], sum(count(predicted, classes, kind)[:2])
            ),
        "that divides by the true pixels alone, and one that was named wrongly costs nothing":
            lambda predicted, classes, kind: divide(*count(predicted, classes, kind)[:0:-1]),
        "that divides by the predicted pixels alone, and one that was missed costs nothing":
            lambda predicted, classes, kind: divide(*count(predicted, classes, kind)[::-2]),
        "that counts all pixels that are right, and one class is wanted":
            lambda predicted, classes, kind: (predicted == classes).float().mean().item(),
        "that compares the masks, so the background that both leave out counts as right":
            lambda predicted, classes, kind: ((predicted == kind) == (classes == kind)).float().mean().item(),
        "that is the number of pixels in both: divide it by that in either":
            lambda predicted, classes, kind: count(predicted, classes, kind)[2],
        "where neither has a pixel of the class, nothing is wrong: 1":
            lambda predicted, classes, kind: (
                iou(predicted, classes, kind) if sum(count(predicted, classes, kind)) else 0.0
            ),
    },
)  # fmt: skip
def iou(predicted: Tensor, classes: Tensor, kind: int) -> float:
    """The IoU of one class, for the classes (H, W) of all pixels, predicted and true; 1 if the class is in neither."""
    ours, theirs, both = count(predicted, classes, kind)
    return divide(both, ours + theirs - both)


SURE = image(3, 4, seed=1).sigmoid()
MASK = (image(3, 4, seed=2) > 0).float()


@exercise(
    "18.dice", cases=[(SURE, MASK, 1.0), (SURE[:2], MASK[1:], 0.1)],
    hidden={"nothing to find": (SURE, MASK * 0, 1.0)},
    page="chapter 18, 'A loss that counts overlap'",
    hint="three sums: of p t, of p, and of t; eps stands above and below the line.",
    slips={
        "that is the Dice number, and the loss is what it lacks to 1":
            lambda p, t, eps: (2 * (p * t).sum() + eps) / (p.sum() + t.sum() + eps),
        "the product counts twice, since its pixels are in p and in t":
            lambda p, t, eps: 1 - ((p * t).sum() + eps) / (p.sum() + t.sum() + eps),
        "eps belongs above the line, too: where nothing is to be found, the loss of p = 0 should be 0":
            lambda p, t, eps: 1 - 2 * (p * t).sum() / (p.sum() + t.sum() + eps),
        "eps belongs below the line, too: 0 / 0 is nan":
            lambda p, t, eps: 1 - (2 * (p * t).sum() + eps) / (p.sum() + t.sum()),
        "eps is added once, not twice": lambda p, t, eps: 1 - 2 * ((p * t).sum() + eps) / (p.sum() + t.sum() + eps),
        "the whole image has one number: sum over all pixels":
            lambda p, t, eps: 1 - (2 * (p * t).sum(0) + eps) / (p.sum(0) + t.sum(0) + eps),
        "sums are wanted, and a mean makes eps too large beside them":
            lambda p, t, eps: 1 - (2 * (p * t).mean() + eps) / (p.mean() + t.mean() + eps),
        "that is the IoU: the pixels of both are not taken away below the line":
            lambda p, t, eps: 1 - ((p * t).sum() + eps) / (p.sum() + t.sum() - (p * t).sum() + eps),
        "probabilities stay as they are: a rounded one has no gradient":
            lambda p, t, eps: soft_dice(p.round(), t, eps),
    },
)  # fmt: skip
def soft_dice(p: Tensor, t: Tensor, eps: float) -> Tensor:
    """The Dice loss of probabilities p and of t (0 or 1), both (H, W): a number."""
    return 1 - (2 * (p * t).sum() + eps) / (p.sum() + t.sum() + eps)


@gradient_exercise(
    "18.upsample_dx", of="x", points=[{"x": (2, 3, 2, 3)}, {"x": (1, 2, 3, 1)}],
    page="chapter 18, 'Down and up'",
    hint="a number was written to four places: add up what comes back from them.",
    slips={
        "four places send a gradient back, and this takes one of them": lambda g, x: g[:, :, ::2, ::2],
        "the four are added, and this is their mean": lambda g, x: F.avg_pool2d(g, 2),
        "the four are added, and this is the largest": lambda g, x: F.max_pool2d(g, 2),
        "the four copies stand side by side, and this adds numbers that are H or W apart":
            lambda g, x: g.reshape(len(x), x.shape[1], 2, x.shape[2], 2, x.shape[3]).sum((2, 4)),
        "the rows were repeated, too": lambda g, x: g.reshape(*x.shape[:2], 2 * x.shape[2], -1, 2).sum(-1)[:, :, ::2],
    },
)  # fmt: skip
def upsample_dx(x: Tensor) -> Tensor:
    """The gradient of repeating each number of x (N, C, H, W) as 2 x 2, which gives (N, C, 2H, 2W), along x."""
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


@exercise(
    "18.missing", cases=[(15, 2), (16, 2), (14, 3)], hidden={"one pooling": (7, 1), "no pooling": (5, 0)},
    page="chapter 18, 'Sizes that do not fit'",
    hint="the next multiple of 2^levels, less n. And if n is one already?",
    slips={
        "that is what lies beyond the last multiple, and what lacks to the next one is wanted":
            lambda n, levels: n % 2**levels,
        "a size that fits needs nothing": lambda n, levels: 2**levels - n % 2**levels,
        "each pooling halves the size: two of them take 4, three take 8": lambda n, levels: -n % max(2 * levels, 1),
        "that fits one pooling only": lambda n, levels: n % 2,
        "that is the size after it, and the pixels to be added are wanted": lambda n, levels: n + -n % 2**levels,
    },
)  # fmt: skip
def missing(n: int, levels: int) -> int:
    """How many pixels must be added to n, so that a U-Net with so many poolings of 2 x 2 gets back its size."""
    return -n % 2**levels
