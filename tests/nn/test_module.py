"""Calling, modes, moving and converting, copying, printing."""

import copy
import pickle
import weakref

import pytest

import minigrad as torch
from minigrad import nn


class Plus(nn.Module):
    def forward(self, x, *, by=1):
        return x + by


def make_net():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def test_a_call_is_forward_with_its_arguments():
    assert Plus()(torch.ones(2)).tolist() == [2.0, 2.0]
    assert Plus()(torch.ones(2), by=3).tolist() == [4.0, 4.0]
    with pytest.raises(NotImplementedError, match="a ModuleList only holds what is in it") as refused:
        nn.ModuleList()(1)
    assert 'Module [ModuleList] is missing the required "forward" function' in str(refused.value)


@pytest.mark.parametrize("written", ["foward", "Forward", "forward_pass"])
def test_a_method_that_is_spelt_almost_like_forward_is_named(written):
    net = type("Net", (nn.Module,), {written: lambda self, x: x})()
    with pytest.raises(NotImplementedError, match=f"class Net has '{written}'; is that `forward` misspelt"):
        net(1)


@pytest.mark.parametrize("written", ["_init_", "__int__", "init"])
def test_a_misspelt_init_is_named_where_its_layers_are_missed(written):
    class Net(nn.Module):
        def forward(self, x):
            return self.layer(x)

    class Base(Net):
        def __init__(self):
            super().__init__()
            self.layer = None

    def prepare(self):
        super(Net, self).__init__()

    setattr(Net, written, prepare)
    with pytest.raises(AttributeError, match=rf"no attribute 'layer': class Net has '{written}'.*is that `__init__`"):
        Net()(1)
    assert not hasattr(Net(), "absent")
    with pytest.raises(AttributeError, match=r"'Base' object has no attribute 'absent'$"):
        Base().absent()


def test_a_class_without_such_a_method_is_told_to_define_forward():
    net = type("Net", (nn.Module,), {"backward": lambda self, x: x})()
    with pytest.raises(NotImplementedError, match=r"define `def forward\(self, x\):` in class Net"):
        net(1)


def test_a_constructor_that_is_called_again_starts_anew():
    class Net(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.layer = nn.Linear(size, size)
            self.register_buffer("counts", torch.zeros(size), persistent=False)

    made = [nn.Linear(2, 3), nn.BatchNorm1d(4), nn.Sequential(nn.Linear(1, 2), nn.ReLU()), Net(2)]
    given = [(4, 5), (6,), (nn.ReLU(),), (3,)]
    for module, arguments in zip(made, given, strict=True):
        module.eval().register_forward_hook(lambda *_: pytest.fail("a hook of the former module"))
        module.__init__(*arguments)
        assert repr(module) == repr(type(module)(*arguments))
        assert list(module.state_dict()) == list(type(module)(*arguments).state_dict())
        assert module.training
    assert made[0](torch.ones(1, 4)).shape == (1, 5)
    assert [tuple(p.shape) for p in made[3].parameters()] == [(3, 3), (3,)]


def test_train_and_eval_reach_every_module():
    model = make_net()
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model[1].train()
    assert [m.training for m in model.modules()] == [False, False, True, False]
    with pytest.raises(ValueError, match="training mode is expected to be boolean, got 'yes'"):
        model.train("yes")


def test_apply_goes_from_the_leaves_to_the_root():
    seen = []
    model = make_net()
    assert model.apply(lambda m: seen.append(type(m).__name__)) is model
    assert seen == ["Linear", "BatchNorm1d", "Linear", "Sequential"]

    def init(m):
        if type(m) == nn.Linear:  # noqa: E721  as the lessons write it
            nn.init.constant_(m.weight, 2.0)

    model.apply(init)
    assert model[0].weight.tolist() == [[2.0, 2.0]] * 3


def test_zero_grad_sets_gradients_to_none_or_zeros():
    model = nn.Linear(2, 1)
    model(torch.ones(2)).backward()
    model.zero_grad(set_to_none=False)
    assert model.weight.grad.tolist() == [[0.0, 0.0]]
    model(torch.ones(2)).backward()
    model.zero_grad()
    assert model.weight.grad is None and model.bias.grad is None
    model.zero_grad(set_to_none=False)
    assert model.weight.grad is None


def test_requires_grad_freezes_all_parameters():
    model = make_net().requires_grad_(False)
    assert not any(p.requires_grad for p in model.parameters())
    assert model[0](torch.ones(2)).requires_grad is False
    assert all(p.requires_grad for p in model.requires_grad_().parameters())


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_whole_and_independent(duplicate):
    model = nn.ModuleDict({"net": make_net(), "other": nn.ReLU()}).eval()
    model["tied"] = model["net"][0]
    other = duplicate(model)
    assert repr(other) == repr(model)
    assert other["tied"] is other["net"][0] and other["tied"] is not model["tied"]
    weight = other["tied"].weight
    assert isinstance(weight, nn.Parameter) and weight.requires_grad
    assert other.training is False
    x = torch.ones(3, 2)
    assert torch.equal(other["net"](x), model["net"](x))
    with torch.no_grad():
        weight += 1
    assert not torch.equal(weight, model["tied"].weight)
    assert list(other.state_dict()) == list(model.state_dict())


def test_a_shallow_copy_shares_values_but_not_the_registration():
    model = nn.Linear(2, 1)
    other = copy.copy(model)
    assert other.weight is model.weight
    del other.bias
    other.extra = nn.Parameter(torch.ones(1))
    assert [name for name, _ in model.named_parameters()] == ["weight", "bias"]
    assert [name for name, _ in other.named_parameters()] == ["weight", "extra"]


@pytest.mark.usefixtures("without_collector")
def test_a_module_is_freed_by_reference_counting():
    model = make_net()
    held = weakref.ref(model)
    model(torch.ones(4, 2)).sum().backward()
    del model
    assert held() is None


def test_printing_indents_submodules():
    class Custom(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.ReLU())
            self.head = None
            self.add_module("tail", None)

        def extra_repr(self):
            return "scale=3,\nmode=fast"

    assert repr(Custom()) == (
        "Custom(\n  scale=3,\n  mode=fast\n  (body): Sequential(\n    (0): ReLU()\n  )\n  (tail): None\n)"
    )


def test_an_unknown_option_of_a_users_class_is_refused_with_a_suggestion():
    class Net(nn.Module):
        def __init__(self, width=3):
            super().__init__()

    with pytest.raises(
        TypeError, match=r"Net\.__init__\(\) got an unexpected keyword argument 'with'; did you mean 'width'"
    ):
        Net(**{"with": 4})
    assert isinstance(Net(width=4), Net)


def test_a_library_function_as_a_class_attribute_does_not_become_a_method():
    class Net(nn.Module):
        act, total, linear = torch.relu, torch.sum, nn.Linear.forward
        own = lambda self, x: (self, x)  # noqa: E731

        def forward(self, x):
            return self.act(x), self.total(x, 0)

    net = Net()
    assert [y.tolist() for y in net(torch.tensor([-1.0, 2.0]))] == [[0.0, 2.0], 1.0]
    assert Net.act is torch.relu and net.own(1) == (net, 1) and net.linear.__self__ is net

    class Bent(nn.ReLU):
        act = torch.tanh

    assert Bent().act(torch.zeros(1)).tolist() == [0.0]

    class Plain:
        total = torch.sum

    with pytest.raises(TypeError, match=r"becomes its method: write staticmethod\(sum\) there"):
        Plain().total(torch.ones(2))


def test_init_subclass_of_a_second_base_class_runs():
    made = []

    class Registered:
        def __init_subclass__(cls, **options):
            super().__init_subclass__()
            made.append((cls.__name__, options))

    class OfModule(nn.Module, Registered, tag=1): ...

    class OfLayer(nn.Linear, Registered, tag=2): ...

    class OfFunction(nn.ReLU, Registered, tag=3): ...

    class OfPruning(nn.utils.prune.BasePruningMethod, Registered, tag=4): ...

    expected = [
        ("OfModule", {"tag": 1}),
        ("OfLayer", {"tag": 2}),
        ("OfFunction", {"tag": 3}),
        ("OfPruning", {"tag": 4}),
    ]
    assert made == expected


def test_an_attribute_of_a_child_is_told_with_its_place():
    net = nn.Sequential(nn.ReLU(), nn.Linear(2, 1))
    with pytest.raises(AttributeError, match=r"'Sequential' object has no attribute 'weight'; .* net\[1\]\.weight$"):
        net.weight  # noqa: B018
    holder = nn.Module()
    holder.empty, holder.norm = None, nn.BatchNorm1d(2)
    with pytest.raises(AttributeError, match=r"one of its modules has it: net\.norm\.running_mean$"):
        holder.running_mean  # noqa: B018
    assert not hasattr(net, "weight") and not hasattr(net, "in_features")
