"""How many axes images and signals have, with a batch and without."""

from __future__ import annotations

from typing import Any

AXES = {1: "(C, L) or (N, C, L)", 2: "(C, H, W) or (N, C, H, W)"}


def check_images(name: str, space: int, input: Any, empty: bool = True, first: str = "") -> bool:
    """Returns whether `input`, with `space` spatial axes, has a batch axis.

    Raises RuntimeError for another number of axes, and for axes of length 0 other than the batch's
    unless they may be `empty`; the error begins with the words `first`, if they are given.
    """
    shape = input.array.shape
    if len(shape) not in (space + 1, space + 2) or (not empty and 0 in shape[-space - 1 :]):
        hint = " Its axes must not be empty." if not empty and 0 in shape else ""
        if len(shape) == space:
            hint = f" For one image of one channel, write x.reshape({', '.join(map(str, (1, 1, *shape)))})."
        detail = f"that is {AXES[space]}, but got input of size: {list(shape)}.{hint}"
        if first:
            raise RuntimeError(f"{first}: {name} takes {detail.removeprefix('that is ')}")
        raise RuntimeError(f"Expected {space + 1}D (unbatched) or {space + 2}D (batched) input to {name}, {detail}")
    return len(shape) == space + 2
