"""`torch.utils.hooks`: the handle that takes a hook away again."""

from minigrad.autograd.inspection import RemovableHandle

__all__ = ["RemovableHandle"]
