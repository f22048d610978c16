"""`minigrad.distributed.algorithms`: communication hooks, and `Join` for ranks with unequal numbers of inputs."""

from minigrad.distributed.algorithms import ddp_comm_hooks
from minigrad.distributed.algorithms.join import Join, Joinable, JoinHook

__all__ = ["Join", "JoinHook", "Joinable", "ddp_comm_hooks"]
