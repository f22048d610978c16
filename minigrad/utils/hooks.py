"""`torch.utils.hooks`: `RemovableHandle`, which removes a hook."""

from minigrad.autograd.handles import RemovableHandle

__all__ = ["RemovableHandle"]
