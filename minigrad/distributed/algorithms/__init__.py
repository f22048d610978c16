"""`minigrad.distributed.algorithms`: other ways to bring gradients together."""

from minigrad.distributed.algorithms import ddp_comm_hooks

__all__ = ["ddp_comm_hooks"]
