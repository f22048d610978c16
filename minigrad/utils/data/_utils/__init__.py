"""`torch.utils.data._utils`: a private package of PyTorch, from which programs import `collate`."""

from minigrad.utils.data._utils import collate

__all__ = ["collate"]
