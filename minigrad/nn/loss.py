"""Loss functions as layers: ``loss(input, target)``, and its mean, its sum, or all of it.

A layer's options are its function's, see `nn.functional.loss`, `classification` and `distance`.
"""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.functional.reduction import reduction_of
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import require_number
from minigrad.tensor import Tensor


class Loss(Stateless, shown=()):
    """What the losses share: `reduction` is 'mean', 'sum' or 'none'.

    `size_average` and `reduce` are how PyTorch spelled it before 2018.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls._options:  # a user's own, without a function: it holds `reduction`
            cls._options, cls.__signature__ = MSELoss._options, MSELoss.__signature__

    def _complete(self) -> None:
        average, reduce = [vars(self).get(name) for name in ("size_average", "reduce")]
        if average is not None or reduce is not None:
            vars(self).update(reduction=reduction_of(average, reduce, "mean"), size_average=None, reduce=None)


class WeightedLoss(Loss):
    """PyTorch's `_WeightedLoss`, from which losses with a `weight` are derived: it is a buffer.

    >>> import minigrad as torch
    >>> list(torch.nn.modules.loss._WeightedLoss(torch.ones(2)).state_dict())
    ['weight']
    """

    weight: Tensor | None = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


# ---- of numbers against numbers ------------------------------------------------------------------
class MSELoss(Loss, function=F.mse_loss):
    """(input - target)^2.

    Raises `ValueError` for shapes that differ: they would broadcast silently.

    >>> import minigrad as torch
    >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss, function=F.l1_loss):
    """|input - target|.

    >>> import minigrad as torch
    >>> torch.nn.L1Loss()(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(2.5000)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class SmoothL1Loss(Loss, function=F.smooth_l1_loss):
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2.

    >>> import minigrad as torch
    >>> torch.nn.SmoothL1Loss()(torch.tensor([0.5, 4.0]), torch.zeros(2))
    tensor(1.8125)
    """


class HuberLoss(Loss, function=F.huber_loss):
    """d^2 / 2 where d = |input - target| < delta, else delta (d - delta / 2).

    >>> import minigrad as torch
    >>> torch.nn.HuberLoss(delta=2.0)(torch.tensor([1.0, 4.0]), torch.zeros(2))
    tensor(3.2500)
    """

    reduction: str = "mean"
    delta: float = 1.0

    def _complete(self) -> None:
        super()._complete()
        require_number("HuberLoss", "delta", self.delta)


# ---- of distributions ----------------------------------------------------------------------------
class BCELoss(Loss, function=F.binary_cross_entropy):
    """-(target log(input) + (1 - target) log(1 - input)), the logarithms at least -100.

    >>> import minigrad as torch
    >>> torch.nn.BCELoss()(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """


class BCEWithLogitsLoss(Loss, function=F.binary_cross_entropy_with_logits):
    """`BCELoss` of sigmoid(input), computed without overflow; `pos_weight` weighs the positives.

    >>> import minigrad as torch
    >>> torch.nn.BCEWithLogitsLoss()(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """


class KLDivLoss(Loss, function=F.kl_div):
    """target (log(target) - input), `input` a log-probability; "batchmean" is what the formula means.

    >>> import minigrad as torch
    >>> p = torch.tensor([[0.5, 0.5]])
    >>> torch.nn.KLDivLoss(reduction="batchmean")(p.log(), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """


class PoissonNLLLoss(Loss, function=F.poisson_nll_loss):
    """exp(input) - target input: counts against a Poisson distribution of log rate `input`.

    >>> import minigrad as torch
    >>> torch.nn.PoissonNLLLoss()(torch.tensor([0.0]), torch.tensor([2.0]))
    tensor(1.)
    """


class GaussianNLLLoss(Loss, function=F.gaussian_nll_loss):
    """(log(var) + (input - target)^2 / var) / 2, called with (input, target, var).

    >>> import minigrad as torch
    >>> x = torch.tensor([2.0])
    >>> torch.nn.GaussianNLLLoss()(x, torch.zeros(1), torch.tensor([4.0]))
    tensor(1.1931)
    """


# ---- of scores against classes -------------------------------------------------------------------
class CrossEntropyLoss(Loss, function=F.cross_entropy):
    """-log softmax(input)[target], over axis 1: input (N, C, *), target (N, *) class numbers.

    `target` may also hold class probabilities (N, C, *). `weight` (C,) weighs the classes, targets
    equal to `ignore_index` do not count, `label_smoothing` mixes the uniform distribution in. As
    `torch.nn.CrossEntropyLoss`.

    >>> import minigrad as torch
    >>> torch.nn.CrossEntropyLoss()(torch.zeros(2, 4), torch.tensor([0, 3]))
    tensor(1.3863)
    """


class NLLLoss(Loss, function=F.nll_loss):
    """-input[target], over axis 1: log-probabilities (N, C, *), target (N, *) class numbers.

    >>> import minigrad as torch
    >>> torch.nn.NLLLoss()(torch.tensor([[-0.5, -1.0]]), torch.tensor([1]))
    tensor(1.)
    """


class MultiMarginLoss(Loss, function=F.multi_margin_loss):
    """sum over i != y of max(0, margin - x[y] + x[i])^p / C.

    >>> import minigrad as torch
    >>> torch.nn.MultiMarginLoss()(torch.tensor([[0.5, 1.0]]), torch.tensor([1]))
    tensor(0.2500)
    """


class MultiLabelMarginLoss(Loss, function=F.multilabel_margin_loss):
    """sum over right classes j and wrong ones i of max(0, 1 - x[j] + x[i]) / C.

    >>> import minigrad as torch
    >>> torch.nn.MultiLabelMarginLoss()(torch.tensor([0.5, 1.0]), torch.tensor([1, -1]))
    tensor(0.2500)
    """


class MultiLabelSoftMarginLoss(Loss, function=F.multilabel_soft_margin_loss):
    """`BCEWithLogitsLoss` for each class, averaged over the classes.

    >>> import minigrad as torch
    >>> torch.nn.MultiLabelSoftMarginLoss()(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))
    tensor(0.6931)
    """


# ---- of distances --------------------------------------------------------------------------------
class CosineSimilarity(Stateless, function=F.cosine_similarity, shown=()):
    """x1 . x2 / max(|x1| |x2|, eps) along axis `dim`.

    >>> import minigrad as torch
    >>> torch.nn.CosineSimilarity(dim=0)(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 2.0]))
    tensor(1.0000)
    """


class PairwiseDistance(Stateless, function=F.pairwise_distance, shown=()):
    """|x1 - x2 + eps|, the p-norm along the last axis.

    >>> import minigrad as torch
    >>> torch.nn.PairwiseDistance()(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """

    p: float = 2.0
    eps: float = 1e-6
    keepdim: bool = False

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)


class CosineEmbeddingLoss(Loss, function=F.cosine_embedding_loss):
    """1 - cos of pairs whose target is 1, max(0, cos - margin) of those whose target is -1.

    >>> import minigrad as torch
    >>> x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> torch.nn.CosineEmbeddingLoss()(x, y, torch.tensor([1]))
    tensor(1.)
    """


class MarginRankingLoss(Loss, function=F.margin_ranking_loss):
    """max(0, -target (input1 - input2) + margin).

    >>> import minigrad as torch
    >>> x, y = torch.tensor([1.0]), torch.tensor([3.0])
    >>> torch.nn.MarginRankingLoss()(x, y, torch.tensor([1.0]))
    tensor(2.)
    """


class HingeEmbeddingLoss(Loss, function=F.hinge_embedding_loss):
    """input where the target is 1, max(0, margin - input) where it is -1.

    >>> import minigrad as torch
    >>> torch.nn.HingeEmbeddingLoss()(torch.tensor([0.25, 0.25]), torch.tensor([1, -1]))
    tensor(0.5000)
    """


class SoftMarginLoss(Loss, function=F.soft_margin_loss):
    """log(1 + exp(-target input)) for targets of 1 and -1.

    >>> import minigrad as torch
    >>> torch.nn.SoftMarginLoss()(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(0.6931)
    """


class TripletMarginLoss(Loss, function=F.triplet_margin_loss):
    """max(0, |anchor - positive| - |anchor - negative| + margin).

    >>> import minigrad as torch
    >>> a, b, c = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0]])
    >>> torch.nn.TripletMarginLoss()(a, b, c)
    tensor(2.)
    """


class TripletMarginWithDistanceLoss(Loss, function=F.triplet_margin_with_distance_loss):
    """`TripletMarginLoss` with a distance of one's own.

    >>> import minigrad as torch
    >>> a, b, c = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0]])
    >>> torch.nn.TripletMarginWithDistanceLoss(margin=0.5)(a, b, c)
    tensor(1.5000)
    """


class CTCLoss(Loss, function=F.ctc_loss):
    """How unlikely a target is in a longer sequence of scores, by any alignment: see `functional.ctc_loss`.

    As `torch.nn.CTCLoss`.

    >>> import minigrad as torch
    >>> log_probs = torch.full((2, 1, 2), 0.5).log()
    >>> torch.nn.CTCLoss()(log_probs, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1]))
    tensor(0.2877)
    """

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class NLLLoss2d(NLLLoss):
    """`NLLLoss` under its older name.

    >>> import minigrad as torch
    >>> torch.nn.NLLLoss2d()(torch.full((1, 2, 1, 1), -0.5), torch.tensor([[[1]]]))
    tensor(0.5000)
    """
