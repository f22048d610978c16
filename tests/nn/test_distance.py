"""Losses of distances as layers."""

import pytest

import minigrad as torch
from minigrad import nn


def test_triplet_losses_take_a_distance_of_the_users():
    anchor, near, far = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 1.0]])
    euclidean = nn.TripletMarginWithDistanceLoss(margin=0.5)
    largest = nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().amax(-1), margin=0.5)
    assert euclidean(anchor, near, far).item() == pytest.approx(5 - 1 + 0.5, abs=1e-5)
    assert largest(anchor, near, far).item() == 4 - 1 + 0.5
    assert isinstance(euclidean.distance_function, nn.PairwiseDistance)
