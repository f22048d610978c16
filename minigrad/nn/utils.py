"""PyTorch's `nn.utils`: clipping gradients, and all parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.autograd.modes import no_grad
from minigrad.creation import tensor
from minigrad.ops.join import cat, stack
from minigrad.tensor import Tensor


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    those = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in those if p.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """The norm of all `tensors` together, as if they were one long vector."""
    those = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not those:
        return tensor(0.0)
    with no_grad():
        total: Tensor = stack([t.norm(norm_type) for t in those]).norm(norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is "
            f"non-finite ({float(total)}), so it cannot be clipped. Look for the first step whose "
            "loss is not finite; error_if_nonfinite=False clips all the same."
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor,
    foreach: bool | None = None,
) -> None:  # fmt: skip
    """Scale the gradients by max_norm / total_norm where that is less than 1."""
    scale = (max_norm / (total_norm + 1e-6)).clamp(max=1.0)
    with no_grad():
        for gradient in _gradients(parameters):
            gradient.mul_(scale.to(gradient.device))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
    error_if_nonfinite: bool = False, foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """Scale all gradients so that their common norm is at most `max_norm`; returns the norm before.

    Raises `RuntimeError` for a norm that is not finite when `error_if_nonfinite`. `foreach` is
    accepted and means nothing here.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * torch.tensor([3.0, 4.0])).sum().backward()
    >>> torch.nn.utils.clip_grad_norm_([w], max_norm=1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    those = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(those), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(those, float(max_norm), total)
    return total


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float,
    foreach: bool | None = None,
) -> None:  # fmt: skip
    """Clamp every element of every gradient to [-clip_value, clip_value]."""
    with no_grad():
        for gradient in _gradients(parameters):
            gradient.clamp_(-float(clip_value), float(clip_value))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters in one axis.

    >>> from minigrad import nn
    >>> nn.utils.parameters_to_vector(nn.Linear(2, 3).parameters()).shape
    minigrad.Size([9])
    """
    vector: Tensor = cat([parameter.reshape(-1) for parameter in parameters])
    return vector


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Cut `vec` up into the parameters' shapes and let it be their data: views into its memory."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected Tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = vec[start:end].reshape(parameter.shape).data
        start = end
