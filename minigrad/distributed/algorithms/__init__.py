"""`minigrad.distributed.algorithms`: hooks for the communication of gradients, and inputs of unequal number."""

from minigrad.distributed.algorithms import ddp_comm_hooks
from minigrad.distributed.algorithms.join import Join, Joinable, JoinHook

__all__ = ["Join", "JoinHook", "Joinable", "ddp_comm_hooks"]
