"""Distances and similarities of vectors, and the ranking losses (margin, triplet, cosine embedding)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad import dtypes
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.modes import is_grad_enabled, no_grad
from minigrad.creation import triu_indices
from minigrad.nn.functional.shared_by_losses import loss, reduce_losses, reduction_of
from minigrad.ops.arguments import as_int, as_number, of_tensors, require_bools, require_floats, require_tensors
from minigrad.ops.composed import read_from
from minigrad.ops.copies import cast
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.masks import where
from minigrad.ops.norm import cdist
from minigrad.ops.shape import broadcast_tensors
from minigrad.ops.unary import exp, log1p
from minigrad.tensor import Tensor

_EPSILON = 1e-12  # added under the square roots of cosine_embedding_loss, as in PyTorch


@of_tensors
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``<x1, x2> / (|x1| |x2|)`` along `dim`, with each norm at least `eps`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html

    >>> import minigrad as torch
    >>> torch.nn.functional.cosine_similarity(torch.ones(2), torch.tensor([1.0, 0.0]), dim=0)
    tensor(0.7071)
    """
    dim = as_int(dim, "cosine_similarity(): argument 'dim'")
    if eps < 0:
        raise RuntimeError(f"cosine_similarity: eps must be non-negative, got {eps}")
    x1, x2 = broadcast_tensors(x1, x2)  # first, so that a 0-d tensor counts as one with axes
    common = dtypes.result_type([x1.array, x2.array])
    a, b = [x / _measure_length(x, dim, eps) for x in (cast(x1, common), cast(x2, common))]
    return (a * b).sum(dim)


def _measure_length(x: Tensor, dim: int, eps: float) -> Tensor:
    """The norm along `dim`, at least `eps`, with the gradient of the norm."""
    length = x.norm(2, dim, keepdim=True).clone()
    with no_grad():
        length.clamp_(min=eps)
    return length


@of_tensors
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``|x1 - x2 + eps|``, the p-norm along the last axis.

    >>> import minigrad as torch
    >>> torch.nn.functional.pairwise_distance(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """
    return name_last_call((x1 - x2 + eps).norm(p, -1, keepdim), "NormBackward1")


@names_options
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The distances of all pairs of rows of (N, M): (0, 1), (0, 2), ..., (N-2, N-1). Else RuntimeError.

    >>> import minigrad as torch
    >>> torch.nn.functional.pdist(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    require_tensors("pdist", "input", input)
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if as_number("pdist", "p", p) < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    require_floats("pdist", input)
    first, second = triu_indices(len(input), len(input), 1)
    return read_from(cdist(input, input, p)[first, second], "PdistBackward0", input)


@loss
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``1 - cos`` of the pairs whose target is 1, ``max(0, cos - margin)`` of those whose target is -1.

    Shapes: inputs (N, D) and target (N,), or (D,) and (). Raises RuntimeError for other shapes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html

    >>> import minigrad as torch
    >>> x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> torch.nn.functional.cosine_embedding_loss(x, y, torch.tensor([1]))
    tensor(1.)
    """
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if not input1.ndim == input2.ndim == target.ndim + 1:
        shapes = f"{list(input1.shape)}, {list(input2.shape)} and {list(target.shape)}"
        raise RuntimeError(f"cosine_embedding_loss takes (N, D), (N, D) and (N,), or (D,), (D,) and (); got {shapes}")
    product = (input1 * input2).sum(-1)
    cosine = product / ((input1 * input1).sum(-1) + _EPSILON).mul((input2 * input2).sum(-1) + _EPSILON).sqrt()
    alike, unlike = where(target == 1, 1 - cosine, 0.0), where(target == -1, (cosine - margin).clamp(min=0), 0.0)
    return reduce_losses(alike + unlike, reduction)


@loss
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``max(0, -target (input1 - input2) + margin)``: for a target of 1 the first input should be larger.

    Raises RuntimeError unless all three have as many axes.

    >>> import minigrad as torch
    >>> x, y = torch.tensor([1.0]), torch.tensor([3.0])
    >>> torch.nn.functional.margin_ranking_loss(x, y, torch.tensor([1.0]))
    tensor(2.)
    """
    if not input1.ndim == input2.ndim == target.ndim:
        shapes = f"input1: {list(input1.shape)}, input2: {list(input2.shape)}, target: {list(target.shape)}"
        detail = f"All input tensors should have same dimension but got sizes: {shapes}"
        raise RuntimeError(f"margin_ranking_loss : {detail}")
    return reduce_losses((-target * (input1 - input2) + float(margin)).clamp(min=0), reduction)


@loss
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1.

    >>> import minigrad as torch
    >>> torch.nn.functional.hinge_embedding_loss(torch.tensor([0.25, 0.25]), torch.tensor([1, -1]))
    tensor(0.5000)
    """
    least = margin if input.is_floating_point() else int(margin)  # integers stay integers
    apart = where(target == 1, 0, (least - input).clamp(min=0))
    return reduce_losses(apart + where(target == -1, 0, input), reduction)


@loss
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``log(1 + exp(-target input))`` for targets of 1 and -1.

    >>> import minigrad as torch
    >>> torch.nn.functional.soft_margin_loss(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(0.6931)
    """
    require_floats("soft_margin_loss", input)
    if target.requires_grad and is_grad_enabled():
        detail = "is not differentiable with respect to argument 'target'; write target.detach()"
        raise RuntimeError(f"The function 'soft_margin_loss' {detail}")
    losses = log1p(exp(-target.to(input.dtype) * input))
    if losses.shape != input.shape:
        shapes = f"input of {list(input.shape)} and target of {list(target.shape)}"
        raise RuntimeError(f"soft_margin_loss: {shapes} would broadcast to {list(losses.shape)}; make them equal")
    return read_from(reduce_losses(losses, reduction), "SoftMarginLossBackward0", input, target)


@loss
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``max(0, |anchor - positive| - |anchor - negative| + margin)``, the p-norms along the last axis.

    With `swap` the negative's distance is the smaller of its distances to the anchor and to the positive.
    Raises ValueError for a margin that is not positive, RuntimeError for different numbers of axes.
    Source: Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses", 2016.

    >>> import minigrad as torch
    >>> a, b, c = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0]])
    >>> torch.nn.functional.triplet_margin_loss(a, b, c)
    tensor(2.)
    """
    require_positive_margin(margin)
    require_bools("triplet_margin_loss", swap=swap)
    losses = _rank(anchor, positive, negative, margin, swap, lambda x, y: pairwise_distance(x, y, p, eps))
    return reduce_losses(losses, reduction)


@names_options
def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0, swap: bool = False,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """`triplet_margin_loss` with a given distance function, by default `pairwise_distance`.

    >>> import minigrad as torch
    >>> a, b, c = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0]])
    >>> far = lambda x, y: (x - y).abs().sum(-1)
    >>> torch.nn.functional.triplet_margin_with_distance_loss(a, b, c, distance_function=far)
    tensor(2.)
    """
    losses = _rank(anchor, positive, negative, margin, swap, distance_function or pairwise_distance)
    return reduce_losses(losses, reduction_of(None, None, reduction))


def require_positive_margin(margin: float) -> None:
    """Raises ValueError unless the margin is positive."""
    if as_number("triplet_margin_loss", "margin", margin) <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")


def _rank(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float, swap: bool, distance: Callable[..., Any]
) -> Tensor:
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` for each triplet, d being the `distance`."""
    require_positive_margin(margin)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return (margin + near - far).clamp(min=0)
