"""Distances and ranking losses as layers. Their options are those of `nn.functional.distance`."""

from __future__ import annotations

import minigrad.nn.functional as F
from minigrad.nn.functional.distance import require_positive_margin
from minigrad.nn.regression import FunctionLoss
from minigrad.nn.stateless import Stateless


class CosineSimilarity(Stateless, function=F.cosine_similarity, shown=()):
    """x1 . x2 / max(|x1| |x2|, eps) along axis `dim`: 1 for the same direction, 0 for a right angle.

    Shapes: x1 and x2 the same, or such that they broadcast; the result is without `dim`.

    >>> import minigrad as torch
    >>> torch.nn.CosineSimilarity(dim=0)(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 2.0]))
    tensor(1.0000)
    """


class PairwiseDistance(Stateless, function=F.pairwise_distance, shown=()):
    """|x1 - x2 + eps|, the p-norm along the last axis: (N, D) and (N, D) -> (N,), or (N, 1) with `keepdim`.

    >>> import minigrad as torch
    >>> torch.nn.PairwiseDistance()(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """


class CosineEmbeddingLoss(FunctionLoss, function=F.cosine_embedding_loss):
    """1 - cos of pairs whose target is 1, max(0, cos - margin) of those whose target is -1.

    Shapes: (N, D), (N, D) and a target (N,), or (D,), (D,) and (). The mean over the N.

    >>> import minigrad as torch
    >>> x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> torch.nn.CosineEmbeddingLoss()(x, y, torch.tensor([1]))
    tensor(1.)
    """


class MarginRankingLoss(FunctionLoss, function=F.margin_ranking_loss):
    """max(0, -target (input1 - input2) + margin): with a target of 1 the first should be larger, with -1 the second.

    Shapes: all three (N,), or others of as many axes that broadcast. The mean of all.

    >>> import minigrad as torch
    >>> x, y = torch.tensor([1.0]), torch.tensor([3.0])
    >>> torch.nn.MarginRankingLoss()(x, y, torch.tensor([1.0]))
    tensor(2.)
    """


class HingeEmbeddingLoss(FunctionLoss, function=F.hinge_embedding_loss):
    """input where the target is 1, max(0, margin - input) where it is -1.

    `input` is a distance. Shapes: both the same, any. The mean of all.

    >>> import minigrad as torch
    >>> torch.nn.HingeEmbeddingLoss()(torch.tensor([0.25, 0.25]), torch.tensor([1, -1]))
    tensor(0.5000)
    """


class SoftMarginLoss(FunctionLoss, function=F.soft_margin_loss):
    """log(1 + exp(-target input)) for targets of 1 and -1.

    Shapes: both the same, any. The mean of all.

    >>> import minigrad as torch
    >>> torch.nn.SoftMarginLoss()(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(0.6931)
    """


class TripletMarginLoss(FunctionLoss, function=F.triplet_margin_loss):
    """max(0, |anchor - positive| - |anchor - negative| + margin), with p-norms along the last axis.

    Shapes: all three (N, D) or (D,). The mean over the N. With `swap` the smaller of the distances from the negative to
    the anchor and to the positive counts. Raises ValueError unless the margin is positive.

    >>> import minigrad as torch
    >>> a, b, c = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0]])
    >>> torch.nn.TripletMarginLoss()(a, b, c)
    tensor(2.)
    """

    def _complete(self) -> None:
        super()._complete()
        require_positive_margin(self.margin)


class TripletMarginWithDistanceLoss(FunctionLoss, function=F.triplet_margin_with_distance_loss):
    """`TripletMarginLoss` with a user's distance function, by default `PairwiseDistance`.

    Shapes: all three the same, such that `distance_function(anchor, positive)` gives a distance for each example.

    >>> import minigrad as torch
    >>> a, b, c = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0]])
    >>> torch.nn.TripletMarginWithDistanceLoss(margin=0.5)(a, b, c)
    tensor(1.5000)
    """

    def _complete(self) -> None:
        super()._complete()
        require_positive_margin(self.margin)
        if vars(self)["distance_function"] is None:
            self.distance_function = PairwiseDistance()
