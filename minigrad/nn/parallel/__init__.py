"""`minigrad.nn.parallel`: one model on several processes."""

from minigrad.nn.data_parallel import DataParallel
from minigrad.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel"]
