"""Classification losses: scores against class indices, or against probabilities."""

from __future__ import annotations

import numpy as np

from minigrad.advice import advise, is_wanted
from minigrad.autograd.core import GRAD, mode
from minigrad.autograd.failed_calls import check_same_library
from minigrad.autograd.recording import Operation
from minigrad.autograd.views import is_in_graph
from minigrad.dtypes import from_numpy
from minigrad.nn.functional.class_complaints import no_scores, wrong_classes
from minigrad.nn.functional.embedding import one_hot
from minigrad.nn.functional.parts import check_parts
from minigrad.nn.functional.shared_by_losses import loss, reduce_losses
from minigrad.ops import likelihood as ops
from minigrad.ops.activation import log_softmax, relu, softmax_operation
from minigrad.ops.activation_variants import logsigmoid
from minigrad.ops.affine import affine, project
from minigrad.ops.arguments import as_int, as_number, require_floats, require_kind
from minigrad.ops.complaints import check_same_dtype, not_implemented_for
from minigrad.ops.composed import read_from
from minigrad.ops.gather import gather
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.keys import first_out_of_range
from minigrad.ops.masks import where
from minigrad.ops.rearranging import reshape_along
from minigrad.ops.unary import sigmoid
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor


@loss
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``-input[n, target[n]]``, the mean weighted by the classes' weights.

    Targets equal to `ignore_index` are ignored, whatever their row holds.
    Shapes: input (N, C), (C,) or (N, C, ...) of log-probabilities, target (N,), () or (1,), or (N, ...).
    Raises IndexError for classes out of range, ValueError or RuntimeError for shapes that do not fit.
    Gives advice if the loss is negative and `input` holds probabilities or a layer's scores. Logarithms of densities
    may be above 0.

    >>> import minigrad as torch
    >>> torch.nn.functional.nll_loss(torch.tensor([[-0.5, -0.9]]), torch.tensor([1]))
    tensor(0.9000)
    """
    target = _without_batch(input, target)
    _check_classes("nll_loss", input, target, weight)
    losses = _negative_log_likelihood(input, target, weight, ignore_index, reduction)
    if is_wanted("negative nll_loss") and type(losses.array) is np.ndarray and weight is None:
        _advise_of_negative_loss(input, losses.array)
    return losses


# PyTorch's words for weights of another number.
OF_CLASSES = "weight tensor should be defined either for all {} classes or no classes but got weight tensor of shape: "


def _negative_log_likelihood(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    loss_of = ops.nll if input.array.ndim <= 2 else ops.nll_of_pixels
    options = {"ignore_index": as_int(ignore_index, "ignore_index"), "reduction": reduction}
    arrays = input.array, target.array, None if weight is None else weight.array
    return loss_of.call((input, target, weight), arrays, options)


def _advise_of_negative_loss(input: Tensor, losses: np.ndarray) -> None:
    if not input.array.size or not losses.min() < 0:  # nothing is told of NaN
        return
    plan, numbers = getattr(input.node, "plan", None), input.array
    comes_from_a_layer = plan is not None and plan.operation in (affine, project)
    if comes_from_a_layer or (numbers.min() >= 0 and numbers.max() <= 1):
        advise(
            "negative nll_loss",
            f"nll_loss is negative ({losses.min():.4g}): it takes log-probabilities, which are never above 0. Apply "
            "log_softmax(x, dim=1) before it, or give raw scores to cross_entropy, which does both",
        )


@loss
def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0
) -> Tensor:  # fmt: skip
    """``-log softmax(input)[target]``: classification from raw scores.

    Shapes: input (N, C), (C,) or (N, C, ...); target classes (N,), () or (1,), or (N, ...), or
    probabilities like the input. `label_smoothing` distributes that share of every target equally over all classes.
    Raises as `nll_loss`, and RuntimeError for a label_smoothing outside [0, 1].
    Gives advice if the rows of `input` are probabilities already, or come from a relu or a sigmoid.
    Source: of label smoothing, Szegedy et al., "Rethinking the Inception Architecture", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """
    label_smoothing = as_number("cross_entropy", "label_smoothing", label_smoothing)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if is_wanted("softmax before cross_entropy"):
        _advise_of_probabilities(input)
    dim = 0 if input.array.ndim == 1 else 1
    if input.array.ndim and input.array.shape[dim] == 1:
        _advise_of_one_class(input)
    if input.array.shape == target.array.shape and target.array.dtype.kind == "f":
        return _cross_entropy_of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing, dim)
    target = _without_batch(input, target)
    if input.array.dtype.kind == target.array.dtype.kind == "i" and input.array.shape == target.array.shape:
        raise no_scores(input, target)
    _check_classes("cross_entropy", input, target, weight, or_probabilities=True)
    logs = log_softmax(input, dim)
    losses = _negative_log_likelihood(logs, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return losses
    uniform = _uniform_cross_entropy(logs, target, weight, ignore_index, reduction, dim)
    return losses * (1 - label_smoothing) + uniform * (label_smoothing / input.size(dim))


def _uniform_cross_entropy(
    logs: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, dim: int
) -> Tensor:
    """``-sum(logs)`` over the classes, weighted: the part of label smoothing."""
    kept = target != ignore_index
    losses = -(logs if weight is None else logs * reshape_along(weight, dim, logs.ndim)).sum(dim)
    losses = where(kept, losses, 0.0)  # ignored rows give 0, even if they hold inf or NaN
    if reduction != "mean":
        return reduce_losses(losses, reduction)
    if weight is None:
        return losses.sum() / kept.sum()
    places = where(kept, target, 0).long()  # as uint8 they would be a mask
    return losses.sum() / where(kept, weight[places], 0.0).sum()


def _cross_entropy_of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, label_smoothing: float,
    dim: int,
) -> Tensor:  # fmt: skip
    """``-sum(target log softmax(input))`` over the classes; its mean is over the samples."""
    require_floats("cross_entropy", input)
    if ignore_index >= 0:
        detail = f"probabilities ignore a class by being 0; got ignore_index={ignore_index}"
        raise RuntimeError(f"ignore_index is not supported for floating point target: {detail}")
    classes = input.size(dim)
    _check_weight("cross_entropy", input, classes, weight)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = log_softmax(input, dim) * target
    if weight is not None:
        terms = terms * reshape_along(weight, dim, terms.ndim)
    losses = -(terms.sum(dim) if reduction == "none" else terms.sum())
    if reduction != "mean":
        return losses
    return name_last_call(losses / (terms.array.size / classes if classes else 0), "DivBackward1")


def _advise_of_one_class(input: Tensor) -> None:
    advise(
        "cross_entropy of one class",
        f"cross_entropy got scores of a single class, of shape {tuple(input.shape)}: whatever they are, its "
        "probability is 1 and the loss 0, so nothing is learned. For yes or no take binary_cross_entropy_with_logits, "
        "or two scores",
    )


ENDS_OF_A_MODEL: dict[Operation, str] = {  # an activation from which scores come -> what is lost
    relu.operation: (
        "it makes negative scores 0, so no class can be ruled out, and where all scores are 0 nothing is learned"
    ),
    sigmoid.operation: "of numbers between 0 and 1 a softmax makes nearly equal probabilities, so the loss stays high",
}


def _advise_of_activation(activation: Operation) -> None:
    mistake = f"{activation.name} before cross_entropy"
    if is_wanted(mistake):
        advise(
            mistake,
            f"the scores of cross_entropy come from a {activation.name}: {ENDS_OF_A_MODEL[activation]}. Let the model "
            "end with its last layer of weights: cross_entropy takes raw scores",
        )


def _sum_to_one(rows: np.ndarray) -> bool:
    return bool((abs(np.add.reduce(rows, 1) - 1) < 1e-3).all())


def _are_probabilities(rows: np.ndarray) -> bool:
    """Whether each row holds positive numbers that sum to 1, not all of them equal, as in a table of equal scores."""
    are_shares = ((rows > 0) & (rows <= 1)).all() and _sum_to_one(rows)
    return bool(are_shares and np.ptp(rows, 1).max() > 1e-6)


def _advise_of_probabilities(input: Tensor) -> None:
    """Gives advice if `input` comes from a softmax; without a graph, judged by the numbers."""
    scores, plan = input.array, getattr(input.node, "plan", None)
    if plan is not None and plan.operation is not softmax_operation:
        if plan.operation in ENDS_OF_A_MODEL:
            _advise_of_activation(plan.operation)
        return
    if type(scores) is not np.ndarray or scores.ndim not in (1, 2) or scores.shape[-1] < 2 or not scores.size:
        return
    rows = scores.reshape(-1, scores.shape[-1])
    first = rows[:1]  # of raw scores it alone is looked at
    if np.minimum.reduce(first, None) > 0 and _sum_to_one(first) and _are_probabilities(rows):
        advise(
            "softmax before cross_entropy",
            "the rows of cross_entropy's input are positive and sum to 1 already, as after a softmax: cross_entropy "
            "takes raw scores and applies log_softmax itself. Leave the softmax out of the model; apply it where you "
            "want to see probabilities",
        )


# ---- margins ---------------------------------------------------------------------------------------
def _check_range(name: str, labels: Tensor, classes: int) -> None:
    bad = first_out_of_range(labels.array, classes)
    if bad is not None:
        raise RuntimeError(f"{name}: target out of range: {bad}, where there are {classes} classes, 0 to {classes - 1}")


def _require_classes(name: str, input: Tensor) -> None:
    if input.array.shape[-1:] == (0,):
        raise RuntimeError(f"{name}: Expected at least one class, but the input has the shape {list(input.shape)}")


@loss
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``sum over i != y of max(0, margin - x[y] + x[i])**p / C``: the right class should win by a margin.

    Shapes: input (N, C), (C,) or (), target (N,) or (). `weight` is the factor of each right class.
    Raises ValueError for p other than 1 and 2, RuntimeError for classes out of range.
    Source: Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines", 2001.

    >>> import minigrad as torch
    >>> torch.nn.functional.multi_margin_loss(torch.tensor([[0.5, 1.0]]), torch.tensor([1]))
    tensor(0.2500)
    """
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got {shorten(p, str)}")
    if weight is not None and weight.array.ndim != 1:
        raise ValueError(f"multi_margin_loss: weight must be one-dimensional, got shape {list(weight.shape)}")
    rows = input if input.array.ndim > 1 else input.reshape(1, -1)  # (N, C)
    labels = target if target.array.ndim else target.reshape(1)
    _require_classes("multi_margin_loss", rows)
    if labels.array.size * rows.array.shape[-1] != rows.array.size:
        detail = f"expected one class for each row of {list(input.shape)}, got {list(target.shape)}"
        raise RuntimeError(f"multi_margin_loss: inconsistent target size, {detail}")
    _check_classes("multi_margin_loss", rows, labels, weight)
    classes = rows.size(-1)
    _check_range("multi_margin_loss", labels, classes)
    right = gather(rows, 1, labels.unsqueeze(1))
    lead = relu(margin - right + rows)
    lead = where(one_hot(labels, classes).bool(), 0.0, lead if p == 1 else lead * lead)
    losses = (lead if weight is None else lead * weight[labels].unsqueeze(1)).sum(1) / classes
    losses = reduce_losses(losses.reshape(target.shape), reduction)
    return read_from(losses, "MultiMarginLossBackward0", input, target, weight)


@loss
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """``sum over right j and wrong i of max(0, 1 - x[j] + x[i]) / C``: all right classes should win by a margin.

    Shapes: input and target (N, C) or (C,); a row of the target lists the right classes, ended by the first -1.
    Raises RuntimeError for shapes that differ, no classes, and classes out of range, behind the first -1 as well.

    >>> import minigrad as torch
    >>> torch.nn.functional.multilabel_margin_loss(torch.tensor([0.5, 1.0]), torch.tensor([1, -1]))
    tensor(0.2500)
    """
    require_floats("multilabel_margin_loss", input)
    require_kind("multilabel_margin_loss (target)", target.array.dtype, "iu")
    shape, have = [tuple(x.array.shape) for x in (input, target)]
    shape = shape or (1,)  # a 0-d input is one class
    if (have or (1,)) != shape or len(shape) > 2:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(shape)}")
    classes = shape[-1]
    _require_classes("multilabel_margin_loss", input)
    _check_range("multilabel_margin_loss", where(target == -1, 0, target), classes)
    rows, labels = input.reshape(-1, classes), target.reshape(-1, classes)
    listed = (labels >= 0).long().cumprod(1).bool()  # up to the first -1
    if listed.numel() and type(listed.array) is np.ndarray:  # to know the longest list, a GPU would be waited for
        longest = int(listed.sum(1).max())
        labels, listed = labels[:, :longest], listed[:, :longest]  # (N, C) -> (N, longest)
    labels = where(listed, labels, 0)
    right = (one_hot(labels, classes).bool() & listed.unsqueeze(2)).any(1)  # (N, C)
    lead = relu(1 - gather(rows, 1, labels).unsqueeze(2) + rows.unsqueeze(1))  # (N, listed, all classes)
    losses = where(listed.unsqueeze(2) & ~right.unsqueeze(1), lead, 0.0).sum((1, 2)) / classes
    losses = reduce_losses(losses.reshape(shape[:-1]), reduction)
    return read_from(losses, "MultilabelMarginLossBackward0", input, target)


@loss
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:  # fmt: skip
    """`binary_cross_entropy_with_logits` for each class, averaged over the classes.

    Shapes: input and target (N, C).

    >>> import minigrad as torch
    >>> torch.nn.functional.multilabel_soft_margin_loss(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))
    tensor(0.6931)
    """
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    losses = losses if weight is None else losses * weight
    return reduce_losses(losses.sum(-1) / input.size(-1), reduction)


def _without_batch(input: Tensor, target: Tensor) -> Tensor:
    """The class of one example (C,), of shape (): PyTorch also takes it as a batch of one, of shape (1,)."""
    return target.reshape(()) if input.array.ndim == 1 and target.array.shape == (1,) else target


# ---- checks --------------------------------------------------------------------------------------
def _check_classes(
    name: str, input: Tensor, target: Tensor, weight: Tensor | None, or_probabilities: bool = False
) -> None:
    """Raises for scores and classes whose dtypes or shapes do not fit each other.

    `or_probabilities`: the function takes probabilities of the classes, too.
    """
    if input.array.dtype.kind in "iu" and target.array.dtype.kind == "f":
        kinds = [from_numpy(x.array.dtype).name for x in (input, target)]
        raise NotImplementedError(
            f'"{name}" not implemented for {kinds[0]} scores and {kinds[1]} classes: they stand the other way round, '
            "write the model's output first, then the target"
        )
    if input.array.dtype.kind in "iub":
        chosen = "scores are floats of shape (N, C); classes that argmax has chosen are no scores"
        raise NotImplementedError(f"{not_implemented_for(name, input.array.dtype)}; {chosen}")
    require_floats(name, input)
    check_same_library(name, [t.array for t in (input, target, weight) if t is not None])
    shape = tuple(input.array.shape)
    if not shape:
        raise ValueError(f"Expected 1 or more dimensions (got 0): {name} takes scores of shape (N, C) or (C,)")
    refused = wrong_classes(name, shape, target.array, or_probabilities)
    if refused:
        raise refused
    if weight is not None:
        _check_weight(name, input, shape[min(len(shape) - 1, 1)], weight)
        check_same_dtype(name, input, "weight", weight)
        if mode.get() & GRAD and is_in_graph(weight):
            raise RuntimeError(
                f"The function '{name}' is not differentiable with respect to argument 'weight'. This input cannot "
                "have requires_grad True: pass weight.detach()"
            )


def _check_weight(name: str, input: Tensor, classes: int, weight: Tensor | None) -> None:
    """Raises RuntimeError unless there is a weight for each class, or none at all."""
    words = OF_CLASSES.format(classes) + "{shape}"
    check_parts(name, input, (classes,), f"one number for each of all {classes} classes", words=words, weight=weight)
