"""`torch.utils.data._utils.collate`: PyTorch's private names for `utils/data/collate.py`."""

from minigrad.utils.data.collate import default_collate, default_convert

__all__ = ["default_collate", "default_convert"]
