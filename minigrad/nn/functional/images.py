"""How many axes signals, images and volumes have, with and without a batch; and the errors for others, as PyTorch's."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from minigrad.ops.arguments import axis

AXES = {1: "(C, L) or (N, C, L)", 2: "(C, H, W) or (N, C, H, W)", 3: "(C, D, H, W) or (N, C, D, H, W)"}


class Words(NamedTuple):
    """How the errors of a family of functions begin: for a number of axes, and for an empty axis.

    `asked` are the axes that PyTorch reads before it counts them: the error is that of the first one that is not there.
    """

    axes: str
    empty: str = "{name}(): Expected input to have non-zero size for non-batch dimensions: it takes {forms}"
    asked: tuple[int, ...] = ()


_WITH_BATCH = "Expected {low}D or {high}D (batch mode) tensor with optional 0 dim batch size for input"
_TAKES = ": {name} takes {forms}"
_CHECKED = (
    "Expected {low} to {high} dimensions, but got {ndim}-dimensional tensor for argument #1 'self' (while checking "
)
_OF_SIGNALS = Words(_CHECKED + "arguments for {name})" + _TAKES, _WITH_BATCH + _TAKES)
OF_CONVOLUTION = Words("Expected {low}D (unbatched) or {high}D (batched) input to {name}, that is {forms}")
OF_MAX_POOL = {
    1: Words("{name}: " + _WITH_BATCH + _TAKES, "{name}: " + _WITH_BATCH + _TAKES),
    2: Words("non-empty {low}D or {high}D (batch mode) tensor expected for input" + _TAKES, _WITH_BATCH + _TAKES),
}
OF_AVERAGE_POOL = {1: _OF_SIGNALS, 2: Words(_WITH_BATCH + _TAKES, _WITH_BATCH + _TAKES, (-3,))}
OF_ADAPTIVE_POOL = {
    1: _OF_SIGNALS._replace(empty=Words("").empty),
    2: Words("{name}(): Expected {low}D or {high}D tensor" + _TAKES),
}
OF_FRACTIONAL_POOL = {space: OF_ADAPTIVE_POOL[2]._replace(asked=(-space - 1,)) for space in (2, 3)}
_OF_VOLUMES = OF_MAX_POOL[2]._replace(
    empty="{name}(): Expected input's non-batch dimensions to have positive length: it takes {forms}"
)
OF_MAX_POOL[3] = OF_AVERAGE_POOL[3] = _OF_VOLUMES
OF_ADAPTIVE_POOL[3] = OF_ADAPTIVE_POOL[2]
_UNPOOLED = Words("Input to max_unpooling{space}d should be a {low}d or {high}d Tensor: {name} takes {forms}")
OF_UNPOOL = {1: _UNPOOLED, 2: _UNPOOLED._replace(asked=(-2,)), 3: _UNPOOLED._replace(asked=(-3,))}
OF_UNFOLD = OF_CONVOLUTION._replace(empty=_WITH_BATCH.replace("optional", "possibly") + _TAKES, asked=(1, 2))


KINDS = {1: "signal", 2: "image", 3: "volume"}


def check_images(name: str, space: int, input: Any, empty: bool = True, words: Words = OF_CONVOLUTION) -> bool:
    """Returns whether `input`, with `space` spatial axes, has a batch axis.

    Raises RuntimeError for another number of axes, IndexError where PyTorch does, and RuntimeError for axes of length 0
    other than the batch's, unless they may be `empty`.
    """
    shape = input.array.shape
    if len(shape) not in (space + 1, space + 2) or (not empty and 0 in shape[-space - 1 :]):
        raise _refuse(name, space, list(shape), words)
    return len(shape) == space + 2


def _refuse(name: str, space: int, shape: list[int], words: Words) -> Exception:
    """The error for images of this shape."""
    low, high, ndim = space + 1, space + 2, len(shape)
    hint = ""
    if ndim == space:
        hint = f" For one {KINDS[space]} of one channel, write x.reshape({', '.join(map(str, (1, 1, *shape)))})."
        side = math.isqrt(shape[-1])
        if space == 2 and side**2 == shape[-1] > max(64, 4 * shape[0]):  # of 28 * 28 pixels, for instance
            hint += f" For {shape[0]} images of {side} x {side} pixels in a row, x.reshape(-1, 1, {side}, {side})."
        if space == 2 and shape[1] >= 4 * shape[0]:  # longer than images are
            hint += f" If these are {shape[0]} rows, as Flatten makes them: Flatten comes after the convolutions."
    elif ndim == high + 1 and space < 3 and str(space) in name:
        hint = f" {name.replace(str(space), str(space + 1))} takes {AXES[space + 1]}."
    elif ndim in (low, high):
        hint = " Its axes must not be empty."
    got = f", but got input of size: {shape}.{hint}"
    forms = AXES[space]
    try:
        for place in words.asked:
            axis(place, ndim)
    except IndexError as missing:
        return IndexError(f"{missing}: {name} takes {forms}{got}")
    first = words.empty if ndim in (low, high) else words.axes
    return RuntimeError(first.format(name=name, forms=forms, low=low, high=high, ndim=ndim, space=space) + got)
