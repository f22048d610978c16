"""The engine: recording calls, walking back, and what is built on that."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrad.autograd.anomaly import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_detect_anomaly,
)
from minigrad.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from minigrad.autograd.gradients import backward, grad
from minigrad.autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)  # fmt: skip
from minigrad.autograd.node import Node
from minigrad.autograd.recording import operation
from minigrad.missing import missing_from

if TYPE_CHECKING:
    from minigrad.autograd import functional, graph
    from minigrad.autograd.function import Function
    from minigrad.autograd.variable import Variable

__all__ = [
    "Function", "GradcheckError", "Node", "Variable", "backward", "detect_anomaly", "enable_grad", "functional", "grad",
    "gradcheck", "gradgradcheck", "graph", "inference_mode", "is_anomaly_check_nan_enabled", "is_anomaly_enabled",
    "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "operation", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip

# Files that are read when one of these is first asked for.
_LATER = {"Function": "function", "Variable": "variable"}


def __getattr__(name: str) -> Any:
    if name in ("functional", "graph"):
        return import_module(f"minigrad.autograd.{name}")
    if name in _LATER:
        globals()[name] = found = getattr(import_module(f"minigrad.autograd.{_LATER[name]}"), name)
        return found
    return missing_from("torch.autograd", globals())(name)
