"""What a layer computes with beside its input, a weight or a bias: checks of shape and dtype, errors of `linear`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.dtypes import SCALAR_TYPES
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


# ---- of linear -----------------------------------------------------------------------------------
def no_weight(shape: tuple[int, ...]) -> RuntimeError:
    """The error for a weight of a linear layer with more than two axes."""
    what = f"linear takes a weight (outputs, inputs), got shape {tuple(shape)}"
    return RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {len(shape)}D: {what}")


def check_factor_types(input: Any, weight: Any) -> None:
    """Raises RuntimeError unless the input and the weight of a linear layer have one dtype."""
    if input.array.dtype != weight.array.dtype:
        kinds = [SCALAR_TYPES.get(x.array.dtype.name, x.array.dtype.name) for x in (input, weight)]
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {kinds[0]} and {kinds[1]}: these are the input and the "
            "weight of linear; convert one of them, for example input.to(weight.dtype)"
        )


def does_not_project(x: Any, w: Any) -> RuntimeError:
    """The error for an input `x` of a linear layer whose last axis is not that of the weight `w`."""
    rows = x.size // max(x.shape[-1], 1)
    flat = prod(x.shape[1:])
    remedy = f"a layer for it has in_features={x.shape[-1]}"
    if x.ndim > 2 and flat == w.shape[1]:
        remedy = "flatten each example first, by x.flatten(1) or the layer nn.Flatten()"
    elif x.size == w.shape[1]:  # as an image without a batch, of which nn.Flatten() takes the channels for examples
        remedy = f"its {x.size} entries are one example: give a batch of one, by image[None] or x.reshape(1, {x.size})"
    elif x.ndim > 2:
        remedy += f", or {flat} after x.flatten(1)"
    return RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {w.shape[1]}x{w.shape[0]}): linear "
        f"got an input of shape {tuple(x.shape)}, whose last axis should have {w.shape[1]} entries; "
        f"{remedy}"
    )
