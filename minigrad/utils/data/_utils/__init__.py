"""`torch.utils.data._utils`: PyTorch's inner room, which lessons import `collate` from."""

from minigrad.utils.data._utils import collate

__all__ = ["collate"]
