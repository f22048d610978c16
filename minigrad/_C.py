"""`torch._C`: PyTorch's compiled core. Here it has one name, which pure Python libraries call."""  # noqa: N999

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.missing import missing_from


def _log_api_usage_once(event: str) -> None:
    """Counts nothing. PyTorch counts here which of its parts its makers' own programs use."""


__getattr__: Callable[[str], Any] = missing_from("torch._C", globals())
