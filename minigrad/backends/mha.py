"""`torch.backends.mha`: the switch for PyTorch's fast path of attention; here it decides on the zeros for padding."""

from minigrad.settings import get_fastpath_enabled, set_fastpath_enabled

__all__ = ["get_fastpath_enabled", "set_fastpath_enabled"]
