"""Parts of a module by their dotted path; methods that move or compile it."""

import pytest

import minigrad as torch
from minigrad import nn


def make_net():
    return nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 1)))


def test_a_submodule_is_put_at_its_path():
    net, new = make_net(), nn.Tanh()
    net.set_submodule("1.0", new)
    assert net[1][0] is new and net.get_submodule("1.0") is new
    net.set_submodule("1.further", new)
    assert net[1].further is new
    net.set_submodule("0", nn.Identity(), strict=True)
    assert list(net.state_dict()) == ["1.1.weight", "1.1.bias"]


@pytest.mark.parametrize(("arguments", "kind", "message"), [
    (("", nn.Tanh()), ValueError, "Cannot set the submodule without a target name!"),
    (("1.0", 3), ValueError, "`module` is not an nn.Module, found <class 'int'>"),
    (("a.b", nn.Tanh()), AttributeError, "Sequential has no attribute `a`"),
    (("1.1.weight", nn.Tanh()), AttributeError, "`weight` is not an nn.Module"),
    (("1.9", nn.Tanh(), True), AttributeError, "Sequential has no attribute `9`"),
])  # fmt: skip
def test_a_path_that_leads_nowhere_is_refused(arguments, kind, message):
    net = make_net()
    with pytest.raises(kind, match=message):
        net.set_submodule(*arguments)
    assert repr(net) == repr(make_net())


def test_to_empty_keeps_the_parameters_and_their_shapes():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = list(net.parameters())
    assert net.to_empty(device="cpu") is net
    assert all(x is y for x, y in zip(before, net.parameters(), strict=True))
    assert net[0].weight.shape == (3, 2) and net[0].weight.requires_grad and net[0].weight.is_leaf
    assert net[1].num_batches_tracked.dtype == torch.int64
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'device'"):
        net.to_empty()


def test_compile_changes_nothing():
    net = make_net()
    assert net.compile(mode="reduce-overhead") is None
    assert net(torch.ones(1, 2)).shape == (1, 1)
