"""`minigrad.distributed.checkpoint`: one checkpoint written by all ranks, and read by any number of ranks."""

from minigrad.distributed.checkpoint.sharded import load, read, save

__all__ = ["load", "read", "save"]
