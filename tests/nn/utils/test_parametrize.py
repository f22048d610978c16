"""`nn.utils.parametrize` and `parametrizations`: parameters that are computed, assigned, copied and removed."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)

    def right_inverse(self, a):
        return a.triu()


class Twice(nn.Module):
    def forward(self, x):
        return 2 * x


class FirstRow(nn.Module):
    def forward(self, x):
        return x[:1]


class Wide(nn.Module):
    def forward(self, x):
        return x.double()


def make_symmetric():
    layer = nn.Linear(3, 3)
    return parametrize.register_parametrization(layer, "weight", Symmetric())


def test_a_weight_is_computed_printed_named_and_trained():
    layer = make_symmetric()
    assert torch.equal(layer.weight, layer.weight.T)
    assert isinstance(layer, nn.Linear)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert repr(layer) == (
        "ParametrizedLinear(\n  in_features=3, out_features=3, bias=True\n  (parametrizations): ModuleDict(\n"
        "    (weight): ParametrizationList(\n      (0): Symmetric()\n    )\n  )\n)"
    )
    layer(torch.ones(1, 3)).sum().backward()
    original = layer.parametrizations.weight.original
    np.testing.assert_array_equal(original.grad.numpy(), [[1, 2, 2], [0, 1, 2], [0, 0, 1]])
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    assert torch.equal(layer.weight, layer.weight.T)


def test_assignment_goes_through_the_right_inverse():
    layer = make_symmetric()
    layer.weight = torch.ones(3, 3)
    np.testing.assert_array_equal(layer.parametrizations.weight.original.detach().numpy(), np.triu(np.ones((3, 3))))
    parametrize.register_parametrization(layer, "weight", Twice())
    assert layer.weight.tolist() == [[2.0] * 3] * 3
    with pytest.raises(RuntimeError, match="parametrization Twice does not implement right_inverse"):
        layer.weight = torch.ones(3, 3)


def test_within_cached_a_weight_is_computed_once():
    layer = make_symmetric()
    assert layer.weight is not layer.weight
    with parametrize.cached():
        inside = layer.weight
        with parametrize.cached():
            assert layer.weight is inside
        assert layer.weight is inside
    assert layer.weight is not inside


@pytest.mark.parametrize("leave", [True, False])
def test_a_removed_parametrization_leaves_an_ordinary_parameter(leave):
    layer = nn.Linear(2, 2)
    weight, values = layer.weight, layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Twice())
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert parametrize.remove_parametrizations(layer, "weight", leave) is layer
    assert type(layer) is nn.Linear
    assert layer.weight is weight
    assert torch.equal(layer.weight, values * (2 if leave else 1))
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    assert not parametrize.is_parametrized(layer)


def test_a_parametrized_buffer_stays_a_buffer():
    layer = nn.BatchNorm1d(2)
    parametrize.register_parametrization(layer, "running_var", Twice())
    assert layer.running_var.tolist() == [2, 2]
    parametrize.remove_parametrizations(layer, "running_var")
    assert "running_var" in dict(layer.named_buffers())


def test_copies_are_independent_and_states_are_loaded():
    layer = make_symmetric()
    twin = copy.deepcopy(layer)
    assert torch.equal(twin.weight, layer.weight)
    parametrize.remove_parametrizations(twin, "weight")
    assert type(twin) is nn.Linear
    assert parametrize.is_parametrized(layer)
    other = make_symmetric()
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.weight, layer.weight)


@pytest.mark.parametrize(
    ("given", "hint"), [(torch.relu, "a function is no layer: take its layer"), (nn.ReLU, r"pass ReLU\(\.\.\.\)")]
)
def test_a_parametrization_is_a_module(given, hint):
    layer = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=f"is not a Module subclass; .*{hint}"):
        parametrize.register_parametrization(layer, "weight", given)
    assert type(layer) is nn.Linear and sorted(layer.state_dict()) == ["bias", "weight"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", FirstRow()), "change the shape"),
        (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", Wide()), "change the dtype"),
        (lambda: parametrize.register_parametrization(make_symmetric(), "weight", FirstRow()), "change the shape"),
        (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "w", Twice()), "does not have a parameter, a"),
        (lambda: parametrize.remove_parametrizations(nn.Linear(1, 1), "weight"), "have a parametrization on weight"),
        (lambda: parametrize.ParametrizationList([], torch.ones(1)), "requires one or more modules"),
        (lambda: parametrizations.spectral_norm(nn.Linear(1, 1), "w"), "has no parameter or buffer with name 'w'"),
        (lambda: parametrizations.spectral_norm(nn.Linear(1, 1), n_power_iterations=0), "to be positive"),
        (
            lambda: parametrize.remove_parametrizations(parametrizations.weight_norm(nn.Linear(1, 1)), "weight", False),
            "Cannot leave unparametrized",
        ),
    ],
)
def test_wrong_arguments_raise(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
def test_weight_norm_loads_a_state_of_the_older_hook():
    older, net = (nn.Sequential(nn.Linear(3, 2)) for _ in range(2))
    nn.utils.weight_norm(older[0])
    parametrizations.weight_norm(net[0])
    assert repr(net.load_state_dict(older.state_dict())) == "<All keys matched successfully>"
    x = torch.randn(4, 3)
    np.testing.assert_allclose(net(x).detach().numpy(), older(x).detach().numpy(), rtol=1e-5)
    again = parametrizations.weight_norm(nn.Linear(3, 2))
    assert repr(again.load_state_dict(net[0].state_dict())) == "<All keys matched successfully>"


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_equals_the_older_hook(dim):
    layer = nn.Conv2d(2, 3, 2)
    hooked = nn.utils.weight_norm(copy.deepcopy(layer), dim=dim)
    values = layer.weight.detach().clone()
    parametrizations.weight_norm(layer, dim=dim)
    np.testing.assert_allclose(layer.weight.detach().numpy(), values.numpy(), rtol=1e-6)
    for module in (layer, hooked):
        module(torch.ones(1, 2, 2, 2)).sum().backward()
    parts = layer.parametrizations.weight
    np.testing.assert_allclose(parts.original0.grad.numpy(), hooked.weight_g.grad.numpy(), rtol=1e-6)
    np.testing.assert_allclose(parts.original1.grad.numpy(), hooked.weight_v.grad.numpy(), rtol=1e-6)
    layer.weight = values * 3
    np.testing.assert_allclose(layer.weight.detach().numpy(), values.numpy() * 3, rtol=1e-6)
    parametrize.remove_parametrizations(layer, "weight")
    assert isinstance(layer.weight, nn.Parameter)


def test_spectral_norm_makes_the_largest_singular_value_one():
    torch.manual_seed(0)
    for layer, dim in ((nn.Linear(4, 3), 0), (nn.ConvTranspose2d(2, 3, 2), 1)):
        weight = layer.weight.detach().numpy().copy()
        parametrizations.spectral_norm(layer, n_power_iterations=100)
        largest = np.linalg.svd(np.moveaxis(weight, dim, 0).reshape(weight.shape[dim], -1))[1][0]
        np.testing.assert_allclose(layer.weight.detach().numpy(), weight / largest, rtol=1e-4)
        layer.eval()
        assert torch.equal(layer.weight, layer.weight)
        (layer.weight * layer.weight).sum().backward()
        assert layer.parametrizations.weight.original.grad.isfinite().all()
    vector = nn.Linear(4, 3)
    bias = vector.bias.detach().numpy().copy()
    parametrizations.spectral_norm(vector, "bias")
    np.testing.assert_allclose(vector.bias.detach().numpy(), bias / np.linalg.norm(bias), rtol=1e-6)
    with pytest.raises(IndexError, match="Dimension out of range"):
        parametrizations.spectral_norm(nn.Linear(1, 1), dim=4)


@pytest.mark.parametrize(
    ("inverse", "first", "second"),
    [
        (lambda w: None, "must return a Tensor or a Sequence of tensors. Got None", "must return a tensor"),
        (lambda w: (w, None), "must return a Tensor or a Sequence of tensors", "must return a tensor"),
        (lambda w: w.bool(), "may not change the dtype, from minigrad.float32", "may not change the dtype"),
        (lambda w: w[:-1], None, "`right_inverse` may not change the shape"),
    ],
)
def test_a_wrong_right_inverse_is_refused_where_it_is_registered(inverse, first, second):
    class Same(torch.nn.Module):
        def forward(self, x):
            return x[[0, 1]]

        def right_inverse(self, w):
            return inverse(w)

    layer = torch.nn.Linear(3, 2)
    if first is not None:
        with pytest.raises(ValueError, match=first):
            parametrize.register_parametrization(layer, "weight", Same())
        assert not parametrize.is_parametrized(layer) and layer.weight.shape == (2, 3)
    parametrize.register_parametrization(layer, "weight", torch.nn.Identity())
    with pytest.raises(ValueError, match=second):
        parametrize.register_parametrization(layer, "weight", Same())
    assert len(layer.parametrizations.weight) == 1


def test_a_parametrized_module_is_not_pickled():
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", nn.Identity())
    with pytest.raises(RuntimeError, match=r"only supported through state_dict\(\)"):
        pickle.dumps(layer)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))


def test_a_parametrized_module_of_ones_own_is_copied():
    layer = Own()
    parametrize.register_parametrization(layer, "weight", nn.Softplus())
    twin = copy.deepcopy(layer)
    assert torch.equal(twin.weight, layer.weight) and twin.parametrizations is not layer.parametrizations
    parametrize.remove_parametrizations(twin, "weight")
    assert type(twin) is Own and parametrize.is_parametrized(layer)
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        layer.__reduce_ex__(2)


@pytest.mark.parametrize("training", [True, False])
def test_a_parametrization_takes_the_mode_of_its_module(training):
    layer, first, second = nn.Linear(2, 2).train(training), nn.Identity(), nn.Identity().train(not training)
    parametrize.register_parametrization(layer, "weight", first)
    parametrize.register_parametrization(layer, "weight", second)
    assert [first.training, second.training] == [training, training]


class InTwoParts(nn.Module):
    def forward(self, scale, direction):
        return scale * direction

    def right_inverse(self, value):
        return value.norm(), value / value.norm()


def test_parametrizations_and_what_they_are_computed_from_are_transferred():
    old, new = nn.Linear(2, 3), nn.Linear(2, 3, bias=False)
    parametrize.register_parametrization(old, "weight", InTwoParts())
    parametrize.register_parametrization(old, "weight", nn.Tanh())
    parametrize.register_parametrization(old, "bias", nn.ReLU())
    assert parametrize.transfer_parametrizations_and_params(old, new) is new
    assert torch.equal(new.weight, old.weight) and [*new.parametrizations.weight] == [*old.parametrizations.weight]
    assert new.parametrizations.weight.original1 is old.parametrizations.weight.original1
    assert new.parametrizations.weight.original0 is old.parametrizations.weight.original0
    one = parametrize.transfer_parametrizations_and_params(old, nn.Linear(2, 3), "bias")
    assert parametrize.is_parametrized(one, "bias") and not parametrize.is_parametrized(one, "weight")
    assert one.parametrizations.bias.original is old.parametrizations.bias.original


def test_a_tensor_that_the_other_module_lacks_becomes_its_parameter():
    old, new = nn.Linear(2, 3), nn.Identity()
    assert parametrize.transfer_parametrizations_and_params(old, new) is new and not [*new.parameters()]
    parametrize.register_parametrization(old, "weight", nn.Tanh())
    parametrize.transfer_parametrizations_and_params(old, new)
    assert torch.equal(new.weight, old.weight) and new.parametrizations.weight.original.is_leaf


def test_the_class_before_parametrizing_is_known():
    layer = nn.Linear(2, 2)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    parametrize.register_parametrization(layer, "weight", nn.Tanh())
    assert parametrize.type_before_parametrizations(layer) is nn.Linear is not type(layer)


def test_what_is_no_module_has_no_parametrization():
    assert not parametrize.is_parametrized(3)
