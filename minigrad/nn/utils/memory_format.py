"""`torch.nn.utils.memory_format`: the order in which the weights of convolutions lie in memory."""

from __future__ import annotations

from typing import Any, TypeVar

from minigrad.layout import memory_format as MemoryFormat
from minigrad.nn.conv import Conv2d
from minigrad.nn.conv_transpose import ConvTranspose2d
from minigrad.nn.module import Module
from minigrad.nn.volumes import Conv3d, ConvTranspose3d

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
    return _convert_weights(module, Conv2d | ConvTranspose2d, memory_format)


def convert_conv3d_weight_memory_format(module: M, memory_format: MemoryFormat) -> M:
    """`convert_conv2d_weight_memory_format` for the weights (O, C, kd, kh, kw) of `Conv3d` and `ConvTranspose3d`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.convert_conv3d_weight_memory_format.html

    >>> import minigrad as torch
    >>> model = torch.nn.Sequential(torch.nn.Conv3d(2, 3, 3))
    >>> model = torch.nn.utils.convert_conv3d_weight_memory_format(model, torch.channels_last_3d)
    >>> model[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    True
    """
    return _convert_weights(module, Conv3d | ConvTranspose3d, memory_format)


def _convert_weights(module: M, kinds: Any, memory_format: MemoryFormat) -> M:
    for layer in module.modules():
        if isinstance(layer, kinds):
            layer.weight.data = layer.weight.detach().clone(memory_format=memory_format)
    return module
