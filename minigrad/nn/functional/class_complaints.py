"""The errors for targets that are no classes of the scores beside them, in PyTorch's words."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.dtypes import SCALAR_TYPES

CLASSES = (np.dtype(np.int64), np.dtype(np.uint8))  # the dtypes of classes


def no_scores(input: Any, target: Any) -> RuntimeError:
    """The error for classes where the scores for each class are due."""
    given = SCALAR_TYPES[str(target.array.dtype)]
    return RuntimeError(
        f"Expected floating point type for target with class probabilities, got {given}: cross_entropy takes scores "
        f"of all classes, floats of shape (N, C), and classes of shape (N,); got two of shape {list(input.shape)}. "
        "Classes that argmax has chosen are no scores, and give no gradient"
    )


def wrong_classes(name: str, shape: tuple[int, ...], target: Any, or_probabilities: bool) -> Exception | None:
    """The error for an array `target` that holds no classes for scores of this `shape`; None if it does.

    `or_probabilities`: the function `name` takes probabilities of the scores' shape, too.
    """
    have, axes = tuple(target.shape), len(shape)
    wanted = (shape[0], *shape[2:]) if axes > 1 else ()  # (N, C, *) -> (N, *)
    if have == wanted and target.dtype in CLASSES:
        return None
    kind = SCALAR_TYPES.get(target.dtype.name, target.dtype.name)
    error: type[Exception] = RuntimeError
    if have == shape and or_probabilities:
        words = f"Expected floating point type for target with class probabilities, got {kind}"
    elif axes > 1 and have[:1] != shape[:1]:
        error, rows = ValueError, have[0] if have else 0
        words = f"Expected input batch_size ({shape[0]}) to match target batch_size ({rows})"
    elif axes <= 2 and len(have) > 1:
        words = "0D or 1D target tensor expected, multi-target not supported"
    elif axes == 4 and len(have) != 3:
        words = f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(have)}"
    elif axes not in (1, 2, 4) and have != wanted:
        words = f"Expected target size {list(wanted)}, got {list(have)}"
    elif target.dtype not in CLASSES:
        words = f"expected target dtype to be Long or Byte, but got {kind}"
    elif axes == 1:
        error, words = ValueError, f"For 1D input, 1D target must have size 1, but got target size: {have[0]}"
    else:
        words = f"size mismatch (got input: {list(shape)} , target: {list(have)})"
    return error(f"{words}: {_explain(name, shape, target, wanted, or_probabilities)}")


def _explain(name: str, shape: tuple[int, ...], target: Any, wanted: tuple[int, ...], or_probabilities: bool) -> str:
    """What the function takes, what it got, and how the one becomes the other."""
    have, is_float = tuple(target.shape), target.dtype.kind == "f"
    takes = f"{name} of scores {list(shape)} takes classes of shape {list(wanted)} as int64"
    if or_probabilities:
        takes += f", or probabilities of shape {list(shape)}"
    got = f"got {target.dtype.name} of shape {list(have)}"
    if have == shape and shape:  # a row of 0 and 1 for each example
        soft = " or target.float()" if or_probabilities and not is_float else ""
        return f"{takes}; {got}. Write target.argmax({min(len(shape) - 1, 1)}){soft}."
    if prod(have) != prod(wanted):
        return f"{takes}; {got}."
    change = "" if have == wanted else f".reshape({', '.join(map(str, wanted)) or ()})"
    change += "" if target.dtype in CLASSES else ".long()"
    return f"{takes}; {got}. Write target{change}."
