"""`minigrad.distributed.nn`: collectives that gradients flow through."""

from minigrad.distributed.nn import functional
from minigrad.distributed.nn.functional import all_reduce, broadcast

__all__ = ["all_reduce", "broadcast", "functional"]
