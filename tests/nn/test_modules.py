"""`nn.modules` and its submodules: where lessons look for layers and base classes."""

import importlib

import pytest

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
    "container": "Sequential ModuleList", "conv": "Conv2d Conv3d ConvTranspose2d LazyConv2d",
    "distance": "CosineSimilarity",
    "dropout": "Dropout2d", "flatten": "Flatten Unflatten", "fold": "Fold Unfold", "instancenorm": "InstanceNorm2d",
    "linear": "Linear Identity LazyLinear", "loss": "CrossEntropyLoss", "module": "Module",
    "normalization": "LayerNorm GroupNorm", "padding": "ZeroPad2d", "pixelshuffle": "PixelShuffle",
    "pooling": "MaxPool2d", "rnn": "RNN GRU LSTM RNNBase RNNCell LSTMCell",
    "sparse": "Embedding", "upsampling": "Upsample",
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


@pytest.mark.parametrize("name", ["conv.Conv9d", "conv.ReLU", "batchnorm._Nothing", "adaptive"])
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


def test_addindent_moves_all_lines_but_the_first():
    from minigrad.nn.modules.module import _addindent

    assert _addindent("a\nb\n c", 2) == "a\n  b\n   c" and _addindent("one line", 4) == "one line"
