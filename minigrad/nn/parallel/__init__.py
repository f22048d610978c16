"""`minigrad.nn.parallel`: one model on several processes."""

from typing import TYPE_CHECKING

from minigrad.missing import missing_from
from minigrad.nn.data_parallel import DataParallel
from minigrad.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel"]


if not TYPE_CHECKING:
    __getattr__ = missing_from("torch.nn.parallel", globals())
