"""Padding: an image with a border around it."""

from __future__ import annotations

from typing import Any

from minigrad.ops.padding import pad_constant
from minigrad.tensor import Tensor


def pad(input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """`input` with ``pad = (left, right, top, bottom, ...)`` added, from the last axis backwards."""
    amounts = list(pad)
    pairs = [(0, 0)] * (input.array.ndim - len(amounts) // 2) + [
        (amounts[i], amounts[i + 1]) for i in range(len(amounts) - 2, -1, -2)
    ]
    return pad_constant(input, tuple(pairs), 0.0 if value is None else value)
