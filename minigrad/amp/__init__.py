"""`torch.amp`: a scaler that keeps half-precision gradients in range, and `autocast`, which casts nothing here.

Source: https://docs.pytorch.org/docs/stable/amp.html
"""

from minigrad.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from minigrad.amp.grad_scaler import GradScaler
from minigrad.missing import explain_missing

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

explain_missing("torch.amp", globals())
