"""`torch.nn.utils.memory_format`: the order in which the weights of convolutions lie in memory."""

from __future__ import annotations

from typing import TypeVar

from minigrad.layout import memory_format as MemoryFormat
from minigrad.nn.conv import Conv2d
from minigrad.nn.conv_transpose import ConvTranspose2d
from minigrad.nn.module import Module

M = TypeVar("M", bound=Module)


def convert_conv2d_weight_memory_format(module: M, memory_format: MemoryFormat) -> M:
    """Copies the weights (O, C, kh, kw) of all `Conv2d` and `ConvTranspose2d` in `module` to that order in memory.

    Returns `module`. The values do not change, nor do the results of the layers.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.convert_conv2d_weight_memory_format.html

    >>> import minigrad as torch
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3))
    >>> model = torch.nn.utils.convert_conv2d_weight_memory_format(model, torch.channels_last)
    >>> model[0].weight.is_contiguous(memory_format=torch.channels_last)
    True
    """
    for layer in module.modules():
        if isinstance(layer, Conv2d | ConvTranspose2d):
            layer.weight.data = layer.weight.detach().clone(memory_format=memory_format)
    return module
