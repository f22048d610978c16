"""`torch.functional`: functions that PyTorch also lists here. All are in `minigrad` itself."""

from typing import TYPE_CHECKING

from minigrad.creation import meshgrid
from minigrad.missing import missing_from
from minigrad.ops.counting import unique
from minigrad.ops.einsum import einsum, tensordot
from minigrad.ops.norm import norm
from minigrad.ops.shape import broadcast_shapes, broadcast_tensors
from minigrad.ops.split import split

__all__ = ["broadcast_shapes", "broadcast_tensors", "einsum", "meshgrid", "norm", "split", "tensordot", "unique"]

if not TYPE_CHECKING:
    __getattr__ = missing_from("torch.functional", globals())
