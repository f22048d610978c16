"""Lazy layers before, during and after their first call."""

import copy
import inspect
from functools import partial

import pytest

import minigrad as torch
from minigrad import nn, optim


def make_net():
    return nn.Sequential(
        nn.LazyConv2d(4, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2)
    )


def test_the_first_call_makes_plain_layers():
    model = make_net()
    assert [type(m).__name__ for m in model] == [
        "LazyConv2d", "LazyBatchNorm2d", "ReLU", "Flatten", "LazyLinear",
    ]  # fmt: skip
    assert model[0].has_uninitialized_params()
    assert model(torch.ones(2, 1, 3, 3)).shape == (2, 2)
    assert [type(m) for m in model] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Flatten, nn.Linear]
    assert model[0].in_channels == 1 and model[1].num_features == 4 and model[4].in_features == 36
    assert model[1].running_mean.shape == (4,)
    assert type(model[4].weight) is nn.Parameter
    assert list(model.state_dict()) == list(nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2)
    ).state_dict())  # fmt: skip


def test_an_optimizer_made_before_the_first_call_holds_the_same_parameters():
    model = make_net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = list(model.parameters())
    model(torch.randn(2, 1, 3, 3)).sum().backward()
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    bias = model[4].bias.tolist()
    optimizer.step()
    expected = [b - 0.1 * 2 for b in bias]  # d sum / d bias is the number of examples
    assert model[4].bias.tolist() == pytest.approx(expected, rel=1e-5)


def test_loading_fills_a_layer_that_was_never_called():
    trained = nn.Linear(3, 2)
    lazy = nn.LazyLinear(2)
    weight = lazy.weight
    assert str(lazy.load_state_dict(trained.state_dict())) == "<All keys matched successfully>"
    assert not lazy.has_uninitialized_params()
    assert lazy.weight is weight and torch.equal(lazy.weight, trained.weight)
    x = torch.ones(1, 3)
    assert torch.equal(lazy(x), trained(x))
    assert type(lazy) is nn.Linear and lazy.in_features == 3
    norm = nn.LazyBatchNorm1d()
    norm.load_state_dict(nn.BatchNorm1d(5).state_dict())
    assert norm.running_mean.shape == (5,)


def test_a_loaded_layer_refuses_another_size():
    lazy = nn.LazyLinear(2)
    lazy.load_state_dict(nn.Linear(3, 2).state_dict())
    with pytest.raises(RuntimeError, match=r"last axis should have 3 entries"):
        lazy(torch.ones(1, 4))


def test_an_uninitialized_state_can_be_saved_and_loaded():
    state = nn.LazyLinear(2).state_dict()
    assert repr(state["weight"]) == "<UninitializedParameter>"
    lazy = nn.LazyLinear(2)
    lazy.load_state_dict(state)
    assert lazy.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="Can't access the shape"):
        nn.Linear(2, 2).load_state_dict(state)


def test_a_lazy_network_can_be_copied_and_frozen():
    model = copy.deepcopy(make_net()).requires_grad_(False)
    model(torch.ones(2, 1, 3, 3))
    assert not any(p.requires_grad for p in model.parameters())


def test_a_lazy_network_can_be_moved_and_converted(device):
    model = make_net().to(device).double()
    buffer = model[1].running_mean
    assert buffer.dtype == torch.float64 and buffer.device.type == torch.device(device).type
    x = torch.ones((2, 1, 3, 3), dtype=torch.float64, device=device)
    assert model(x).dtype == torch.float64
    assert model[1].running_mean is buffer and buffer.shape == (4,)
    assert {t.device.type for t in model.state_dict().values()} == {torch.device(device).type}


def test_the_first_values_are_those_of_the_plain_layer_for_the_same_seed():
    torch.manual_seed(3)
    lazy = nn.LazyConv2d(2, 3)
    lazy(torch.ones(1, 2, 3, 3))
    torch.manual_seed(3)
    plain = nn.Conv2d(2, 2, 3)
    assert torch.equal(lazy.weight, plain.weight) and torch.equal(lazy.bias, plain.bias)


def test_options_reach_the_plain_layer():
    lazy = nn.LazyConv2d(4, 2, stride=2, groups=2, bias=False, dtype=torch.float64)
    lazy(torch.ones(1, 2, 4, 4, dtype=torch.float64))
    assert repr(lazy) == "Conv2d(2, 4, kernel_size=(2, 2), stride=(2, 2), groups=2, bias=False)"
    assert lazy.weight.dtype == torch.float64
    norm = nn.LazyBatchNorm1d(affine=False, track_running_stats=False)
    norm(torch.randn(3, 2))
    assert norm.weight is None and norm.running_mean is None and type(norm) is nn.BatchNorm1d


@pytest.mark.parametrize("shape", [(2, 4, 3, 3), (4, 3, 3)])
def test_a_lazy_instance_norm_counts_the_channels_of_an_image_and_of_a_batch(shape):
    x = torch.randn(*shape)
    lazy, plain = (
        make(affine=True, track_running_stats=True) for make in (nn.LazyInstanceNorm2d, partial(nn.InstanceNorm2d, 4))
    )
    assert torch.equal(lazy(x), plain(x)) and repr(lazy) == repr(plain)
    assert torch.equal(lazy.running_mean, plain.running_mean)
    norm = nn.LazyInstanceNorm1d(affine=False)
    assert torch.equal(norm(x[0]), nn.InstanceNorm1d(x.shape[-2])(x[0])) and norm.weight is None


@pytest.mark.parametrize(("lazy", "shape"), [(nn.LazyInstanceNorm1d, (2, 3, 4)), (nn.LazyInstanceNorm2d, (2, 3, 4, 4))])
def test_a_lazy_instance_norm_is_trained_and_tracks_statistics_by_default(lazy, shape):
    norm = lazy(1e-3)
    assert (norm.eps, norm.affine, norm.track_running_stats) == (1e-3, True, True)
    norm(torch.randn(*shape))
    assert list(norm.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert lazy(1e-3, 0.1, False).affine is False and lazy(track_running_stats=False).track_running_stats is False
    defaults = {name: p.default for name, p in inspect.signature(lazy).parameters.items()}
    assert defaults["affine"] is defaults["track_running_stats"] is True


def test_wrong_inputs_of_the_first_call_are_refused():
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConv2d"):
        nn.LazyConv2d(1, 2)(torch.ones(2, 2))
    with pytest.raises(
        IndexError, match=r"LazyLinear takes \(\*, in_features\), got a 0-d tensor: put the number into"
    ):
        nn.LazyLinear(2)(torch.tensor(1.0))
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        nn.LazyConv2d(4, 2, groups=2)(torch.ones(1, 3, 4, 4))
    with pytest.raises(ValueError, match="expected 4D input"):
        nn.LazyBatchNorm2d()(torch.ones(2, 2))


def test_hooks_run_at_the_first_call_too():
    lazy = nn.LazyLinear(2)
    log = []
    lazy.register_forward_hook(lambda m, args, out: log.append(tuple(out.shape)))
    lazy(torch.ones(3, 4))
    lazy(torch.ones(5, 4))
    assert log == [(3, 2), (5, 2)]


def test_lazy_batch_norm_initializes_its_running_statistics() -> None:
    junk = [nn.Parameter(torch.full((6,), 7e27)) for _ in range(50)]
    del junk
    norm = nn.LazyBatchNorm2d()
    norm.initialize_parameters(torch.ones(2, 6, 3, 3))
    assert norm.running_mean.tolist() == [0.0] * 6
    assert norm.running_var.tolist() == [1.0] * 6
    norm.running_mean.fill_(5)
    norm.reset_parameters()
    assert norm.running_mean.tolist() == [0.0] * 6


class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
    def __init__(self):
        super().__init__()
        self.factors, self.calls = nn.UninitializedParameter(), 0
        self.register_buffer("seen", nn.UninitializedBuffer())

    def initialize_parameters(self, x, with_buffer=True):
        self.calls += 1
        self.factors.materialize(x.shape[-1:])
        nn.init.ones_(self.factors)
        if with_buffer:
            self.seen.materialize((1,))

    def forward(self, x, with_buffer=True):
        return x * self.factors


def test_a_lazy_module_of_ones_own_is_initialized_by_its_first_call():
    scale = Scale()
    assert scale.has_uninitialized_params() and isinstance(nn.LazyLinear(1), nn.modules.lazy.LazyModuleMixin)
    scale.register_forward_pre_hook(lambda module, args: (args[0] + module.factors,))
    net = nn.Sequential(scale, nn.ReLU())
    for _ in range(2):
        assert net(torch.ones(2, 3)).tolist() == [[2, 2, 2]] * 2
    assert scale.calls == 1 and scale.factors.shape == (3,) and type(scale) is Scale
    assert copy.deepcopy(scale)(torch.ones(3)).tolist() == [2, 2, 2]


def test_a_lazy_module_of_ones_own_becomes_what_it_names():
    class Becoming(Scale):
        cls_to_become = nn.Identity

    module = Becoming()
    assert module(torch.ones(2)).tolist() == [1, 1] and type(module) is nn.Identity


def test_a_lazy_module_that_cannot_be_initialized_says_so():
    with pytest.raises(
        RuntimeError, match=r"module Scale has not been fully initialized: .* left seen without a shape"
    ):
        Scale()(torch.ones(2), with_buffer=False)

    class Empty(nn.modules.lazy.LazyModuleMixin, nn.Module):
        pass

    with pytest.raises(
        NotImplementedError, match="initialize_parameters is not implemented for Empty: it takes what forward"
    ):
        Empty()(torch.ones(2))
