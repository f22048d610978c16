"""`scatter` and `gather`: a batch is cut into a part for each GPU, and results are joined on one device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.advice import warn
from minigrad.autograd.trees import replace_children
from minigrad.ops.join import cat
from minigrad.ops.split import chunk
from minigrad.tensor import Tensor

__all__ = ["gather", "scatter"]


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """A copy of `inputs` for each GPU, with its part of each tensor along `dim`.

    `inputs` is a tensor, or tuples, lists and dicts of tensors; other objects are in all copies. `target_gpus` are
    the numbers of GPUs, or devices. Gradients arrive at the whole tensors.

    >>> import minigrad as torch
    >>> torch.nn.parallel.scatter((torch.arange(4), "sum"), ["cpu", "cpu"])
    [(tensor([0, 1]), 'sum'), (tensor([2, 3]), 'sum')]
    """
    if isinstance(inputs, Tensor):
        parts = chunk(inputs, len(target_gpus), dim)  # fewer than GPUs if the axis is short
        return tuple([part.to(place) for part, place in zip(parts, target_gpus, strict=False)])
    if not isinstance(inputs, (tuple, list, dict)) or not inputs:
        return [inputs for _ in target_gpus]
    entries = inputs.values() if isinstance(inputs, dict) else inputs
    copies = zip(*[scatter(entry, target_gpus, dim) for entry in entries], strict=False)
    return [replace_children(inputs, entries) for entries in copies]


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """The tensors in `outputs`, one or a structure of several for each GPU, joined along `dim` on one device.

    0-d tensors, such as losses, become a vector, with a warning. Gradients arrive at each GPU's tensors.

    >>> import minigrad as torch
    >>> torch.nn.parallel.gather([torch.zeros(1), torch.ones(2)], "cpu")
    tensor([0., 1., 1.])
    """
    first = outputs[0]
    if first is None:
        return None
    if isinstance(first, Tensor):
        if not first.ndim:
            warn("Was asked to gather along dimension 0, but all input tensors were scalars; the result is a vector.")
        return cat([(x if x.ndim else x.reshape(1)).to(target_device) for x in outputs], dim)
    rows = [output.values() if isinstance(output, dict) else output for output in outputs]
    return replace_children(first, [gather(column, target_device, dim) for column in zip(*rows, strict=True)])
