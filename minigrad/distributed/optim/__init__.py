"""`minigrad.distributed.optim`: optimizers whose state is spread over the ranks."""

from minigrad.distributed.optim.zero_redundancy_optimizer import ZeroRedundancyOptimizer

__all__ = ["ZeroRedundancyOptimizer"]
