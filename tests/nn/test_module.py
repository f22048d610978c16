"""Calling, modes, moving and converting, copying, printing."""

import copy
import pickle
import weakref

import numpy as np
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


def test_a_class_without_such_a_method_is_told_to_define_forward():
    net = type("Net", (nn.Module,), {"backward": lambda self, x: x})()
    with pytest.raises(NotImplementedError, match=r"define `def forward\(self, x\):` in class Net"):
        net(1)


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


def test_conversion_keeps_every_parameter_the_same_object():
    model = make_net()
    before = list(model.parameters())
    (model(torch.ones(4, 2)) ** 2).sum().backward()
    assert model.to(torch.float64) is model
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert {p.grad.dtype for p in model.parameters()} == {torch.float64}
    assert model[1].running_mean.dtype == torch.float64
    assert model[1].num_batches_tracked.dtype == torch.int64  # integers stay what they are
    assert model.half()[0].weight.dtype == torch.float16
    assert model.float()[0].weight.dtype == torch.float32
    assert model.double()[0].weight.dtype == torch.float64
    assert model.to(torch.ones(1))[0].weight.dtype == torch.float32
    assert model.to("cpu", torch.float64)[0].weight.dtype == torch.float64
    assert model.cpu().to(dtype=torch.float32)[0].weight.dtype == torch.float32


def test_only_floating_point_dtypes_are_converted_to():
    with pytest.raises(TypeError, match=r"only accepts floating point dtypes.*minigrad\.int64.*x\.float"):
        make_net().to(torch.int64)
    with pytest.raises(TypeError, match="to\\(\\) takes a dtype, a device or a tensor"):
        make_net().to("cpu", 1.5)
    for mixed in (("cpu", True), (None, True), ("cpu", "cpu"), (torch.float32, torch.float64), (torch.float16, "cpu")):
        with pytest.raises(TypeError, match=r"after a device a dtype; then non_blocking and copy, got \("):
            make_net().to(*mixed)
        with pytest.raises(TypeError, match="after a device a dtype"):
            torch.ones(1).to(*mixed)


def test_a_function_that_writes_into_all_tensors_is_noticed():
    layer = nn.Linear(2, 2)
    squares = layer.weight * layer.weight
    layer._apply(lambda tensor: tensor.add_(1.0))
    with pytest.raises(RuntimeError, match="modified"):
        squares.sum().backward()
    layer(torch.ones(2)).sum().backward()
    cubes = layer.weight.grad.requires_grad_() ** 3
    layer._apply(lambda tensor: tensor.mul_(2.0))
    assert layer.weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with pytest.raises(RuntimeError, match="modified"):
        cubes.sum().backward()


def test_moving_a_module_moves_parameters_gradients_and_buffers(device):
    model = make_net().to(device)
    before = list(model.parameters())
    x = torch.ones((4, 2), device=device)
    model(x).sum().backward()
    where = torch.device(device).type
    assert {p.device.type for p in model.parameters()} == {where}
    assert {p.grad.device.type for p in model.parameters()} == {where}
    assert {b.device.type for b in model.buffers()} == {where}
    model.cpu()
    assert {p.grad.device.type for p in model.parameters()} == {"cpu"}
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    assert nn.Linear(2, 2, device=device).weight.device.type == where


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


def test_the_gradient_of_conv2d_is_the_closed_form():
    """Of the edge kernel's squared error ||A w - y||^2, with a row of A for each window: 2 A^T (A w - y)."""
    conv = nn.Conv2d(1, 1, (1, 2), bias=False)
    x = torch.ones(1, 1, 6, 8)
    x[:, :, :, 2:6] = 0
    y = x[..., :-1] - x[..., 1:]
    loss = ((conv(x) - y) ** 2).sum()
    loss.backward()
    windows = np.stack([x.numpy()[..., :-1].ravel(), x.numpy()[..., 1:].ravel()], axis=1)
    w = conv.weight.detach().numpy().ravel()
    expected = 2 * windows.T @ (windows @ w - y.numpy().ravel())
    np.testing.assert_allclose(conv.weight.grad.numpy().ravel(), expected, rtol=1e-5)


def test_an_unknown_option_of_a_users_class_is_refused_with_a_suggestion():
    class Net(nn.Module):
        def __init__(self, width=3):
            super().__init__()

    with pytest.raises(TypeError, match=r"Net\(\) got an unexpected keyword argument 'with'; did you mean 'width'"):
        Net(**{"with": 4})
    assert isinstance(Net(width=4), Net)


def test_weights_of_four_axes_take_a_memory_format():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(2, 2))
    model.to(memory_format=torch.channels_last)
    assert [p.stride() for p in model.parameters()][:2] == [(27, 1, 9, 3), (1,)]
    model.to("cpu", torch.float64, memory_format=torch.contiguous_format)
    assert model[0].weight.stride() == (27, 9, 3, 1) and model[0].weight.dtype is torch.float64
    assert model[1].num_batches_tracked.dtype is torch.int64


def test_a_module_without_tensors_may_be_sent_anywhere():
    assert isinstance(nn.MSELoss().to("cuda"), nn.MSELoss) and isinstance(nn.ReLU().cuda(), nn.ReLU)
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        nn.ReLU().to("gpu")
    with pytest.raises(TypeError, match=r"only accepts floating point dtypes, but got minigrad.int32"):
        nn.ReLU().to(torch.int32)


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
