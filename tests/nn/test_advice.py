"""Probable mistakes in layers: each advice is given once, at the line of the mistake."""

import warnings

import pytest

import minigrad as torch
from minigrad import advice, nn

pytestmark = pytest.mark.usefixtures("fresh_advice")


class Plain(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight


class Forgetful(nn.Module):
    def forward(self, x):
        x + 1


def test_a_plain_tensor_that_requires_grad_gets_advice():
    message = r"Plain\.weight is a tensor that requires grad and no Parameter.*nn\.Parameter"
    with pytest.warns(advice.Advice, match=message) as seen:
        Plain(torch.ones(2, requires_grad=True))
    assert seen[0].filename == __file__


class WithList(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.layers = layers


def test_layers_in_a_plain_list_get_advice():
    with pytest.warns(advice.Advice, match=r"WithList\.layers holds layers in a plain tuple.*nn\.ModuleList\(layers\)"):
        parameters = list(nn.Sequential(WithList(nn.Linear(1, 1))).parameters())
    assert len(parameters) == 2


def test_layers_of_a_list_that_are_registered_too_need_no_advice():
    net = WithList()
    net.layers = [net.head]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(net.parameters())
        list(WithList(1, 2).parameters())


def test_correct_programs_give_no_advice():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Plain(torch.ones(2))
        Plain(nn.Parameter(torch.ones(2)))
        Plain(torch.ones(2, requires_grad=True) * 2)  # an activation that is looked at later
        nn.ReLU()(torch.ones(2))
        nn.CrossEntropyLoss(torch.ones(3))


def test_a_forward_without_a_return_gets_advice():
    with pytest.warns(advice.Advice, match="forward of Forgetful returned None: does it end in a return statement"):
        Forgetful()(torch.ones(2))


def test_a_layer_made_with_its_input_gets_advice():
    with pytest.warns(advice.Advice, match=r"ReLU\(\) got a tensor .* argument 'inplace'.*nn.ReLU\(\)\(x\)"):
        nn.ReLU(torch.ones(2))


def test_a_list_of_layers_is_refused_with_advice():
    with pytest.raises(
        TypeError, match=r"cannot assign 'list' as module '0'.*unpack the layers: Sequential\(\*layers\)"
    ):
        nn.Sequential([nn.Linear(1, 1), nn.ReLU()])
