"""What a layer computes with beside its input, a weight or a bias: a check of its shape and dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.half_precision import HALF
from minigrad.ops.complaints import check_same_dtype


def check_parts(
    name: str, input: Any, shape: tuple[int, ...], why: str, singles_too: bool = False, cure: str = "",
    words: str = "", **parts: Any,
) -> None:  # fmt: skip
    """Raises RuntimeError unless all `parts` have the shape `shape` and the dtype of the input; None is skipped.

    `words` begin the error for a shape: PyTorch's, with places for the part, its size and its shape. With
    `singles_too` all parts may be float32 for a float16 input.
    """
    mixed = singles_too and input.array.dtype == HALF
    mixed = mixed and all(x is None or x.array.dtype == np.float32 for x in parts.values())
    for part, x in parts.items():
        if x is not None and x.array.shape != shape:
            what = f"{part} of shape {list(shape)}, {why}, got {list(x.array.shape)}"
            first = words.format(part=part, count=x.array.size, shape=list(x.array.shape))
            told = f"{name}: expected {what}" + (f"; {cure}" if cure else "")
            raise RuntimeError(f"{first}: {told}" if first else told)
        if x is not None and not mixed:
            check_same_dtype(name, input, part, x)
