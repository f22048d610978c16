"""`spectral_norm` by a hook: the largest singular value becomes 1; recorded values; removal."""

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn


def matrix(weight, dim):
    return np.moveaxis(weight, dim, 0).reshape(weight.shape[dim], -1)


@pytest.mark.parametrize(
    ("kind", "sizes", "dim"), [(nn.Linear, (4, 3), 0), (nn.Conv2d, (2, 3, 2), 0), (nn.ConvTranspose2d, (2, 3, 2), 1)]
)
def test_the_largest_singular_value_becomes_one(kind, sizes, dim):
    torch.manual_seed(0)
    layer = kind(*sizes)
    weight = layer.weight.detach().numpy().copy()
    assert nn.utils.spectral_norm(layer, n_power_iterations=100) is layer
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    layer(torch.ones(1, 4) if weight.ndim == 2 else torch.ones(1, 2, 2, 2))
    largest = np.linalg.svd(matrix(weight, dim))[1][0]
    np.testing.assert_allclose(layer.weight.detach().numpy(), weight / largest, rtol=1e-4)
    nn.utils.remove_spectral_norm(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), weight / largest, rtol=1e-4)
    assert list(layer.state_dict()) == ["bias", "weight"]


def test_values_are_pytorchs_for_the_same_seed():
    # torch 2.13: torch.manual_seed(1); s = nn.utils.spectral_norm(nn.Conv2d(2, 3, 2)); s(torch.ones(1, 2, 2, 2))
    torch.manual_seed(1)
    layer = nn.utils.spectral_norm(nn.Conv2d(2, 3, 2))
    np.testing.assert_allclose(layer.weight_u.tolist(), [0.4475816190, 0.8669062257, 0.2194181532], rtol=1e-6)
    out = layer(torch.ones(1, 2, 2, 2)).flatten().tolist()
    np.testing.assert_allclose(out, [0.1554380208, 0.1517374814, -0.0046260506], rtol=1e-5)
    np.testing.assert_allclose(layer.weight_u.tolist(), [0.6117923260, 0.2525248826, 0.7496274114], rtol=1e-5)


def test_in_evaluation_the_vectors_stay_and_the_original_gets_the_gradient():
    layer = nn.utils.spectral_norm(nn.Linear(4, 3, dtype=torch.float64)).eval()
    u, v = layer.weight_u.clone(), layer.weight_v.clone()
    x, w = torch.randn(2, 4, dtype=torch.float64), layer.weight_orig
    layer(x).pow(2).sum().backward()
    assert torch.equal(layer.weight_u, u)
    by_hand = ((x @ (w / (u @ w @ v)).T + layer.bias) ** 2).sum()
    np.testing.assert_allclose(w.grad.numpy(), torch.autograd.grad(by_hand, w)[0].numpy())


def test_two_forwards_before_a_backward_are_allowed():
    layer = nn.utils.spectral_norm(nn.Linear(4, 3))
    (layer(torch.ones(1, 4)) + layer(torch.ones(1, 4))).sum().backward()
    assert layer.weight_orig.grad.isfinite().all()


def test_wrong_arguments_raise():
    layer = nn.utils.spectral_norm(nn.Linear(1, 1))
    with pytest.raises(RuntimeError, match="Cannot register two spectral_norm hooks on the same parameter weight"):
        nn.utils.spectral_norm(layer)
    with pytest.raises(ValueError, match="spectral_norm of 'bias' not found in Linear"):
        nn.utils.remove_spectral_norm(layer, "bias")
    with pytest.raises(ValueError, match="Expected n_power_iterations to be positive"):
        nn.utils.spectral_norm(nn.Linear(1, 1), n_power_iterations=0)


def test_eps_bounds_the_norms_that_vectors_are_divided_by():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1e-6, 2e-6], [3e-6, -1e-6]]))
    torch.manual_seed(0)
    nn.utils.spectral_norm(layer, eps=1.0)
    layer(torch.ones(1, 2))
    np.testing.assert_allclose(layer.weight_u.tolist(), [4.725e-12, -8.882e-13], rtol=1e-3)  # as PyTorch 2.13
