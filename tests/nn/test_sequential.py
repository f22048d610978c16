"""`Sequential` calls its layers in turn, and can be changed as a list."""

from collections import OrderedDict

import pytest

import minigrad as torch
from minigrad import nn


def make_layers():
    return nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)


def test_sequential_applies_its_layers_in_turn():
    a, b, c = make_layers()
    net = nn.Sequential(a, b, c)
    x = torch.ones(4, 2)
    assert torch.equal(net(x), c(b(a(x))))
    assert len(net) == 3 and list(net) == [a, b, c]
    assert net[0] is a and net[-1] is c
    assert [type(m) for m in net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert nn.Sequential()(x) is x


def test_sequential_slices_share_the_layers():
    a, b, c = make_layers()
    net = nn.Sequential(a, b, c)
    assert type(net[1:]) is nn.Sequential and list(net[1:]) == [b, c]
    assert list(net[::2]) == [a, c]
    assert list(net[1:]._modules) == ["1", "2"]  # names are kept


def test_sequential_takes_names_from_an_ordered_dict():
    a, b, _ = make_layers()
    net = nn.Sequential(OrderedDict(first=a, second=b))
    assert net.first is a and net[1] is b
    assert list(net.state_dict()) == ["first.weight", "first.bias"]


def test_a_dict_of_modules_as_the_only_layer_is_one_layer():
    nested = nn.Sequential(nn.ModuleDict({"a": nn.Linear(1, 1)}))
    assert list(nested.state_dict()) == ["0.a.weight", "0.a.bias"]


def test_sequential_can_be_changed_as_a_list():
    a, b, c = make_layers()
    net = nn.Sequential(a)
    assert net.append(c) is net
    net.insert(1, b)
    assert list(net) == [a, b, c] and list(net._modules) == ["0", "1", "2"]
    net[1] = t = nn.Tanh()
    assert net[1] is t and net[-2] is t
    del net[0]
    assert list(net) == [t, c] and list(net._modules) == ["0", "1"]
    assert net.pop(0) is t and list(net) == [c]
    net += nn.Sequential(b)
    assert list(net) == [c, b]
    del net[1:]
    assert list(net) == [c]
    assert list(nn.Sequential(a) + nn.Sequential(b)) == [a, b]


def test_sequential_refuses_wrong_indices_and_items():
    with pytest.raises(IndexError, match="index 5 is out of range: this Sequential holds 1"):
        nn.Sequential(nn.ReLU())[5]
    with pytest.raises(ValueError, match="append\\(\\) takes a single module"):
        nn.Sequential(nn.ReLU()) + nn.ReLU()
    with pytest.raises(TypeError, match=r"^list is not a Module subclass; unpack the layers"):
        nn.Sequential([nn.ReLU()])
    net = nn.Sequential(nn.ReLU())
    with pytest.raises(ValueError, match="supports only Sequential, got list"):
        net += [nn.ReLU()]


def test_a_subclass_of_sequential_slices_to_itself():
    class Mine(nn.Sequential):
        pass

    assert type(Mine(*make_layers())[:2]) is Mine


def test_a_sequential_times_a_number_is_repeated():
    a, b = nn.Linear(1, 1), nn.ReLU()
    layers = nn.Sequential(a, b)
    assert list(layers * 2) == list(2 * layers) == [a, b, a, b] and len(list((layers * 2).parameters())) == 2
    held = layers
    layers *= 2
    assert layers is held and list(held) == [a, b, a, b]
    with pytest.raises(ValueError, match="Non-positive multiplication factor 0: a Sequential is repeated 1 time or"):
        held * 0
    with pytest.raises(TypeError, match=r"repeated a whole number of times, got float 1\.5"):
        held * 1.5
