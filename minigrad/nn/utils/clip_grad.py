"""Gradient clipping: by the total norm, or element by element."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.modes import no_grad
from minigrad.backend import Array
from minigrad.creation import tensor
from minigrad.old_names import keep_old_name
from minigrad.ops.arguments import as_number, read_tensors
from minigrad.ops.complaints import how_to_give_a_tensor
from minigrad.ops.join import stack
from minigrad.tensor import Tensor


def _collect_gradients(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    many = isinstance(parameters, Iterable) and not isinstance(parameters, Tensor)
    if not many and not isinstance(parameters, Tensor):
        hint = "parameters come first, then the limit" if isinstance(parameters, (int, float)) else ""
        detail = f"{name}() takes a list of tensors; {hint or how_to_give_a_tensor(parameters, name)}"
        raise TypeError(f"{type(parameters).__name__!r} object is not iterable: {detail}")
    given: Any = list(parameters) if many else parameters
    if many and not given and isinstance(parameters, Iterator):
        warn(f"{name}: `parameters` is an empty generator, nothing is clipped: was it used up before?")
    those = read_tensors(name, (given,), AttributeError)
    return [p.grad for p in those if p.grad is not None]


def _read_limit(name: str, argument: str, limit: Any) -> float:
    """The limit as a number; a tensor may be part of a graph, which its gradient does not reach."""
    plain = limit.detach().reshape(()) if isinstance(limit, Tensor) and limit.numel() == 1 else limit
    try:
        return float(plain) if isinstance(plain, str) else float(as_number(name, argument, plain))
    except ValueError as refused:
        raise ValueError(f"{refused}: {name}() takes a number as {argument}") from None


@names_options
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
    error_if_nonfinite: bool = False, foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """Scales all gradients so that their total norm is at most `max_norm`; returns the norm before.

    With `error_if_nonfinite`, raises `RuntimeError` if the norm is not finite. `foreach` is accepted and has no
    effect. Source: Pascanu, Mikolov and Bengio, "On the Difficulty of Training Recurrent Neural Networks", 2013.

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * torch.tensor([3.0, 4.0])).sum().backward()
    >>> torch.nn.utils.clip_grad_norm_([w], max_norm=1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    gradients = _collect_gradients("clip_grad_norm_", parameters)
    max_norm = _read_limit("clip_grad_norm_", "max_norm", max_norm)
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    _scale(gradients, max_norm, total)
    return total


clip_grad_norm = keep_old_name(
    clip_grad_norm_, __name__, "clip_grad_norm",
    "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
    "nn.utils.clip_grad_norm([torch.ones(2)], 1.0)",
)  # fmt: skip


@names_options
def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """The norm of all tensors as if they were one vector. Raises `RuntimeError` as `clip_grad_norm_` does.

    >>> import minigrad as torch
    >>> torch.nn.utils.get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])])
    tensor(5.)
    """
    several_tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)  # "inf" too
    with no_grad():
        total = _norm_on_gpu([t.array for t in several_tensors]) if norm_type == 2 else None
        if total is None:
            norms = [t.norm(norm_type) for t in several_tensors]
            if any(type(norm.array) is not np.ndarray for norm in norms):
                norms = [norm.to(norms[0].device) for norm in norms]
            total = stack(norms).norm(norm_type) if norms else tensor(0.0)
        if error_if_nonfinite and not bool(total.isfinite()):
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite "
                f"({float(total)}), so it cannot be clipped. Look for the first step whose loss is not finite; "
                "error_if_nonfinite=False clips all the same."
            )
    return total


@names_options
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scales all gradients by ``max_norm / total_norm`` if that is below 1: the second half of `clip_grad_norm_`.

    >>> import minigrad as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> (3 * w).sum().backward()
    >>> torch.nn.utils.clip_grads_with_norm_([w], 1.5, torch.tensor(3.0))
    >>> w.grad
    tensor([1.5000])
    """
    max_norm = _read_limit("clip_grads_with_norm_", "max_norm", max_norm)
    _scale(_collect_gradients("clip_grads_with_norm_", parameters), max_norm, total_norm)


def _scale(gradients: list[Tensor], max_norm: float, total: Tensor) -> None:
    with no_grad():
        scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
        if _scale_on_gpu([gradient.array for gradient in gradients], scale.array):
            for gradient in gradients:
                gradient.bump_version()
            return
        for gradient in gradients:
            on_cpu = type(gradient.array) is np.ndarray is type(scale.array)
            gradient.mul_(scale if on_cpu else scale.to(gradient.device))


def _norm_on_gpu(arrays: list[Array]) -> Tensor | None:
    """The total norm of arrays on one GPU, in a few launches; None if that is not possible."""
    if not arrays or type(arrays[0]) is np.ndarray:
        return None
    from minigrad.gpu.clipping import norm_of_all

    norm = norm_of_all(arrays)
    return None if norm is None else wrap(norm)


def _scale_on_gpu(arrays: list[Array], scale: Array) -> bool:
    """Scales arrays on one GPU in one launch; False if that is not possible."""
    if not arrays or type(scale) is np.ndarray:
        return False
    from minigrad.gpu.clipping import scale_all

    return scale_all(arrays, scale)


@names_options
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamps every element of every gradient to [-clip_value, clip_value].

    >>> import minigrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> (w * torch.tensor([3.0, -0.5])).sum().backward()
    >>> torch.nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    with no_grad():
        clip_value = _read_limit("clip_grad_value_", "clip_value", clip_value)
        for gradient in _collect_gradients("clip_grad_value_", parameters):
            gradient.clamp_(-clip_value, clip_value)
