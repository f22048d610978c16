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


class WithParts(nn.Module):
    def __init__(self, parts):
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.parts = parts


@pytest.mark.parametrize(
    ("parts", "held", "cure"),
    [
        ((nn.Linear(1, 1),), "layers in a plain tuple", r"nn\.ModuleList\(layers\)"),
        ([nn.ReLU(), nn.Linear(1, 1)], "layers in a plain list", r"nn\.ModuleList\(layers\)"),
        ({"a": nn.Linear(1, 1)}, "layers in a plain dict", r"nn\.ModuleDict\(layers\)"),
        ([nn.Parameter(torch.ones(1))], "parameters in a plain list", r"nn\.ParameterList\(parameters\)"),
        ({"a": nn.Parameter(torch.ones(1))}, "parameters in a plain dict", r"nn\.ParameterDict\(parameters\)"),
    ],
)
def test_what_is_to_be_trained_in_a_plain_list_gets_advice(parts, held, cure):
    with pytest.warns(advice.Advice, match=rf"WithParts\.parts holds {held}: .* self\.parts = {cure}"):
        parameters = list(nn.Sequential(WithParts(parts)).parameters())
    assert len(parameters) == 2


def test_lists_of_what_is_trained_elsewhere_or_not_at_all_need_no_advice():
    net = WithParts(None)
    frozen = nn.Linear(1, 1).requires_grad_(False)
    with warnings.catch_warnings(record=True) as given:
        for parts in ([net.head], [nn.Sequential(net.head)], {"a": net.head.bias}, [nn.ReLU()], [frozen], (1, 2)):
            net.parts = parts
            list(net.parameters())
    assert not given


def test_correct_programs_give_no_advice():
    with warnings.catch_warnings(record=True) as given:
        Plain(torch.ones(2))
        Plain(nn.Parameter(torch.ones(2)))
        Plain(torch.ones(2, requires_grad=True) * 2)  # an activation that is looked at later
        nn.ReLU()(torch.ones(2))
        nn.CrossEntropyLoss(torch.ones(3))
    assert not given


def test_a_forward_without_a_return_gets_advice():
    with pytest.warns(advice.Advice, match="forward of Forgetful returned None: does it end in a return statement"):
        Forgetful()(torch.ones(2))


def test_a_layer_made_with_its_input_gets_advice():
    with pytest.warns(advice.Advice, match=r"ReLU\(\) got a tensor .* argument 'inplace'.*nn.ReLU\(\)\(x\)"):
        nn.ReLU(torch.ones(2))


def test_a_list_of_layers_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"^list is not a Module subclass; unpack the layers: Sequential\(\*layers\)"):
        nn.Sequential([nn.Linear(1, 1), nn.ReLU()])
