"""`minigrad.nn.parallel`: one model on several processes."""

from minigrad.missing import explain_missing
from minigrad.nn.data_parallel import DataParallel
from minigrad.nn.parallel.distributed import DistributedDataParallel
from minigrad.nn.parallel.scatter_gather import gather, scatter

__all__ = ["DataParallel", "DistributedDataParallel", "gather", "scatter"]


explain_missing("torch.nn.parallel", globals())
