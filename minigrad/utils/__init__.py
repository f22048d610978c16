"""`torch.utils`: data loading, activation checkpointing, timing, and other tools."""

from minigrad.late_imports import open_later as _open_later
from minigrad.utils import data as data

with _open_later("torch.utils", globals()):
    from minigrad.utils import _pytree as _pytree
    from minigrad.utils import checkpoint as checkpoint
    from minigrad.utils import dlpack as dlpack
    from minigrad.utils import hooks as hooks
    from minigrad.utils.swap import swap_tensors as swap_tensors
