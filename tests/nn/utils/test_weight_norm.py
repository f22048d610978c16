"""`weight_norm` by a hook: lengths and directions, their gradients, and removal."""

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
AXES = {0: (1, 2, 3), 2: (0, 1, 3), None: (0, 1, 2, 3)}


@pytest.mark.parametrize("dim", AXES)
def test_a_weight_is_its_length_times_its_direction(dim):
    layer = nn.Conv2d(2, 3, 2, dtype=torch.float64)
    weight = layer.weight.detach().numpy().copy()
    assert nn.utils.weight_norm(layer, dim=dim) is layer
    assert list(dict(layer.named_parameters())) == ["bias", "weight_g", "weight_v"]
    lengths = np.sqrt((weight**2).sum(AXES[dim], keepdims=dim is not None))
    np.testing.assert_allclose(layer.weight_g.detach().numpy(), lengths)
    x = torch.randn(2, 2, 3, 3, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_g.mul_(2)
    np.testing.assert_allclose(
        layer(x).detach().numpy(), nn.functional.conv2d(x, torch.tensor(2 * weight), layer.bias).detach().numpy()
    )
    layer(x).sum().backward()
    g, v = layer.weight_g, layer.weight_v
    w = torch.tensor(2 * weight, requires_grad=True)
    nn.functional.conv2d(x, w, layer.bias.detach()).sum().backward()
    along = (w.grad.numpy() * weight).sum(AXES[dim], keepdims=True) / lengths.reshape(np.shape(lengths) or (1,) * 4)
    np.testing.assert_allclose(g.grad.numpy().ravel(), along.ravel())  # equation 3 of the paper
    expected = 2 * (w.grad.numpy() - along * weight / lengths)
    np.testing.assert_allclose(v.grad.numpy(), expected, atol=1e-12)
    nn.utils.remove_weight_norm(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), 2 * weight)
    assert isinstance(layer.weight, nn.Parameter)
    assert not layer._forward_pre_hooks


def test_the_slices_of_a_bias_are_its_numbers():
    layer = nn.utils.weight_norm(nn.Linear(2, 3), "bias")
    assert torch.equal(layer.bias_g, layer.bias_v.abs())


@pytest.mark.parametrize("dim", [-2, -3])
def test_an_axis_is_counted_from_the_end_too(dim):
    layer, twin = nn.Conv1d(2, 3, 4), nn.Conv1d(2, 3, 4)
    weight = layer.weight.detach().clone()
    twin.load_state_dict(layer.state_dict())
    assert nn.utils.weight_norm(layer, dim=dim).weight_g.shape == nn.utils.weight_norm(twin, dim=dim + 3).weight_g.shape
    assert torch.equal(layer.weight_g, twin.weight_g) and torch.allclose(layer.weight, weight)


def test_an_axis_that_is_not_there_leaves_the_layer_as_it_is():
    layer = nn.Linear(3, 2)
    with pytest.raises(IndexError, match=r"Dimension out of range .*\[-2, 1\], but got 3"):
        nn.utils.weight_norm(layer, dim=3)
    assert sorted(layer.state_dict()) == ["bias", "weight"] and layer(torch.ones(1, 3)).shape == (1, 2)


def test_wrong_arguments_raise():
    layer = nn.utils.weight_norm(nn.Linear(1, 1))
    with pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks on the same parameter weight"):
        nn.utils.weight_norm(layer)
    with pytest.raises(ValueError, match="weight_norm of 'bias' not found in Linear"):
        nn.utils.remove_weight_norm(layer, "bias")


def test_weight_norm_warns_and_names_its_successor():
    with pytest.warns(FutureWarning, match="in favor of `torch.nn.utils.parametrizations.weight_norm`"):
        nn.utils.weight_norm(nn.Linear(1, 1))


@pytest.mark.parametrize(("value", "given"), [(None, "None"), (3, "int")])
def test_a_normalized_weight_takes_tensors_alone(value, given):
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=rf"norm_except_dim\(\): argument 'v' \(position 1\) must be Tensor.*{given}"):
        layer.weight = value
