"""`nn.modules` and its submodules: where lessons look for layers and base classes."""

import importlib

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn.modules.utils import (
    _ntuple,
    _pair,
    _reverse_repeat_tuple,
    _triple,
    consume_prefix_in_state_dict_if_present,
)

WHERE = {
    "activation": "ReLU", "batchnorm": "BatchNorm2d LazyBatchNorm1d SyncBatchNorm", "channelshuffle": "ChannelShuffle",
    "container": "Sequential ModuleList", "conv": "Conv2d ConvTranspose2d LazyConv2d", "distance": "CosineSimilarity",
    "dropout": "Dropout2d", "flatten": "Flatten Unflatten", "fold": "Fold Unfold", "instancenorm": "InstanceNorm2d",
    "linear": "Linear Identity LazyLinear", "loss": "CrossEntropyLoss", "module": "Module",
    "normalization": "LayerNorm GroupNorm", "padding": "ZeroPad2d", "pixelshuffle": "PixelShuffle",
    "pooling": "MaxPool2d", "sparse": "Embedding", "upsampling": "Upsample",
}  # fmt: skip


@pytest.mark.parametrize("place", WHERE)
def test_each_submodule_has_its_layers(place):
    module = importlib.import_module(f"minigrad.nn.modules.{place}")
    assert module is getattr(nn.modules, place)
    for name in WHERE[place].split():
        assert getattr(module, name) is getattr(nn, name)
        assert getattr(nn.modules, name) is getattr(nn, name)


def test_private_base_classes_are_bases_of_their_layers():
    from minigrad.nn.modules.batchnorm import _BatchNorm, _NormBase
    from minigrad.nn.modules.conv import _ConvNd

    assert isinstance(nn.BatchNorm1d(2), _BatchNorm)
    assert not isinstance(nn.InstanceNorm2d(2), _BatchNorm)
    assert isinstance(nn.InstanceNorm2d(2), _NormBase)
    assert isinstance(nn.InstanceNorm2d(2), nn.modules.instancenorm._InstanceNorm)
    assert isinstance(nn.Conv2d(1, 1, 1), _ConvNd)
    assert not isinstance(nn.Linear(1, 1), _ConvNd)
    assert isinstance(nn.MSELoss(), nn.modules.loss._Loss)
    assert isinstance(nn.Dropout2d(), nn.modules.dropout._DropoutNd)
    assert not isinstance(nn.Dropout2d(), nn.Dropout)
    assert isinstance(nn.ConvTranspose2d(1, 1, 1), nn.modules.conv._ConvTransposeNd)
    assert not isinstance(nn.Conv2d(1, 1, 1), nn.modules.conv._ConvTransposeNd)
    assert isinstance(nn.MaxPool2d(2), nn.modules.pooling._MaxPoolNd)
    assert nn.modules.utils._pair(3) == (3, 3)


def test_layers_for_other_numbers_of_axes_are_not_derived_from_each_other():
    families = {}
    for name in nn.__all__:
        if name[-2:] in ("1d", "2d", "3d") and not name.startswith("Lazy"):
            families.setdefault(name[:-2], []).append(getattr(nn, name))
    for layers in families.values():
        assert all(one is other or not issubclass(one, other) for one in layers for other in layers), layers
    assert not issubclass(nn.AlphaDropout, nn.Dropout)


@pytest.mark.parametrize("name", ["conv.Conv9d", "conv.ReLU", "batchnorm._Nothing", "rnn"])
def test_missing_names_raise_a_clear_error(name):
    place, _, last = name.rpartition(".")
    owner = getattr(nn.modules, place) if place else nn.modules
    with pytest.raises(AttributeError, match=f"has no attribute '{last}'"):
        getattr(owner, last)


def test_tuple_helpers_repeat_a_number():
    assert (_pair(3), _pair((1, 2)), _triple(0), _ntuple(4)([1, 2])) == ((3, 3), (1, 2), (0, 0, 0), (1, 2))
    assert _reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)


def test_consume_prefix_removes_the_prefix_of_the_keys():
    net = nn.Sequential(nn.Linear(2, 1))
    state = nn.Sequential()
    state.add_module("module", net)
    saved = state.state_dict()
    consume_prefix_in_state_dict_if_present(saved, "module.")
    assert list(saved) == ["0.weight", "0.bias"]
    net.load_state_dict(saved)


def test_convolutions_have_pytorchs_attributes():
    plain, other = nn.Conv2d(1, 2, 3, bias=False), nn.ConvTranspose1d(1, 2, 3, stride=2, output_padding=1)
    assert (plain.transposed, plain.output_padding, plain.padding, plain.dilation) == (False, (0, 0), (0, 0), (1, 1))
    assert (other.transposed, other.output_padding, other.stride, other.groups) == (True, (1,), (2,), 1)
    assert repr(plain) == "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), bias=False)"
    assert repr(other) == "ConvTranspose1d(1, 2, kernel_size=(3,), stride=(2,), output_padding=(1,))"


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


@pytest.mark.parametrize("delta", [1j, "1"])
def test_a_delta_that_is_no_number_is_refused_by_the_constructor(delta):
    with pytest.raises(TypeError, match=r"HuberLoss\(\): argument 'delta' must be a number, not"):
        nn.HuberLoss(delta=delta)


def test_a_layer_derived_from_convnd_is_refused_with_advice():
    class Own(nn.modules.conv._ConvNd):
        def __init__(self):
            super().__init__(1, 2, (3,), (1,), (0,), (1,), False, (0,), 1, True, "zeros")

    with pytest.raises(TypeError, match="Own has no number of axes: derive it from Conv1d, Conv2d or Conv3d, not from"):
        Own()


def test_triplet_losses_take_a_distance_of_the_users():
    anchor, near, far = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 1.0]])
    euclidean = nn.TripletMarginWithDistanceLoss(margin=0.5)
    largest = nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().amax(-1), margin=0.5)
    assert euclidean(anchor, near, far).item() == pytest.approx(5 - 1 + 0.5, abs=1e-5)
    assert largest(anchor, near, far).item() == 4 - 1 + 0.5
    assert isinstance(euclidean.distance_function, nn.PairwiseDistance)
