"""Losses of classes as layers, and losses derived from their base classes."""

import minigrad as torch
from minigrad import nn


def test_a_loss_derived_from_a_private_base_has_weight_and_reduction():
    class Own(nn.modules.loss._WeightedLoss):
        def __init__(self, weight=None, reduction="mean"):
            super().__init__(weight=weight, reduction=reduction)

        def forward(self, input, target):
            return nn.functional.cross_entropy(input, target, weight=self.weight, reduction=self.reduction)

    scores, classes = torch.tensor([[1.0, 2.0], [0.5, 0.0]]), torch.tensor([0, 1])
    loss = Own(torch.tensor([1.0, 3.0]), "sum")
    assert loss(scores, classes) == nn.CrossEntropyLoss(torch.tensor([1.0, 3.0]), reduction="sum")(scores, classes)
    assert list(loss.state_dict()) == ["weight"] and repr(loss) == "Own()"

    class Squares(nn.modules.loss._Loss):
        def forward(self, input, target):
            return nn.functional.mse_loss(input, target, reduction=self.reduction)

    assert Squares(reduction="sum")(scores, scores + 1) == 4 and Squares()(scores, scores + 1) == 1
