"""`backward(inputs=...)`: gradients for the chosen tensors alone, results among them."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import TensorBase
from minigrad.autograd.gradients import accumulate, one_or_several, read_inputs, walk_silently
from minigrad.autograd.walk import Seeds


def accumulate_in(inputs: Any, seeds: Seeds, create_graph: bool, retain_graph: bool | None) -> None:
    """Adds to ``.grad`` of the tensors `inputs` what a walk from `seeds` brings to them, and to no other leaf."""
    given = one_or_several(inputs, dicts=True)
    _, edges = read_inputs("backward", given)
    for target in given:
        if isinstance(target, TensorBase):
            target.retain_grad()  # type: ignore[attr-defined]  # a result's hook adds what arrives, as in PyTorch
    use = lambda arriving: accumulate(pair for pair in arriving if isinstance(pair[0], TensorBase))  # noqa: E731
    walk_silently(use, seeds, create_graph, retain_graph, set(edges))
