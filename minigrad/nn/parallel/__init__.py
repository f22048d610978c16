"""`minigrad.nn.parallel`: one model on several processes."""

from typing import TYPE_CHECKING

from minigrad.missing import missing_from
from minigrad.nn.data_parallel import DataParallel
from minigrad.nn.parallel.distributed import DistributedDataParallel
from minigrad.nn.parallel.scatter_gather import gather, scatter

__all__ = ["DataParallel", "DistributedDataParallel", "gather", "scatter"]


if not TYPE_CHECKING:
    __getattr__ = missing_from("torch.nn.parallel", globals())
