"""`torch.functional`: functions that PyTorch also lists here. All are in `minigrad` itself."""

from minigrad.creation import meshgrid
from minigrad.missing import explain_missing
from minigrad.nn import functional as F  # noqa: F401 (PyTorch's own import, which lessons take from here)
from minigrad.ops.counting import unique
from minigrad.ops.einsum import einsum, tensordot
from minigrad.ops.norm import norm
from minigrad.ops.shape import broadcast_shapes, broadcast_tensors
from minigrad.ops.split import split

__all__ = ["broadcast_shapes", "broadcast_tensors", "einsum", "meshgrid", "norm", "split", "tensordot", "unique"]

explain_missing("torch.functional", globals())
