"""`minigrad.nn.parallel`: one model on several processes."""

from minigrad.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DistributedDataParallel"]
