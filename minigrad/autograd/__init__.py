"""The engine: recording calls, walking back, and what is built on that."""

from minigrad.autograd.walk import backward, grad
from minigrad.autograd.core import Node
from minigrad.autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from minigrad.autograd.operation import operation

__all__ = [
    "Node",
    "backward",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "operation",
    "set_grad_enabled",
]
