"""`torch.nn.modules.module`: the base class of layers."""

from minigrad.nn.module import Module

__all__ = ["Module"]
