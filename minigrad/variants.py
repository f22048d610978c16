"""Variants of gradient rules: by several threads for large arrays, CUDA kernels for a GPU's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from minigrad.backend import KERNELS, select_gpu
from minigrad.passes import in_parts, is_large


def adapt_rules(rules: Sequence[tuple[Any, Any]], operation: Any, cotangent: Any) -> Sequence[tuple[Any, Any]]:
    """The `rules` of an operation in the variants for this cotangent, each with its picker, as in `Plan.rules`.

    On Tensors they run as they are written, because each of their steps is an operation. A GPU is selected here.
    """
    array = getattr(cotangent, "array", cotangent)
    on_gpu = select_gpu(array)
    if array is not cotangent:
        return rules
    if on_gpu:
        return [(KERNELS.get(rule, rule), pick) for rule, pick in rules]
    if operation.elementwise and is_large(array):
        rules = [(partial(in_parts, rule), pick) for rule, pick in rules]
    return rules
