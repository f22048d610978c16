"""The layers that only have a name: programs compare with them."""

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.missing import read_pytorch_names
from minigrad.nn.absent import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_that_only_has_a_name_serves_comparisons_and_is_refused_when_made(name):
    kind = getattr(nn, name)
    assert issubclass(kind, nn.Module) and kind is getattr(nn, name) and kind.__name__ == name
    assert not isinstance(nn.Linear(1, 1), (kind, nn.Conv2d)) and type(nn.ReLU()) is not kind
    assert name in read_pytorch_names()["torch.nn"].split() and name not in dir(nn)
    message = f"PyTorch has torch.nn.{name}, minigrad does not: .*isinstance\\(layer, nn.{name}\\); docs/supported.md"
    with pytest.raises(NotImplementedError, match=message):
        kind(2, 3)


def test_initialization_by_kind_of_layer_runs_as_taught():
    seen = []

    def initialize(m):
        if isinstance(m, (nn.Conv1d, nn.Conv2d, nn.AdaptiveLogSoftmaxWithLoss)):
            seen.append("conv")
        elif type(m) is nn.AdaptiveLogSoftmaxWithLoss:
            seen.append("never")

    nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Sequential(nn.Conv1d(1, 1, 1))).apply(initialize)
    assert seen == ["conv", "conv"]


def test_a_class_of_ones_own_that_derives_from_it_is_refused_by_the_layers_name():
    class Words(nn.AdaptiveLogSoftmaxWithLoss):
        def __init__(self):
            super().__init__(8, 100, cutoffs=[10])

    words = r"PyTorch has torch\.nn\.AdaptiveLogSoftmaxWithLoss, minigrad does not: .* what is here$"
    with pytest.raises(NotImplementedError, match=words):
        Words()


def test_it_can_be_imported_by_name():
    from minigrad.nn import AdaptiveLogSoftmaxWithLoss

    assert AdaptiveLogSoftmaxWithLoss is torch.nn.AdaptiveLogSoftmaxWithLoss
