"""`torch.utils.hooks`: `RemovableHandle`, which removes a hook."""

from minigrad.autograd.inspection import RemovableHandle

__all__ = ["RemovableHandle"]
