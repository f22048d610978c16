"""Classification losses, and losses of probability distributions, as layers.

The options of a layer are those of its function in `nn.functional`: `classification`, `likelihood`, `ctc`.
"""

from __future__ import annotations

import minigrad.nn.functional as F
from minigrad.nn.regression import FunctionLoss
from minigrad.tensor import Tensor


class WeightedLoss(FunctionLoss):
    """The base class of losses with a `weight`, which is a buffer; PyTorch's `_WeightedLoss`.

    >>> import minigrad as torch
    >>> list(torch.nn.modules.loss._WeightedLoss(torch.ones(2)).state_dict())
    ['weight']
    """

    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


# ---- losses of distributions ----------------------------------------------------------------------------
class BCELoss(FunctionLoss, function=F.binary_cross_entropy):
    """-(target log(input) + (1 - target) log(1 - input)), with logarithms of at least -100.

    `input` holds probabilities, `target` 0, 1 or what lies between. Shapes: both the same, any; the result has shape
    (), the mean, or theirs with ``reduction="none"``. `weight` multiplies each term. Raises ValueError for shapes that
    differ, RuntimeError for numbers outside [0, 1]. As `torch.nn.BCELoss`.

    >>> import minigrad as torch
    >>> torch.nn.BCELoss()(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """


class BCEWithLogitsLoss(FunctionLoss, function=F.binary_cross_entropy_with_logits):
    """-(target log(p) + (1 - target) log(1 - p)) with p = sigmoid(input), computed without overflow.

    Shapes and `weight` as in `BCELoss`; `pos_weight` multiplies the first term. Raises ValueError for shapes that
    differ. As `torch.nn.BCEWithLogitsLoss`.

    >>> import minigrad as torch
    >>> torch.nn.BCEWithLogitsLoss()(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """


class KLDivLoss(FunctionLoss, function=F.kl_div):
    """target (log(target) - input), `input` a log-probability; "batchmean" gives the mathematical divergence.

    Shapes: both the same, any. "batchmean" divides the sum by N, the length of the first axis; "mean" divides by the
    count of all numbers, and warns. With `log_target`, `target` is a logarithm, too. As `torch.nn.KLDivLoss`.

    >>> import minigrad as torch
    >>> p = torch.tensor([[0.5, 0.5]])
    >>> torch.nn.KLDivLoss(reduction="batchmean")(p.log(), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """


class PoissonNLLLoss(FunctionLoss, function=F.poisson_nll_loss):
    """exp(input) - target input: counts against a Poisson distribution of log rate `input`.

    Shapes: both the same, any; reduced to the mean unless `reduction` is "sum" or "none". With ``log_input=False``,
    `input` is the rate itself; `full` adds an approximation of log(target!). As `torch.nn.PoissonNLLLoss`.

    >>> import minigrad as torch
    >>> torch.nn.PoissonNLLLoss()(torch.tensor([0.0]), torch.tensor([2.0]))
    tensor(1.)
    """


class GaussianNLLLoss(FunctionLoss, function=F.gaussian_nll_loss):
    """(log(var) + (input - target)^2 / var) / 2, called with (input, target, var).

    Shapes: input and target (N, *), var the same, or with a last axis of 1 or without it: one variance for each
    example. var is at least `eps`; `full` adds log(2 pi) / 2. Raises ValueError for a negative variance.

    >>> import minigrad as torch
    >>> x = torch.tensor([2.0])
    >>> torch.nn.GaussianNLLLoss()(x, torch.zeros(1), torch.tensor([4.0]))
    tensor(1.1931)
    """


# ---- losses of scores and classes -------------------------------------------------------------------
class CrossEntropyLoss(FunctionLoss, function=F.cross_entropy):
    """-log softmax(input)[target], over axis 1: input (N, C, *), target (N, *) class indices.

    `target` may also hold class probabilities (N, C, *). `weight` (C,) weights the classes, targets equal
    to `ignore_index` are ignored, `label_smoothing` mixes the target with the uniform distribution. As
    `torch.nn.CrossEntropyLoss`.

    >>> import minigrad as torch
    >>> torch.nn.CrossEntropyLoss()(torch.zeros(2, 4), torch.tensor([0, 3]))
    tensor(1.3863)
    """


class NLLLoss(FunctionLoss, function=F.nll_loss):
    """-input[target], over axis 1: log-probabilities (N, C, *), target (N, *) class indices.

    The mean over all targets, weighted by `weight` (C,) of their classes; those equal to `ignore_index` do not count.
    ``NLLLoss()(log_softmax(x, 1), t)`` is `CrossEntropyLoss`. Raises IndexError for a class that is not there. As
    `torch.nn.NLLLoss`.

    >>> import minigrad as torch
    >>> torch.nn.NLLLoss()(torch.tensor([[-0.5, -1.0]]), torch.tensor([1]))
    tensor(1.)
    """


class MultiMarginLoss(FunctionLoss, function=F.multi_margin_loss):
    """sum over i != y of max(0, margin - x[y] + x[i])^p / C: the right score should lead by `margin`.

    Shapes: scores x (N, C) or (C,), classes y (N,) or (); `weight` (C,) multiplies the terms of class y. The mean over
    the N. As `torch.nn.MultiMarginLoss`.

    >>> import minigrad as torch
    >>> torch.nn.MultiMarginLoss()(torch.tensor([[0.5, 1.0]]), torch.tensor([1]))
    tensor(0.2500)
    """


class MultiLabelMarginLoss(FunctionLoss, function=F.multilabel_margin_loss):
    """sum over right classes j and wrong ones i of max(0, 1 - x[j] + x[i]) / C.

    Shapes: scores x and target (N, C) or (C,). A row of the target lists the right classes, and ends at the first -1.
    As `torch.nn.MultiLabelMarginLoss`.

    >>> import minigrad as torch
    >>> torch.nn.MultiLabelMarginLoss()(torch.tensor([0.5, 1.0]), torch.tensor([1, -1]))
    tensor(0.2500)
    """


class MultiLabelSoftMarginLoss(FunctionLoss, function=F.multilabel_soft_margin_loss):
    """`BCEWithLogitsLoss` for each class, averaged over the classes.

    Shapes: scores and targets (0 or 1) (N, C); the result is the mean over the N, or (N,) with ``reduction="none"``.
    `weight` (C,) multiplies the classes. As `torch.nn.MultiLabelSoftMarginLoss`.

    >>> import minigrad as torch
    >>> torch.nn.MultiLabelSoftMarginLoss()(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))
    tensor(0.6931)
    """


class CTCLoss(FunctionLoss, function=F.ctc_loss):
    """The negative log-likelihood of a target under all alignments with the input: see `functional.ctc_loss`.

    Shapes: log-probabilities (T, N, C), targets (N, S) of classes, `blank` (0) not among them, and the lengths (N,) of
    both. As `torch.nn.CTCLoss`.

    >>> import minigrad as torch
    >>> log_probs = torch.full((2, 1, 2), 0.5).log()
    >>> torch.nn.CTCLoss()(log_probs, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1]))
    tensor(0.2877)
    """


class NLLLoss2d(NLLLoss):
    """`NLLLoss` under its older name.

    >>> import minigrad as torch
    >>> torch.nn.NLLLoss2d()(torch.full((1, 2, 1, 1), -0.5), torch.tensor([[[1]]]))
    tensor(0.5000)
    """
