"""A quick check that the package works: `pytest -m smoke` takes a second or two."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from tests.examples.closed_form import after

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def bars():
    """The lesson's 6x8 image, white with four black columns, and its edges."""
    X = torch.ones(6, 8)
    X[:, 2:6] = 0
    X = X.reshape(1, 1, 6, 8)
    return X, F.conv2d(X, torch.tensor([[[[1.0, -1.0]]]]))


def test_public_names_are_there_and_a_tensor_prints():
    for name in ("tensor", "zeros", "nn", "optim", "autograd", "func", "cuda", "save", "utils"):
        assert getattr(torch, name)
    assert repr(torch.arange(3).cpu()) == "tensor([0, 1, 2])"


def test_conv2d_has_the_lessons_numbers(bars):
    X = torch.arange(9.0).reshape(1, 1, 3, 3)
    K = torch.arange(4.0).reshape(1, 1, 2, 2)
    assert F.conv2d(X, K).tolist() == [[[[19, 25], [37, 43]]]]
    assert bars[1][0, 0, 0].tolist() == [0, 1, 0, 0, 0, -1, 0]
    assert not F.conv2d(bars[0].transpose(2, 3), torch.tensor([[[[1.0, -1.0]]]])).any()


def test_backward_and_a_second_derivative():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = (x**3).sum()
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    first.sum().backward()
    assert first.tolist() == [3, 12, 27] and x.grad.tolist() == [6, 12, 18]


def test_gradcheck_of_conv2d():
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 1, 2, 3, dtype=torch.float64, requires_grad=True)

    def function(x, w):
        return F.conv2d(x, w, stride=(1, 2), padding=1, groups=2)

    assert torch.autograd.gradcheck(function, (x, w), fast_mode=True)
    assert torch.autograd.gradgradcheck(function, (x, w), fast_mode=True)


def test_sgd_learns_the_edge_kernel(bars):
    """By hand and with the optimizer: both take the steps that are known on paper."""
    X, Y = bars
    first = [0.3, 0.2]
    layer = nn.Conv2d(1, 1, (1, 2), bias=False)
    with torch.no_grad():
        layer.weight[:] = torch.tensor(first)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.03)
    for _ in range(30):
        loss = F.mse_loss(layer(X), Y, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    got = layer.weight.detach().numpy().ravel()
    np.testing.assert_allclose(got, after(first, 0.03, 30), atol=1e-5)
    np.testing.assert_allclose(got, [1, -1], atol=0.1)
    assert loss.item() < 0.2


def test_an_image_without_channels_is_refused_with_advice():
    with pytest.raises(RuntimeError, match=r"\(C, H, W\) or \(N, C, H, W\).*\[6, 8\]"):
        nn.Conv2d(1, 1, (1, 2))(torch.ones(6, 8))
