"""`torch._C`: PyTorch's compiled core. Here it has two names, which pure Python libraries call."""  # noqa: N999

from __future__ import annotations

from minigrad.missing import explain_missing


def _log_api_usage_once(event: str) -> None:
    """Counts nothing. PyTorch counts here which of its parts its makers' own programs use."""


def _get_tracing_state() -> None:
    """None: nothing is ever traced. Copies of torchvision's detectors ask."""


explain_missing("torch._C", globals())
