"""`torch.utils`: data loading, activation checkpointing, timing, and other tools."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.late_imports import open_later as _open_later
from minigrad.utils import data as data

if _TYPE_CHECKING:
    from minigrad.utils import checkpoint as checkpoint
    from minigrad.utils import dlpack as dlpack
    from minigrad.utils import hooks as hooks
    from minigrad.utils.swap import swap_tensors as swap_tensors

_open_later("torch.utils", globals(), "checkpoint dlpack hooks", {"swap": "swap_tensors"})
