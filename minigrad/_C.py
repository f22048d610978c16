"""`torch._C`: PyTorch's compiled core. Here it has the few names that pure Python libraries call."""  # noqa: N999

from __future__ import annotations

from minigrad.autograd import overriding
from minigrad.missing import explain_missing


def _log_api_usage_once(event: str) -> None:
    """Counts nothing. PyTorch counts here which of its parts its makers' own programs use."""


def _get_tracing_state() -> None:
    """None: nothing is ever traced. Copies of torchvision's detectors ask."""


DisableTorchFunction = overriding.DisableTorchFunction
DisableTorchFunctionSubclass = overriding.DisableTorchFunctionSubclass
_disabled_torch_function_impl = overriding.disabled_torch_function
explain_missing("torch._C", globals())
