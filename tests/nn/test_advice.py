"""Probable mistakes in layers: each advice is given once, at the line of the mistake."""

import warnings

import pytest

import minigrad as torch
from minigrad import advice, nn, optim
from minigrad.nn import functional as F

pytestmark = pytest.mark.usefixtures("fresh_advice")


class Plain(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight


class Forgetful(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        self.layer(x)


class Watcher(nn.Module):
    """Called for its effect alone."""

    def forward(self, x):
        self.seen = x.mean().item()


class InTraining(Forgetful):
    """Has a result in training alone."""

    def forward(self, x):
        return self.layer(x) if self.training else None


class Saliency(Forgetful):
    """Keeps its input, to look at the gradient."""

    def forward(self, x):
        self.image = x
        return self.layer(x)


def test_a_plain_tensor_that_requires_grad_gets_advice():
    message = r"Plain\.weight is a tensor that requires grad and no Parameter.*nn\.Parameter"
    with pytest.warns(advice.Advice, match=message) as seen:
        optim.SGD(nn.Sequential(Plain(torch.ones(2, requires_grad=True)), nn.Linear(1, 1)).parameters())
    assert seen[0].filename == __file__


def test_a_plain_tensor_that_is_trained_by_hand_needs_no_advice():
    with warnings.catch_warnings(record=True) as given:
        image = Plain(torch.ones(2, requires_grad=True))
        optim.SGD([image.weight], lr=0.1)
        net = Saliency()
        net(torch.ones(1, 2, requires_grad=True))
        list(net.parameters())  # its input is no weight
    assert not given


def test_a_plain_tensor_that_the_optimizer_is_given_too_needs_no_advice():
    net = nn.Sequential(Plain(torch.ones(2, requires_grad=True)), nn.Linear(1, 1))
    with warnings.catch_warnings(record=True) as given:
        sum(p.numel() for p in net.parameters())  # counts, and trains nothing
        optim.SGD([*net.parameters(), net[0].weight], lr=0.1)
        optim.SGD([{"params": net.parameters()}, {"params": net[0].weight, "lr": 0.01}], lr=0.1)
    assert not given
    with pytest.warns(advice.Advice, match=r"an optimizer of parameters\(\) alone does not train it"):
        optim.Adam(net.parameters())


class WithParts(nn.Module):
    def __init__(self, parts):
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.parts = parts


@pytest.mark.parametrize(
    ("parts", "held", "cure"),
    [
        ((nn.Linear(1, 1), nn.Linear(1, 1)), "layers in a plain tuple", r"nn\.ModuleList\(layers\)"),
        ([nn.ReLU(), nn.Linear(1, 1)], "layers in a plain list", r"nn\.ModuleList\(layers\)"),
        ({"a": nn.Linear(1, 1), "b": nn.ReLU()}, "layers in a plain dict", r"nn\.ModuleDict\(layers\)"),
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
        for parts in (
            [nn.Linear(1, 1)],
            [net.head],
            [nn.Sequential(net.head)],
            {"a": net.head.bias},
            [nn.ReLU()],
            [frozen],
            (1, 2),
        ):
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
        Watcher()(torch.ones(2))
        InTraining().eval()(torch.ones(2))
        Saliency()(torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert not given


def test_correct_losses_give_no_advice():
    scores, classes = torch.zeros(2, 4), torch.tensor([0, 1])
    odds, answers = torch.tensor([5.0, -5.0]), torch.tensor([1.0, 0.0])
    with warnings.catch_warnings(record=True) as given:
        F.cross_entropy(torch.full((2, 4), 0.25), classes)  # the loss of equal scores
        F.cross_entropy(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), classes)
        F.cross_entropy(scores.requires_grad_().softmax(1) @ torch.ones(4, 3), classes)  # attention before the scores
        F.cross_entropy(scores, torch.eye(4)[:2].softmax(1))  # soft targets
        F.nll_loss(scores.log_softmax(1), classes, weight=torch.tensor([-1.0, 1.0, 1.0, 1.0]))
        F.binary_cross_entropy_with_logits(odds, answers, weight=torch.tensor([-1.0, 1.0]))
        F.binary_cross_entropy_with_logits(odds, answers.clamp(0.1, 0.9))
        F.binary_cross_entropy_with_logits(10 * (odds.requires_grad_().sigmoid() - 0.5), answers)
    assert not given


def test_a_forward_without_a_return_gets_advice():
    with pytest.warns(advice.Advice, match="forward of Forgetful returned None: does it end in a return statement"):
        assert Forgetful()(torch.ones(2)) is None
    advice.enable()
    with pytest.warns(advice.Advice, match="forward of Forgetful returned None"):
        nn.Sequential(Forgetful())(torch.ones(2))


def test_a_forward_that_is_called_for_an_effect_gets_no_advice():
    with warnings.catch_warnings(record=True) as given:
        Forgetful()(torch.ones(2))
    assert not given


def test_a_forward_that_may_return_a_value_gets_no_advice():
    class Sometimes(nn.Linear):
        def forward(self, x):
            return x if x.sum() > 0 else None

    with warnings.catch_warnings(record=True) as given:
        Sometimes(1, 1)(torch.zeros(1))
    assert not given


def test_a_layer_made_with_its_input_gets_advice():
    with pytest.warns(advice.Advice, match=r"ReLU\(\) got a tensor .* argument 'inplace'.*nn.ReLU\(\)\(x\)"):
        nn.ReLU(torch.ones(2))


def test_a_list_of_layers_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"^list is not a Module subclass; unpack the layers: Sequential\(\*layers\)"):
        nn.Sequential([nn.Linear(1, 1), nn.ReLU()])
