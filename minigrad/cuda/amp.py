"""`torch.cuda.amp`: `torch.amp` under its older names for CUDA."""

from __future__ import annotations

from typing import Any

from minigrad import amp
from minigrad.amp import custom_bwd, custom_fwd
from minigrad.missing import explain_missing

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class autocast(amp.autocast):
    """``amp.autocast("cuda")``.

    >>> import minigrad as torch
    >>> with torch.cuda.amp.autocast(enabled=False):
    ...     y = torch.ones(1)
    """

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``amp.GradScaler("cuda")``.

    >>> import minigrad as torch
    >>> torch.cuda.amp.GradScaler(enabled=False).is_enabled()
    False
    """

    def __init__(
        self, init_scale: float = 2.0**16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
        growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


explain_missing("torch.cuda.amp", globals())
