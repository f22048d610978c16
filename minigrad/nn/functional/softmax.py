"""`softmax`, `log_softmax`, `softmin`, `gumbel_softmax`: scores into probabilities along one axis."""

from __future__ import annotations

from typing import Any

from minigrad.advice import warn
from minigrad.autograd.failed_calls import names_options
from minigrad.creation.like import empty_like, zeros_like
from minigrad.layout import contiguous_format
from minigrad.ops import activation, unary
from minigrad.ops.arguments import require_tensors
from minigrad.tensor import Tensor


def _guess_dim(name: str, input: Tensor, dim: Any) -> Any:
    """`dim`; if it is None, the axis of the channels with a warning, as PyTorch guesses."""
    if dim is not None:
        return dim
    guess = 0 if input.ndim in (0, 1, 3) else 1
    detail = f"Change the call to include dim=X as an argument: of shape {tuple(input.shape)} it took dim={guess}."
    warn(f"Implicit dimension choice for {name} has been deprecated. {detail}")
    return guess


@names_options
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along `dim`: positive numbers that sum to 1. Warns if `dim` is omitted.

    >>> import minigrad as torch
    >>> torch.nn.functional.softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    require_tensors("softmax", "input", input)
    return activation.softmax(input, _guess_dim("softmax", input, dim), dtype)


@names_options
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``x - log(sum(exp(x)))`` along `dim`: the logarithm of `softmax`, without overflow.

    >>> import minigrad as torch
    >>> torch.nn.functional.log_softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    require_tensors("log_softmax", "input", input)
    return activation.log_softmax(input, _guess_dim("log_softmax", input, dim), dtype)


@names_options
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`softmax` of ``-x``.

    >>> import minigrad as torch
    >>> torch.nn.functional.softmin(torch.zeros(1, 4), dim=1)
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    require_tensors("softmin", "input", input)
    return activation.softmax(unary.neg(input), _guess_dim("softmin", input, dim), dtype)


@names_options
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A differentiable random choice of a class: ``softmax((logits + gumbel noise) / tau)``.

    With `hard` the result is one-hot, and the gradient is that of the softmax. `eps` is accepted and has no
    effect, as in PyTorch. Source: Jang et al., "Categorical Reparameterization with
    Gumbel-Softmax", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.gumbel_softmax(torch.tensor([0.0, 1000.0]), hard=True)
    tensor([0., 1.])
    """
    require_tensors("gumbel_softmax", "logits", logits)
    noise = empty_like(logits, memory_format=contiguous_format).exponential_().log_()
    soft: Tensor = activation.softmax((logits - noise) / tau, dim)
    if not hard:
        return soft
    fixed = soft.detach()
    one_hot: Tensor = zeros_like(fixed).scatter_(dim, fixed.argmax(dim, keepdim=True), 1.0)
    return one_hot - fixed + soft
