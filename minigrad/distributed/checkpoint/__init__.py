"""`minigrad.distributed.checkpoint`: one checkpoint written by all ranks, read by however many."""

from minigrad.distributed.checkpoint.sharded import load, read, save

__all__ = ["load", "read", "save"]
