"""The engine: recording calls, walking back, and what is built on that."""

# fmt: off
from minigrad.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from minigrad.autograd.gradients import backward, grad
from minigrad.autograd.modes import enable_grad, is_grad_enabled, is_inference_mode_enabled, no_grad
from minigrad.autograd.node import Node
from minigrad.autograd.recording import operation
from minigrad.autograd.switches import set_grad_enabled
from minigrad.late_imports import open_later

with open_later("torch.autograd", globals()):
    from minigrad.autograd import forward_ad, function, functional, graph, profiler, variable
    from minigrad.autograd.anomaly import (
        detect_anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled, set_detect_anomaly,
    )
    from minigrad.autograd.function import Function
    from minigrad.autograd.inference import inference_mode
    from minigrad.autograd.variable import Variable

__all__ = [
    "Function", "GradcheckError", "Node", "Variable", "backward", "detect_anomaly", "enable_grad", "forward_ad",
    "functional", "grad", "gradcheck", "gradgradcheck", "graph", "inference_mode", "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled", "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "operation", "profiler",
    "set_detect_anomaly", "set_grad_enabled",
]
