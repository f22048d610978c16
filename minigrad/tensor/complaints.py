"""Errors and a warning for what is asked of the graph wrongly: gradients and data that do not fit their tensor."""

from __future__ import annotations

from typing import Any

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase
from minigrad.autograd.modes import is_inference_mode_enabled
from minigrad.ops.complaints import how_to_give_a_tensor, type_name


def warn_of_missing_gradient(node: Any) -> None:
    """Warns that backward keeps no gradient for a result, the tensor of `node`."""
    warn(
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed: it is the result of "
        f"{node.name()}, and backward keeps gradients for leaves alone. Call .retain_grad() on it before "
        "backward, or read the .grad of the leaf that it was computed from. (w = w - lr * w.grad makes such a "
        "result; w -= lr * w.grad under no_grad() writes into the leaf.)"
    )


def check_gradient(tensor: Any, value: Any) -> None:
    """Raises for what may not be the `grad` of `tensor`: no tensor of its shape, dtype and device, or itself."""
    _require_tensor("assigned grad expected to be a Tensor or None but got grad of type", value)
    if value is tensor:
        raise RuntimeError("can't assign Variable as its own grad: assign a copy, x.detach().clone()")
    if value.array.shape != tensor.array.shape:
        size = f"of size '{list(value.array.shape)}' to a tensor of size '{list(tensor.array.shape)}'"
        raise RuntimeError(f"attempting to assign a gradient {size}; a gradient has its tensor's size")
    if value.dtype is not tensor.dtype:
        hint = f"convert it with .to({tensor.dtype})"
        raise RuntimeError(f"attempting to assign a gradient of {value.dtype} to a tensor of {tensor.dtype}; {hint}")
    if value.device != tensor.device:
        hint = f"move it with .to('{tensor.device}')"
        raise RuntimeError(f"attempting to assign a gradient on {value.device} to a tensor on {tensor.device}; {hint}")


def check_data(tensor: Any, value: Any) -> None:
    """Raises for what may not be the `data` of `tensor`."""
    _require_tensor("Variable data has to be a tensor, but got", value)
    if tensor.node is not None and value.array.dtype.kind != "f":
        hint = f"got {value.dtype}; convert it with .float()"
        raise RuntimeError(f"data set to a tensor that requires gradients must be floating point, {hint}")


def _require_tensor(otherwise: str, value: Any) -> None:
    if not isinstance(value, TensorBase):
        raise TypeError(f"{otherwise} {type_name(value)}; {how_to_give_a_tensor(value)}")


def check_can_require_grad(x: Any) -> None:
    """Raises for a tensor that may not require a gradient: of integers, or of inference mode."""
    if x.array.dtype.kind != "f":
        hint = f"got {x.dtype}; convert it first, for example with .float()"
        raise RuntimeError(f"only Tensors of floating point dtype can require gradients, {hint}")
    if x.is_inference() and not is_inference_mode_enabled():
        hint = "outside InferenceMode is not allowed: it was made in inference_mode(). Use a copy, x.clone()"
        raise RuntimeError(f"Setting requires_grad=True on inference tensor {hint}")
